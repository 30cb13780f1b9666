"""How well links tell who is who, what they take to observe, and how much memory a million of them takes.

`python -m tests.benchmarks.links`. A made-up company (`tests.benchmarks.linked_people`) tells of itself in events;
links are observed in them, and joined as the correlate worker does: at a time, over one link, never over a shared one.
Two entities are joined when a signal about the one and a signal about the other would meet in the group of any entity.
Each pair so joined is right when both are one actor's at that time, and something shared is nobody's.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import tracemalloc
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import click

from enrichers.links import Persons, links_of, observed
from enrichers.links.persons import NOBODY, person_links
from models.entity import EntityKey, EntityLink
from models.event import Event
from models.records import ParseError, RawRecord
from streams.correlate.crossing import leads
from streams.correlate.deriving import follows
from streams.correlate.fanout import LINK_FANOUT, taken
from streams.correlate.state import KeyState, encode_state
from streams.sources.registry import SOURCES
from tests.benchmarks.linked_people import HOUR, START, Company
from tests.sources.samples import samples

PEOPLE = 2000
FEWER = 240  # people, for what is tried many times
MOMENTS = tuple(START + hour * HOUR + 17 * 60_000 for hour in (7, 9, 11, 12, 15, 17, 19, 20))
MEASURED_LINKS = 50_000

Held = dict[str, tuple[EntityLink, ...]]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Score:
    """Pairs of entities at all moments together.

    Attributes:
        right: Joined, and one actor's.
        wrong: Joined, and not.
        missed: One actor's, and not joined.
    """

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.right + self.missed)

    @property
    def f1(self) -> float:
        return 2 * self.right / max(1, 2 * self.right + self.wrong + self.missed)


def observe(company: Company) -> dict[str, tuple[EntityLink, set[str]]]:
    """Return all links of a company by uid, and which observers say so; `persons` are those of the identity table."""
    persons = Persons(actor.names for actor in company.actors if actor.names)
    found: dict[str, tuple[EntityLink, set[str]]] = {}
    for event in company.events:
        for name, link in observed(event, persons):
            found.setdefault(link.uid, (link, set()))[1].add(name)
    for actor in company.actors:
        for link in person_links(actor.names, START, START + 24 * HOUR, actor.name):
            found[link.uid] = link, {"persons"}
    return found


def held(links: Iterable[EntityLink], limit: int = LINK_FANOUT, *, derives: bool = True) -> Held:
    """Take links in as the states of the correlate worker do, telling each other which are shared and which follow."""
    states: Held = {}
    waiting = deque((str(end), link) for link in links for end in (link.left, link.right))
    while waiting:
        key, link = waiting.popleft()
        before = states.get(key, ())
        states[key], told = taken(before, link, key, limit)
        waiting.extend((str(one.other_end(key)), one) for one in told)
        if derives and states[key] is not before:
            derived = follows(before, states[key], link, key)
            waiting.extend((str(end), one) for one in derived for end in (one.left, one.right))
    return states


def joined(states: Held, known: set[str], at: int) -> set[Pair]:
    """Return every two of the known entities of which signals meet in a group at a time (ms)."""
    pairs: set[Pair] = set()
    for key, links in states.items():
        here = EntityKey.parse(key)
        ends = (one.other_end(key) for one in links if not one.is_shared and one.holds_at(at))
        there = {str(end) for end in ends if leads(end, here)}
        pairs |= set(combinations(sorted((there | {key}) & known), 2))
    return pairs


def score(company: Company, states: Held, moments: Sequence[int] = MOMENTS) -> Score:
    """Compare what is joined with the truth."""
    right = wrong = missed = 0
    for at in moments:
        owned = [entities for _, entities in company.truth(at)]
        known = {entity for entities in owned for entity in entities} | company.shared
        true = {pair for entities in owned for pair in combinations(entities, 2)}
        said = joined(states, known, at)
        right += len(said & true)
        wrong += len(said - true)
        missed += len(true - said)
    return Score(right, wrong, missed)


def without(found: Mapping[str, tuple[EntityLink, set[str]]], name: str) -> Iterator[EntityLink]:
    """Yield the links that are there when one observer is not."""
    return (link for link, by in found.values() if by != {name})


def costs(events: Sequence[Event], persons: Persons) -> dict[str, float]:
    """Return microseconds per event: of the company, of samples of every source that show a link, and of those not."""
    sampled = [event for name in SOURCES for record in samples(name) for event in _events(name, record)]
    silent = [event for event in sampled if not links_of(event)]
    telling = [event for event in sampled if links_of(event)]
    return {
        "us_company": _cost_us(events, persons),
        "us_samples_with_links": _cost_us(telling * 50, NOBODY),
        "us_samples_without_links": _cost_us(silent * 50, NOBODY),
    }


def _events(name: str, record: RawRecord) -> tuple[Event, ...]:
    parsed = SOURCES[name].parse_all(record)
    return () if isinstance(parsed, ParseError) else tuple(parsed)


def _cost_us(events: Sequence[Event], persons: Persons, rounds: int = 5) -> float:
    """Return the best of some rounds, without the collector: workers freeze what they hold."""
    best = float("inf")
    gc.disable()
    for _ in range(rounds):
        start = time.process_time()
        for event in events:
            links_of(event, persons)
        best = min(best, time.process_time() - start)
    gc.enable()
    return round(best / len(events) * 1e6, 2)


def memory_per_million(number: int = MEASURED_LINKS) -> dict[str, float]:
    """Return MB per million links: as values in memory, and in the states of their two ends, as the worker has them."""
    gc.collect()
    tracemalloc.start()
    links = [_link(index) for index in range(number)]
    values, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    states = held(links)
    encoded = sum(len(encode_state(KeyState(links=state))) + len(key) for key, state in states.items())
    scale = 1_000_000 / number / 1e6
    return {"values_mb": values * scale, "states_mb": encoded * scale, "states": len(states) / number}


def _link(index: int) -> EntityLink:
    """Return one of many links: every address is had by four hosts, one after the other."""
    left, right = (
        EntityKey("host", f"host-{index % 50_000:06d}"),
        EntityKey("ip", f"10.1.{index // 4 % 250}.{index % 251}"),
    )
    start = START + index % 24 * HOUR
    return EntityLink(f"{index:032x}", left, right, start, start + 3 * HOUR - 1, 90, "windows", f"{index + 1:032x}")


def run(people: int, limits: Sequence[int]) -> dict[str, object]:
    """Run everything; figures by name."""
    company = Company(people)
    found = observe(company)
    states = held(link for link, _ in found.values())
    whole = score(company, states)
    shared = {one.uid for state in states.values() for one in state if one.is_shared}
    smaller = Company(min(people, FEWER))
    parts = observe(smaller)
    named = Counter(name for _, by in parts.values() for name in by)
    persons = Persons(actor.names for actor in company.actors if actor.names)
    return {
        "actors": len(company.actors),
        "events": len(company.events),
        "links": len(found),
        "shared_links": len(shared),
        "derived_links": len({one.uid for state in states.values() for one in state if one.is_derived}),
        "score": _told(whole),
        "all_observers": _told(score(smaller, held(link for link, _ in parts.values()))),
        "by_limit": {n: _told(score(smaller, held((link for link, _ in parts.values()), n))) for n in limits},
        "without": {
            name: {"links": named[name], **_told(score(smaller, held(without(parts, name))))} for name in sorted(named)
        },
        "without_derived": _told(score(smaller, held((link for link, _ in parts.values()), derives=False))),
        **costs(company.events[:5000], persons),
        "per_million_links": memory_per_million(),
    }


def _told(one: Score) -> dict[str, float]:
    return {**asdict(one), "precision": round(one.precision, 4), "recall": round(one.recall, 4), "f1": round(one.f1, 4)}


@click.command()
@click.option("--people", default=PEOPLE, show_default=True, help="How many people the company has.")
@click.option("--limits", default="4,8,1000", show_default=True, help="Further fan-out limits to compare with.")
def main(people: int, limits: str) -> None:
    """Print the figures as JSON."""
    figures = run(people, [int(limit) for limit in limits.split(",") if limit])
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
