"""An anomaly as a signal: what was expected and seen, since when it was learned, and what it rests on, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from models.anomaly.base import HOUR_MS, Finding
from models.entity import EntityKey
from models.feature import MAX_TEXT
from models.finding import EventRef, Signal
from models.records import Coordinates
from models.uids import content_uid, signal_uid
from streams.features.catalog import CATALOG
from streams.profile.detectors import DETECTORS
from streams.profile.outputs import Observation, Proof
from streams.profile.together import Sign

SURE: Final = 12.0  # orders of magnitude of improbability at which confidence and risk are highest
MOST_NAMED: Final = 5  # other signs
MOST_RISK: Final = 30  # what improbability adds to a detector's risk
LEAST_CONFIDENCE, MOST_CONFIDENCE = 50, 95
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS: Final = 253_402_300_799_999


def uid_of(one: Observation) -> str:
    """Name an anomaly: the same thing of the same entity in the same hour is one, whatever it comes to by and by."""
    hour = str((one.end - 1) // HOUR_MS)
    what = content_uid("anomaly-of", one.entity, one.source, one.feature, one.about, hour)
    return signal_uid(DETECTORS[one.detector].analytic.uid, what)


def signal_of(one: Observation, proof: Proof, strength: float, signs: Sequence[Sign] = ()) -> Signal:
    """Make the signal of an anomaly.

    Args:
        one: What was observed.
        proof: What to say of it, and the event that shows it.
        strength: Minus the decimal logarithm of how often such a thing comes in a day of one entity.
        signs: What else there was, where it is strange only together with that.
    """
    detector, feature = DETECTORS[one.detector], CATALOG[one.feature]
    finding, tally, ref = proof
    sure = min(strength / SURE, 1.0)
    event = EventRef(
        tally.event, ref.class_uid, one.source, Coordinates(ref.topic, ref.partition, ref.offset), ref.sha256
    )
    return Signal(
        uid=uid_of(one),
        time=tally.time,
        analytic=detector.analytic,
        event=event,
        domain=feature.domain,
        confidence=round(LEAST_CONFIDENCE + (MOST_CONFIDENCE - LEAST_CONFIDENCE) * sure),
        risk=min(100, round(detector.risk + MOST_RISK * sure)),
        entities=(EntityKey.parse(one.entity),),
        fields={"feature": one.feature, **({"value": one.about} if one.about else {})},
        matched=tuple((name, text[: 2 * MAX_TEXT]) for name, text in _words(one, finding, strength, signs)),
    )


def _words(one: Observation, finding: Finding, strength: float, signs: Sequence[Sign]) -> Iterator[tuple[str, str]]:
    feature = CATALOG[one.feature]
    yield "feature", f"{feature.words} ({feature.unit})" if feature.unit else feature.words
    yield "expected", finding.expected
    yield "seen", finding.seen
    yield "learned since", f"{_date(finding.since)}, {finding.learned:,} observations"
    if finding.by_peers:
        yield "peers", "it is itself hardly known yet: its peers were asked"
    yield "because", ", ".join(f"{reason.name} {reason.share:.0%}" for reason in finding.because)
    others = [sign for sign in signs if sign.what != (one.detector, one.feature, one.about)][:MOST_NAMED]
    if others:
        yield "together with", "; ".join(map(_named, others))
    yield "how often", f"ordinarily once in {10**strength:,.0f} days of one entity"


def _named(sign: Sign) -> str:
    about = f" {sign.about}" if sign.about else ""
    return f"{CATALOG[sign.feature].words}{about} ({DETECTORS[sign.detector].title.lower()}: {10**sign.strength:,.0f})"


def _date(time: int) -> str:
    return f"{_EPOCH + timedelta(milliseconds=min(max(time, 0), _LAST_MS)):%Y-%m-%d}"
