from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.tools.bm25 import MAX_TERMS, index, terms
from agents.tools.embedding import Vector
from agents.tools.knowledge import Case, Knowledge
from agents.tools.library import fused, library
from agents.tools.runbook_file import load_runbooks
from models.errors import ModelUnavailable
from tests.agents.tools.made import CASE, KNOWLEDGE

WORDS = st.lists(st.sampled_from(["push", "smb", "service", "alice", "t1621", "secrets"]), max_size=12).map(" ".join)


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("the user refused many push requests and then accepted one", "push_fatigue"),
        ("sign-ins of many accounts failed from one address", "password_guessing"),
        ("an access key was created for another principal and logging switched off", "cloud_persistence"),
        ("a program beacons to the same destination at intervals", "command_channel"),
        ("service installed on the target over SMB from another host", "lateral_movement"),
        ("LSASS memory was read by an unsigned program", "credential_theft"),
        ("commands of discovery in a shell below a document", "hands_on_keyboard"),
        ("many secrets and buckets were read and much was sent to a new destination", "data_access"),
        ("weak signals of one user over two weeks", "low_and_slow"),
        ("shadow copies deleted and protection switched off", "ransomware_preparation"),
        ("a service account of the cluster listed all secrets of a namespace", "kubernetes_secrets"),
        ("unusual sign-in, then a new factor and mail rules", "account_takeover"),
        ("T1552.007", "kubernetes_secrets"),
    ],
)
def test_the_right_runbook_is_found_among_all_of_ours(words: str, first: str) -> None:
    found = library(Knowledge(runbooks=load_runbooks())).like(words, words)
    assert found.entries[0].about == load_runbooks()[first]
    assert found.without_meaning == ""


def distractors() -> tuple[Case, ...]:
    titles = (
        "Service created over SMB",
        "Secrets read",
        "Beacon to a rare place",
        "Shadow copies deleted",
        "Odd logon",
    )
    return tuple(
        replace(
            CASE, sequence_uid=f"{n:032}", title=titles[n % 5], summary=f"host{n} case {n}", rule_titles=(), rules=()
        )
        for n in range(200)
    )


def test_the_right_case_is_found_among_many() -> None:
    cases = (*distractors(), CASE, *distractors())
    found = library(replace(KNOWLEDGE, cases=cases)).like("push accepted at night by bob", "")
    assert found.entries[0].about == CASE


@given(texts=st.lists(WORDS, max_size=8), text=WORDS)
def test_ranks_are_of_the_texts_that_share_a_word_and_no_others(texts: list[str], text: str) -> None:
    ranked = index(texts).ranked(text)
    sharing = {number for number, one in enumerate(texts) if set(terms(one)) & set(terms(text))}
    assert set(ranked) == sharing
    assert len(ranked) == len(sharing)


def test_a_rare_word_counts_for_more_than_a_common_one_and_a_short_text_for_more_than_a_long_one() -> None:
    found = index(["push push push smb", "push secret", "push", "push smb smb x y z v w u"])
    assert found.ranked("secret push")[0] == 1
    assert index(["push push push", "secret", "push", "push x"]).ranked("push secret")[0] == 1
    assert found.ranked("push") == (0, 2, 1, 3)


def test_words_are_bounded_and_technique_ids_stay_whole() -> None:
    assert len(terms("a1 b2 " * 10_000)) == MAX_TERMS
    assert terms("T1003.001, the Sign-ins of ALICE_B") == ["t1003.001", "sign", "ins", "alice", "b"]


@given(st.lists(st.permutations(range(6)), min_size=1, max_size=3))
def test_merged_orders_hold_everything_once_and_one_order_alone_stays(orders: list[list[int]]) -> None:
    assert sorted(fused(orders)) == list(range(6))
    assert fused([orders[0]]) == tuple(orders[0])


def test_what_stands_high_in_both_orders_comes_first() -> None:
    assert fused([(1, 2, 3), (2, 1, 4), (2,)])[:2] == (2, 1)
    assert fused([(1, 2), ()]) == (1, 2)


@dataclass
class ByMeaning:
    """Turns texts into vectors by what they are about, whatever their words."""

    asked: list[str] = field(default_factory=list)
    fails: bool = False

    def embed(self, texts: Sequence[str]) -> tuple[Vector, ...]:
        """Return vectors."""
        self.asked += texts
        if self.fails:
            raise ModelUnavailable("the embedding endpoint does not answer: ConnectError")
        return tuple((1.0, 0.0) if "SMB" in text or "spread" in text else (0.0, 1.0) for text in texts)


def test_what_is_alike_in_meaning_is_found_without_a_common_word() -> None:
    known = library(KNOWLEDGE, ByMeaning())
    assert known.like("spread", "spread").entries[0].about == KNOWLEDGE.runbooks["movement"]
    assert library(KNOWLEDGE).like("spread", "spread").entries == ()


def test_nothing_of_a_case_that_could_name_anybody_is_sent_out() -> None:
    meaning = ByMeaning()
    library(KNOWLEDGE, meaning).like("bob from 198.51.100.7", "user-2 from ip-1")
    sent = " ".join(meaning.asked)
    assert "user-2" in sent
    assert "Push denied, then an unusual sign-in" in sent
    for private in ("bob", "198.51.100.7", CASE.group, CASE.summary, CASE.title):
        assert private not in sent


def test_without_the_endpoint_words_alone_are_looked_for_and_that_is_said() -> None:
    found = library(KNOWLEDGE, ByMeaning(fails=True)).like("push", "push")
    assert found.entries
    assert "does not answer" in found.without_meaning
