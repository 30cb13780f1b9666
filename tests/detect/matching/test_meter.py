from __future__ import annotations

from itertools import count
from typing import Any

from models.event import LogSource
from streams.detect.engine import Detector
from streams.detect.matching.meter import TELLING, Cost, Meter
from streams.detect.rule import DetectionRule
from tests.detect.build import event, rule

LINUX = LogSource("linux")


def numbered(number: int, selection: dict[str, Any], product: str = "windows") -> DetectionRule:
    uid = f"00000000-0000-4000-8000-{number:012d}"
    return rule({"selection": selection}, id=uid, logsource={"product": product})


RULES = (
    numbered(1, {"a|contains": "needle"}),
    numbered(2, {"b|re": "^[0-9]+$"}),  # nothing in it to scan for
    numbered(3, {"a|contains": "needle", "c|exists": True}),
    numbered(4, {"a": "x"}, "linux"),
)


def ticking() -> Meter:
    """Return a meter on a clock that goes on by a microsecond whenever somebody looks."""
    return Meter(count(step=1000).__next__)


def by_number(meter: Meter) -> dict[int, Cost]:
    return {int(cost.rule.uid[-12:]): cost for cost in meter.costs()}


def test_a_rule_that_the_scan_rules_out_costs_nothing() -> None:
    meter = ticking()
    detector = Detector(RULES, meter=meter)
    for number in range(50):
        detector.match(event({"a": f"hay {number}", "c": 1}))
    assert not {1, 3, 4} & by_number(meter).keys()


def test_what_is_tried_is_counted_and_timed() -> None:
    meter = ticking()
    detector = Detector(RULES, meter=meter)
    for number in range(10):
        detector.match(event({"a": "a needle", "b": f"word {number}"}))
        detector.match(event({"a": "x"}, LINUX))
    costs = by_number(meter)
    assert costs[1].fired == costs[4].fired == 10
    assert costs[3].fired == 0
    assert costs[3].tried >= 10  # its second test is not answered by a scan
    assert costs[2].tried == 10  # tried on each new value
    assert all(cost.events == 10 and cost.spent_ns >= 1000 * cost.tried for cost in costs.values())
    assert costs[2].us_per_event == costs[2].spent_ns / 1000 / 10


def test_metering_changes_no_answer() -> None:
    plain, metered = Detector(RULES), Detector(RULES, meter=ticking())
    for record in ({"a": "needle", "c": 1}, {"b": "12"}, {"b": "x"}, {"a": ["needle"], "c": None}, {}):
        assert plain.match(event(record)) == metered.match(event(record))


def test_a_rule_over_its_budget_is_named_once_its_mean_says_something() -> None:
    meter = ticking()
    detector = Detector(RULES, meter=meter)
    for number in range(TELLING):
        assert not list(meter.over(0.5))
        detector.match(event({"a": "hay", "b": f"word {number}"}))
    assert [cost.rule.uid[-1] for cost in meter.over(0.5)] == ["2"]
    assert not list(meter.over(5))
