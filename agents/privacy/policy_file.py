"""Read privacy policies: YAML; everything wrong with a file is told at once, by line and field."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from agents.privacy.own import Own
from agents.privacy.policy import ACTIONS, CLASSES, DEFAULT_ACTIONS, PASS, SECRET, Action, EndpointRule, PrivacyPolicy
from enrichers.reserved import Network
from models.errors import ConfigError

MAX_BYTES: Final = 1 << 20
MAX_TEXT: Final = 253
MAX_ITEMS: Final = 1000
KEYS: Final = ("name", "version", "own", "fields", "paths", "endpoints", "residency")
OWN_KEYS: Final = ("domains", "networks", "windows_domains")
ENDPOINT_KEYS: Final = ("name", "region", "fields", "paths")
_PATH: Final = re.compile(r"[a-z_][a-z0-9_]*(?:\.[A-Za-z0-9_@-]+)*")
_DOMAIN: Final = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){0,20}")
_WINDOWS_DOMAIN: Final = re.compile(r"[\w-]{1,15}")
_Node = yaml.nodes.Node
T = TypeVar("T")


@dataclass(slots=True)
class _Reading:
    """One file that is read, and what is wrong with it so far."""

    path: str
    problems: list[str] = field(default_factory=list)

    def wrong(self, node: _Node, name: str, message: str) -> None:
        self.problems.append(f"{self.path}:{node.start_mark.line + 1}: {name}: {message}")

    def members(self, node: _Node, name: str, known: tuple[str, ...] = ()) -> Iterator[tuple[str, _Node]]:
        """Yield the members of a map; with `known`, only those, and whatever else there is, is wrong."""
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, name, "must be a map")
            return
        seen: set[str] = set()
        for key, value in node.value[:MAX_ITEMS]:
            text = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            place = f"{name}.{text}" if name != "policy" else text
            if text in seen:
                self.wrong(key, place, "is given twice")
            elif known and text not in known:
                self.wrong(key, place, f"unknown; known are {', '.join(known)}")
            else:
                yield text, value
            seen.add(text)

    def items(self, node: _Node, name: str) -> Iterator[_Node]:
        if not isinstance(node, yaml.SequenceNode):
            self.wrong(node, name, "must be a list")
            return
        if len(node.value) > MAX_ITEMS:
            self.wrong(node, name, f"has more than {MAX_ITEMS} items")
        yield from node.value[:MAX_ITEMS]

    def text(self, node: _Node, name: str) -> str:
        """Return a text or number as a text, empty (and wrong) when it is none."""
        if not isinstance(node, yaml.ScalarNode) or not 0 < len(node.value) <= MAX_TEXT or not node.value.isprintable():
            self.wrong(node, name, f"must be a text of 1 to {MAX_TEXT} characters")
            return ""
        return str(node.value)

    def texts(self, node: _Node, name: str, read: Callable[[str], T]) -> tuple[T, ...]:
        found = []
        for item in self.items(node, name):
            if text := self.text(item, name):
                try:
                    found.append(read(text))
                except ValueError as error:
                    self.wrong(item, name, str(error))
        return tuple(found)

    def actions(self, node: _Node, name: str, known: tuple[str, ...] = ()) -> dict[str, Action]:
        found: dict[str, Action] = {}
        for member, value in self.members(node, name, known):
            text = self.text(value, f"{name}.{member}")
            action = next((one for one in ACTIONS if one == text), None)
            if not known and not _PATH.fullmatch(member):
                self.wrong(value, f"{name}.{member}", "is no path of an OCSF attribute, such as device.hostname")
            elif action is None:
                self.wrong(value, f"{name}.{member}", f"must be one of {', '.join(ACTIONS)}, not {text!r}")
            elif member == SECRET and action == PASS:
                self.wrong(value, f"{name}.{member}", "secrets never pass: mask or drop")
            else:
                found[member] = action
        return found


def load_policy(path: Path) -> PrivacyPolicy:
    """Load a policy; raise ConfigError with all that is wrong with it."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: has more than {MAX_BYTES} bytes")
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8") from error
    return read_policy(text, str(path))


def default_policy() -> PrivacyPolicy:
    """Return the policy that holds where nobody wrote one: `default.yml` beside this module."""
    place = files("agents.privacy").joinpath("default.yml")
    return read_policy(place.read_text("utf-8"), "default.yml")


def read_policy(text: str, path: str) -> PrivacyPolicy:
    """Read a policy; raise ConfigError with all that is wrong with it, each as `path:line: field: message`."""
    reading = _Reading(path)
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: not a privacy policy: {error}") from error
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(f"{path}: not a privacy policy: must be a map with {', '.join(KEYS)}")
    policy = _policy(reading, node)
    if reading.problems:
        raise ConfigError("\n".join(reading.problems))
    return policy


def _policy(reading: _Reading, node: _Node) -> PrivacyPolicy:
    parts = dict(reading.members(node, "policy", KEYS))
    named = {name: reading.text(parts[name], name) for name in ("name", "version") if name in parts}
    for name in ("name", "version"):
        if name not in parts:
            reading.wrong(node, name, "must be given")
    return PrivacyPolicy(
        name=named.get("name", ""),
        version=named.get("version", ""),
        own=_own(reading, parts["own"]) if "own" in parts else Own(),
        actions={**DEFAULT_ACTIONS, **_given(reading, parts, "fields", CLASSES)},
        paths=_given(reading, parts, "paths"),
        endpoints=_endpoints(reading, parts["endpoints"]) if "endpoints" in parts else (),
        residency=_residency(reading, parts["residency"]) if "residency" in parts else {},
    )


def _given(reading: _Reading, parts: Mapping[str, _Node], name: str, known: tuple[str, ...] = ()) -> dict[str, Action]:
    return reading.actions(parts[name], name, known) if name in parts else {}


def _own(reading: _Reading, node: _Node) -> Own:
    found: dict[str, Any] = {}
    for name, value in reading.members(node, "own", OWN_KEYS):
        found[name] = reading.texts(value, f"own.{name}", _OWN[name])
    return Own(**found)


def _endpoints(reading: _Reading, node: _Node) -> tuple[EndpointRule, ...]:
    return tuple(_endpoint(reading, item) for item in reading.items(node, "endpoints"))


def _endpoint(reading: _Reading, node: _Node) -> EndpointRule:
    parts = dict(reading.members(node, "endpoints", ENDPOINT_KEYS))
    named = {key: reading.text(parts[key], f"endpoints.{key}") for key in ("name", "region") if key in parts}
    if not named:
        reading.wrong(node, "endpoints", "must give the name or the region of the endpoints that it is about")
    return EndpointRule(
        name=named.get("name", ""),
        region=named.get("region", ""),
        actions=_given(reading, parts, "fields", CLASSES),
        paths=_given(reading, parts, "paths"),
    )


def _residency(reading: _Reading, node: _Node) -> dict[str, tuple[str, ...]]:
    return {
        region: reading.texts(value, f"residency.{region}", str) for region, value in reading.members(node, "residency")
    }


def _domain(text: str) -> str:
    folded = text.lower().strip(".")
    if not _DOMAIN.fullmatch(folded):
        raise ValueError(f"{text!r} is no domain")
    return folded


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no address and no network") from error


def _windows_domain(text: str) -> str:
    if not _WINDOWS_DOMAIN.fullmatch(text):
        raise ValueError(f"{text!r} is no short name of a Windows domain")
    return text.lower()


_OWN: Final[Mapping[str, Callable[[str], Any]]] = {
    "domains": _domain,
    "networks": _network,
    "windows_domains": _windows_domain,
}
