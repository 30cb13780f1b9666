"""`braid rules check` over a folder with every kind of mistake: each is told, at its line, once."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.cli.run import braid

HERE = "# <-"  # behind the lines at which something is told
HEAD = """\
title: {title}
id: 5b0e7c52-0d1f-4c52-9d0e-{number:012d}
status: test
level: medium
"""
DETECTION = """\
logsource: {product: windows, category: process_creation}
detection:
  a: {Image|endswith: probe.exe}
  condition: a
"""
COUNTED = {
    "type": "event_count",
    "rules": "[sound]",
    "group-by": "[User]",
    "timespan": "5m",
    "condition": "{gte: 5}",
}


def rule(number: int, body: str, **changes: str) -> str:
    """Return a rule; changes are lines by their key, in the place of those that it has."""
    text = HEAD.format(title=f"Rule {number}", number=number) + body
    for key, line in changes.items():
        (old,) = (known for known in text.splitlines() if known.strip().startswith(f"{key}:"))
        text = text.replace(old, old[: len(old) - len(old.lstrip())] + line)
    return text


def correlation(number: int, own: str = "", **changes: str) -> str:
    """Return a correlation that begins with what is wrong with it, on one line."""
    said = {**COUNTED, **{key.replace("_", "-"): value for key, value in changes.items()}}
    section = f"correlation: {{{', '.join(f'{key}: {value}' for key, value in said.items())}}}"
    first, second = (f"braid: {own}", section) if own else (section, "author: Somebody")
    return f"# Of correlations\n\n{first} {HERE}\n{second}\n{rule(number, '')}"


# What is wrong, and words of what is told, one for each marked line in its order.
MISTAKES: dict[str, tuple[str, tuple[str, ...]]] = {
    "no_yaml": (f"title: Broken\nlogsource: {{product: windows\ndetection: {HERE}\n", ("not YAML",)),
    "no_map": (f"- just {HERE}\n- a list\n", ("a rule is a map, not a list",)),
    "no_rule": (f"\ntitle: Only a title {HERE}\n", ("has none of `detection`, `correlation` and `filter`",)),
    "two_kinds": (
        f"\ntitle: Both {HERE}\ndetection: {{a: {{x: 1}}, condition: a}}\ncorrelation: {{type: event_count}}\n",
        ("has more than one of",),
    ),
    "key_twice": (rule(4, DETECTION) + f"level: high {HERE}\n", ("key 'level' stands here twice",)),
    "no_text_key": (rule(5, DETECTION) + f"yes: no {HERE}\n", ("key 'yes' is read as bool; quote it",)),
    "modifier": (rule(6, DETECTION, a=f"a: {{Image|endwith: probe.exe}} {HERE}"), ("Unknown modifier 'endwith'",)),
    "lookahead": (rule(9, DETECTION, a=f"a: {{Image|re: 'a(?!b)'}} {HERE}"), ("takes no lookarounds",)),
    "two_items": (
        rule(10, DETECTION, a=f"a: {{Image|gt: x}} {HERE}\n  b: {{Image|cidr: x}} {HERE}"),
        ("detection.a", "detection.b"),
    ),
    "selection": (
        rule(7, f"logsource: {{product: zeek}}\ndetection: {{a: {{x: 1}}, condition: a and b}} {HERE}\n"),
        ("there is no detection `b`",),
    ),
    "no_condition": (
        rule(8, f"logsource: {{product: zeek}}\ndetection: {{a: {{x: 1}}}} {HERE}\n"),
        ("at least one condition",),
    ),
    "condition": (rule(30, DETECTION, condition=f"condition: 1 of other* {HERE}"), ("`1 of other*` matches no",)),
    "logsource": (rule(31, DETECTION, logsource=f"logsource: windows {HERE}"), ("must be a valid YAML map",)),
    "value": (rule(32, DETECTION, a=f"a: {{Image|startswith|windash: '-a -b -c -d -e'}} {HERE}"), ("detection",)),
    "filter_condition": (
        rule(33, f"logsource: {{product: zeek}}\nfilter:\n  rules: any\n  a: {{b: c}}\n  condition: not b {HERE}\n"),
        ("there is no detection `b`",),
    ),
    "id": (rule(11, DETECTION, id=f"id: ten {HERE}"), ("must be an UUID",)),
    "two_keys": (
        rule(12, DETECTION, status=f"status: new {HERE}", level=f"level: loud {HERE}"),
        ("rule status", "rule level"),
    ),
    "sigma_class": (
        rule(13, DETECTION, logsource=f"taxonomy: ocsf\nlogsource: {{product: ocsf, category: nothing}} {HERE}"),
        ("'nothing' is not one OCSF class",),
    ),
    "documents": (
        f"{rule(15, DETECTION)}---\n{rule(16, DETECTION, status=f'status: old {HERE}')}",
        ("'old' is not a valid Sigma rule status",),
    ),
    "zz_same_id": (rule(1, DETECTION, title=f"title: Again {HERE}"), ("is used before, in",)),
    "filter": (
        rule(17, f"logsource: {{product: zeek}}\nfilter:\n  rules: [gone] {HERE}\n  a: {{b: c}}\n  condition: not a\n"),
        ("no rule that this filter names is loaded",),
    ),
    "unknown_rule": (correlation(20, rules="[sound, gone]"), ("refers to rule 'gone'",)),
    "timespan": (correlation(21, timespan="5 minutes"), ("5 minutes",)),
    "too_long": (correlation(22, timespan="2y"), ("longer than a year",)),
    "type": (correlation(23, type="count"), ("no valid Sigma correlation type",)),
    "threshold": (correlation(24, condition="{gte: some}"), ("condition.gte: 'some'",)),
    "never": (correlation(25, condition="{gte: 5, lt: 5}"), ("never holds",)),
    "entity": (correlation(26, group_by="[entity.planet]"), ("unknown entity type",)),
    "own_key": (correlation(27, "{cool_down: 5m}"), ("unknown key cool_down",)),
    "own_value": (correlation(28, "{risk_threshold: high}"), ("risk_threshold: 'high'",)),
    "no_id": (correlation(29).replace("id: 5b0e7c52", "x-id: 5b0e7c52"), ("needs an id",)),
}


def marked(text: str) -> list[int]:
    return [number for number, line in enumerate(text.splitlines(), 1) if HERE in line]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a sound rule and all mistakes."""
    (tmp_path / "a_sound.yml").write_text(rule(1, f"name: sound\n{DETECTION}"))
    for name, (text, _) in MISTAKES.items():
        (tmp_path / f"{name}.yml").write_text(text)
    return tmp_path


def test_every_mistake_of_a_folder_is_told_at_its_line_once(folder: Path) -> None:
    ran = braid("rules", "check", folder, "--json")
    assert ran.code == 2
    told = [(Path(problem["path"]).stem, problem["line"]) for problem in ran.json["problems"]]
    assert sorted(told) == sorted((name, line) for name, (text, _) in MISTAKES.items() for line in marked(text))
    for name, (_, words) in MISTAKES.items():
        messages = [problem["message"] for problem in ran.json["problems"] if Path(problem["path"]).stem == name]
        assert all(word in message for word, message in zip(words, messages, strict=True)), messages
    assert ran.json["detections"] == 2  # the sound one, and the first document of the file of two


def test_every_mistake_is_a_line_with_its_file_for_a_person(folder: Path) -> None:
    lines = braid("rules", "check", folder).out.splitlines()
    for name, (text, _) in MISTAKES.items():
        for line in marked(text):
            assert sum(told.startswith(f"{folder / name}.yml:{line}: ") for told in lines) == 1, name


def test_mistakes_in_tests_are_told_by_rules_test_and_not_by_rules_check(tmp_path: Path) -> None:
    (tmp_path / "sound.yml").write_text(rule(1, f"name: sound\n{DETECTION}"))
    tests = dedent(
        f"""\
        tests:
          - name: no such source
            source: winndows {HERE}
            line: x
            fires: true
          - name: both expected {HERE}
            signals: []
            fires: true
            sequences: 1
          - name: no time
            sequences: 0
            signals:
              - rule: sound
                at: soon {HERE}
          - name: not of a detection {HERE}
            signals: []
            fires: true
        """
    )
    file = tmp_path / "sound.tests.yml"
    file.write_text(tests)
    broken = tmp_path / "gone.tests.yml"
    broken.write_text(f"tests:\n  - name: a\n    fires: true\n   source: windows {HERE}\n")
    assert braid("rules", "check", tmp_path).code == 0
    ran = braid("rules", "test", tmp_path, "--json")
    assert ran.code == 1
    assert ran.json["cases"] == []
    places = [problem.split(": ")[0] for problem in ran.json["problems"]]
    assert sorted(places) == sorted(
        [*(f"{file}:{line}" for line in marked(tests)), *(f"{broken}:{line}" for line in marked(broken.read_text()))]
    )
