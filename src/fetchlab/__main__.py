"""``python -m fetchlab`` is the command line."""

from fetchlab.cli import main

main()
