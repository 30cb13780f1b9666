from __future__ import annotations

from pathlib import Path

import pytest

from agents.tools.cases import rule_named
from agents.tools.knowledge import Runbook
from agents.tools.runbook_file import MAX_BYTES, OWN, load_runbooks
from models.errors import ConfigError
from streams.config import load_settings
from streams.knowledge import load_knowledge
from streams.rulebook.book import Rulebook
from streams.rulebook.configured import configured_rulebook

GOOD = "---\ntitle: Ours\nowner: soc\ntechniques: [T1078]\nrules: [a_rule]\n---\n1. Look.\n"


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return configured_rulebook(load_settings(cache_dir=""))


def test_every_rule_and_technique_that_our_runbooks_name_exists(book: Rulebook) -> None:
    known = load_knowledge(book)
    assert len(known.runbooks) == 12
    for runbook in known.runbooks.values():
        assert [name for name in runbook.rules if rule_named(name, known) is None] == []
        assert [uid for uid in runbook.techniques if uid not in known.techniques] == []
        assert runbook.rules
        assert runbook.techniques


def test_every_correlation_of_the_pack_that_may_be_escalated_has_a_runbook(book: Rulebook) -> None:
    known = load_knowledge(book)
    covered = {name for runbook in known.runbooks.values() for name in runbook.rules}
    assert {spec.name for spec in book.correlations} - covered == set()


def test_our_runbooks_are_short_and_say_what_speaks_against_an_attack() -> None:
    for runbook in load_runbooks().values():
        assert 600 < len(runbook.text) < 3000
        assert "Then:" in runbook.text


def test_a_runbook_is_read_with_its_front_matter(tmp_path: Path) -> None:
    written(tmp_path, "ours.md", GOOD)
    written(tmp_path, "notes.txt", "no runbook")
    assert load_runbooks([tmp_path])["ours"] == Runbook("ours", "Ours", "soc", ("T1078",), ("a_rule",), "1. Look.")


def test_lines_that_end_as_on_windows_are_read_too(tmp_path: Path) -> None:
    written(tmp_path, "ours.md", GOOD.replace("\n", "\r\n"))
    assert load_runbooks([tmp_path])["ours"].text == "1. Look."


def test_a_runbook_of_ones_own_takes_the_place_of_ours(tmp_path: Path) -> None:
    written(tmp_path, "low_and_slow.md", GOOD)
    assert load_runbooks([tmp_path])["low_and_slow"].title == "Ours"
    assert list(load_runbooks([tmp_path])) == sorted(load_runbooks())


def test_everything_that_is_wrong_is_told_at_once_with_file_and_line(tmp_path: Path) -> None:
    wrong = "---\ntitle: ''\ncolour: red\ntechniques: [t1]\nrules: x\n---\n"
    first = written(tmp_path, "first.md", wrong)
    second = written(tmp_path, "Second.md", GOOD)
    third = written(tmp_path, "third.md", "no front matter")
    with pytest.raises(ConfigError) as error:
        load_runbooks([tmp_path, tmp_path / "none"])
    assert str(error.value).splitlines() == [
        f"{second}:0: file: is named with small letters, digits, - and _ only",
        f"{first}:0: text: must be given: the steps",
        f"{first}:2: owner: must be given",
        f"{first}:2: title: must be given",
        f"{first}:3: colour: unknown; known are title, owner, techniques, rules",
        f"{first}:4: techniques: t1: no ATT&CK technique is written so",
        f"{first}:5: rules: must be a list of texts",
        f"{third}:1: front matter: must begin the file, between two lines of ---",
        f"{tmp_path / 'none'}:0: folder: there is no such folder",
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"---\n\xff\xfe\n---\n1. Look.", "1: front matter: not UTF-8: byte 4"),
        (b"x" * (MAX_BYTES + 1), "more than 65536 bytes"),
        ("---\n[1, 2\n---\ntext", "front matter"),
        ("---\n- 1\n---\ntext", "must be a map"),
        ("---\ntitle: a\ntitle: b\n---\ntext", "3: title: stands twice"),
        ("---\n{[1]: 2}\n---\ntext", "front matter"),
        ("---\n" + "[" * 20_000 + "\n---\ntext", "front matter"),
        ("---\n!!python/object:os.system x\n---\ntext", "tags"),
    ],
)
def test_a_file_of_any_content_is_refused_with_its_name(content: str | bytes, why: str, tmp_path: Path) -> None:
    path = written(tmp_path, "bad.md", content)
    with pytest.raises(ConfigError, match=f"{path}.*{why}"):
        load_runbooks([tmp_path])


def test_ours_lie_in_the_package() -> None:
    assert OWN.name == "runbooks"
    assert OWN.parent.name == "agents"
