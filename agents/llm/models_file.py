"""Read the file of models: endpoints, tiers, budgets. Everything wrong with it is told at once, by line and field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from agents.llm import fields
from agents.llm.budget import UNLIMITED, Budgets, Limits
from agents.llm.endpoints import ANTHROPIC, DEADLINE_S, EndpointSettings, Prices
from enrichers.yaml_files import load_yaml
from enrichers.yaml_nodes import Value

LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})


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
    root = load_yaml(path)
    top = root.fields(("endpoints", "tiers", "budgets"))
    named = top["endpoints"].entries() if "endpoints" in top else {}
    if not named:
        root.problems.add(root.line, "endpoints", "at least one must be given")
    endpoints = {name: _endpoint(name, value) for name, value in named.items()}
    tiers = _tiers(root, top.get("tiers"), frozenset(named))
    budgets = _budgets(top["budgets"]) if "budgets" in top and not top["budgets"].is_empty else UNLIMITED
    if any(limits.micros is not None for limits in (budgets.sequence, budgets.hour, budgets.day)):
        _check_prices(named)
    root.problems.raise_any()
    return ModelsFile({name: one for name, one in endpoints.items() if one}, **tiers, budgets=budgets)


def _check_prices(named: Mapping[str, Value]) -> None:
    """Tell which endpoints would spend money that no budget sees."""
    for value in named.values():
        prices = value.entries().get("prices")
        if prices is None or not {"input", "output"} <= prices.entries().keys():
            value.about("prices", "budgets in usd need input and output, 0 where it is free")


def _endpoint(name: str, value: Value) -> EndpointSettings | None:
    before = len(value.problems.found)
    values = value.values(fields.ENDPOINT, ("protocol", "url", "model"))
    for key, message in _disagreements(values):
        value.about(key, message)
    values.pop("plain_http", None)
    priced = value.entries().get("prices")
    prices = priced.values(fields.PRICES) if priced and not priced.is_empty else {}
    if len(value.problems.found) > before:
        return None
    sent = prices.get("input", 0)
    values["prices"] = Prices(sent, prices.get("output", 0), prices.get("cached", sent))
    return EndpointSettings(name=name, **_renamed(values))


def _tiers(root: Value, value: Value | None, names: frozenset[str]) -> dict[str, str]:
    if value is None:
        root.about("tiers", "must name an endpoint as first")
        return {}
    found = value.values({"first": fields.text, "second": fields.text})
    if "first" not in found:
        value.about("first", "must name an endpoint")
    for key, name in found.items():
        if name not in names:
            value.about(key, f"no endpoint is named {name!r}")
    return found


def _budgets(value: Value) -> Budgets:
    read = value.fields(("sequence", "hour", "day"))
    return Budgets(**{key: Limits(**_renamed(one.values(fields.LIMITS))) for key, one in read.items()})


def _renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {fields.RENAMED.get(key, key): value for key, value in values.items()}


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
