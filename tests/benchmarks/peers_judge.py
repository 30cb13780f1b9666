"""Judge what was found against what the naive oracle expects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from confluent_kafka import Message

from models.finding import Signal
from tests.benchmarks.peer_pairs import TIMESPAN_MS
from tests.benchmarks.peers_input import FIRST, THEN, Expected, Feed, host_of
from tests.workers.processes import body, standing


@dataclass(frozen=True, slots=True)
class Alert:
    """What one of them says it found; a later one of the same uid takes the place of an earlier one.

    Attributes:
        uid: Its name.
        host: Where.
        uids: The signals it names.
    """

    uid: str
    host: str
    uids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many of the expected sequences were found.

    Attributes:
        expected: Sequences that the oracle finds.
        found: Of these, how many stand in at least one alert.
        twice: Alerts beyond the first of a sequence that another uid has told of.
        wrong: Alerts whose signals are no such pair of one host.
        exact: Of the found ones, how many alerts name all signals of the sequence and no others.
        records: How many records it took to tell.
    """

    expected: int
    found: int
    twice: int
    wrong: int
    exact: int
    records: int

    @property
    def missed(self) -> int:
        """Return how many sequences nobody was told of."""
        return self.expected - self.found


def alerts_of_braid(messages: Iterable[Message]) -> Iterator[Alert]:
    """Yield the sequences that stand."""
    for uid, record in standing(messages).items():
        related = record["finding_info"]["related_events"]
        yield Alert(uid, record["unmapped"]["braid"]["group"], tuple(one["uid"] for one in related))


def alerts_of_peer(messages: Iterable[Message]) -> Iterator[Alert]:
    """Yield the last alert of every key."""
    for key, value in {message.key() or b"": body(message) for message in messages}.items():
        yield Alert(key.decode(), value["host"], tuple(value["uids"]))


def judge(feed: Feed, alerts: Iterable[Alert], records: int) -> Verdict:
    """Compare; what is told of hosts that only mark places does not count."""
    place = {uid: one for one in feed.expected for uid in one.uids}
    told, wrong, exact = Counter[Expected](), 0, 0
    for alert in alerts:
        expected = place.get(alert.uids[0]) if holds(feed.signals, alert) else None
        if expected is None:
            wrong += 1
        else:
            told[expected] += 1
            exact += expected.uids == set(alert.uids)
    return Verdict(len(feed.expected), len(told), sum(told.values()) - len(told), wrong, exact, records)


def holds(signals: dict[str, Signal], alert: Alert) -> bool:
    """Tell whether an alert names signals of one host that are there, and a pair in time and order among them."""
    if not all(uid in signals and host_of(signals[uid]) == alert.host for uid in alert.uids):
        return False
    named = [signals[uid] for uid in alert.uids]
    return any(
        one.analytic.uid == FIRST and other.analytic.uid == THEN and 0 <= other.time - one.time <= TIMESPAN_MS
        for one in named
        for other in named
    )
