"""What goes wrong with a server, in our own errors: what it is, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetchlab.errors import CacheError, ConfigError
from fetchlab.redaction import redact_text
from fetchlab.store.shared_address import PASSWORD

if TYPE_CHECKING:
    from types import ModuleType

    from fetchlab.store.shared_address import Address

__all__ = ["client_module", "told"]

_REFUSED = ("noauth", "wrongpass", "invalid username-password", "authenticat", "invalid password")


def client_module() -> ModuleType:
    """Return the client, which is imported when the first shared tier is opened.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import redis
    except ImportError:
        raise ConfigError(
            "cache", "a shared tier needs the Redis client: pip install 'fetchlab[redis]'"
        ) from None
    return redis


def told(error: Exception, address: Address) -> CacheError:
    """Return a client's or server's error as ours. It names the address, and never a password.

    Its ``reason`` is ``gone``, ``full``, ``readonly``, or empty for anything else.
    """
    if isinstance(error, CacheError):
        return error
    text = redact_text(str(error)).strip() or type(error).__name__
    lowered = text.lower()
    reason = ""
    if any(word in lowered for word in _REFUSED):
        what = (
            f"refuses us ({text}): put user and password into the URL (redis://user:password@host), or the "
            f"password into {PASSWORD}"
        )
    elif "noperm" in lowered or "no permissions" in lowered:
        what = f"does not let us do what a cache does ({text}): the user needs ~fetchlab:* +@all -@dangerous"
    elif "oom " in lowered or "maxmemory" in lowered:
        reason = "full"
        what = (
            f"is full ({text}): raise its maxmemory, or have it drop what was not used for longest"
            " (maxmemory-policy allkeys-lru)"
        )
    elif "readonly" in lowered or "read only replica" in lowered:
        reason = "readonly"
        what = f"is a replica, which nobody may write ({text}): give the primary's address"
    elif _is_clusters(error):
        what = "is a node of a cluster, whose keys lie on many: give a server of its own"
    elif _is_gone(error):
        reason = "gone"
        what = f"does not answer ({text}): start it there (redis-server or valkey-server), or leave it out"
    else:
        what = f"cannot be used ({text})"
    owned = CacheError(f"{address.shown}: the shared tier {what}")
    owned.reason = reason
    return owned


def _is_clusters(error: Any) -> bool:
    found = client_module().exceptions
    return isinstance(error, found.AskError | found.ClusterDownError | found.ClusterCrossSlotError)


def _is_gone(error: Any) -> bool:
    redis = client_module()
    return isinstance(error, redis.ConnectionError | redis.TimeoutError | OSError)
