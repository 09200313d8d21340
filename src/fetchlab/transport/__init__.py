"""One request on the wire: a transport sends it and returns a response or raises; it decides nothing."""

import fetchlab.wire_memory  # noqa: F401  # before any module here loads the wire
