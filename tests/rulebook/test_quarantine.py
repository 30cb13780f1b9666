from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from streams.rulebook import Rulebook, load_rulebook
from streams.rulebook.quarantine import Edition, Quarantine

RULE = """\
title: Rule {number}
id: 00000000-0000-4000-8000-{number:012d}
logsource: {{product: windows}}
detection: {{selection: {{a: {value}}}, condition: selection}}
"""
ONE, TWO = (f"00000000-0000-4000-8000-{number:012d}" for number in (1, 2))


@pytest.fixture
def book(tmp_path: Path) -> Rulebook:
    for number in (1, 2):
        (tmp_path / f"{number}.yml").write_text(RULE.format(number=number, value="x"))
    return load_rulebook([tmp_path]).sound()


def uids(book: Rulebook) -> list[str]:
    return [rule.uid for rule in book.detections]


def test_a_rule_is_out_when_it_raised_on_more_events_than_the_limit(book: Rulebook) -> None:
    quarantine = Quarantine(3).after([ONE, TWO, ONE], book).after([ONE], book)
    assert quarantine.without(book) is book
    quarantine = quarantine.after([ONE], book)
    assert {edition.uid for edition in quarantine.out} == {ONE}
    assert uids(quarantine.without(book)) == [TWO]
    assert quarantine.failures == {Edition(ONE, digest(book, 1)): 4, Edition(TWO, digest(book, 2)): 1}


def digest(book: Rulebook, number: int) -> str:
    return next(found for path, found in book.digests.items() if path.endswith(f"{number}.yml"))


def test_without_a_limit_no_rule_is_out(book: Rulebook) -> None:
    quarantine = Quarantine(0).after([ONE] * 1000, book)
    assert quarantine.without(book) is book


def test_one_that_is_no_rule_of_the_book_is_not_counted(book: Rulebook) -> None:
    assert not Quarantine(1).after(["nobody", "nobody", ""], book).failures


def test_a_rule_is_back_when_its_file_changed_and_only_then(book: Rulebook, tmp_path: Path) -> None:
    quarantine = Quarantine(0).after([ONE, TWO], book)
    quarantine = replace(quarantine, limit=1).after([ONE, TWO], book)
    (tmp_path / "1.yml").write_text(RULE.format(number=1, value="y"))
    changed = load_rulebook([tmp_path]).sound()
    after = quarantine.reloaded(changed)
    assert uids(after.without(changed)) == [ONE]
    assert after.failures == {Edition(TWO, digest(book, 2)): 2}
    assert after.after([ONE], changed).without(changed) == after.without(changed)


def test_what_is_no_longer_loaded_is_forgotten(book: Rulebook) -> None:
    quarantine = Quarantine(1).after([ONE, ONE], book).reloaded(Rulebook((), (), ()))
    assert quarantine == Quarantine(1)
    assert quarantine.without(book) is book


def test_correlations_and_problems_stay(book: Rulebook) -> None:
    quarantine = Quarantine(1).after([ONE, ONE], book)
    assert quarantine.without(book) == replace(book, detections=book.detections[1:])
