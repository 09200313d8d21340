"""``python -m fetchlab.testbed``: how the launcher starts the server; use :func:`serve` instead."""

from fetchlab.testbed.server import main

main()
