"""The observables of an OCSF event, taken from the places where the schema has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from enrichers.intel.indicator import EMAIL, HASH, IP, JA3, URL
from enrichers.intel.urls import MAX_URL

MAX_OBSERVABLES: Final = 64
MAX_ITEMS: Final = 8  # of one list
HOST: Final = "host"  # a name or an address: whoever looks it up tells them apart
_OF_TYPE: Final = {1: HOST, 2: IP, 5: EMAIL, 6: URL, 8: HASH}  # OCSF observable types

Observable = tuple[str, str, str]  # dotted path, one of `indicator.KINDS` or HOST, and the value as the event has it
_Found = list[Any]
_Take = Callable[[_Found, Any, str, Any], None]
Step = tuple[str, _Take, str, Any]  # name of the member, what takes it, its path, and what that needs to know
_Shape = Mapping[str, Any]


def observables_of(event: Mapping[str, Any]) -> list[Observable]:
    """Return the observables of an event of any producer, MAX_OBSERVABLES at most; what is of no right type is left."""
    found: list[Observable] = []
    for name, take, path, more in _plan(tuple(event)):
        take(found, event[name], path, more)
    return found if len(found) <= MAX_OBSERVABLES else found[:MAX_OBSERVABLES]


@lru_cache(maxsize=4096)
def _plan(names: tuple[str, ...]) -> tuple[Step, ...]:
    """Return the steps for events with these attributes: those of one kind all have the same ones."""
    present = frozenset(names)
    return tuple(step for step in _EVENT if step[0] in present)


def _text(found: _Found, value: Any, path: str, kind: str) -> None:
    if type(value) is str and 0 < len(value) <= MAX_URL:
        found.append((path, kind, value))


def _object(found: _Found, value: Any, _: str, members: tuple[Step, ...]) -> None:
    if type(value) is dict:
        get = value.get
        for name, take, path, more in members:
            item = get(name)
            if item is not None:
                take(found, item, path, more)


def _each(found: _Found, value: Any, path: str, one: tuple[_Take, Any]) -> None:
    take, more = one
    for item in value[:MAX_ITEMS] if type(value) is list else ():
        take(found, item, path, more)


def _url(found: _Found, value: Any, path: str, _: None) -> None:
    """Take the whole URL where there is one, its host where there is not."""
    if type(value) is not dict:
        return
    whole, host = value.get("url_string"), value.get("hostname")
    if type(whole) is str and 0 < len(whole) <= MAX_URL and not whole.startswith("/"):
        found.append((f"{path}.url_string", URL, whole))
    else:
        _text(found, host, f"{path}.hostname", HOST)


def _named(found: _Found, value: Any, path: str, _: None) -> None:
    """Take what a source itself names as an observable."""
    type_id = value.get("type_id") if type(value) is dict else None
    kind = _OF_TYPE.get(type_id) if type(type_id) is int else None
    if kind:
        _text(found, value.get("value"), f"{path}.value", kind)


def steps(shape: _Shape, above: str = "") -> tuple[Step, ...]:
    """Compile a shape: paths are written once, not for each event."""
    return tuple((name, *_step(kind, f"{above}{name}")) for name, kind in shape.items())


def _step(kind: Any, path: str) -> tuple[_Take, str, Any]:
    if isinstance(kind, list):
        take, _, more = _step(kind[0], path)
        return _each, path, (take, more)
    if isinstance(kind, Mapping):
        return _object, path, steps(kind, f"{path}.")
    return (_text, path, kind) if isinstance(kind, str) else (kind, path, None)


PROXY: Final[_Shape] = {"ip": IP, "hostname": HOST}
_ENDPOINT: Final[_Shape] = {"ip": IP, "hostname": HOST, "proxy_endpoint": PROXY}
_FILE: Final[_Shape] = {"hashes": [{"value": HASH}], "url": _url}
_PROCESS: Final[_Shape] = {"file": _FILE}
_MAIL: Final[_Shape] = {
    **dict.fromkeys(("from", "sender", "smtp_from", "reply_to", "return_path"), EMAIL),
    **{name: [EMAIL] for name in ("to", "cc", "smtp_to")},
    "x_originating_ip": [IP],
    "urls": [_url],
    "files": [{"hashes": [{"value": HASH}]}],
}
_SHARED: Final[_Shape] = {
    **dict.fromkeys(("src_endpoint", "dst_endpoint", "device"), _ENDPOINT),
    "proxy_endpoint": PROXY,
    **dict.fromkeys(("file", "file_result"), _FILE),
    "process": _PROCESS,
    "actor": {"process": _PROCESS},
    "module": {"file": _FILE},
    "query": {"hostname": HOST},
    "answers": [{"rdata": HOST}],
    "url": _url,
    "http_request": {"url": _url, "x_forwarded_for": [IP]},
    "tls": {"ja3_hash": {"value": JA3}, "sni": HOST},
    "email": _MAIL,
}
OBSERVABLES: Final[_Shape] = {
    **_SHARED,
    "evidences": [_SHARED],
    "from": EMAIL,
    "to": [EMAIL],
    "observables": [_named],
}
_EVENT: Final = steps(OBSERVABLES)
