"""Correlations of correlations: which looks at which, and that none looks at itself in the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from models.errors import RuleProblem
from models.finding import Analytic
from streams.correlate.compiling import BEHAVIORAL, Reference
from streams.correlate.spec import CorrelationSpec


class Compiled(NamedTuple):
    """One correlation of a rulebook.

    Attributes:
        spec: It, compiled.
        path: File it stands in.
        line: 1-based line where it starts.
        generates: Whether what it looks at is to be told of by itself as well (`generate`).
    """

    spec: CorrelationSpec
    path: str
    line: int
    generates: bool


def reference_to(document: Mapping[str, Any]) -> Mapping[str, Reference]:
    """Return what other correlations may call a correlation document, by id and by name; nothing without an id."""
    stated, title, name = document.get("id"), document.get("title"), document.get("name")
    try:
        uid = str(UUID(stated)) if isinstance(stated, str) else ""
    except ValueError:
        uid = ""
    if not uid:
        return {}
    found = Reference(Analytic(uid, title if isinstance(title, str) else "", BEHAVIORAL))
    return {uid: found, **({name: found} if isinstance(name, str) and name else {})}


def linked(compiled: Sequence[Compiled], known: Iterable[str]) -> tuple[list[CorrelationSpec], list[RuleProblem]]:
    """Link correlations to those that they look at.

    Args:
        compiled: All that could be compiled.
        known: Uids of the detections.

    Returns:
        The correlations that have all they look at, and what is wrong with the others.
    """
    looks_at = {one.spec.uid: one.spec.watched for one in compiled}
    circular = [one for one in compiled if one.spec.uid in _reached(looks_at, one.spec.uid)]
    problems = [_problem(one, "looks at itself, by way of the correlations that it refers to") for one in circular]
    left = [one for one in compiled if one not in circular]
    there = {*known, *(one.spec.uid for one in left)}
    while lacking := [one for one in left if not one.spec.watched <= there]:
        problems += [_problem(one, "refers to a correlation that has a mistake itself") for one in lacking]
        left = [one for one in left if one not in lacking]
        there -= {one.spec.uid for one in lacking}
    chained = {uid for one in left for uid in one.spec.watched}
    parts = {uid for one in left if not one.generates for uid in one.spec.members}
    specs = [replace(one.spec, is_chained=one.spec.uid in chained, is_part=one.spec.uid in parts) for one in left]
    return _with_lags(specs), problems


def _with_lags(specs: Sequence[CorrelationSpec]) -> list[CorrelationSpec]:
    """Tell each how late the sequences that it looks at may come; `linked` has seen to it that there is no circle."""
    done: dict[str, CorrelationSpec] = {}
    left = list(specs)
    while left:
        for spec in [one for one in left if not any(other.uid in one.watched for other in left)]:
            lag = max((done[uid].certain for uid in spec.watched if uid in done), default=0)
            done[spec.uid] = replace(spec, lag=lag)
        left = [spec for spec in left if spec.uid not in done]
    return [done[spec.uid] for spec in specs]


def _reached(looks_at: Mapping[str, frozenset[str]], start: str) -> set[str]:
    """Return all that a correlation looks at, directly or by way of others."""
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        for uid in looks_at.get(waiting.pop(), ()):
            if uid not in reached:
                reached.add(uid)
                waiting.append(uid)
    return reached


def _problem(one: Compiled, message: str) -> RuleProblem:
    return RuleProblem(one.path, one.line, one.spec.analytic.name, message)
