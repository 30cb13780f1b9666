"""The first thing a model is shown of a case: what code gathered, before any tool is called."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

from agents.evidence.facts import DAY_MS, Gathered
from agents.evidence.store import StoredSignal
from agents.investigate.show import Showing, Shown
from agents.text import moment

MAX_HELD: Final = 40  # signals of the sequence that are shown, each with its event
MAX_AROUND: Final = 15
MAX_OTHERS: Final = 15
MAX_EARLIER: Final = 20  # detections
TASK: Final = "Investigate this sequence. Use tools as you need them, then answer in the JSON form."


def case_file(gathered: Gathered, showing: Showing) -> str:
    """Render what was gathered; the events before the signals, which name them."""
    showing.learn((*(one.event for one in gathered.held[:MAX_HELD]), *_around(gathered)))
    held = gathered.held[:MAX_HELD]
    parts = (
        ("case", [_case(gathered, showing)]),
        ("events of the sequence", map(showing.event, {one.event.uid: one.event for one in held}.values())),
        ("signals of the sequence", (showing.signal(one.signal) for one in held)),
        ("other signals on the same entities", map(showing.signal, gathered.others[:MAX_OTHERS])),
        ("signals on them in the week before", _earlier(gathered.earlier, showing)),
        ("some events around", map(showing.event, _around(gathered))),
        ("what services outside said", (showing.fact(telling.fact) for telling in gathered.tellings)),
        ("telemetry", _telemetry(gathered, showing)),
    )
    return "\n".join([TASK, *(showing.wrapped(kind, rows) for kind, made in parts if (rows := list(made)))])


def _case(gathered: Gathered, showing: Showing) -> Shown:
    sequence = gathered.sequence
    left_out = len(gathered.held) - MAX_HELD
    shown: dict[str, Any] = {
        "rule": showing.screen.text(sequence.analytic.name),
        "group": showing.group(sequence.group),
        "entities": [showing.screen.entity(entity) for entity in gathered.entities],
        "from": moment(sequence.start_time),
        "to": moment(sequence.end_time),
        "risk": sequence.risk,
        "why_escalated": [showing.screen.text(reason) for reason in sequence.reasons],
        "signals": len(sequence.members),
    }
    if sequence.investigation:
        shown["what_the_author_of_the_rule_wants_checked"] = showing.screen.text(sequence.investigation)
    if left_out > 0:
        shown["signals_not_shown"] = left_out
    return shown


def _around(gathered: Gathered) -> list[Any]:
    """Return events around the sequence that are not its own, the latest before its end."""
    own = {one.event.uid for one in gathered.held}
    return [event for event in gathered.around if event.uid not in own][-MAX_AROUND:]


def _earlier(earlier: Iterable[StoredSignal], showing: Showing) -> Iterator[Shown]:
    """Count the detections of the days before: whether something is routine shows there."""
    fired: Counter[tuple[str, str]] = Counter()
    days: dict[tuple[str, str], set[int]] = defaultdict(set)
    for stored in earlier:
        rule = stored.signal.analytic.uid, stored.signal.analytic.name
        fired[rule] += stored.signal.count
        days[rule].add(stored.time // DAY_MS)
    for rule, count in sorted(fired.items(), key=lambda item: (-item[1], item[0]))[:MAX_EARLIER]:
        uid, name = map(showing.screen.text, rule)
        yield {"detection": name, "rule": uid, "times": count, "on_days": len(days[rule])}


def _telemetry(gathered: Gathered, showing: Showing) -> Iterator[Shown]:
    heard = sorted({(seen.source, seen.domain) for seen in gathered.near})
    yield {"heard_around_the_sequence": [f"{showing.screen.text(source)} ({domain})" for source, domain in heard]}
    if gathered.silent:
        yield {"heard_the_day_before_and_silent_now": [showing.screen.text(source) for source in gathered.silent]}
    if gathered.unseen:
        yield {"domains_without_any_telemetry": list(gathered.unseen)}
    if gathered.lost:
        yield {"signals_whose_records_cannot_be_shown": len(gathered.lost)}
