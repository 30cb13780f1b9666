"""Weak signals of one user from eleven sources over two weeks: one alert together, in any order, and none alone.

The records are those that the rule is shown on in the pack, here in files of their own through the whole path.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from models.finding import Sequence
from streams.replay.run import Replayed
from tests.correlate.drive import Driver
from tests.correlate.one_key import published
from tests.replay.play import STREAMS, play, stages, write

RULE = STREAMS / "rules" / "correlations" / "low_and_slow.yml"
ALICE = "user:alice@example.com"
DATE = re.compile(rb"2024-05-(\d\d)")
LOW = 20  # the risk of a detection of level low
SEED = 11


@dataclass(frozen=True, slots=True)
class Told:
    """One record, and on which day from the first one it was written."""

    source: str
    day: int
    raw: bytes

    def after(self, days: int) -> Told:
        """Return it so many days later; its only dates are those of May 2024."""
        later = timedelta(days=days)
        raw = DATE.sub(lambda found: str(date(2024, 5, int(found[1])) + later).encode(), self.raw)
        return Told(self.source, self.day + days, raw)


def _told() -> list[Told]:
    tests = yaml.safe_load(RULE.with_name("low_and_slow.tests.yml").read_bytes())["tests"]
    records: list[dict[str, Any]] = next(test["records"] for test in tests if "records" in test)
    return [Told(given["source"], int(given["at"].rstrip("d")), orjson.dumps(given["record"])) for given in records]


TOLD = _told()
UID = yaml.safe_load(RULE.read_bytes())["id"]


def replayed(told: Iterable[Told], folder: Path) -> Replayed:
    """Replay records, a file for each source, read in the order given."""
    return play([write(folder / f"{number:02}-{one.source}.ndjson", [one.raw]) for number, one in enumerate(told)])


def of_rule(found: Iterable[Sequence]) -> list[Sequence]:
    return [sequence for sequence in found if sequence.analytic.uid == UID]


def shuffled(items: Iterable[Any], seed: int) -> list[Any]:
    mixed = list(items)
    random.Random(seed).shuffle(mixed)  # noqa: S311  # an order, no secret
    return mixed


@pytest.fixture(scope="module")
def in_order(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    return replayed(TOLD, tmp_path_factory.mktemp("in_order"))


def test_each_record_is_one_weak_signal_of_a_source_of_its_own(in_order: Replayed) -> None:
    assert len({one.source for one in TOLD}) == 11
    assert sorted(signal.event.source for signal in in_order.signals) == sorted(one.source for one in TOLD)
    assert max(signal.risk for signal in in_order.signals) <= LOW
    assert in_order.counts["dead-letter"] == 0


def test_together_they_are_one_alert(in_order: Replayed) -> None:
    (sequence,) = of_rule(in_order.sequences)
    assert (sequence.group, sequence.is_alert) == (ALICE, True)
    assert {member.uid for member in sequence.members} == {signal.uid for signal in in_order.signals}
    assert len(sequence.members) == 11
    assert in_order.sequences == [sequence]
    assert [one.verdict.sequence_uid for one in in_order.investigations] == [sequence.uid]


def answer(sequence: Sequence) -> tuple[Any, ...]:
    members = sorted(member.uid for member in sequence.members)
    return sequence.uid, sequence.revision, sequence.group, sequence.is_alert, sequence.risk, members


@pytest.mark.parametrize("order", [reversed, lambda told: shuffled(told, SEED)], ids=["reversed", "shuffled"])
def test_the_order_of_the_files_does_not_show(
    in_order: Replayed, tmp_path: Path, order: Callable[[list[Told]], Iterable[Told]]
) -> None:
    assert [answer(one) for one in replayed(order(TOLD), tmp_path).sequences] == list(map(answer, in_order.sequences))


@pytest.mark.parametrize("seed", range(20))
def test_signals_that_arrive_in_any_order_and_twice_leave_the_same(in_order: Replayed, seed: int) -> None:
    driver = Driver(stages().correlator).feed(shuffled(in_order.signals * 2, seed))
    last = {sequence.uid: sequence for sequence in published(driver)}
    assert [answer(last[uid]) for uid in driver.standing] == list(map(answer, in_order.sequences))


@pytest.mark.parametrize("told", TOLD, ids=lambda told: told.source)
def test_none_of_them_alone_is_an_alert(told: Told, tmp_path: Path) -> None:
    found = replayed([told], tmp_path)
    assert len(found.signals) == 1
    assert found.sequences == []


def test_before_the_last_has_come_there_is_nothing(tmp_path: Path) -> None:
    assert replayed(TOLD[:-1], tmp_path).sequences == []


def test_over_two_months_there_is_nothing(tmp_path: Path) -> None:
    spread = [one.after(4 * one.day) for one in TOLD]
    assert [one.day for one in spread][-1] == 65
    assert replayed(spread, tmp_path).sequences == []


def test_the_last_seventy_days_later_does_not_count(tmp_path: Path) -> None:
    found = replayed([*TOLD[:-1], TOLD[-1].after(70)], tmp_path)
    assert len(found.signals) == 11
    assert found.sequences == []


def test_the_same_twice_with_seventy_days_between_are_two(tmp_path: Path) -> None:
    found = replayed([*TOLD, *(one.after(70) for one in TOLD)], tmp_path)
    assert [(one.group, len(one.members), one.is_alert) for one in of_rule(found.sequences)] == [(ALICE, 11, True)] * 2


def of_user(told: Told, number: int) -> Told:
    """Return the record of another user at the same address."""
    raw = re.sub(rb"alice(?=@example\.com)", b"user%d" % number, told.raw, flags=re.IGNORECASE)
    return Told(told.source, told.day, raw)


def test_as_many_users_behind_one_address_are_nobody_in_particular(tmp_path: Path) -> None:
    found = replayed([of_user(one, number) for number, one in enumerate(TOLD)], tmp_path)
    assert len(found.signals) == 11
    assert found.sequences == []
