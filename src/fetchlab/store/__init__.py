"""Files that remember: the cache and the journal, both SQLite."""

import fetchlab.wire_memory  # noqa: F401  # before any module here loads the wire, for its headers
