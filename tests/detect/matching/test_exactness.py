"""The plan, its scans and its memory decide as evaluating every rule in turn does, evidence included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.event import Event, LogSource
from streams.detect.engine import Detector
from streams.detect.rule import DetectionRule
from tests.detect.build import event, rule
from tests.detect.matching.differential import corpus_of, difference, mutated, recorded

FIELDS = ("Image", "CommandLine", "a.b", "EventID", "count")
TEXTS = (
    "cmd.exe",
    "C:\\a\\cmd.exe",
    "power",
    "1",
    "01",
    "true",
    "x y",
    "\u017ftop",
    "STRASSE",
    "straße",
    "",
    "\x02cmd.exe\x03",
    "日本",
)
SCALARS = st.one_of(
    st.sampled_from(TEXTS),
    st.text("acdx.e\\\x02\u017fß", max_size=8),
    st.integers(-2, 2),
    st.booleans(),
    st.none(),
    st.sampled_from([0.0, 1.0, 1.5, 1e16, 1e22, 2**60, 2**70]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["b", "c", "b.c"]), inner, max_size=2),
    max_leaves=4,
)
RECORDS = st.dictionaries(st.sampled_from([*FIELDS, "a", "b", "other"]), VALUES, max_size=6)
MODIFIED = {
    "": st.sampled_from([*TEXTS[:8], "*", "", "c*d", "?md.exe", 1, 0, True, None]),
    "|contains": st.sampled_from(["cmd", "o", "stop", "strasse", "a?b", "\x02"]),
    "|startswith": st.sampled_from(["c", "C:\\", "\u017f"]),
    "|endswith": st.sampled_from([".exe", "e", "1"]),
    "|cased": st.sampled_from(["cmd.exe", "STRASSE"]),
    "|re": st.sampled_from(["c.d", "^C:", "x\\sy", "(?i)CMD", "e$", "1|2"]),
    "|exists": st.booleans(),
    "|gte": st.sampled_from([0, 1, 2]),
    "|fieldref": st.sampled_from(["other", "Image"]),
    "|cidr": st.just("192.0.2.0/24"),
}


@st.composite
def items(draw: st.DrawFn) -> dict[str, Any]:
    field, modifier = draw(st.sampled_from(FIELDS)), draw(st.sampled_from(sorted(MODIFIED)))
    several = modifier not in {"|exists", "|gte", "|fieldref", "|cidr"} and draw(st.booleans())
    values = MODIFIED[modifier]
    return {field + modifier: draw(st.lists(values, min_size=1, max_size=3)) if several else draw(values)}


KEYWORDS = st.lists(
    st.sampled_from(["cmd", "STOP", "1", "ss", "16", "e", "日", "x y", "no such"]), min_size=1, max_size=2
)
CONDITIONS = (
    "one",
    "one and two",
    "one or two",
    "one and not two",
    "not one",
    "not (one and two)",
    "1 of them",
    "words",
    "one and words",
    "not words or two",
)


@st.composite
def rules(draw: st.DrawFn) -> tuple[DetectionRule, ...]:
    made = []
    for number in range(draw(st.integers(1, 6))):
        one = {key: value for item in draw(st.lists(items(), min_size=1, max_size=3)) for key, value in item.items()}
        detection = {"one": one, "two": draw(items()), "words": draw(KEYWORDS)}
        logsource = draw(st.sampled_from([{"product": "windows"}, {"product": "windows", "service": "sysmon"}]))
        made.append(
            rule(
                {**detection, "condition": draw(st.sampled_from(CONDITIONS))},
                id=f"00000000-0000-4000-8000-{number:012d}",
                logsource=logsource,
                taxonomy=draw(st.sampled_from(["sigma", "sigma", "ocsf"])),
            )
        )
    return tuple(made)


def same(detector: Detector, found: Event) -> None:
    assert difference(detector, found) == ""


@settings(max_examples=400, deadline=None)
@given(rules(), st.lists(RECORDS, min_size=1, max_size=8))
def test_any_rules_on_any_records(some: tuple[DetectionRule, ...], records: list[dict[str, Any]]) -> None:
    detector = Detector(some)
    for record in (*records, *records):  # the second time from memory
        same(detector, event(record, LogSource("windows", "sysmon"), 1007, a=record.get("a")))


@settings(max_examples=100, deadline=None)
@given(rules(), st.lists(RECORDS, min_size=2, max_size=8))
def test_forgetting_does_not_show(some: tuple[DetectionRule, ...], records: list[dict[str, Any]]) -> None:
    detector = Detector(some, memory_bytes=1000)
    for record in (*records, *records):
        same(detector, event(record))


def switched(number: int, event_id: int, **more: object) -> DetectionRule:
    selection = {"EventID": event_id, **more}
    return rule({"selection": selection}, id=f"00000000-0000-4000-8000-{number:012d}")


SWITCHED = tuple(switched(n, 4600 + n % 5, **{f"Field{n}": f"value{n}", f"Other{n}|contains": "x"}) for n in range(20))


@given(st.integers(4598, 4606), st.integers(0, 20), st.sampled_from(["value", "x"]))
def test_rules_that_differ_in_one_value(event_id: int, number: int, text: str) -> None:
    detector = Detector(SWITCHED)
    for value in (event_id, str(event_id), float(event_id), [event_id, 4600]):
        record = {"EventID": value, f"Field{number}": f"{text}{number}", f"Other{number}": "axb"}
        same(detector, event(record))


# Primes, so that a sample does not fall in step with how the records were made.
@pytest.mark.parametrize(
    ("folder", "every"),
    [
        ("windows_host", 401),
        ("windows_evtx", 41),
        ("aws_cloudtrail", 5),
        ("zeek", 59),
        ("multi_source", 211),
        ("multi_source/Log4Shell_jndi_reference", 3),
    ],
)
def test_the_whole_corpus_on_recorded_events_and_their_mutations(
    shared: Path, corpus: Detector, folder: str, every: int
) -> None:
    events = list(recorded(shared / "data" / folder, every))
    assert len(events) > 30
    compared = [difference(corpus, found) for found in (*events, *mutated(events, every))]
    assert [found for found in compared if found] == []


@pytest.fixture(scope="module")
def corpus(shared: Path) -> Detector:
    return corpus_of(shared / "data/sigma/rules")
