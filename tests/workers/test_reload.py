"""Rules that change under a worker: what it takes, what it refuses, what it says; without a broker."""

from __future__ import annotations

import gc
import logging
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from models.errors import ConfigError
from models.event import LogSource
from models.records import Coordinates, DeadLetter, ParseError, RawRecord
from streams.config import Settings, load_settings
from streams.detect.matching.meter import TELLING
from streams.detect.rule import DetectionRule
from streams.rulebook import Rulebook
from streams.workers.health import Health
from streams.workers.reload import Reloader, signature
from streams.workers.rules import COST_SECONDS, RunningRules
from tests.detect.build import event

RULE = """\
title: Rule {number}
id: 00000000-0000-4000-8000-{number:012d}
logsource: {{product: windows}}
detection: {{selection: {{a: {value}}}, condition: selection}}
"""
BAD = "title: Bad\nlogsource: {product: windows}\ndetection: {selection: {a: 1}}\n"


def write(folder: Path, number: int, value: str = "x") -> Path:
    file = folder / f"{number}.yml"
    file.write_text(RULE.format(number=number, value=value))
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "rules"
    found.mkdir()
    for number in (1, 2):
        write(found, number)
    return found


@pytest.fixture
def settings(folder: Path, tmp_path: Path) -> Settings:
    return load_settings(
        rules=(folder,), default_rules=False, cache_dir=str(tmp_path / "cache"), rules_reload_seconds=0, rule_failures=2
    )


@pytest.fixture
def health() -> Health:
    return Health("test")


def loaded(settings: Settings, health: Health) -> Reloader[Rulebook]:
    found = Reloader(settings, health, lambda rulebook: rulebook)
    found.load()
    return found


@pytest.fixture
def reloader(settings: Settings, health: Health) -> Reloader[Rulebook]:
    return loaded(settings, health)


def titles(rulebook: Rulebook) -> list[str]:
    return [rule.title for rule in rulebook.detections]


def taken(reloader: Reloader[Rulebook]) -> list[str]:
    fresh = reloader.take()
    assert fresh is not None
    assert fresh.made is fresh.rulebook
    return titles(fresh.rulebook)


def said(caplog: pytest.LogCaptureFixture, what: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if what in record.getMessage()]


def test_the_first_set_is_no_change(settings: Settings, health: Health) -> None:
    reloader = Reloader(settings, health, lambda rulebook: rulebook)
    first = reloader.load()
    assert titles(first.made) == ["Rule 1", "Rule 2"]
    assert reloader.take() is None
    reloader.check()
    assert reloader.take() is None
    facts = health.snapshot()
    assert (facts["rules_loaded"], facts["rules_problems"]) == (2, 0)
    assert facts["rules_digest"] == first.rulebook.digest
    assert facts["rules_loaded_ms"] > 0
    assert facts["rules_refused"] == ""


def _edited(folder: Path) -> None:
    (folder / "1.yml").write_text(RULE.format(number=1, value="y").replace("Rule 1", "Edited"))


def _same_size(folder: Path) -> None:
    (folder / "1.yml").write_text(RULE.format(number=1, value="x").replace("Rule 1", "Rule 9"))


def _replaced(folder: Path) -> None:
    """Put another file in place, as an editor does, with the size and time of the one before."""
    file, other = folder / "1.yml", folder / "other"
    before = file.stat()
    other.write_text(file.read_text().replace("Rule 1", "Rule 9"))
    os.utime(other, ns=(before.st_mtime_ns, before.st_mtime_ns))
    other.replace(file)


CHANGES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "edited": (_edited, ["Edited", "Rule 2"]),
    "of the same size": (_same_size, ["Rule 9", "Rule 2"]),
    "of the same size and time": (_replaced, ["Rule 9", "Rule 2"]),
    "added": (lambda folder: write(folder, 3), ["Rule 1", "Rule 2", "Rule 3"]),
    "removed": (lambda folder: (folder / "1.yml").unlink(), ["Rule 2"]),
    "all removed": (lambda folder: [file.unlink() for file in folder.iterdir()], []),
}


def test_a_link_that_is_turned_to_another_folder_is_a_change(folder: Path, settings: Settings, health: Health) -> None:
    other, link = folder.with_name("other"), folder.with_name("current")
    other.mkdir()
    write(other, 3)
    link.symlink_to(folder)
    reloader = loaded(settings.model_copy(update={"rules": (link,)}), health)
    turned = folder.with_name("turned")
    turned.symlink_to(other)
    turned.replace(link)
    reloader.check()
    assert taken(reloader) == ["Rule 3"]


@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_found_and_taken_once(
    change: Callable[[Path], object], expected: list[str], folder: Path, reloader: Reloader[Rulebook]
) -> None:
    change(folder)
    reloader.check()
    assert taken(reloader) == expected
    assert reloader.take() is None
    reloader.check()
    assert reloader.take() is None


def test_only_the_newest_set_is_handed_over(folder: Path, reloader: Reloader[Rulebook], health: Health) -> None:
    for number in (3, 4):
        write(folder, number)
        reloader.check()
        assert health.snapshot()["rules_loaded"] == 2  # until it is taken, the old one serves
    assert len(taken(reloader)) == 4
    assert health.snapshot()["rules_loaded"] == 4
    assert reloader.take() is None


def test_files_that_say_the_same_are_no_new_set(folder: Path, reloader: Reloader[Rulebook]) -> None:
    os.utime(folder / "1.yml", ns=(1, 1))
    reloader.check()
    assert reloader.take() is None
    reloader.check(asked=True)
    assert reloader.take() is None


def test_a_bad_rule_is_told_once_and_left_out(
    folder: Path, reloader: Reloader[Rulebook], health: Health, caplog: pytest.LogCaptureFixture
) -> None:
    bad = folder / "bad.yml"
    bad.write_text(BAD)
    reloader.check()
    assert taken(reloader) == ["Rule 1", "Rule 2"]
    assert health.snapshot()["rules_problems"] == 1
    for number in (3, 4):
        write(folder, number)
        reloader.check()
    assert len(said(caplog, "rule left out")) == 1
    assert str(bad) in said(caplog, "rule left out")[0]
    bad.unlink()
    reloader.check()
    assert len(taken(reloader)) == 4
    assert health.snapshot()["rules_problems"] == 0
    bad.write_text(BAD)
    reloader.check()
    assert len(said(caplog, "rule left out")) == 2


def test_a_rule_that_goes_bad_leaves_the_others(folder: Path, reloader: Reloader[Rulebook]) -> None:
    (folder / "1.yml").write_text(BAD)
    reloader.check()
    assert taken(reloader) == ["Rule 2"]


def test_rules_that_cannot_be_read_at_all_change_nothing(
    folder: Path, reloader: Reloader[Rulebook], health: Health, caplog: pytest.LogCaptureFixture
) -> None:
    away = folder.rename(folder.with_name("away"))
    reloader.check()
    assert reloader.take() is None
    assert str(folder) in health.snapshot()["rules_refused"]
    assert len(said(caplog, "go on serving")) == 1
    reloader.check()
    assert len(said(caplog, "go on serving")) == 1
    away.rename(folder)
    write(folder, 3)
    reloader.check()
    assert len(taken(reloader)) == 3
    assert health.snapshot()["rules_refused"] == ""


def test_one_path_of_several_that_is_gone_refuses_the_set(settings: Settings, tmp_path: Path, health: Health) -> None:
    more = tmp_path / "more"
    more.mkdir()
    write(more, 3)
    wider = settings.model_copy(update={"rules": (*settings.rules, more, tmp_path / "never")})
    reloader = Reloader(wider, health, lambda rulebook: rulebook)
    assert len(reloader.load().made.detections) == 3
    more.rename(tmp_path / "away")
    write(settings.rules[0], 4)
    reloader.check()
    assert reloader.take() is None
    assert str(more) in health.snapshot()["rules_refused"]
    assert "never" not in health.snapshot()["rules_refused"]


def test_a_wrong_pipeline_refuses_the_set(settings: Settings, tmp_path: Path, health: Health) -> None:
    file = tmp_path / "pipeline.yml"
    file.write_text("transformations: [{type: field_name_mapping, mapping: {a: b}}]\n")
    piped = settings.model_copy(update={"rule_pipelines": (file,)})
    reloader = loaded(piped, health)
    file.write_text("transformations: [{type: nobody}]\n")
    reloader.check()
    assert reloader.take() is None
    assert str(file) in health.snapshot()["rules_refused"]
    with pytest.raises(ConfigError):
        loaded(piped, health)
    file.write_text("transformations: [{type: field_name_mapping, mapping: {a: c}}]\n")
    reloader.check()
    assert taken(reloader) == ["Rule 1", "Rule 2"]


def test_what_the_cache_says_is_logged(settings: Settings, health: Health, caplog: pytest.LogCaptureFixture) -> None:
    Path(settings.cache_dir).write_text("in the way")
    loaded(settings, health)
    assert said(caplog, "not kept")


def test_a_file_that_can_be_read_again_shows_in_the_signature(folder: Path) -> None:
    before = signature([folder])
    (folder / "1.yml").chmod(0o600)
    assert signature([folder]) != before


def test_hidden_files_and_tests_do_not_show_in_the_signature(folder: Path) -> None:
    before = signature([folder])
    (folder / ".1.yml.swp").write_text("x")
    (folder / ".hidden.yml").write_text("x")
    (folder / "1.tests.yml").write_text("tests: []")
    assert signature([folder]) == before
    assert signature([folder, folder / "none.yml"]) == before


# --- the thread


@pytest.fixture
def hangup() -> Iterator[None]:
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hangup")
def test_a_hangup_reloads_in_the_thread(settings: Settings, health: Health, folder: Path) -> None:
    made: list[Rulebook] = []
    reloader = Reloader(settings, health, made.append)
    with Handed(made) as handed:
        reloader.load()
        reloader.start()
        _edited(folder)
        os.kill(os.getpid(), signal.SIGHUP) if not os.isatty(0) else reloader.ask()
        handed.wait_for(2)
        reloader.close()
    assert titles(made[1]) == ["Edited", "Rule 2"]


class Handed:
    """Wait until so many sets have been made, without a clock: by the log lines that tell of it."""

    def __init__(self, made: list[Rulebook]) -> None:
        self._made = made
        self._handler = logging.Handler()
        self._lines, self._end = os.pipe()

    def __enter__(self) -> Self:
        self._handler.emit = lambda _: os.write(self._end, b".")  # type: ignore[method-assign,assignment]  # a seam
        self._level = logging.getLogger("braid").level
        logging.getLogger("braid").setLevel(logging.INFO)
        logging.getLogger("braid").addHandler(self._handler)
        return self

    def wait_for(self, count: int) -> None:
        while len(self._made) < count:
            os.read(self._lines, 1)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("braid").removeHandler(self._handler)
        logging.getLogger("braid").setLevel(self._level)
        os.close(self._lines)
        os.close(self._end)


# --- what the ingest worker runs


def raised(*uids: str, stage: str = "detect") -> list[DeadLetter]:
    record = RawRecord("windows", b"{}", Coordinates("raw.windows", 0, 1), 0)
    return [DeadLetter(record, stage, ParseError("rule failed"), {"rule": uid}) for uid in uids]


ONE = "00000000-0000-4000-8000-000000000001"


def running(rules: RunningRules) -> list[str]:
    return [rule.title for rule in rules.ingest._detector.rules]  # noqa: SLF001  # what it runs is nowhere else to see


def batch(rules: RunningRules, *letters: DeadLetter, committed: bool = True) -> None:
    rules.begin()
    rules.observe(letters)
    if committed:
        rules.end()


def test_a_rule_that_raises_too_often_is_out_until_its_file_changes(
    settings: Settings, health: Health, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = RunningRules(settings, health)
    assert health.snapshot()["rules_quarantined"] == []
    batch(rules, *raised(ONE, ONE))
    batch(rules, *raised(ONE, ONE), committed=False)
    batch(rules, *raised(ONE, stage="normalize"))
    assert running(rules) == ["Rule 1", "Rule 2"]
    batch(rules, *raised(ONE))
    assert running(rules) == ["Rule 2"]
    assert health.snapshot()["rules_quarantined"] == [ONE]
    batch(rules, *raised(ONE))
    assert len(said(caplog, "quarantined")) == 1
    assert "Rule 1" in said(caplog, "quarantined")[0]

    write(folder, 3)
    rules.check()
    batch(rules)
    assert running(rules) == ["Rule 2", "Rule 3"]
    _edited(folder)
    rules.check()
    batch(rules)
    assert running(rules) == ["Edited", "Rule 2", "Rule 3"]
    assert health.snapshot()["rules_quarantined"] == []


def test_the_old_set_serves_until_the_next_batch_begins(settings: Settings, health: Health, folder: Path) -> None:
    rules = RunningRules(settings, health)
    rules.begin()
    before = rules.ingest
    write(folder, 3)
    rules.check()
    assert rules.ingest is before
    rules.end()
    assert rules.ingest is before
    rules.begin()
    assert running(rules) == ["Rule 1", "Rule 2", "Rule 3"]


def live(kind: type[Any]) -> int:
    gc.unfreeze()
    gc.collect()
    return sum(isinstance(each, kind) for each in gc.get_objects())


def test_reloads_leave_no_old_rules_behind(settings: Settings, health: Health, folder: Path) -> None:
    for number in range(3, 40):
        write(folder, number)
    before = live(DetectionRule)
    rules = RunningRules(settings, health)
    first = live(DetectionRule)
    assert first - before == 39
    for turn in range(20):
        write(folder, 1, f"turn{turn}")
        rules.check()
        batch(rules, *raised(ONE, ONE, ONE))
    assert live(DetectionRule) - before == 39


def test_a_rule_that_costs_too_much_is_named_once(
    settings: Settings, health: Health, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pattern = "'^(?:[a-z0-9]{1,64}-){3}[0-9]+$'"
    costly = RULE.format(number=7, value=pattern).replace("{a:", "{a|re:")
    (folder / "7.yml").write_text(costly)
    rules = RunningRules(settings.model_copy(update={"rule_budget_us": 0.001}), health)
    detector = rules._made.detector  # noqa: SLF001  # the stage around it wants whole records
    for number in range(TELLING):
        detector.match(event({"a": f"value-{number}"}, LogSource("windows")))
    for _ in range(2):
        rules._looked = -COST_SECONDS  # noqa: SLF001  # a minute is not waited for
        batch(rules)
    assert health.snapshot()["rules_over_budget"] == ["00000000-0000-4000-8000-000000000007"]
    assert len(said(caplog, "over its budget")) == 1
