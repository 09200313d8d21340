"""From a response to a value, as the ``parse`` knob says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, get_origin, overload

import msgspec

from fetchlab.engine.tasks import is_generator, is_plain
from fetchlab.errors import ConfigError, FetchlabError, ParseError
from fetchlab.redaction import redact_text

if TYPE_CHECKING:
    from fetchlab.model import Response

__all__ = ["decode", "parser"]

T = TypeVar("T")
_BODILESS = frozenset({204, 205, 304})
Parser = Callable[["Response"], Any]


def parser(parse: Any) -> Parser:
    """Return the function for a ``parse`` knob.

    Args:
        parse: ``"bytes"``, ``"text"``, ``"json"``, ``"response"``, a dataclass, msgspec or pydantic type,
            or a callable of the response.

    Raises:
        ConfigError: it is none of these.
    """
    if parse == "bytes":
        return lambda response: response.content
    if parse == "text":
        return lambda response: response.text
    if parse == "json":
        return decode
    if parse == "response":
        return lambda response: response
    if isinstance(parse, type) and get_origin(parse) is None:
        return _typed(parse)
    if get_origin(parse) is not None:  # list[Movie], dict[str, int]
        return lambda response: decode(response, parse)
    if callable(parse) and is_plain(parse) and not is_generator(parse):
        return _guarded(parse)
    raise ConfigError(
        "parse", f"give 'bytes', 'text', 'json', a type or a plain function of the response, not {parse!r}"
    )


@overload
def decode(response: Response) -> Any: ...
@overload
def decode(response: Response, into: type[T]) -> T: ...
def decode(response: Response, into: Any = Any) -> Any:
    """Return a response's JSON body as a value of a type (dataclass, msgspec Struct, any JSON value).

    Raises:
        ParseError: the body is not JSON, or a field has another type; the message names the field. It is
            retriable where the content type or the length says that this is not the real body.
    """
    try:
        return msgspec.json.decode(response.content, type=into)
    except msgspec.ValidationError as error:
        raise ParseError(redact_text(str(error)), retriable=_contradicts(response)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if into is Any:
            return _lenient(response, error)
        raise ParseError(_not_json(response, error), retriable=_contradicts(response)) from None


def _lenient(response: Response, error: Exception) -> Any:
    """Accept what Python's own JSON accepts and the strict decoder refuses: NaN, Infinity, a BOM."""
    try:
        return response.json()
    except (ParseError, RecursionError):
        raise ParseError(_not_json(response, error), retriable=_contradicts(response)) from None


def _typed(cls: type) -> Parser:
    validate = getattr(cls, "model_validate_json", None)  # pydantic, without importing it
    if callable(validate):

        def parse_model(response: Response) -> Any:
            try:
                return validate(response.content)
            except ValueError as error:
                raise ParseError(_first_problem(error), retriable=_contradicts(response)) from None

        return parse_model
    if dataclasses.is_dataclass(cls) or issubclass(cls, msgspec.Struct | dict | list | tuple):
        return lambda response: decode(response, cls)
    raise ConfigError(
        "parse", f"the type must be a dataclass, a msgspec Struct or a pydantic model, not {cls.__name__}"
    )


def _guarded(function: Parser) -> Parser:
    def parse_own(response: Response) -> Any:
        try:
            return function(response)
        except FetchlabError:
            raise
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            raise ParseError(redact_text(f"parse raised {type(error).__name__}: {error}")) from error

    return parse_own


def _contradicts(response: Response) -> bool:
    """Say whether the headers show that this is not the body that was asked for."""
    if response.status in _BODILESS:
        return False
    kind = (response.headers.get("content-type") or "").lower()
    promised = response.headers.get("content-length") or ""
    short = (
        promised.isdigit()
        and not response.headers.get("content-encoding")
        and int(promised) != len(response.content)
    )
    return "html" in kind or short or not response.content


def _not_json(response: Response, error: Exception) -> str:
    kind = response.headers.get("content-type") or "no content type"
    return f"the body is not JSON ({kind}, {len(response.content):,} bytes): {redact_text(str(error))}"


def _first_problem(error: ValueError) -> str:
    listed = getattr(error, "errors", None)
    if not callable(listed):
        return redact_text(str(error))
    problems = listed(include_url=False, include_input=False)
    first = problems[0]
    where = ".".join(str(part) for part in first["loc"])
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{where or 'the body'}: {first['msg']}{more}"
