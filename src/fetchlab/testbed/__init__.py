"""The testbed: a local server that speaks the studies' wires, from a seed, with faults on demand.

>>> import fetchlab.testbed
>>> with fetchlab.testbed.serve(port=0, latency=0.05) as bed:  # doctest: +SKIP
...     bed.urls["catalogue"]
...     bed.configure("echo", rate=50, burst=10, retry_after=1)
...     bed.counters("echo")["requests"]

One process, one event loop, one listener per *wire* (a service's way of speaking). This package imports
nothing of fetchlab but its errors, and the launcher nothing but the standard library.

To serve until interrupted::

    with serve(latency=0.05) as bed:
        print(bed)
        bed.wait()

In a cell that is run again and again, :func:`shared` gives the same server each time.

The wire ``timeline`` is a site for browsers: open ``bed.urls["timeline"]`` in one. ``api`` and ``rss`` tell
the same posts, ``media`` serves their files.

:func:`media_tree` lays a library of films and episodes out on disk, whose titles the wire ``tmdb`` knows.

To add a wire: one module with a :class:`fetchlab.testbed.wire.Wire`, one line in
:data:`fetchlab.testbed.registry.WIRES`.
"""

from fetchlab.testbed.launcher import Testbed, serve
from fetchlab.testbed.media import media_tree
from fetchlab.testbed.profiles import PROFILES
from fetchlab.testbed.settings import Settings
from fetchlab.testbed.sharing import shared

__all__ = ["PROFILES", "Settings", "Testbed", "media_tree", "serve", "shared"]
