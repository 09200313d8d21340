"""One request on the wire: a transport sends it and returns a response or raises; it decides nothing."""
