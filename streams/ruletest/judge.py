"""Hold what stands in the end of a test against what was expected of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from models.finding import Sequence
from streams.ruletest.given import Expected


def judge(standing: Collection[Sequence], expected: Expected) -> str:
    """Tell what of the sequences of a correlation is not as expected; empty when all is."""
    return _number(standing, expected) or _groups(standing, expected) or _alert(standing, expected)


def _number(standing: Collection[Sequence], expected: Expected) -> str:
    if expected.sequences is not None and len(standing) != expected.sequences:
        found = f": {_listed(sequence.group for sequence in standing)}" if standing else ""
        return f"{len(standing)} sequences stand, {expected.sequences} expected{found}"
    if expected.fires in {None, bool(standing)}:
        return ""
    return f"fires for {_listed(sequence.group for sequence in standing)}" if standing else "does not fire"


def _groups(standing: Iterable[Sequence], expected: Expected) -> str:
    if expected.groups is None:
        return ""
    found, wanted = {sequence.group for sequence in standing}, set(expected.groups)
    missing = f"does not fire for {_listed(wanted - found)}" if wanted - found else ""
    further = f"fires for {_listed(found - wanted)}" if found - wanted else ""
    return ", ".join(filter(None, (missing, further)))


def _alert(standing: Iterable[Sequence], expected: Expected) -> str:
    if expected.alert in {None, any(sequence.is_alert for sequence in standing)}:
        return ""
    reasons = "; ".join(reason for sequence in standing for reason in sequence.reasons)
    return f"{'escalated' if not expected.alert else 'not escalated'}: {reasons or 'no sequence stands'}"


def _listed(groups: Iterable[str]) -> str:
    return ", ".join(sorted(groups))
