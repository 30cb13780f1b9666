from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from textwrap import dedent

import pytest

from enrichers.intel.analytics import ANALYTICS
from models.errors import ConfigError, RuleErrors
from streams.profile.detectors import ANALYTICS as ANOMALIES
from streams.rulebook import Rulebook, load_rulebook

PACK = Path(__file__).resolve().parents[2] / "streams" / "rules"
ONE, TWO, THREE, FOUR = (f"0a4c7c52-7f3a-4a51-9d53-0000000000{n:02d}" for n in range(1, 5))


def detection(uid: str, title: str = "A rule", name: str = "", field: str = "Image") -> str:
    named = f"name: {name}\n" if name else ""
    return (
        f"title: {title}\nid: {uid}\n{named}status: test\nlevel: high\nlogsource: {{product: windows}}\n"
        f"detection:\n  selection: {{{field}: a.exe}}\n  condition: selection\n"
    )


def correlation(uid: str, *rules: str, title: str = "A correlation") -> str:
    return dedent(
        f"""\
        title: {title}
        id: {uid}
        status: test
        level: high
        correlation:
          type: temporal
          rules: [{", ".join(rules)}]
          group-by: [entity.host]
          timespan: 5m
        """
    )


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.yml").write_text(content, "utf-8")
    return folder


def messages(book: Rulebook) -> list[str]:
    return [str(problem) for problem in book.problems]


def load(folder: Path, **files: str) -> Rulebook:
    return load_rulebook([write(folder, **files)])


def test_detections_and_correlations_are_told_apart_and_sorted_by_uid(tmp_path: Path) -> None:
    book = load(
        tmp_path,
        a=detection(TWO, name="second"),
        b=correlation(FOUR, ONE, "second"),
        c=f"{correlation(THREE, TWO, ONE)}---\n{detection(ONE)}",
    )
    assert [rule.uid for rule in book.detections] == [ONE, TWO]
    assert [spec.uid for spec in book.correlations] == [THREE, FOUR]
    assert [spec.rules for spec in book.correlations] == [(TWO, ONE), (ONE, TWO)]
    assert book.problems == ()
    assert book.sound() is book


def test_nothing_is_a_rulebook_too() -> None:
    assert load_rulebook([]).sound() == Rulebook((), (), ())


def test_a_correlation_finds_its_rules_in_any_directory(tmp_path: Path) -> None:
    first = write(tmp_path / "first", a=correlation(THREE, ONE, TWO))
    second = write(tmp_path / "second", b=detection(ONE), c=detection(TWO))
    assert load_rulebook([first, second]) == load_rulebook([second, first])
    assert [spec.rules for spec in load_rulebook([first, second]).correlations] == [(ONE, TWO)]


def some_content(folder: Path) -> list[Path]:
    """Write sound and broken content into files of several directories."""
    write(folder / "a", one=detection(ONE, name="one"), broken="title: No rule\n")
    write(folder / "b", two=detection(TWO), other=correlation(THREE, "one", TWO), lost=correlation(FOUR, "nowhere"))
    write(folder / "c", wrong=detection("not-a-uuid"), text="- just\n- a list\n")
    return sorted(folder.rglob("*.yml"))


@pytest.mark.parametrize("seed", range(6))
def test_the_order_in_which_files_are_named_shows_nowhere(tmp_path: Path, seed: int) -> None:
    files = some_content(tmp_path)
    expected = load_rulebook(files)
    shuffled = random.Random(seed).sample(files, len(files))  # noqa: S311  # an order to try, no secret
    assert load_rulebook(shuffled) == expected
    assert load_rulebook([tmp_path]) == expected
    assert load_rulebook([tmp_path / "c", *shuffled, tmp_path]) == expected


def test_problems_are_sorted_by_file_and_line_and_rules_with_one_are_left_out(tmp_path: Path) -> None:
    files = some_content(tmp_path)
    book = load_rulebook(reversed(files))
    places = [(problem.path, problem.line, problem.message) for problem in book.problems]
    assert places == sorted(places)
    names = [Path(path).name for path, _, _ in places]
    assert names == ["broken.yml", "lost.yml", "text.yml", "wrong.yml"]
    assert [rule.uid for rule in book.detections] == [ONE, TWO]
    assert [spec.uid for spec in book.correlations] == [THREE]


def test_sound_raises_every_problem_at_once(tmp_path: Path) -> None:
    some_content(tmp_path)
    book = load_rulebook([tmp_path])
    with pytest.raises(RuleErrors) as raised:
        book.sound()
    assert isinstance(raised.value, ConfigError)
    assert raised.value.problems == book.problems
    assert str(raised.value).splitlines() == messages(book)


SEVERAL = """\
title: Sound
id: {ONE}
name: sound
logsource: {product: windows}
detection: {a: {b: c}, condition: a}
---
title: Several mistakes
id: {TWO}
level: loud  # <-
correlation:
  type: event_count
  rules:  # <-
    - sound
    - gone
  group-by: [entity.planet]  # <-
  timespan: 5 minutes  # <-
  condition: {gte: 5}
---
title: More of them
id: {THREE}
correlation:
  type: temporal_ordered
  rules: [sound, gone]  # <-
  group-by:  # <-
    - entity.planet
  timespan: 2y  # <-
braid:
  risk_threshold: 101  # <-
  cooldown: never  # <-
  cool_down: 5m  # <-
---
title: What is read by the rest
id: {FOUR}
correlation:
  type: temporal
  rules: [sound, sound]
  timespan: 5m
  condition:  # <-
    gte: 3
    lt: 3
braid:
  absent:  # <-
    - rule: sound
      after: nowhere
"""


def test_every_mistake_of_a_correlation_is_told_at_the_line_of_its_key(tmp_path: Path) -> None:
    text = SEVERAL
    for name, uid in (("ONE", ONE), ("TWO", TWO), ("THREE", THREE), ("FOUR", FOUR)):
        text = text.replace(f"{{{name}}}", uid)
    book = load(tmp_path, rules=text)
    assert [problem.line for problem in book.problems] == [
        number for number, line in enumerate(text.splitlines(), 1) if line.endswith("# <-")
    ], messages(book)


def test_a_correlation_that_refers_to_a_missing_rule_says_which_and_where(tmp_path: Path) -> None:
    content = f"{detection(ONE)}---\n{correlation(THREE, ONE, 'never_written', title='Half of it')}"
    book = load(tmp_path, mixed=content)
    assert book.correlations == ()
    line = content.splitlines().index("  rules: [" + ONE + ", never_written]") + 1
    (message,) = messages(book)
    assert message.startswith(f"{tmp_path / 'mixed.yml'}:{line}: Half of it: ")
    assert "'never_written'" in message


def test_a_correlation_of_a_rule_that_is_broken_says_so_too(tmp_path: Path) -> None:
    broken = detection(ONE).replace("condition: selection", "condition: elsewhere")
    book = load(tmp_path, a=broken, b=correlation(THREE, ONE))
    assert (book.detections, book.correlations) == ((), ())
    assert [Path(problem.path).name for problem in book.problems] == ["a.yml", "b.yml"]
    assert ONE in book.problems[1].message


def test_a_correlation_may_refer_to_a_correlation(tmp_path: Path) -> None:
    book = load(tmp_path, a=detection(ONE), b=correlation(THREE, ONE), c=correlation(FOUR, THREE)).sound()
    assert [(spec.uid, spec.is_chained) for spec in book.correlations] == [(THREE, True), (FOUR, False)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (detection(ONE, "First"), detection(ONE, "Second", field="User")),
        (detection(ONE, "First"), correlation(ONE, ONE, title="Second")),
        (f"{detection(TWO)}---\n{correlation(ONE, TWO, title='First')}", correlation(ONE, TWO, title="Second")),
    ],
)
def test_an_id_that_is_used_twice_is_a_problem_of_the_later_file(tmp_path: Path, first: str, second: str) -> None:
    book = load(tmp_path, a=first, b=second)
    about = [problem for problem in book.problems if ONE in problem.message]
    assert about
    for problem in about:
        assert Path(problem.path).name == "b.yml"
        assert problem.rule == "Second"
        assert str(tmp_path / "a.yml") in problem.message


def test_an_id_that_is_used_twice_is_told_once(tmp_path: Path) -> None:
    book = load(tmp_path, a=detection(ONE, "First"), b=detection(ONE, "Second"))
    assert len(book.problems) == 1
    assert book.problems[0].line == 1


def test_ids_that_differ_in_case_are_the_same_id(tmp_path: Path) -> None:
    book = load(tmp_path, a=detection(ONE, "First"), b=detection(ONE.upper(), "Second"))
    assert [(problem.rule, problem.line) for problem in book.problems] == [("Second", 1)]


def test_which_of_two_rules_of_one_id_stays_does_not_hang_on_the_order_of_the_directories(tmp_path: Path) -> None:
    first = write(tmp_path / "a", x=detection(ONE, "First"))
    second = write(tmp_path / "b", x=detection(ONE, "Second"))
    assert load_rulebook([first, second]) == load_rulebook([second, first])
    assert [rule.title for rule in load_rulebook([second, first]).detections] == ["First"]


def test_a_rule_with_a_problem_is_in_neither_list(tmp_path: Path) -> None:
    twice = load(tmp_path, a=detection(TWO), b=correlation(ONE, TWO, title="First"), c=correlation(ONE, TWO, TWO))
    assert [spec.analytic.name for spec in twice.correlations] == ["First"]
    assert len(twice.problems) == 1


def test_a_name_that_is_used_twice_is_a_problem(tmp_path: Path) -> None:
    book = load(tmp_path, a=detection(ONE, name="same"), b=detection(TWO, "Second", name="same"))
    assert [(Path(p.path).name, p.rule) for p in book.problems] == [("b.yml", "Second")]
    assert "same" in book.problems[0].message


def test_a_missing_path_is_a_problem_with_its_name(tmp_path: Path) -> None:
    (message,) = messages(load_rulebook([tmp_path / "none"]))
    assert str(tmp_path / "none") in message


@pytest.mark.parametrize("data", [b"title: \xff", b"title: [", b"\x00", b"a: &a [*a]", b"!!python/object:os.system {}"])
def test_a_file_that_is_no_yaml_is_one_problem_and_stops_no_other(tmp_path: Path, data: bytes) -> None:
    (write(tmp_path, good=detection(ONE)) / "bad.yml").write_bytes(data)
    book = load_rulebook([tmp_path])
    assert [rule.uid for rule in book.detections] == [ONE]
    assert [Path(problem.path).name for problem in book.problems] == ["bad.yml"]


def uids(rules: Iterable[object]) -> list[str]:
    return [str(getattr(rule, "uid", "")) for rule in rules]


def test_the_pack_is_sound_and_every_correlation_names_rules_of_it() -> None:
    book = load_rulebook([PACK]).sound()
    assert len(set(uids(book.detections) + uids(book.correlations))) == len(book.detections) + len(book.correlations)
    known = {*uids(book.detections), *(analytic.uid for analytic in ANOMALIES.values())}
    assert [spec.uid for spec in book.correlations if not spec.watched <= known] == []


def test_a_correlation_may_refer_to_matches_of_threat_intelligence(tmp_path: Path) -> None:
    book = load(tmp_path, b=correlation(THREE, "intel_ip_match")).sound()
    assert book.correlations[0].rules == (ANALYTICS["intel_ip_match"].uid,)
