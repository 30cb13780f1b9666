"""Read the tests that stand beside rules; every mistake in them comes back with its file and line.

The format is described in `streams.ruletest`. Nothing here knows which rules exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import yaml

from models.entity import EntityKey
from models.errors import InvalidRecord, RuleProblem
from models.ocsf import DOMAINS
from streams.detect.documents import MAX_FILE_BYTES, parse_documents
from streams.sources.registry import SOURCES

MAX_REPEAT: Final = 10_000
_UNIT_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_TIME: Final = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")
Place = tuple[str | int, ...]  # keys and indices from the top of the file


@dataclass(frozen=True, slots=True)
class GivenRecord:
    """One raw record of a test.

    Attributes:
        source: Name of the source that parses it.
        raw: Its bytes.
        columns: Column names for TSV.
        at: Milliseconds after the start of the test to which its event is moved; None keeps the record's own time.
    """

    source: str
    raw: bytes
    columns: tuple[str, ...] = ()
    at: int | None = None


@dataclass(frozen=True, slots=True)
class GivenSignal:
    """One rule hit of a test, or several alike.

    Attributes:
        rule: Name or id of the detection rule.
        line: 1-based line in the file.
        at: When, ms after the start of the test.
        entities: Entities its event names.
        fields: Field values; `{n}` in one stands for the number of the repetition, from 0.
        domain: `identity`, `network`, `workload`, or empty for the rule's own.
        repeat: How many times.
        every: Distance between repetitions, ms.
    """

    rule: str
    line: int
    at: int
    entities: tuple[EntityKey, ...]
    fields: Mapping[str, str]
    domain: str
    repeat: int
    every: int


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One test of one rule.

    Attributes:
        name: What it shows.
        rule: Name or id of the rule, empty for the one rule of the file beside it.
        line: 1-based line in the file.
        records: Raw records; exactly one for a detection.
        signals: Rule hits, for a correlation.
        links: Pairs of linked entities; they hold for the whole test.
        fires: For a detection: whether it has to fire. None for a correlation.
        sequences: For a correlation: how many sequences stand in the end.
        alert: For a correlation: whether one of them is escalated; None when that does not matter.
    """

    name: str
    rule: str
    line: int
    records: tuple[GivenRecord, ...] = ()
    signals: tuple[GivenSignal, ...] = ()
    links: tuple[tuple[EntityKey, EntityKey], ...] = ()
    fires: bool | None = None
    sequences: int = 0
    alert: bool | None = None


class _Mistake(Exception):
    """Something its author must mend, and where; caught where the file is known."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place


def read_tests(path: Path) -> tuple[tuple[RuleTest, ...], tuple[RuleProblem, ...]]:
    """Read one file of tests; a test with a mistake is left out and reported."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return (), (RuleProblem(str(path), 0, "", f"cannot be read: {error.strerror or error}"),)
    if len(data) > MAX_FILE_BYTES:
        return (), (RuleProblem(str(path), 0, "", f"longer than {MAX_FILE_BYTES} bytes"),)
    documents, problems = parse_documents(data, str(path))
    if problems or len(documents) != 1:
        missing = RuleProblem(str(path), 1, "", "holds no map with `tests`, or more than one document")
        return (), tuple(problems) or (missing,)
    return _read_all(documents[0].content, _Lines(data), str(path))


def _read_all(
    content: Mapping[str, Any], lines: _Lines, path: str
) -> tuple[tuple[RuleTest, ...], tuple[RuleProblem, ...]]:
    tests: list[RuleTest] = []
    problems: list[RuleProblem] = []
    try:
        _check_keys(content, (), {"tests"})
        items = _list(content, "tests", ())
    except _Mistake as mistake:
        return (), (RuleProblem(path, lines.at(mistake.place), "", str(mistake)),)
    for index, item in enumerate(items):
        try:
            tests.append(_test(item, ("tests", index), lines))
        except _Mistake as mistake:
            name = str(item.get("name", "")) if isinstance(item, dict) else ""
            problems.append(RuleProblem(path, lines.at(mistake.place), name, str(mistake)))
    return tuple(tests), tuple(problems)


class _Lines:
    """Find the line of a place in the file. Looks only when asked: most files have nothing wrong."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def at(self, place: Place) -> int:
        """Return the 1-based line of a place, or of the nearest one above it."""
        nodes = yaml.compose_all(self._data, Loader=yaml.CSafeLoader)
        node: yaml.Node = next(root for root in nodes if isinstance(root, yaml.MappingNode))
        line = 1
        for step in place:
            found = _child(node, step)
            if found is None:
                break
            start, node = found
            line = start.start_mark.line + 1
        return line


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """Return where a child begins (a map's at its key) and the child."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def _test(item: Any, place: Place, lines: _Lines) -> RuleTest:
    if not isinstance(item, dict):
        raise _Mistake(place, "a test is a map")
    make = _detection_test if "fires" in item else _correlation_test
    return make(item, place, lines)


def _detection_test(item: dict[str, Any], place: Place, lines: _Lines) -> RuleTest:
    _check_keys(item, place, {"name", "source", "fires"}, {"rule", "record", "line", "columns"})
    return RuleTest(
        name=_text(item, "name", place),
        rule=_text(item, "rule", place, default=""),
        line=lines.at(place),
        records=(_record(item, place),),
        fires=_flag(item, "fires", place),
    )


def _correlation_test(item: dict[str, Any], place: Place, lines: _Lines) -> RuleTest:
    _check_keys(item, place, {"name", "sequences"}, {"rule", "signals", "records", "links", "alert"})
    if not item.keys() & {"signals", "records"}:
        raise _Mistake(place, "a test needs `fires` (of a detection), or `signals` or `records` (of a correlation)")
    records = _list(item, "records", place, default=())
    signals = _list(item, "signals", place, default=())
    links = _list(item, "links", place, default=())
    return RuleTest(
        name=_text(item, "name", place),
        rule=_text(item, "rule", place, default=""),
        line=lines.at(place),
        records=tuple(_timed_record(record, (*place, "records", n)) for n, record in enumerate(records)),
        signals=tuple(_signal(signal, (*place, "signals", n), lines) for n, signal in enumerate(signals)),
        links=tuple(_link(link, (*place, "links", n)) for n, link in enumerate(links)),
        sequences=_number(item, "sequences", place),
        alert=_flag(item, "alert", place) if "alert" in item else None,
    )


def _timed_record(item: Any, place: Place) -> GivenRecord:
    _check_keys(item, place, {"source"}, {"record", "line", "columns", "at"})
    return _record(item, place)


def _record(item: dict[str, Any], place: Place) -> GivenRecord:
    source = _text(item, "source", place)
    if source not in SOURCES:
        raise _Mistake((*place, "source"), f"no source is named {source!r}; there are {', '.join(sorted(SOURCES))}")
    if ("record" in item) == ("line" in item):
        raise _Mistake(place, "give either `record` (a map) or `line` (raw text)")
    columns = _list(item, "columns", place, default=())
    at = _time(item, "at", place) if "at" in item else None
    return GivenRecord(source, _raw(item, place), tuple(str(column) for column in columns), at)


def _raw(item: dict[str, Any], place: Place) -> bytes:
    if "line" in item:
        return _text(item, "line", place).encode("utf-8", "surrogatepass")
    if not isinstance(item["record"], dict):
        raise _Mistake((*place, "record"), "record: must be a map; raw text goes under `line`")
    try:
        return orjson.dumps(item["record"])
    except orjson.JSONEncodeError as error:
        raise _Mistake((*place, "record"), f"record: cannot be written as JSON: {error}") from error


def _signal(item: Any, place: Place, lines: _Lines) -> GivenSignal:
    _check_keys(item, place, {"rule", "at"}, {"entities", "fields", "domain", "repeat", "every"})
    domain = _text(item, "domain", place, default="")
    if domain not in {"", *DOMAINS}:
        raise _Mistake((*place, "domain"), f"domain: {domain!r} is none of {', '.join(DOMAINS)}")
    repeat = _number(item, "repeat", place) if "repeat" in item else 1
    if not 1 <= repeat <= MAX_REPEAT:
        raise _Mistake((*place, "repeat"), f"repeat: must be from 1 to {MAX_REPEAT}")
    entities = _list(item, "entities", place, default=())
    return GivenSignal(
        rule=_text(item, "rule", place),
        line=lines.at((*place, "rule")),
        at=_time(item, "at", place),
        entities=tuple(_entity(text, (*place, "entities", n)) for n, text in enumerate(entities)),
        fields=_fields(item.get("fields", {}), (*place, "fields")),
        domain=domain,
        repeat=repeat,
        every=_time(item, "every", place) if "every" in item else 0,
    )


def _fields(value: Any, place: Place) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str | int | float) for item in value.values()):
        raise _Mistake(place, "fields: must be a map of field names to single values")
    return {name: str(item) for name, item in value.items()}


def _link(item: Any, place: Place) -> tuple[EntityKey, EntityKey]:
    _check_keys(item, place, {"left", "right"})
    return _entity(item["left"], (*place, "left")), _entity(item["right"], (*place, "right"))


def _entity(value: Any, place: Place) -> EntityKey:
    try:
        return EntityKey.parse(str(value))
    except InvalidRecord as error:
        raise _Mistake(place, f"{error}; write for example host:web01") from error


def _check_keys(item: Any, place: Place, required: Iterable[str], optional: Iterable[str] = ()) -> None:
    if not isinstance(item, dict):
        raise _Mistake(place, "must be a map")
    known = {*required, *optional}
    for key in item:
        if key not in known:
            raise _Mistake((*place, key), f"unknown key {key!r}; known: {', '.join(sorted(known))}")
    missing = sorted(set(required) - item.keys())
    if missing:
        raise _Mistake(place, f"lacks {', '.join(missing)}")


def _list(item: dict[str, Any] | Mapping[str, Any], key: str, place: Place, default: Any = None) -> Any:
    value = item.get(key, default)
    if not isinstance(value, list | tuple):
        raise _Mistake((*place, key), f"{key}: must be a list")
    return value


def _text(item: dict[str, Any], key: str, place: Place, default: str | None = None) -> str:
    value = item.get(key, default)
    if not isinstance(value, str) or (not value and default is None):
        raise _Mistake((*place, key), f"{key}: must be a text")
    return value


def _flag(item: dict[str, Any], key: str, place: Place) -> bool:
    value = item[key]
    if not isinstance(value, bool):
        raise _Mistake((*place, key), f"{key}: must be true or false")
    return value


def _number(item: dict[str, Any], key: str, place: Place) -> int:
    value = item[key]
    if type(value) is not int or value < 0:
        raise _Mistake((*place, key), f"{key}: must be a whole number, 0 or more")
    return value


def _time(item: dict[str, Any], key: str, place: Place) -> int:
    match = _TIME.fullmatch(str(item[key]))
    if match is None:
        raise _Mistake((*place, key), f"{key}: {item[key]!r} is no time; write 0s, 500ms, 4m, 2h or 1d")
    return int(match[1]) * _UNIT_MS[match[2]]
