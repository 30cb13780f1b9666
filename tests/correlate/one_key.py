"""What tests of one key have in common: its rules, its signals, and short names for what came out."""

from __future__ import annotations

from models.finding import Sequence, Signal
from streams.correlate.engine import Correlator
from streams.correlate.outputs import Output, Published
from streams.correlate.spec import CorrelationSpec
from streams.correlate.state import KeyState
from tests.correlate.build import HOUR, MINUTE, START, A, B, C, all_of, any_of, none_of, signal, spec
from tests.correlate.drive import Driver, Item

KEY = "host:h1"
SPAN = 10 * MINUTE
PAIR = spec("temporal", "ab")
PAST_ALL = START + 100 * HOUR
ONLY_ONE = spec("event_count", "a", op="eq", count=1, cooldown=0)
ABSENCES = [
    spec("event_count", "a", op="eq", count=1, cooldown=0),
    spec("event_count", "ab", op="lt", count=3, cooldown=MINUTE),
    spec("value_count", "bc", op="lte", count=1, fields=("port",), group_by=("entity.user",)),
    spec("temporal", "abc", op="neq", count=3),
    spec("event_count", "abc", op="gt", count=1, further=(("lte", 3),), uid="two or three"),
    spec("value_count", "ab", op="gte", count=1, further=(("lt", 4), ("neq", 2)), fields=("port",), uid="1 or 3 ports"),
    spec("value_sum", "ab", op="lt", count=10, fields=("size",), uid="little"),
    spec("value_avg", "bc", count=5, fields=("size",), cooldown=0),
    spec("value_median", "abc", op="gt", count=0, further=(("lte", 10),), fields=("size",)),
    spec("value_percentile", "ac", count=9, percentile=90, fields=("size",), cooldown=MINUTE),
    spec("temporal", "abc", formula=all_of(A, B, none_of(C)), uid="a and b and not c"),
    spec("temporal", "abc", formula=any_of(all_of(A, none_of(B)), none_of(any_of(A, C))), cooldown=0, uid="nested"),
]


def correlator(*specs: CorrelationSpec) -> Correlator:
    return Correlator(specs or (PAIR,))


def here(rule: str, at: int, name: str = "", **fields: str) -> Signal:
    return signal(rule, at, KEY, name=name, fields=fields)


def fed(rule: CorrelationSpec, *items: Item, watermark: int = 0) -> Driver:
    return Driver(correlator(rule)).feed(items, watermark)


def published(driver: Driver) -> list[Sequence]:
    return [output.sequence for output in driver.log if isinstance(output, Published)]


def stepped(
    core: Correlator, state: KeyState, item: Item | None, watermark: int = 0
) -> tuple[KeyState, tuple[Output, ...]]:
    return core.step(KEY, state, item, watermark)
