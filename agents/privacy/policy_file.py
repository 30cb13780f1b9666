"""Read privacy policies: YAML; everything wrong with a file is told at once, by line and field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeVar

from agents.privacy.own import Own
from agents.privacy.policy import ACTIONS, CLASSES, DEFAULT_ACTIONS, PASS, SECRET, Action, EndpointRule, PrivacyPolicy
from enrichers.reserved import read_network
from enrichers.yaml_files import load_yaml, read_yaml
from enrichers.yaml_nodes import Value

MAX_TEXT: Final = 253
MAX_ITEMS: Final = 1000
NEEDED: Final = ("name", "version")
KEYS: Final = (*NEEDED, "own", "fields", "paths", "endpoints", "residency")
ENDPOINT_KEYS: Final = ("name", "region", "fields", "paths")
_PATH: Final = re.compile(r"[a-z_][a-z0-9_]*(?:\.[A-Za-z0-9_@-]+)*")
_DOMAIN: Final = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){0,20}")
_WINDOWS_DOMAIN: Final = re.compile(r"[\w-]{1,15}")
T = TypeVar("T")


def load_policy(path: Path) -> PrivacyPolicy:
    """Load a policy; raise ConfigError with all that is wrong with it."""
    return _policy(load_yaml(path))


def default_policy() -> PrivacyPolicy:
    """Return the policy that holds where nobody wrote one: `default.yml` beside this module."""
    place = files("agents.privacy").joinpath("default.yml")
    return read_policy(place.read_text("utf-8"), "default.yml")


def read_policy(text: str, path: str) -> PrivacyPolicy:
    """Read a policy; raise ConfigError with all that is wrong with it, each as `path:line: field: message`."""
    return _policy(read_yaml(text.encode(), path))


def _policy(root: Value) -> PrivacyPolicy:
    given = root.fields(KEYS, NEEDED)
    policy = PrivacyPolicy(
        name=_text(given, "name"),
        version=_text(given, "version"),
        own=_own(given["own"]) if "own" in given else Own(),
        actions={**DEFAULT_ACTIONS, **_fields(given)},
        paths=_paths(given),
        endpoints=tuple(map(_endpoint, given["endpoints"].items(MAX_ITEMS))) if "endpoints" in given else (),
        residency=_residency(given["residency"]) if "residency" in given else {},
    )
    root.problems.raise_any()
    return policy


def _text(given: Mapping[str, Value], name: str) -> str:
    return given[name].text(MAX_TEXT) if name in given else ""


def _texts(value: Value, read: Callable[[str], T]) -> tuple[T, ...]:
    return tuple(one for item in value.items(MAX_ITEMS) if (one := item.read(read, MAX_TEXT)) is not None)


def _fields(given: Mapping[str, Value]) -> dict[str, Action]:
    found = (
        {name: entry.one_of(*ACTIONS) for name, entry in given["fields"].fields(CLASSES).items()}
        if "fields" in given
        else {}
    )
    if found.get(SECRET) == PASS:
        given["fields"].about(SECRET, "secrets never pass: mask or drop")
    return found


def _paths(given: Mapping[str, Value]) -> dict[str, Action]:
    found = given["paths"].entries(MAX_ITEMS) if "paths" in given else {}
    for name, entry in found.items():
        if not _PATH.fullmatch(name):
            entry.wrong("is no path of an OCSF attribute, such as device.hostname")
    return {name: entry.one_of(*ACTIONS) for name, entry in found.items()}


def _own(value: Value) -> Own:
    found: dict[str, Any] = {name: _texts(entry, _OWN[name]) for name, entry in value.fields(tuple(_OWN)).items()}
    return Own(**found)


def _endpoint(value: Value) -> EndpointRule:
    given = value.fields(ENDPOINT_KEYS)
    if not given.keys() & {"name", "region"}:
        value.wrong("must give the name or the region of the endpoints that it is about")
    return EndpointRule(
        name=_text(given, "name"), region=_text(given, "region"), actions=_fields(given), paths=_paths(given)
    )


def _residency(value: Value) -> dict[str, tuple[str, ...]]:
    return {region: _texts(entry, str) for region, entry in value.entries(MAX_ITEMS).items()}


def _domain(text: str) -> str:
    folded = text.lower().strip(".")
    if not _DOMAIN.fullmatch(folded):
        raise ValueError(f"{text!r} is no domain")
    return folded


def _windows_domain(text: str) -> str:
    if not _WINDOWS_DOMAIN.fullmatch(text):
        raise ValueError(f"{text!r} is no short name of a Windows domain")
    return text.lower()


_OWN: Final[Mapping[str, Callable[[str], Any]]] = {
    "domains": _domain,
    "networks": read_network,
    "windows_domains": _windows_domain,
}
