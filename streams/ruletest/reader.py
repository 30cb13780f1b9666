"""Read the tests that stand beside rules; every mistake in them comes back with its file and line.

Nothing here knows which rules exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from models.entity import EntityKey
from models.errors import InvalidRecord, RuleProblem
from models.ocsf import DOMAINS
from streams.detect.documents import MAX_FILE_BYTES, parse_documents
from streams.ruletest.fields import Lines, Mistake, Place, check_keys, flag, list_of, number, text, texts, time_ms
from streams.ruletest.given import CorrelationTest, DetectionTest, Expected, GivenRecord, GivenSignal, RuleTest
from streams.sources.registry import SOURCES

MAX_REPEAT: Final = 10_000  # of one signal, and of all signals of a test together
NO_SOURCE: Final = "test"  # of a hit that does not say where its event came from
_OF_CORRELATIONS: Final = frozenset({"signals", "records"})
_OF_DETECTIONS: Final = frozenset({"source", "record", "line", "columns"})
_EXPECTED: Final = ("fires", "sequences", "groups", "alert")
Read = tuple[tuple[RuleTest, ...], tuple[RuleProblem, ...]]


def read_tests(path: Path) -> Read:
    """Read one file of tests; a test with a mistake is left out and reported. Raises nothing for bad content."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return _nothing(path, 0, f"cannot be read: {error.strerror or error}")
    if len(data) > MAX_FILE_BYTES:
        return _nothing(path, 0, f"longer than {MAX_FILE_BYTES} bytes")
    documents, problems = parse_documents(data, str(path))
    if problems:
        return (), tuple(problems)
    if len(documents) != 1:
        return _nothing(path, 1, "holds no map with `tests`, or more than one document")
    return _read_all(documents[0].content, Lines(data), path)


def _nothing(path: Path, line: int, message: str) -> Read:
    return (), (RuleProblem(str(path), line, "", message),)


def _read_all(content: Mapping[str, Any], lines: Lines, path: Path) -> Read:
    try:
        items = _items(content)
    except Mistake as mistake:
        return _nothing(path, lines.at(mistake.place), str(mistake))
    tests: list[RuleTest] = []
    problems: list[RuleProblem] = []
    for index, item in enumerate(items):
        try:
            tests.append(_test(item, ("tests", index), lines))
        except Mistake as mistake:
            name = str(item.get("name", "")) if isinstance(item, dict) else ""
            problems.append(RuleProblem(str(path), lines.at(mistake.place), name, str(mistake)))
    return tuple(tests), tuple(problems)


def _items(content: Mapping[str, Any]) -> Any:
    check_keys(content, (), {"tests"})
    items = list_of(content, "tests", ())
    if not items:
        raise Mistake(("tests",), "tests: holds none")
    return items


def _test(item: Any, place: Place, lines: Lines) -> RuleTest:
    if not isinstance(item, dict):
        raise Mistake(place, "a test is a map")
    if item.keys() & _OF_CORRELATIONS:
        return _correlation_test(item, place, lines)
    if item.keys() & _OF_DETECTIONS:
        return _detection_test(item, place, lines)
    check_keys(item, place, {"name"}, {"rule", "links", *_OF_CORRELATIONS, *_OF_DETECTIONS, *_EXPECTED})
    raise Mistake(place, "give `source` and `record` (to a detection), or `signals` or `records` (to a correlation)")


def _detection_test(item: dict[str, Any], place: Place, lines: Lines) -> DetectionTest:
    check_keys(item, place, {"name", "source", "fires"}, {"rule", "record", "line", "columns"})
    return DetectionTest(
        name=text(item, "name", place),
        rule=text(item, "rule", place, default=""),
        line=lines.at(place),
        record=_record(item, place),
        fires=flag(item, "fires", place),
    )


def _correlation_test(item: dict[str, Any], place: Place, lines: Lines) -> CorrelationTest:
    check_keys(item, place, {"name"}, {"rule", "signals", "records", "links", *_EXPECTED})
    records = list_of(item, "records", place)
    links = list_of(item, "links", place)
    return CorrelationTest(
        name=text(item, "name", place),
        rule=text(item, "rule", place, default=""),
        line=lines.at(place),
        records=tuple(_timed_record(record, (*place, "records", n)) for n, record in enumerate(records)),
        signals=_signals(item, place, lines),
        links=tuple(_link(link, (*place, "links", n)) for n, link in enumerate(links)),
        expected=_expected(item, place),
    )


def _expected(item: dict[str, Any], place: Place) -> Expected:
    if ("fires" in item) == ("sequences" in item):
        raise Mistake(place, "say either `fires` (whether a sequence stands) or `sequences` (how many)")
    fires = flag(item, "fires", place) if "fires" in item else None
    sequences = number(item, "sequences", place) if "sequences" in item else None
    groups = _groups(item, place, fires=fires, sequences=sequences) if "groups" in item else None
    return Expected(fires, sequences, groups, flag(item, "alert", place) if "alert" in item else None)


def _groups(item: dict[str, Any], place: Place, *, fires: bool | None, sequences: int | None) -> tuple[str, ...]:
    groups = texts(item, "groups", place)
    if len(set(groups)) < len(groups):
        raise Mistake((*place, "groups"), "groups: one stands here twice")
    if bool(groups) is not (bool(sequences) if fires is None else fires):
        raise Mistake((*place, "groups"), "groups: names those of the sequences that stand, and none where none does")
    if sequences is not None and len(groups) > sequences:
        raise Mistake((*place, "groups"), f"groups: {len(groups)} cannot stand with {sequences} sequences")
    return tuple(sorted(groups))


def _timed_record(item: Any, place: Place) -> GivenRecord:
    check_keys(item, place, {"source"}, {"record", "line", "columns", "at"})
    return _record(item, place)


def _record(item: dict[str, Any], place: Place) -> GivenRecord:
    source = text(item, "source", place)
    if source not in SOURCES:
        raise Mistake((*place, "source"), f"no source is named {source!r}; there are {', '.join(sorted(SOURCES))}")
    if ("record" in item) == ("line" in item):
        raise Mistake(place, "give either `record` (a map) or `line` (raw text)")
    at = time_ms(item, "at", place) if "at" in item else None
    return GivenRecord(source, _raw(item, place), texts(item, "columns", place), at)


def _raw(item: dict[str, Any], place: Place) -> bytes:
    if "line" in item:
        return text(item, "line", place).encode("utf-8", "surrogatepass")
    if not isinstance(item["record"], dict):
        raise Mistake((*place, "record"), "record: must be a map; raw text goes under `line`")
    try:
        return orjson.dumps(item["record"])
    except orjson.JSONEncodeError as error:
        raise Mistake((*place, "record"), f"record: cannot be written as JSON: {error}") from error


def _signals(item: dict[str, Any], place: Place, lines: Lines) -> tuple[GivenSignal, ...]:
    items = list_of(item, "signals", place)
    signals = tuple(_signal(signal, (*place, "signals", n), lines) for n, signal in enumerate(items))
    if sum(signal.repeat for signal in signals) > MAX_REPEAT:
        raise Mistake((*place, "signals"), f"signals: more than {MAX_REPEAT} together")
    return signals


def _signal(item: Any, place: Place, lines: Lines) -> GivenSignal:
    check_keys(item, place, {"rule", "at"}, {"entities", "fields", "domain", "source", "repeat", "every"})
    domain = text(item, "domain", place, default="")
    if domain not in {"", *DOMAINS}:
        raise Mistake((*place, "domain"), f"domain: {domain!r} is none of {', '.join(DOMAINS)}")
    repeat = number(item, "repeat", place) if "repeat" in item else 1
    if not 1 <= repeat <= MAX_REPEAT:
        raise Mistake((*place, "repeat"), f"repeat: must be from 1 to {MAX_REPEAT}")
    entities = list_of(item, "entities", place)
    return GivenSignal(
        rule=text(item, "rule", place),
        line=lines.at((*place, "rule")),
        at=time_ms(item, "at", place),
        entities=tuple(_entity(value, (*place, "entities", n)) for n, value in enumerate(entities)),
        fields=_fields(item.get("fields", {}), (*place, "fields")),
        domain=domain,
        source=text(item, "source", place, default=NO_SOURCE) or NO_SOURCE,
        repeat=repeat,
        every=time_ms(item, "every", place) if "every" in item else 0,
    )


def _fields(value: Any, place: Place) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str | int | float) for item in value.values()):
        raise Mistake(place, "fields: must be a map of field names to single values")
    return {name: str(item) for name, item in value.items()}


def _link(item: Any, place: Place) -> tuple[EntityKey, EntityKey]:
    check_keys(item, place, {"left", "right"})
    return _entity(item["left"], (*place, "left")), _entity(item["right"], (*place, "right"))


def _entity(value: Any, place: Place) -> EntityKey:
    try:
        return EntityKey.parse(str(value))
    except InvalidRecord as error:
        raise Mistake(place, f"{error}; write for example host:web01") from error
