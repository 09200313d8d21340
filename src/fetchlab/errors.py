"""The one tree of errors.

    FetchlabError
    ├── ConfigError            a knob has a value that cannot work; the message names the knob
    ├── ItemError              one item failed; carries .item .key .attempts
    │   ├── TransportError     no usable response came back
    │   │   ├── ConnectFailed      refused, unresolvable, TLS
    │   │   ├── TimedOut           connect, read or total
    │   │   ├── BodyTooLarge       more than ``max_bytes`` after decoding
    │   │   ├── BodyTruncated      the connection ended before the body did
    │   │   ├── TooManyRedirects
    │   │   └── Disallowed         the host's robots.txt forbids it
    │   ├── StatusError        a status that ``accept`` does not list; carries .status
    │   ├── RateLimited        the host kept refusing for longer than ``patience``
    │   ├── ParseError         the body is not what ``parse`` asked for
    │   ├── DigestMismatch     a downloaded file is whole, but not the one that was promised
    │   ├── WriteFailed        a file cannot be written or moved: disk full, no permission
    │   ├── TaskError          the task raised; the original is ``__cause__``
    │   └── Cancelled          the run was cancelled before the item ended
    ├── Retriable              raise it in a task or parser to have the item tried again
    │   ├── BrowserCrashed     the browser or the page died under the item, or did not start
    │   └── PageError          a page did not do in time what its task waited for, or did not load
    ├── StoreError
    │   ├── CacheError
    │   │   └── CacheMiss      offline, and the cache does not hold the key
    │   └── JournalError
    ├── ClusterError           the machines that a run's attempts are made on are lost to it
    ├── StudyError             a study's service answered something that cannot be right
    │   ├── UnknownUser        there is no account of that name
    │   ├── ProtectedUser      only those whom its owner lets in see its posts
    │   ├── SuspendedUser      the service has closed the account
    │   ├── LoginWall          the service asks for a login
    │   ├── EmptyTimeline      the account has posted nothing, or the page shows nothing; carries .saved
    │   └── MarkupChanged      the page is not built as it was; carries .saved
    ├── NotShareable           a notebook holds what must not be sent; carries .findings
    ├── ResultsDiffer          arms of a comparison did not return the same
    └── TestbedError

An item's failure is a value in the run (``run.errors()``, ``Result.error``); it is raised only by
``run.raise_for_errors()``. Knobs are checked at the call, which raises :class:`ConfigError`.
"""

from __future__ import annotations

import math
from typing import Any

from fetchlab.redaction import redact_text

__all__ = [
    "BodyTooLarge",
    "BodyTruncated",
    "BrowserCrashed",
    "CacheError",
    "CacheMiss",
    "Cancelled",
    "ClusterError",
    "ConfigError",
    "ConnectFailed",
    "DigestMismatch",
    "Disallowed",
    "EmptyTimeline",
    "FetchlabError",
    "ItemError",
    "JournalError",
    "LoginWall",
    "MarkupChanged",
    "NotShareable",
    "PageError",
    "ParseError",
    "ProtectedUser",
    "RateLimited",
    "ResultsDiffer",
    "Retriable",
    "StatusError",
    "StoreError",
    "StudyError",
    "SuspendedUser",
    "TaskError",
    "TestbedError",
    "TimedOut",
    "TooManyRedirects",
    "TransportError",
    "UnknownUser",
    "WriteFailed",
]


class FetchlabError(Exception):
    """Root of every error this package raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Cross to another process whole, whatever arguments the class's ``__init__`` wants."""
        return _remake, (type(self), self.args, self.__dict__)


def _remake(cls: type[FetchlabError], args: tuple[Any, ...], state: dict[str, Any]) -> FetchlabError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


def copied(error: Exception) -> Exception:
    """Return an error that says the same, to be placed at another item; one that is not ours is shared."""
    if not isinstance(error, FetchlabError):
        return error
    twin = _remake(type(error), error.args, error.__dict__)
    twin.__cause__ = error.__cause__
    if "__notes__" in twin.__dict__:
        twin.__notes__ = list(twin.__notes__)
    return twin


def remade(kind: str, message: str, status: int | None) -> Exception:
    """Return an item's error as it was recorded: its class by name, its message, its HTTP status."""
    cls = globals().get(kind)
    if not (isinstance(cls, type) and issubclass(cls, FetchlabError)):
        return TaskError(f"{kind}: {message}")
    error = _remake(cls, (message,), {})
    if isinstance(error, StatusError):
        error.status, error.headers = status or 0, None
    if isinstance(error, ParseError):
        error.retriable = False
    return error


class ConfigError(FetchlabError):
    """A knob has a value that cannot work.

    Args:
        knob: the knob's name as the user typed it.
        problem: what is wrong with the value, and what to give instead.
    """

    def __init__(self, knob: str, problem: str) -> None:
        super().__init__(f"{knob}: {redact_text(problem)}")  # or "api_key: give …" would lose its verb
        self.knob = knob


class ItemError(FetchlabError):
    """One item failed.

    Attributes:
        item: the item as it was given, None until the engine has placed the error.
        key: the item's key, secrets redacted.
        attempts: how many attempts were made.
    """

    item: Any = None
    key: str = ""
    attempts: int = 0


class TransportError(ItemError):
    """No usable response came back."""


class ConnectFailed(TransportError):
    """The connection could not be made: refused, unresolvable, or TLS."""


class TimedOut(TransportError):
    """A timeout passed; the message says which of connect, read or total, and its seconds."""


class BodyTooLarge(TransportError):
    """The decoded body is larger than ``max_bytes``."""


class BodyTruncated(TransportError):
    """The connection ended before the body did."""


class TooManyRedirects(TransportError):
    """The redirect limit was reached."""


class Disallowed(TransportError):
    """The host's robots.txt forbids it, or could not be had, which forbids everything for a while."""


class StatusError(ItemError):
    """The response has a status that ``accept`` does not list.

    Attributes:
        status: the HTTP status code.
        headers: the response's headers, for hints such as ``Retry-After``.
    """

    def __init__(self, message: str, status: int, headers: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class RateLimited(ItemError):
    """The host kept refusing for longer than anybody should wait."""


class ParseError(ItemError):
    """The body is not what ``parse`` asked for.

    Attributes:
        retriable: True when content type or length contradict ``parse``, so that another attempt may
            bring the real body (an HTML error page with status 200, say).
    """

    def __init__(self, message: str, *, retriable: bool = False) -> None:
        super().__init__(message)
        self.retriable = retriable


class DigestMismatch(ItemError):
    """A downloaded file is whole, but its digest is not the one that was promised; it was removed."""


class WriteFailed(ItemError):
    """A file cannot be written or moved: disk full, no permission, something else in its place."""


class TaskError(ItemError):
    """The task raised; the original exception is ``__cause__``."""


class Cancelled(ItemError):
    """The run was cancelled before the item ended."""


class Retriable(FetchlabError):
    """Raise it in a task or a parser to have the item tried again, as ``retry`` allows.

    Attributes:
        after: seconds to wait before the next attempt, None for the usual backoff.
    """

    def __init__(self, *args: object, after: float | None = None) -> None:
        super().__init__(*args)
        if after is not None and not (isinstance(after, int | float) and math.isfinite(after)):
            raise ConfigError("after", f"Retriable(after=…) is seconds, not {after!r}")
        self.after = after


class BrowserCrashed(Retriable):
    """The browser or the page died under the item, or the browser did not start."""


class PageError(Retriable):
    """A page did not do in time what its task waited for, or did not load; the message is Playwright's."""


class StoreError(FetchlabError):
    """A file on disk that holds a cache or a journal cannot be used.

    Attributes:
        damaged: True if the file is not what it should be, so that trying again cannot help.
        reason: ``damaged``, ``foreign``, ``locked``, ``full``, ``io``, ``readonly``, ``replaced``,
            ``version``, ``empty`` for a file that holds nothing yet, or empty for anything else.
    """

    damaged = False
    reason = ""


class CacheError(StoreError):
    """The cache cannot be used."""


class CacheMiss(CacheError):
    """The cache is offline and does not hold the key."""


class JournalError(StoreError):
    """The journal cannot be used."""


class ClusterError(FetchlabError):
    """The machines that a run's attempts are made on are lost to it; what is done is kept."""


class StudyError(FetchlabError):
    """A study's service answered something that cannot be right."""


class UnknownUser(StudyError):
    """There is no account of that name."""


class ProtectedUser(StudyError):
    """Only those whom the account's owner lets in see its posts."""


class SuspendedUser(StudyError):
    """The service has closed the account."""


class LoginWall(StudyError):
    """The service asks for a login before it shows more.

    Attributes:
        saved: paths of a screenshot and of the page's HTML, where a browser saw it.
    """

    def __init__(self, message: str, saved: Any = ()) -> None:
        super().__init__(message)
        self.saved = tuple(saved)


class EmptyTimeline(StudyError):
    """The account has posted nothing, or its page shows nothing.

    Attributes:
        saved: paths of a screenshot and of the page's HTML, where a browser saw it.
    """

    def __init__(self, message: str, saved: Any = ()) -> None:
        super().__init__(message)
        self.saved = tuple(saved)


class MarkupChanged(StudyError):
    """The page is not built as it was, so that nothing read from it can be trusted.

    Attributes:
        saved: paths of a screenshot and of the page's HTML.
    """

    def __init__(self, message: str, saved: Any = ()) -> None:
        super().__init__(message)
        self.saved = tuple(saved)


class NotShareable(FetchlabError):
    """An executed notebook holds secrets, errors, or paths and names of its author's machine.

    Attributes:
        findings: each of them, with its cell and an excerpt in which every secret is masked.
    """

    def __init__(self, message: str, findings: Any = ()) -> None:
        super().__init__(message)
        self.findings = list(findings)


class ResultsDiffer(FetchlabError):
    """Arms of a comparison did not return the same, so that their times say nothing about each other."""


class TestbedError(FetchlabError):
    """The testbed could not start, or a setting is unknown."""

    __test__ = False
