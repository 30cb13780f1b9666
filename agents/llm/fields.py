"""Read the values of a file of models: each field says what is wrong with it, and shows no key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import httpx

from agents.llm.endpoints import LIMIT_FIELDS, MILLION, PROTOCOLS
from enrichers.secrets import PLACES, secret_place
from enrichers.yaml_nodes import one_of

MAX_TEXT: Final = 500
MAX_NUMBER: Final = 10**9
SECRET_HEADERS: Final = frozenset({"authorization", "proxy-authorization", "api-key", "x-api-key", "cookie"})
OURS: Final = frozenset(
    {"model", "messages", "system", "tools", "tool_choice", "stream", "stream_options", "response_format", "n"}
    | set(LIMIT_FIELDS)
)  # fields of a request that no option may set
_HEADER_CHARS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
Read = Callable[[Any], Any]


def text(value: Any) -> str:
    """Return a text; raise ValueError when it is none, or nobody can see it."""
    if not isinstance(value, str) or not value or len(value) > MAX_TEXT or not value.isprintable():
        raise ValueError(f"must be a text of at most {MAX_TEXT} printable characters")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("must be true or false")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_NUMBER:
        raise ValueError("must be a whole number above 0")
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_NUMBER:
        raise ValueError("must be a number of seconds above 0")
    return float(value)


def _millis(value: Any) -> int:
    return max(1, int(_seconds(value) * 1000))


def _micros(value: Any) -> int:
    """Read US dollars into millionths."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal(-1)
    if isinstance(value, bool) or not amount.is_finite() or not 0 <= amount <= MAX_NUMBER:
        raise ValueError("must be a number of US dollars, 0 or more")
    return int(amount * MILLION)


def _url(value: Any) -> str:
    given = text(value)
    try:
        url = httpx.URL(given)
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError("is no URL") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError("must begin with https:// and name a host")
    if url.userinfo or url.query or url.fragment:
        raise ValueError("must have no user, password, query or fragment")
    return given.rstrip("/")


def _headers(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError("must be a map of names and texts")
    for name, given in value.items():
        if not isinstance(name, str) or not name or not _HEADER_CHARS.issuperset(name.lower()):
            raise ValueError(f"{name!r:.80} is no name of a header")
        if not text(given).isascii():
            raise ValueError(f"{name} has characters that no header takes")
        if name.lower() in SECRET_HEADERS and not given.startswith(PLACES):
            raise ValueError(f"{name} is a secret: say where it is, env:NAME or file:PATH")
    return value


def _options(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise TypeError("must be a map of fields of the request")
    for name in sorted(OURS & set(value)):
        raise ValueError(f"{name} is not for an option to set")
    return value


ENDPOINT: Final[Mapping[str, Read]] = {
    "protocol": one_of(*PROTOCOLS),
    "url": _url,
    "model": text,
    "key": secret_place,
    "region": text,
    "api_version": text,
    "timeout_seconds": _seconds,
    "deadline_seconds": _seconds,
    "tries": _whole,
    "max_output_tokens": _whole,
    "context_tokens": _whole,
    "stream": _flag,
    "schema_with_tools": _flag,
    "limit_field": one_of(*LIMIT_FIELDS),
    "plain_http": _flag,
    "prices": lambda value: value,
    "proxy": _url,
    "ca": text,
    "client_certificate": text,
    "client_key": text,
    "headers": _headers,
    "options": _options,
}
PRICES: Final[Mapping[str, Read]] = {"input": _micros, "output": _micros, "cached": _micros}
LIMITS: Final[Mapping[str, Read]] = {
    "requests": _whole,
    "tokens": _whole,
    "tool_calls": _whole,
    "seconds": _millis,
    "usd": _micros,
}
RENAMED: Final = {
    "timeout_seconds": "timeout_s",
    "deadline_seconds": "deadline_s",
    "seconds": "ms",
    "usd": "micros",
}
