"""Run the tests that stand beside rules: `<rule>.tests.yml` next to `<rule>.yml`. Pure: no broker, no clock.

A detection is given one record, as its source ships it:

```yaml
tests:
  - name: fires on a dump through comsvcs
    source: windows          # a name of `braid sources list`
    record: {EventID: 1}     # the record as a map; or `line:` with raw text, and `columns:` (a list) for TSV
    fires: true              # whether this rule has to fire
```

A correlation is given rule hits, or records that go the whole way through parsing, detection, links and correlation:

```yaml
tests:
  - name: download, then LSASS opened on the same host
    signals:
      - rule: executable_over_http    # name or id of a detection
        at: 0s                        # after the start of the test: ms, s, m, h, d
        entities: [ip:192.0.2.7]      # optional
        fields: {id.orig_h: 192.0.2.7, user.name: "user{n}"}   # optional; what correlations group by or count
        domain: network               # optional; else that of the rule's class or directory, else workload
        repeat: 15                    # optional: as often, numbered from 0 where `{n}` stands in a field
        every: 1m                     # optional: the distance between repetitions
    links: [{left: "ip:192.0.2.7", right: "host:web01"}]       # optional; hold for the whole test
    sequences: 1                      # standing in the end, of this rule
    alert: true                       # optional: whether one of them is escalated
  - name: the same, from raw records
    records:
      - {source: zeek, record: {}, at: 0s}    # `at` moves the event there; without it the record's own time counts
    sequences: 0
```

`signals` and `records` may stand together. A test of a file with several rules names its own with `rule:`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Final

from models import ocsf
from models.entity import EntityLink
from models.errors import RuleProblem
from models.event import Event
from models.finding import EventRef, Signal
from models.finding import Sequence as FoundSequence
from models.records import Coordinates, ParseError, RawRecord
from models.uids import content_uid, link_uid, signal_uid
from streams.clock import ClockOffsets
from streams.correlate.engine import Correlator
from streams.correlate.spec import CorrelationSpec
from streams.detect.engine import Detector
from streams.detect.loader import SUFFIXES, TESTS, load_documents
from streams.detect.rule import DetectionRule
from streams.ingest import Ingest
from streams.replay.timeline import Timeline
from streams.rulebook import Rulebook, load_rulebook
from streams.ruletest_file import GivenRecord, GivenSignal, RuleTest, read_tests
from streams.sources.base import Source
from streams.sources.registry import SOURCES

START_MS: Final = 1_700_000_000_000  # when every test begins; nothing depends on it
LINKED_MS: Final = 366 * 86_400_000  # a link of a test holds this long on either side of its start
WHERE: Final = Coordinates("test", 0, 1)
_CLASS_OF_DOMAIN: Final = {"identity": 3002, "network": 4001, "workload": 1007}
_Item = tuple[int, Signal | EntityLink]


@dataclass(frozen=True, slots=True)
class TestCase:
    """One test that ran.

    Attributes:
        path: Its file.
        name: Its name.
        passed: Whether everything was as expected.
        why: What was not; empty when it passed.
    """

    __test__: ClassVar[bool] = False  # pytest takes every class that is called so for one of its own
    path: str
    name: str
    passed: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class TestReport:
    """What came out.

    Attributes:
        cases: Every test that ran, by file and in its order.
        problems: What is wrong with rules and tests; such tests did not run.
    """

    __test__: ClassVar[bool] = False
    cases: tuple[TestCase, ...]
    problems: tuple[RuleProblem, ...]


def run_tests(paths: Sequence[Path]) -> TestReport:
    """Run all tests of rule files and directories.

    Args:
        paths: Directories, rule files or files of tests. Correlations may refer only to detections among these.
    """
    rule_paths, test_files = _sort_out(paths)
    book = load_rulebook(rule_paths)
    cases: list[TestCase] = []
    problems = list(book.problems)
    for file in test_files:
        tests, mistakes = read_tests(file)
        problems.extend(mistakes)
        runner = _Runner(book, file)
        for test in tests:
            outcome = runner.run(test)
            if isinstance(outcome, RuleProblem):
                problems.append(outcome)
            else:
                cases.append(TestCase(str(file), test.name, not outcome, outcome))
    return TestReport(tuple(cases), tuple(problems))


def _sort_out(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    rules: dict[Path, None] = {}
    tests: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            rules[path] = None
            tests.update(dict.fromkeys(_tests_in(path)))
        elif path.name.endswith(TESTS):
            rules.update(dict.fromkeys(_rule_files(path)))
            tests[path] = None
        else:
            rules[path] = None
            stem = path.name.removesuffix(path.suffix)
            tests.update((file, None) for suffix in TESTS if (file := path.with_name(stem + suffix)).is_file())
    return list(rules), list(tests)


def _tests_in(directory: Path) -> Iterator[Path]:
    for file in sorted(directory.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(directory).parts)
        if file.name.endswith(TESTS) and not hidden and file.is_file():
            yield file


def _rule_files(tests: Path) -> list[Path]:
    """Return the rule file beside a file of tests; a list of one, or of none."""
    stem = next(tests.name.removesuffix(suffix) for suffix in TESTS if tests.name.endswith(suffix))
    return [file for suffix in SUFFIXES if (file := tests.with_name(stem + suffix)).is_file()][:1]


class _Runner:
    """Run the tests of one file."""

    def __init__(self, book: Rulebook, file: Path) -> None:
        self._book = book
        self._file = file
        self._detections = _by_id_and_name(book.detections)
        self._subjects = self._beside()

    def run(self, test: RuleTest) -> str | RuleProblem:
        """Return what is not as expected, empty when all is; a problem when the test cannot run."""
        subject = self._subjects.get(test.rule)
        if subject is None:
            return self._problem(test.line, test, self._no_subject(test))
        if isinstance(subject, DetectionRule):
            if test.fires is None:
                return self._problem(test.line, test, "tests a detection: say `fires`, not `sequences`")
            return _detect(subject, test)
        if test.fires is not None:
            return self._problem(test.line, test, "tests a correlation: say `sequences`, not `fires`")
        unknown = [given for given in test.signals if given.rule not in self._detections]
        if unknown:
            return self._problem(unknown[0].line, test, f"no detection is named {unknown[0].rule!r}")
        return _correlate(subject, test, self._book, self._detections)

    def _beside(self) -> dict[str, DetectionRule | CorrelationSpec]:
        """Map the ids and names of the rules in the file beside to them, and the empty name to the only one."""
        documents, _ = load_documents(_rule_files(self._file))
        uids = [str(document.document.get("id", "")) for document in documents]
        names = [str(document.document.get("name", "")) for document in documents]
        compiled: dict[str, DetectionRule | CorrelationSpec] = {spec.uid: spec for spec in self._book.correlations}
        compiled.update((rule.uid, rule) for rule in self._book.detections)
        found = [(name, uid, compiled[uid]) for name, uid in zip(names, uids, strict=True) if uid in compiled]
        subjects = {key: rule for name, uid, rule in found for key in (name, uid) if key}
        return {**subjects, "": found[0][2]} if len(documents) == 1 and found else subjects

    def _no_subject(self, test: RuleTest) -> str:
        if not self._subjects:
            return "no sound rule stands beside this file"
        return (
            f"no rule beside this file is named {test.rule!r}" if test.rule else "several rules: name one with `rule`"
        )

    def _problem(self, line: int, test: RuleTest, message: str) -> RuleProblem:
        return RuleProblem(str(self._file), line, test.name, message)


def _by_id_and_name(rules: Iterable[DetectionRule]) -> dict[str, DetectionRule]:
    return {key: rule for rule in rules for key in (rule.uid, rule.name) if key}


def _detect(rule: DetectionRule, test: RuleTest) -> str:
    given = test.records[0]
    parsed = SOURCES[given.source].parse(_raw(given))
    if isinstance(parsed, ParseError):
        return f"the record does not parse: {parsed.reason}"
    detector = Detector((rule,))
    detection = detector.match(parsed)
    if detection.failures:
        return f"the rule failed: {detection.failures[0].error}"
    if bool(detection.matches) is test.fires:
        return ""
    if detection.matches:
        return f"fires on {dict(detection.matches[0].matched)}"
    return "does not fire" if detector.candidates(parsed) else f"does not concern {_log_source(parsed)}"


def _log_source(event: Event) -> str:
    source = event.logsource
    kinds = ", ".join(source.categories) or "no category"
    return f"{source.product}/{source.service or '-'} ({kinds}), OCSF class {event.class_uid}"


def _raw(given: GivenRecord) -> RawRecord:
    return RawRecord(given.source, given.raw, WHERE, START_MS, given.columns)


def _moved(source: Source, at: int | None) -> Source:
    """Return the source with its events moved to `at` (ms after the start); None leaves them where they are."""
    if at is None:
        return source
    time = START_MS + at

    def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
        event = source.normalize(fields, record)
        return replace(event, time=time, ocsf={**event.ocsf, "time": time})

    return replace(source, normalize=normalize)


def _correlate(spec: CorrelationSpec, test: RuleTest, book: Rulebook, detections: Mapping[str, DetectionRule]) -> str:
    correlator = Correlator((spec,))
    ingest = Ingest(Detector(book.detections), correlator.router, ClockOffsets())
    items: list[_Item] = [(START_MS, _link(*ends)) for ends in test.links]
    for number, given in enumerate(test.signals):
        items += [(signal.time, signal) for signal in _signals(given, number, detections[given.rule])]
    for record in test.records:
        result = ingest.process(_moved(SOURCES[record.source], record.at), _raw(record))
        if result.dead:
            return f"a record went to the dead letters: {result.dead[0].error.reason}"
        items += [(routed.signal.time, routed.signal) for routed in result.signals]
        items += [(result.event.time, link) for link in result.links if result.event]
    timeline = Timeline(correlator)
    timeline.play(sorted(items, key=lambda item: (item[0], item[1].uid)))
    return _judge(list(timeline.standing.values()), test)


def _link(left: Any, right: Any) -> EntityLink:
    first, second = sorted((left, right))
    start = START_MS - LINKED_MS
    uid = link_uid(str(first), str(second), start, "test")
    return EntityLink(uid, first, second, start, START_MS + LINKED_MS, 90, "test", "test")


def _signals(given: GivenSignal, number: int, rule: DetectionRule) -> Iterator[Signal]:
    domain = given.domain or _domain(rule)
    for n in range(given.repeat):
        event = content_uid("test event", str(number), str(n))
        yield Signal(
            uid=signal_uid(rule.uid, event),
            time=START_MS + given.at + n * given.every,
            analytic=rule.analytic,
            event=EventRef(event, _CLASS_OF_DOMAIN[domain], "test", WHERE, "0" * 64),
            domain=domain,
            confidence=rule.confidence,
            risk=rule.risk,
            entities=given.entities,
            fields={name: value.replace("{n}", str(n)) for name, value in given.fields.items()},
        )


def _domain(rule: DetectionRule) -> str:
    if rule.logsource.class_uid:
        return ocsf.domain_of(rule.logsource.class_uid)
    directory = Path(rule.path).parent.name
    return directory if directory in ocsf.DOMAINS else "workload"


def _judge(standing: Sequence[FoundSequence], test: RuleTest) -> str:
    if len(standing) != test.sequences:
        found = ", ".join(sorted(sequence.group for sequence in standing))
        return f"{len(standing)} sequences stand, {test.sequences} expected" + (f": {found}" if found else "")
    if test.alert in (None, any(sequence.is_alert for sequence in standing)):
        return ""
    reasons = "; ".join(reason for sequence in standing for reason in sequence.reasons)
    return f"{'escalated' if not test.alert else 'not escalated'}: {reasons or 'no sequence stands'}"
