"""Files that remember: the cache and the journal, both SQLite."""
