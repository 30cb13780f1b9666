from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from agents.tools.knowledge import Case, Knowledge
from models import ocsf
from models.finding import Sequence, SequenceClosed
from models.finding_ocsf import sequence_to_ocsf
from models.reasoning import Reasoning
from models.records import Coordinates
from models.uids import sequence_uid
from models.verdict import Verdict, VerdictClosed, close_verdict
from models.verdict_ocsf import verdict_closed_to_ocsf, verdict_to_ocsf
from streams.config import load_settings
from streams.knowledge import MAX_CASES, load_cases, load_knowledge
from streams.lake import SEQUENCES, VERDICTS, LakeWriter, row_of
from streams.lake_store import LakeStore
from streams.rulebook.book import Rulebook
from streams.rulebook.configured import configured_rulebook
from tests.agents.scenario import DAY, T0, intrusion

LOW_AND_SLOW = "6f5b8a0c-3f0e-4c37-9a52-6f0a5d1c7e21"


@pytest.fixture(scope="module")
def known() -> Knowledge:
    return load_knowledge(configured_rulebook(load_settings(cache_dir="")))


def verdict(sequence: Sequence, **more: object) -> Verdict:
    base = Verdict(
        sequence_uid=sequence.uid,
        sequence_revision=sequence.revision,
        group=sequence.group,
        time=sequence.end_time,
        verdict_id=4,
        confidence=60,
        title="Logon, theft and movement",
        summary="web01 was entered",
        severity_id=3,
        priority_id=2,
        is_suspected_breach=False,
        investigator="deterministic/1",
        model_took_part=False,
    )
    return replace(base, **more)  # type: ignore[arg-type]  # fields by name


def store(root: Path, verdicts: Iterable[Verdict | VerdictClosed], sequences: Iterable[Sequence] = ()) -> LakeStore:
    writer = LakeWriter(root)
    for offset, one in enumerate(verdicts):
        record = verdict_to_ocsf(one) if isinstance(one, Verdict) else verdict_closed_to_ocsf(one)
        writer.write(VERDICTS, [row_of(VERDICTS, ocsf.encode(record), Coordinates("verdicts", 0, offset))])
    for offset, sequence in enumerate(sequences):
        record = ocsf.encode(sequence_to_ocsf(sequence))
        writer.write(SEQUENCES, [row_of(SEQUENCES, record, Coordinates("sequences", 0, offset))])
    return LakeStore(root)


def test_a_case_is_what_the_verdict_says_of_what_the_sequence_was(tmp_path: Path) -> None:
    sequence = intrusion().sequence()
    told = verdict(sequence, rejected=("no change was planned",), reasoning=Reasoning(note="we were told"))
    (case,) = load_cases(store(tmp_path, [told], [sequence]))
    assert case == Case(
        sequence.uid,
        "host:web01",
        sequence.end_time,
        "Logon, theft and movement",
        "Suspicious",
        60,
        "web01 was entered\nno change was planned\nwe were told",
        "",
        ("corr-1", "rule-spray", "rule-dump", "rule-move"),
        (
            "Logon, theft and movement on one host",
            "Password spray succeeded",
            "Memory of LSASS read",
            "Service created over SMB",
        ),
        ("T1078", "T1003.001", "T1021.002"),
    )


def test_what_an_analyst_corrected_stands_whichever_was_stored_first(tmp_path: Path) -> None:
    sequence = intrusion().sequence()
    first = verdict(sequence)
    corrected = replace(first, verdict_id=1, revision=1, corrected_by="alice", summary="a test of ours")
    for name, order in (("a", (first, corrected)), ("b", (corrected, first))):
        (case,) = load_cases(store(tmp_path / name, order))
        assert (case.verdict, case.corrected_by, case.summary) == ("False Positive", "alice", "a test of ours")


def test_a_verdict_that_was_withdrawn_is_no_case(tmp_path: Path) -> None:
    sequence = intrusion().sequence()
    closed = close_verdict(SequenceClosed(sequence.uid, sequence.analytic, sequence.group, T0))
    assert load_cases(store(tmp_path, [verdict(sequence), closed])) == ()


def test_cases_are_bounded_and_the_latest_come_first(tmp_path: Path) -> None:
    sequence = intrusion().sequence()
    rows = [
        row_of(
            VERDICTS,
            ocsf.encode(
                verdict_to_ocsf(
                    verdict(sequence, sequence_uid=sequence_uid("corr-1", "host:web01", f"{n}"), time=T0 + n * 1000)
                )
            ),
            Coordinates("verdicts", 0, n),
        )
        for n in range(MAX_CASES + 20)
    ]
    LakeWriter(tmp_path).write(VERDICTS, rows)
    cases = load_cases(LakeStore(tmp_path))
    assert [case.time for case in cases] == [T0 + n * 1000 for n in range(MAX_CASES + 19, 19, -1)]


def test_a_record_that_is_no_verdict_is_passed_over(tmp_path: Path) -> None:
    sequence = intrusion().sequence()
    lake = store(tmp_path, [verdict(sequence)], [sequence])
    row = row_of(VERDICTS, ocsf.encode(verdict_to_ocsf(verdict(sequence))), Coordinates("verdicts", 0, 9))
    other = replace(row, uid="f" * 32, time=T0 + DAY, record=b'{"class_uid": 2005}', size_bytes=19)
    broken = replace(row, uid=sequence.uid, record=b"[]", size_bytes=2, revision=99)
    LakeWriter(tmp_path).write(VERDICTS, [other])
    LakeWriter(tmp_path).write(SEQUENCES, [broken])
    (case,) = load_cases(lake)
    assert (case.sequence_uid, case.rules) == (sequence.uid, ())


@pytest.mark.parametrize("name", [LOW_AND_SLOW, "anomaly_impossible_travel", "intel_ip_match", "lsass_memory_access"])
def test_rules_correlations_models_and_intelligence_are_known(name: str, known: Knowledge) -> None:
    (rule,) = (rule for rule in known.rules.values() if name in (rule.uid, rule.name))
    assert rule.title
    assert rule.level
    assert set(rule.techniques) <= set(known.techniques)


def test_what_authors_of_rules_and_correlations_say_is_known(known: Knowledge) -> None:
    spec = known.rules[LOW_AND_SLOW]
    assert spec.investigation.startswith("Put the signals in the order of time")
    assert spec.description.startswith("What a user does over two weeks")
    assert spec.falsepositives == ("An administrator who moves to a new role, country and device at once",)
    described = [rule for rule in known.rules.values() if rule.description]
    assert len(described) > 100
    assert all(rule.investigation for rule in described)


def test_techniques_are_known_under_their_whole_name(known: Knowledge) -> None:
    assert known.techniques["T1003.001"].name == "OS Credential Dumping: LSASS Memory"
    assert known.techniques["T1621"].tactics == ("credential-access",)
    assert known.replaced["T1562.001"] == "T1685"


def test_knowledge_has_the_cases_of_a_lake(tmp_path: Path) -> None:
    sequence = intrusion().sequence()
    lake = store(tmp_path, [verdict(sequence)], [sequence])
    assert [case.sequence_uid for case in load_knowledge(Rulebook((), (), ()), lake=lake).cases] == [sequence.uid]
    assert load_knowledge(Rulebook((), (), ())).cases == ()
