"""Play one test of a rule and judge what came out: empty when it is as expected, else what is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from enrichers.chain import NO_ENRICHMENT, Chain
from models import ocsf
from models.entity import EntityKey, EntityLink
from models.event import Event
from models.finding import EventRef, Signal
from models.records import Coordinates, ParseError, RawRecord
from models.uids import content_uid, link_uid, signal_uid
from streams.clock import ClockOffsets
from streams.correlate.engine import Correlator
from streams.correlate.spec import CorrelationSpec
from streams.detect.engine import Detector
from streams.detect.metadata import DEFAULT_CONFIDENCE, RISK_OF_LEVEL, SEVERITY_OF_LEVEL
from streams.detect.rule import DetectionRule
from streams.ingest import Ingest
from streams.replay.timeline import END_OF_TIME, Timeline
from streams.ruletest.given import CorrelationTest, DetectionTest, GivenRecord, GivenSignal
from streams.ruletest.judge import judge
from streams.ruletest.subjects import Modelled, Rule
from streams.sources.base import Source
from streams.sources.registry import SOURCES

START_MS: Final = 1_700_000_000_000  # when every test begins; nothing depends on it
WHERE: Final = Coordinates("test", 0, 1)
_CLASS_OF_DOMAIN: Final = {"identity": 3002, "network": 4001, "workload": 1007}
_ELSE: Final = "workload"
_RISK_OF_SEVERITY: Final = {severity: RISK_OF_LEVEL[level] for level, severity in SEVERITY_OF_LEVEL.items()}
_Item = tuple[int, Signal | EntityLink]


def play_detection(test: DetectionTest, detector: Detector, enrichment: Chain = NO_ENRICHMENT) -> str:
    """Give a detection its one record; return what is not as expected.

    Args:
        test: Its test.
        detector: The detection, and no other.
        enrichment: Adds to the event what ingest would.
    """
    parsed = SOURCES[test.record.source].parse(_raw(test.record))
    if isinstance(parsed, ParseError):
        return f"the record does not parse: {parsed.reason}"
    enriched = enrichment.enrich(parsed)
    detection = detector.match(enriched.event)
    if detection.failures:
        return f"the rule failed: {detection.failures[0].error}"
    loud = [match for match in detection.matches if not enriched.silences(match.rule.analytic.uid)]
    if bool(loud) is test.fires:
        return ""
    if loud:
        return f"fires on {dict(loud[0].matched)}"
    if detection.matches:
        return "does not fire: an allow list silences it"
    return "does not fire" if detector.candidates(parsed) else f"does not concern {_log_source(parsed)}"


def play_correlation(
    test: CorrelationTest,
    uid: str,
    correlator: Correlator,
    detector: Detector,
    rules: Mapping[str, Rule | Modelled],
    enrichment: Chain = NO_ENRICHMENT,
) -> str:
    """Play the signals, records and links of a test through the correlation core; return what is not as expected.

    Args:
        test: The test.
        uid: Of the correlation.
        correlator: It, and those that it looks at.
        detector: All detections, for raw records.
        rules: Detections, correlations and detectors of anomalies by id and name, for hits.
        enrichment: Adds to the events of raw records what ingest would.
    """
    ingest = Ingest(detector, correlator.router, ClockOffsets(), enrichment=enrichment)
    items: list[_Item] = []
    for index, signal in enumerate(test.signals):
        items += ((hit.time, hit) for hit in _hits(signal, index, rules[signal.rule]))
    for record in test.records:
        for result in ingest.process(_moved(SOURCES[record.source], record.at), _raw(record)):
            if result.event is None or result.dead:
                return f"a record went to the dead letters: {result.dead[0].error.reason}"
            items += ((routed.signal.time, routed.signal) for routed in result.signals)
            items += ((result.event.time, link) for link in result.links)
    start = min((time for time, _ in items), default=START_MS)
    items += ((start, _link(*ends)) for ends in test.links)
    timeline = Timeline(correlator)
    timeline.play(sorted(items, key=lambda item: (item[0], item[1].uid)))
    standing = [sequence for sequence in timeline.standing.values() if sequence.analytic.uid == uid]
    wrong = judge(standing, test.expected)
    return f"{wrong}; {_fired(items)}" if wrong else ""


def _log_source(event: Event) -> str:
    source = event.logsource
    kinds = ", ".join(source.categories) or "no category"
    return f"{source.product}/{source.service or '-'} ({kinds}), OCSF class {event.class_uid}"


def _raw(given: GivenRecord) -> RawRecord:
    return RawRecord(given.source, given.raw, WHERE, START_MS, given.columns)


def _moved(source: Source, at: int | None) -> Source:
    """Return the source with its events moved to `at` (ms after the start); None leaves them where they are.

    A record that is given at two times is two events, so the uid is another one too.
    """
    if at is None:
        return source
    time = START_MS + at

    def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
        event = source.normalize(fields, record)
        uid = content_uid("moved event", event.uid, str(at))
        return replace(event, uid=uid, time=time, ocsf={**event.ocsf, "time": time})

    return replace(source, normalize=normalize)


def _link(left: EntityKey, right: EntityKey) -> EntityLink:
    """Return a link that holds always: a test says so when it names one."""
    first, second = sorted((left, right))
    uid = link_uid(str(first), str(second), 0, "test")
    return EntityLink(uid, first, second, 0, END_OF_TIME, 90, "test", "test")


def _hits(given: GivenSignal, index: int, rule: Rule | Modelled) -> Iterator[Signal]:
    domain = given.domain or _domain(rule)
    confidence, risk = _weight(rule)
    for n in range(given.repeat):
        event = content_uid("test event", str(index), str(n))
        yield Signal(
            uid=signal_uid(rule.uid, event),
            time=START_MS + given.at + n * given.every,
            analytic=rule.analytic,
            event=EventRef(event, _CLASS_OF_DOMAIN[domain], given.source, WHERE, "0" * 64),
            domain=domain,
            confidence=confidence,
            risk=risk,
            entities=given.entities,
            fields={name: value.replace("{n}", str(n)) for name, value in given.fields.items()},
        )


def _weight(rule: Rule | Modelled) -> tuple[int, int]:
    """Return confidence and risk of a hit; a correlation's counts as that of a detection of its level."""
    if isinstance(rule, DetectionRule):
        return rule.confidence, rule.risk
    if isinstance(rule, Modelled):
        return DEFAULT_CONFIDENCE, rule.risk
    return DEFAULT_CONFIDENCE, _RISK_OF_SEVERITY[rule.analytic.severity_id]


def _domain(rule: Rule | Modelled) -> str:
    if isinstance(rule, CorrelationSpec):
        return _ELSE
    if isinstance(rule, Modelled):
        return rule.domain
    if rule.logsource.class_uid:
        return ocsf.domain_of(rule.logsource.class_uid)
    directory = Path(rule.path).parent.name
    return directory if directory in ocsf.DOMAINS else _ELSE


def _fired(items: Sequence[_Item]) -> str:
    counts = Counter({item.uid: item.analytic.name for _, item in items if isinstance(item, Signal)}.values())
    return "fired: " + (", ".join(f"{name} ({count})" for name, count in sorted(counts.items())) or "nothing")
