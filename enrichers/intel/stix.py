"""Indicators of STIX 2.1 bundles. Source: STIX 2.1, sections 4.7 and 8."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from enrichers.intel.indicator import (
    ALWAYS,
    NEVER,
    Indicator,
    Rejected,
    Revoked,
    Said,
    labels_of,
    list_of,
    percent,
    short,
)
from enrichers.intel.stix_pattern import read_pattern
from enrichers.intel.times import time_ms


def read_bundle(data: bytes, source: str, where: str, confidence: int) -> Iterator[Said]:
    """Yield what a bundle, an envelope of TAXII, or a single object says.

    Args:
        data: JSON.
        source: Name of the list.
        where: Where it stands, for what is rejected.
        confidence: Of indicators that do not tell theirs.
    """
    try:
        told = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        yield Rejected(source, f"{where}:{error.lineno}", "", f"not JSON: {error.msg}", ends=True)
        return
    objects = told.get("objects", [told]) if isinstance(told, dict) else None
    if not isinstance(objects, list):
        yield Rejected(source, where, "", "neither a STIX bundle nor an object", ends=True)
        return
    for item in objects:
        yield from read_object(item, source, where, confidence)


def read_object(item: Any, source: str, where: str, confidence: int) -> Iterator[Said]:
    """Yield what one STIX object says: nothing, when it is no indicator."""
    if not isinstance(item, dict):
        yield Rejected(source, where, "", "an object that is none")
    elif item.get("type") == "indicator":
        yield from _indicators(item, source, where, confidence)


def _indicators(item: Mapping[str, Any], source: str, where: str, confidence: int) -> Iterator[Said]:
    name = item.get("id")
    uid = short(name) if isinstance(name, str) else ""
    modified = time_ms(item.get("modified")) or time_ms(item.get("created")) or 0
    if item.get("revoked") is True:
        yield Revoked(source, uid, modified) if uid else Rejected(source, where, "", "revoked, without an id")
        return
    pattern = item.get("pattern")
    if item.get("pattern_type", "stix") != "stix" or not isinstance(pattern, str):
        yield Rejected(source, where, uid, f"its pattern is of type {short(str(item.get('pattern_type')))}, not STIX")
        return
    reading = read_pattern(pattern)
    reasons = reading.reasons or (() if reading.values else ("its pattern names no observable",))
    yield from (Rejected(source, where, uid, reason) for reason in reasons)
    if not reading.values and uid:
        yield Revoked(source, uid, modified)  # what an earlier version said no longer holds either
    yield from _made(item, reading.values, Indicator("", "", source, id=uid, modified=modified), confidence)


def _made(
    item: Mapping[str, Any], values: tuple[tuple[str, str], ...], known: Indicator, confidence: int
) -> Iterator[Indicator]:
    valid_from, valid_until = time_ms(item.get("valid_from")), time_ms(item.get("valid_until"))
    labels = labels_of([*list_of(item.get("indicator_types")), *list_of(item.get("labels")), *_phases(item)])
    name = item.get("name")
    for kind, value in values:
        yield Indicator(
            kind=kind,
            value=value,
            source=known.source,
            valid_from=ALWAYS if valid_from is None else valid_from,
            valid_until=NEVER if valid_until is None else valid_until,
            confidence=percent(item.get("confidence"), confidence),
            id=known.id,
            name=short(name) if isinstance(name, str) else "",
            labels=labels,
            modified=known.modified,
        )


def _phases(item: Mapping[str, Any]) -> list[str]:
    phases = (phase.get("phase_name") for phase in list_of(item.get("kill_chain_phases")) if isinstance(phase, dict))
    return [phase for phase in phases if isinstance(phase, str)]
