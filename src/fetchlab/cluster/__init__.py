"""The same calls on a Dask cluster: the run stays here, attempts are made there.

Items go out in chunks of about a second of one machine's work, a Dask task each
(:mod:`~fetchlab.cluster.place`, by way of :mod:`~fetchlab.cluster.link`); on the machine a station makes the
attempts (:mod:`~fetchlab.cluster.node`, :mod:`~fetchlab.cluster.station`) and sends back one part. Keys,
order, cache, journal, retries and every host's rules stay with the run, which is why all of them hold
unchanged.
"""

from __future__ import annotations
