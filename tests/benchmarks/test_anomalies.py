"""The judge of anomalies tells hits from echoes and false ones, and the harness plays a small organization through."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from models.errors import ConfigError
from streams.profile.engine import Profiler
from streams.profile.reports import group_of
from streams.profile.settings import ProfileSettings
from streams.replay.anomalies import Anomalies
from streams.replay.deltas import Deltas
from streams.topics import KEYED_PARTITIONS
from tests.benchmarks import anomalies
from tests.benchmarks.anomalies_judge import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Played,
    Said,
    Truth,
    Verdict,
    false_by_detector,
    judge,
    median_minutes,
    pooled,
    read_truth,
)
from tests.benchmarks.anomalies_play import MODELS, PEERS, WHOLE, alone, counted, detectors_of, named, play

START = 1_790_035_200_000  # a midnight
BEGIN, END = START + 10 * DAY_MS + 90 * MINUTE_MS, START + 10 * DAY_MS + 3 * HOUR_MS
ALICE, BOB = "user:alice@example.com", "user:bob@example.com"
BEACON = Played("beacon", "network", "plain", frozenset({ALICE}), BEGIN, END, frozenset({"beaconing", "domain"}))
TRUTH = Truth(START, START + 14 * DAY_MS, (BEACON,))
LOOSE = ProfileSettings(rate=0.05, budget=12_000, warmup_days=2, partitions=KEYED_PARTITIONS)


def said(time: int, entity: str = ALICE, detector: str = "anomaly_new_destination", feature: str = "domain") -> Said:
    return Said(time, time + 6 * MINUTE_MS, entity, detector, feature)


def judged(*signals: Said, withheld: tuple[Said, ...] = ()) -> Verdict:
    days = (START // DAY_MS + day for day in range(14))
    return judge(TRUTH, signals, [(ALICE, day) for day in days], 7, withheld)


def test_what_is_told_while_it_goes_on_is_a_hit() -> None:
    found = judged(said(END), said(BEGIN + 20 * MINUTE_MS))
    (one,) = found.found
    assert (found.detected, found.meant, found.rate, found.false, found.late) == (1, 1, 1.0, (), ())
    assert (one.shown_after_ms, one.told_after_ms) == (20 * MINUTE_MS, 26 * MINUTE_MS)
    assert median_minutes(found.found, lambda hit: hit.told_after_ms) == 26


def test_the_hour_in_which_it_begins_counts_from_its_start() -> None:
    assert judged(said(BEGIN - 30 * MINUTE_MS)).found[0].shown_after_ms == 0
    assert judged(said(BEGIN - 31 * MINUTE_MS)).detected == 0


@pytest.mark.parametrize(
    ("time", "detected", "late", "false"),
    [
        (END + 2 * HOUR_MS, 1, 0, 0),
        (END + 2 * HOUR_MS + 1, 0, 1, 0),
        (END + 2 * HOUR_MS + DAY_MS, 0, 1, 0),
        (END + 2 * HOUR_MS + DAY_MS + 1, 0, 0, 1),
        (BEGIN - HOUR_MS, 0, 0, 1),
    ],
)
def test_what_is_told_later_is_an_echo_and_then_false(time: int, detected: int, late: int, false: int) -> None:
    found = judged(said(time))
    assert (found.detected, len(found.late), len(found.false)) == (detected, late, false)


def test_of_somebody_else_it_is_false() -> None:
    found = judged(said(BEGIN, BOB), said(START + DAY_MS, BOB))
    assert found.detected == 0
    assert found.false == (said(BEGIN, BOB),)
    assert (found.early, found.entity_days, found.days) == (1, 7, 7.0)
    assert (found.false_of_entity_day, found.false_of_day) == (1 / 7, 1 / 7)
    assert false_by_detector(found) == {"anomaly_new_destination": 1}


def test_the_first_day_after_the_warm_up_is_told_apart() -> None:
    first = START + 7 * DAY_MS
    assert judged(said(first - 1), said(first), said(first + DAY_MS - 1), said(first + DAY_MS)).fresh == 2


def test_those_of_the_last_week_are_told_apart() -> None:
    last = START + 7 * DAY_MS
    assert judged(said(last - 1, BOB), said(last, BOB), said(last + 6 * DAY_MS, BOB)).recent == 2


def test_a_feature_that_is_not_meant_to_show_it_finds_it_by_chance() -> None:
    assert judged(said(BEGIN, feature="port")).detected == 1
    assert judged(said(BEGIN, feature="port")).meant == 0
    assert judged(said(BEGIN, detector="anomaly_beacon", feature="destination")).meant == 1


def test_what_the_budget_withholds_is_no_detection() -> None:
    found = judged(withheld=(said(BEGIN), said(BEGIN, BOB)))
    assert (found.detected, found.false, found.withheld) == (0, (), 2)
    assert found.found[0].is_withheld
    assert not judged(said(BEGIN), withheld=(said(BEGIN),)).found[0].is_withheld


def test_a_signal_can_be_of_two_behaviours_and_an_echo_of_neither() -> None:
    after = replace(BEACON, name="dns_tunnel", start_ms=END + 3 * HOUR_MS, end_ms=END + 4 * HOUR_MS)
    truth = Truth(START, START + 14 * DAY_MS, (BEACON, after))
    found = judge(truth, [said(END + 3 * HOUR_MS)], [], 7)
    assert [len(one.hits) for one in found.found] == [0, 1]
    assert (found.late, found.false_of_entity_day) == ((), 0.0)


def test_organizations_are_pooled() -> None:
    one = judged(said(BEGIN), said(BEGIN, BOB))
    both = pooled([one, judged(withheld=(said(BEGIN),))])
    assert (both.detected, len(both.found), both.withheld) == (1, 2, 1)
    assert both.false_of_entity_day == one.false_of_entity_day / 2


@pytest.fixture(scope="module")
def organization(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("organization")
    names = "mfa_fatigue,password_spray"
    anomalies.simulate(["--weeks", "1", "--scale", "0.02", "--inject", names, "--out", str(out)], standalone_mode=False)
    for path in out.glob("*.ndjson"):
        if path.stem != "okta":
            path.unlink()  # people alone are quick to play
    return out


@pytest.fixture(scope="module")
def deltas(organization: Path) -> Iterator[Deltas]:
    with closing(counted(organization)) as found:
        yield found


def test_what_judges_beside_the_stage_tells_what_the_stage_would(deltas: Deltas) -> None:
    run = play(deltas, LOOSE, ("value", PEERS), (0.3,))
    others = {"value": replace(LOOSE, without=detectors_of("value")), named(0.3): replace(LOOSE, rate=0.3)}
    for name, settings in {WHOLE: LOOSE, **others}.items():
        stage = Anomalies(Profiler(settings))
        stage.play(deltas.by_minute())
        heard = run.heard[name]
        assert [one.time for one in heard.said] == [signal.time for signal in stage.signals]
        assert len(heard.withheld) == stage.counts["anomalies_withheld"]
    models = {one.model for one in run.heard[WHOLE].said}
    assert "value" in models
    assert "value" not in {one.model for one in run.heard["value"].said}
    assert len(run.heard[named(0.3)].said) > len(run.heard[WHOLE].said)
    assert run.heard[PEERS].said
    assert {entity.partition(":")[0] for entity, _ in run.active} >= {"user"}


def test_without_peers_everybody_is_in_a_group_of_one(deltas: Deltas) -> None:
    found = [delta for _, some in deltas.by_minute() for delta in some]
    groups = [{group_of(one.entity, one.source, one.peers) for one in some} for some in (found, map(alone, found))]
    assert len(groups[0]) < len(groups[1]) == len({(one.entity, one.source) for one in found})


def test_the_command_tells_of_every_behaviour(organization: Path) -> None:
    truth = read_truth(organization / "truth.json")
    assert {played.name for played in truth.played} == {"mfa_fatigue", "password_spray"}
    done = CliRunner().invoke(anomalies.main, ["--data", str(organization), "--json", "--beside", "0.01"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert set(told) == {"whole", *MODELS, "rate 0.01"}
    assert told["whole"]["played"] == len(truth.played)
    assert told["whole"]["by_behaviour"].keys() == {"mfa_fatigue", "password_spray"}


def test_an_organization_is_simulated_for_as_long_as_it_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with anomalies.organization(None, seed=2, scale=0.01, weeks=1) as folder:
        assert read_truth(folder / "truth.json").played
    assert not folder.exists()
    assert capsys.readouterr().out == ""


def test_tables_show_what_was_found_and_what_is_lost() -> None:
    console = Console(width=160, record=True, file=StringIO())
    for table in anomalies.tables(
        {WHOLE: judged(said(BEGIN), said(BEGIN, BOB)), "value": judged(), named(0.1): judged()}
    ):
        console.print(table)
    lines = [" ".join(line.replace("|", " ").split()) for line in console.export_text().splitlines()]
    assert "beacon 1/1 1/1 0 6 new_destination" in lines
    assert "anomaly_new_destination 1 0.14 0.1" in lines
    assert "value 0/1 0/1 0 0.0 beacon 1" in lines
    assert "rate 0.1 0/1 0/1 0 0.0 beacon 1" in lines


def test_a_folder_without_an_organization_is_refused(tmp_path: Path) -> None:
    with pytest.raises((ConfigError, OSError)):
        counted(tmp_path)
