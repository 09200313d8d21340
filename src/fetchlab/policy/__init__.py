"""Decisions without I/O: what a key is, what is secret, what is tried again and when."""
