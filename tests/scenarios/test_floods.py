"""A password is guessed thousands of times a minute: few signals, the same sequences, no state beyond its bound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.deterministic.investigator import DeterministicInvestigator
from models.finding import Sequence, Signal
from models.records import Coordinates, RawRecord
from streams.correlate.bounds import MAX_STATE_BYTES
from streams.correlate.state import encode_state
from streams.flood import FLOOD_LIMIT, Keyed, fold_batch
from streams.replay.run import Replay, Replayed
from streams.rulebook import load_rulebook
from streams.sources.registry import SOURCES
from streams.stage import Stages, build_stages
from tests.correlate.drive import Driver
from tests.correlate.one_key import PAST_ALL, published
from tests.floods import failed_logins, write_rules

BATCH = 2000
NO_LIMIT = 10**9


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rules(tmp_path_factory.mktemp("rules"))


def stages(rules: Path, limit: int = FLOOD_LIMIT) -> Stages:
    return build_stages(load_rulebook([rules]).sound(), flood_limit=limit)


def records(raw: list[bytes]) -> Iterator[RawRecord]:
    for number, data in enumerate(raw, 1):
        yield RawRecord("windows", data, Coordinates("raw.windows", 0, number))


def sent(made: Stages, raw: list[bytes]) -> list[Keyed]:
    """Return what the ingest worker sends: the signals of each batch, folded."""
    messages: list[Keyed] = []
    for start in range(0, len(raw), BATCH):
        found = [
            routed
            for record in records(raw[start : start + BATCH])
            for result in made.ingest.process(SOURCES["windows"], record)
            for routed in result.signals
        ]
        copies = [(routed.signal, key) for routed in found for key in routed.routes.keys]
        messages += fold_batch(copies, made.correlator.flood_limit)
    return messages


def played(rules: Path, raw: list[bytes], limit: int, out: Path | None = None) -> Replayed:
    given = ((SOURCES["windows"], record) for record in records(raw))
    return Replay(stages(rules, limit), DeterministicInvestigator(), out).run(given, (), lambda _: None)


def answer(sequence: Sequence) -> tuple[str, str, int, int, int, bool]:
    return (
        sequence.uid,
        sequence.group,
        sequence.revision,
        sequence.start_time,
        sequence.end_time,
        sequence.is_alert,
    )


def test_thousands_of_failed_logins_leave_few_signals_and_small_states(rules: Path) -> None:
    made = stages(rules)
    messages = sent(made, failed_logins(30_000, 60_000))
    keys = {key for _, key in messages}
    assert len({signal.uid for signal, _ in messages}) == 60 * len(keys) == 360
    assert len(messages) <= (30_000 // BATCH + 60) * len(keys)
    driver = Driver(made.correlator)
    for signal, key in messages:
        driver.deliver(signal, key)
        assert len(encode_state(driver.states[key])) <= MAX_STATE_BYTES
    last = {sequence.uid: sequence for sequence in published(driver)}
    standing = [last[uid] for uid in driver.standing]
    assert {(one.group, one.revision) for one in standing} >= {("TargetUserName=svc-backup", 30_000)}
    assert {one.revision for one in standing} == {30_000}
    driver.tick(PAST_ALL * 2)
    assert all(state.empty for state in driver.states.values())


def test_a_replay_folds_and_finds_the_same(rules: Path, tmp_path: Path) -> None:
    raw = failed_logins(240, 2000)
    folded, single = played(rules, raw, FLOOD_LIMIT, tmp_path), played(rules, raw, NO_LIMIT)
    assert sorted(map(answer, folded.sequences)) == sorted(map(answer, single.sequences))
    assert len(folded.sequences) == 2
    assert len(single.signals) == 240
    assert len(folded.signals) == 12
    assert sum(signal.count for signal in shown(folded, "TargetUserName=svc-backup")) == 240
    assert len((tmp_path / "signals.ndjson").read_bytes().splitlines()) == len(folded.signals)


def shown(found: Replayed, group: str) -> list[Signal]:
    """Return the signals that the sequence of a group shows."""
    (sequence,) = (one for one in found.sequences if one.group == group)
    uids = {member.uid for member in sequence.members}
    return [signal for signal in found.signals if signal.uid in uids]


def test_the_workers_batches_leave_the_bytes_of_a_replay(rules: Path) -> None:
    raw = failed_logins(3000, 5000)
    made = stages(rules)
    driver = Driver(made.correlator)
    for signal, key in reversed(sent(made, raw)):
        driver.deliver(signal, key)
    last = {sequence.uid: sequence for sequence in published(driver)}
    replayed = played(rules, raw, FLOOD_LIMIT)
    assert sorted((last[uid] for uid in driver.standing), key=lambda one: one.uid) == sorted(
        replayed.sequences, key=lambda one: one.uid
    )
