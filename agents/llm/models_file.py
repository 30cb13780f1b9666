"""Read the file of models: endpoints, tiers, budgets. Everything wrong with it is told at once, by line and field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from agents.llm import fields
from agents.llm.budget import UNLIMITED, Budgets, Limits
from agents.llm.endpoints import ANTHROPIC, DEADLINE_S, EndpointSettings, Prices
from models.errors import ConfigError

MAX_FILE_BYTES: Final = 1024 * 1024
LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})
MAX_TOLD: Final = 100


@dataclass(frozen=True, slots=True)
class ModelsFile:
    """What models there are and what they may take.

    Attributes:
        endpoints: By name.
        first: Name of the endpoint that is asked first.
        second: Name of the one that is asked when the first is unsure or the risk is high, empty when there is none.
        budgets: What investigations may take.
    """

    endpoints: Mapping[str, EndpointSettings]
    first: str
    second: str = ""
    budgets: Budgets = UNLIMITED


def load_models(path: Path) -> ModelsFile:
    """Load a file; raise ConfigError with everything that is wrong with it, one `file:line: field: message` a line."""
    reading = _Reading(path)
    try:
        root = _root(path)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: not a file of models: {error}") from error
    made = reading.models(root)
    if made is None:
        told = [problem for _, problem in sorted(reading.problems, key=lambda one: one[0])]
        more = [f"and {len(told) - MAX_TOLD} problems more"] if len(told) > MAX_TOLD else []
        raise ConfigError("\n".join([*told[:MAX_TOLD], *more]))
    return made


@dataclass(frozen=True, slots=True)
class _Given:
    """A value of the file and where it stands; of a map, its fields likewise."""

    value: Any
    line: int
    fields: Mapping[str, _Given] | None = None


def _root(path: Path) -> _Given:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"has more than {MAX_FILE_BYTES} bytes")
    loader = yaml.CSafeLoader(path.read_text("utf-8"))
    try:
        node = loader.get_single_node()
        return _given(loader, node, {}) if node else _Given(None, 1)
    finally:
        loader.dispose()


def _given(loader: Any, node: yaml.Node, seen: dict[int, _Given]) -> _Given:
    """Take a node apart; one that aliases repeat is taken apart once, so that a small file stays small."""
    if id(node) not in seen:
        seen[id(node)] = _Given(None, node.start_mark.line + 1)  # what holds itself holds nothing
        seen[id(node)] = _taken_apart(loader, node, seen)
    return seen[id(node)]


def _taken_apart(loader: Any, node: yaml.Node, seen: dict[int, _Given]) -> _Given:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        return _Given(loader.construct_object(node, deep=True), line)
    fields: dict[str, _Given] = {}
    for key, value in node.value:
        name = str(key.value)
        if name in fields:
            raise ValueError(f"line {key.start_mark.line + 1}: {name} stands here a second time")
        fields[name] = _given(loader, value, seen)
    return _Given({name: one.value for name, one in fields.items()}, line, fields)


@dataclass(slots=True)
class _Reading:
    """What is wrong so far."""

    path: Path
    problems: list[tuple[int, str]] = field(default_factory=list)

    def wrong(self, line: int, name: str, message: object) -> None:
        self.problems.append((line, f"{self.path}:{line}: {name}: {message}"))

    def parts(self, given: _Given, name: str, known: tuple[str, ...] | None) -> Mapping[str, _Given]:
        """Return the fields of a map, those that are unknown told."""
        if given.fields is None:
            if given.value is not None:
                self.wrong(given.line, name, "must be a map")
            return {}
        for key, one in given.fields.items():
            if known is not None and key not in known:
                self.wrong(one.line, f"{name}.{key}", f"unknown; known are {', '.join(known)}")
        return given.fields

    def values(self, given: _Given, name: str, readers: Mapping[str, fields.Read]) -> dict[str, Any]:
        """Return the values of a map that are good, what is wrong with the others told."""
        found: dict[str, Any] = {}
        for key, one in self.parts(given, name, tuple(readers)).items():
            if key in readers:
                try:
                    found[key] = readers[key](one.value)
                except (TypeError, ValueError) as error:
                    self.wrong(one.line, f"{name}.{key}", error)
        return found

    def models(self, root: _Given) -> ModelsFile | None:
        top = self.parts(root, "file", ("endpoints", "tiers", "budgets"))
        named = self.parts(top.get("endpoints", root), "endpoints", None) if "endpoints" in top else {}
        if not named:
            self.wrong(root.line, "endpoints", "at least one must be given")
        endpoints = {name: self.endpoint(name, given) for name, given in named.items()}
        tiers = self.tiers(top.get("tiers", _Given(None, root.line)), frozenset(named))
        budgets = self.budgets(top.get("budgets", _Given(None, root.line)))
        if any(limits.micros is not None for limits in (budgets.sequence, budgets.hour, budgets.day)):
            self.priced(named)
        if self.problems:
            return None
        return ModelsFile({name: one for name, one in endpoints.items() if one}, **tiers, budgets=budgets)

    def priced(self, named: Mapping[str, _Given]) -> None:
        """Tell which endpoints would spend money that no budget sees."""
        for name, given in named.items():
            if given.fields is not None and not {"input", "output"} <= set(
                given.fields.get("prices", given).fields or ()
            ):
                self.wrong(
                    given.line, f"endpoints.{name}.prices", "budgets in usd need input and output, 0 where it is free"
                )

    def endpoint(self, name: str, given: _Given) -> EndpointSettings | None:
        where, before = f"endpoints.{name}", len(self.problems)
        values = self.values(given, where, fields.ENDPOINT)
        for needed in ("protocol", "url", "model"):
            if needed not in (given.fields or {}):
                self.wrong(given.line, f"{where}.{needed}", "must be given")
        for key, message in _disagreements(values):
            self.wrong(_line(given, key), f"{where}.{key}", message)
        values.pop("plain_http", None)
        priced = (given.fields or {}).get("prices", _Given(None, given.line))
        prices = self.values(priced, f"{where}.prices", fields.PRICES)
        if len(self.problems) > before:
            return None
        sent = prices.get("input", 0)
        values["prices"] = Prices(sent, prices.get("output", 0), prices.get("cached", sent))
        return EndpointSettings(name=name, **{fields.RENAMED.get(key, key): value for key, value in values.items()})

    def tiers(self, given: _Given, names: frozenset[str]) -> dict[str, str]:
        found = self.values(given, "tiers", {"first": fields.text, "second": fields.text})
        if "first" not in found:
            self.wrong(given.line, "tiers.first", "must name an endpoint")
        for key, name in found.items():
            if name not in names:
                self.wrong(_line(given, key), f"tiers.{key}", f"no endpoint is named {name!r}")
        return found

    def budgets(self, given: _Given) -> Budgets:
        parts = self.parts(given, "budgets", ("sequence", "hour", "day"))
        read = {key: self.values(one, f"budgets.{key}", fields.LIMITS) for key, one in parts.items()}
        made = {
            key: Limits(**{fields.RENAMED.get(name, name): value for name, value in values.items()})
            for key, values in read.items()
            if key in {"sequence", "hour", "day"}
        }
        return Budgets(**made)


def _line(given: _Given, key: str) -> int:
    return given.fields[key].line if given.fields and key in given.fields else given.line


def _disagreements(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the fields that do not go with the others, and why."""
    url = values.get("url")
    if url and httpx.URL(url).scheme == "http" and httpx.URL(url).host not in LOCAL and not values.get("plain_http"):
        yield "url", "must be https; say `plain_http: true` where the network between is trusted"
    if values.get("client_key") and not values.get("client_certificate"):
        yield "client_key", "goes with a client_certificate"
    if values.get("api_version") and values.get("protocol") == ANTHROPIC:
        yield "api_version", "means something to Azure only"
    if values.get("deadline_seconds", DEADLINE_S) < values.get("timeout_seconds", 0):
        yield "deadline_seconds", f"is less than timeout_seconds; it is {DEADLINE_S:g} where it is not given"
