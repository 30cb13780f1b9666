from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.evidence.facts import Telling
from agents.grounding.answer import VERDICT_IDS, AnsweredClaim
from agents.grounding.calibration import NO_LABELS, Label, Labels, labels_of
from agents.grounding.cited import check_grounding
from agents.grounding.conclude import DECISIONS, DEMOTIONS, HARMLESS_CONFIDENCE, conclude
from agents.grounding.corroborate import HARMLESS, harmless_by
from agents.text import quoted
from models.fact import Fact
from models.ocsf_schema import validate
from models.verdict import (
    BENIGN,
    FALSE_POSITIVE,
    INSUFFICIENT_DATA,
    SUSPICIOUS,
    TRUE_POSITIVE,
    Verdict,
)
from models.verdict_ocsf import verdict_from_ocsf, verdict_to_ocsf
from tests.agents.grounding.case import CLAIMS, MADE_UP, Case, answering
from tests.agents.scenario import CORRELATION, DUMP, MINUTE, MOVE, SPRAY, T0, WEB01, Scenario, intrusion

GROUP = "host:web01"


def said(*verdicts: int, group: str = GROUP, raw: int = 80) -> Labels:
    """Return labels of verdicts on the rule, as analysts said."""
    rule = CORRELATION.uid
    return labels_of(Label(f"v{n}", n, raw, SUSPICIOUS, one, rule, group) for n, one in enumerate(verdicts))


def mark(**other: Any) -> dict[str, Any]:
    data = {"allowed": {"title": "Patch night", "owner": "it-ops"}}
    return {"name": "device.name", "value": "web01", "type": "allowed", "data": data, "provider": "braid", **other}


def allowed(events: Iterable[int] = (6, 7, 8), **other: Any) -> Case:
    """Return the case with some events marked by an allow list; 6 to 8 are those of the signals."""
    scenario = intrusion()
    for index in events:
        scenario.tell(index, enrichments=[mark(**other)])
    return Case(scenario)


def weak() -> Case:
    """Return a case that the fixed rules call suspicious: two detections of one source, on one host."""
    scenario = Scenario()
    for minutes, rule in ((0, DUMP), (2, MOVE)):
        event = scenario.event("windows", 1007, T0 + minutes * MINUTE, (WEB01,), {"step": f"s{minutes}"})
        scenario.signal(event, rule, {"step": f"s{minutes}"}, risk=10)
    return Case(scenario)


WEAK_CLAIMS = (AnsweredClaim("The step was `s0`.", ("E1", "S1")), AnsweredClaim("The step was `s2`.", ("E2", "S2")))


def test_an_honest_answer_on_an_intrusion_is_a_true_positive_capped_without_labels() -> None:
    case = Case()
    verdict = case.conclude(answering())
    assert (verdict.verdict_id, verdict.confidence) == (TRUE_POSITIVE, 85)
    assert verdict.model_took_part
    assert verdict.is_suspected_breach
    assert verdict.summary.startswith(answering().summary)
    assert [claim.text for claim in verdict.claims[:3]] == [claim.text for claim in CLAIMS]
    assert check_grounding(verdict, case.store) == ()
    assert verdict_from_ocsf(verdict_to_ocsf(verdict)) == verdict
    assert validate(verdict_to_ocsf(verdict)) == []


def test_what_the_model_says_of_its_confidence_counts_nowhere() -> None:
    verdicts = {Case().conclude(answering(confidence=confidence)) for confidence in (0, 50, 100)}
    assert len({(verdict.verdict_id, verdict.confidence) for verdict in verdicts}) == 1


def test_one_made_up_claim_demotes_and_the_reason_stands_on_the_verdict() -> None:
    honest, lying = (Case().conclude(answering(claims=claims)) for claims in (CLAIMS, (*CLAIMS, MADE_UP)))
    assert lying.confidence < honest.confidence
    assert lying.reasoning.raw_confidence == honest.reasoning.raw_confidence - 10
    (struck,) = lying.reasoning.struck
    assert "mallory" in struck.reason
    assert "mallory" not in " ".join(claim.text for claim in lying.claims)
    assert "struck claims -10" in lying.summary


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ((), "0 claims could be proven"),
        (CLAIMS[:1], "1 claim could be proven"),
        ((*CLAIMS[:2], MADE_UP, MADE_UP), "only 2 of 4"),
        ((CLAIMS[0], AnsweredClaim("The user alice came.", ("E1",))), "1 detection"),
        ((MADE_UP, MADE_UP, MADE_UP), "0 claims"),
    ],
)
def test_without_enough_proven_claims_nothing_is_concluded(claims: tuple[AnsweredClaim, ...], why: str) -> None:
    for asked in VERDICT_IDS:
        verdict = allowed().conclude(answering(asked, claims=claims, timeline=()), said(BENIGN, BENIGN))
        assert verdict.verdict_id == INSUFFICIENT_DATA
        assert verdict.confidence <= 30
        assert why in verdict.summary


def test_a_verdict_that_is_lowered_keeps_the_priority_of_the_fixed_rules() -> None:
    case = Case()
    for asked in ("suspicious", "benign", "false_positive", "insufficient_data"):
        verdict = case.conclude(answering(asked))
        assert verdict.verdict_id in {SUSPICIOUS, INSUFFICIENT_DATA}
        assert (verdict.priority_id, verdict.is_suspected_breach) == (case.base.priority_id, True)


def test_the_table_of_decisions_is_whole_and_never_raises() -> None:
    rank = {INSUFFICIENT_DATA: 0, SUSPICIOUS: 1, TRUE_POSITIVE: 2}
    assert DECISIONS.keys() == {(asked, borne) for asked in VERDICT_IDS.values() for borne in rank}
    assert all(rank[decided] <= rank[borne] for (_, borne), decided in DECISIONS.items())
    assert all(demotion.says for demotion in DEMOTIONS)


def test_a_model_cannot_raise_what_the_rules_do_not_bear() -> None:
    case = weak()
    assert case.base.verdict_id == SUSPICIOUS
    bare = answering(claims=WEAK_CLAIMS, timeline=(), hypotheses=(), actions=(), techniques=(), summary="", note="")
    verdict = case.conclude(bare)
    assert verdict.verdict_id == SUSPICIOUS
    assert "the fixed rules bear no more than Suspicious" in verdict.summary


def test_other_signals_that_proven_claims_cite_are_weighed_too() -> None:
    case = Case()
    other = case.scenario.event("zeek", 4006, T0 + MINUTE, (WEB01,), {"svc": "x9"})
    signal = case.scenario.signal(other, replace(SPRAY, uid="rule-else", name="Odd service"), {}, member=False)
    (stored,) = case.store.signals([signal.uid], 0, 2 * T0).rows
    ref = case.refs.ref(stored)
    more = AnsweredClaim("The detection `Odd service` fired too.", (ref,))
    with_it = case.conclude(answering(claims=(*CLAIMS, more)))
    assert "company +3" in with_it.summary
    assert "company" not in case.conclude(answering()).summary


@pytest.mark.parametrize("asked", ["benign", "false_positive"])
def test_nothing_is_closed_on_the_word_of_a_model(asked: str) -> None:
    verdict = Case().conclude(answering(asked))
    assert verdict.verdict_id == SUSPICIOUS
    assert "nothing outside the model speaks for a harmless cause" in verdict.summary


@pytest.mark.parametrize("asked", ["benign", "false_positive"])
@pytest.mark.parametrize("how", ["lists", "analysts", "both"])
def test_what_is_corroborated_may_be_closed(asked: str, how: str) -> None:
    case = Case() if how == "analysts" else allowed()
    verdict = case.conclude(answering(asked), NO_LABELS if how == "lists" else said(BENIGN, FALSE_POSITIVE))
    assert verdict.verdict_id == VERDICT_IDS[asked]
    assert (verdict.priority_id, verdict.is_suspected_breach) == (1, False)
    assert verdict.reasoning.raw_confidence >= HARMLESS_CONFIDENCE
    assert "Closed, since" in verdict.summary
    assert check_grounding(verdict, case.store) == ()


@pytest.mark.parametrize(
    ("case", "labels"),
    [
        (allowed([6, 7]), NO_LABELS),
        (allowed(provider="okta"), NO_LABELS),
        (allowed(type="reputation"), NO_LABELS),
        (allowed(data={"allowed": {}}), NO_LABELS),
        (allowed(data=7), NO_LABELS),
        (Case(), said(BENIGN)),
        (Case(), said(BENIGN, BENIGN, TRUE_POSITIVE)),
        (Case(), said(BENIGN, BENIGN, group="host:web02")),
    ],
)
def test_less_than_that_corroborates_nothing(case: Case, labels: Labels) -> None:
    assert harmless_by(case.gathered, labels) == ()
    assert case.conclude(answering("benign"), labels).verdict_id == SUSPICIOUS


def test_a_mark_that_a_source_wrote_itself_is_none() -> None:
    scenario = Scenario()
    event = scenario.event("ocsf", 1007, T0, (WEB01,), {"enrichments": [mark()]})
    scenario.tell(0, enrichments=[mark()])
    scenario.signal(event, DUMP, {})
    case = Case(scenario)
    assert harmless_by(case.gathered, NO_LABELS) == ()
    scenario.tell(0, enrichments=[mark(), mark(value="other")])
    assert harmless_by(Case(scenario).gathered, NO_LABELS)


def test_nothing_corroborates_where_the_search_was_cut_short_a_record_is_lost_or_a_service_condemns() -> None:
    gathered = allowed().gathered
    assert harmless_by(gathered, NO_LABELS)
    assert harmless_by(replace(gathered, refused=("budget",)), NO_LABELS) == ()
    lost = tuple((member, "gone") for member in gathered.sequence.members[:1])
    assert harmless_by(replace(gathered, lost=lost), NO_LABELS) == ()
    assert harmless_by(replace(gathered, held=()), NO_LABELS) == ()
    bad = Telling(Fact("rep.example", "address", "203.0.113.9", T0, malicious=True), gathered.held[0].event)
    assert harmless_by(replace(gathered, tellings=(bad,)), NO_LABELS) == ()


def test_labels_move_the_confidence_and_lift_the_cap() -> None:
    rule = CORRELATION.uid
    right = labels_of(Label(f"v{n}", n, 88, TRUE_POSITIVE, TRUE_POSITIVE, rule, f"host:h{n}") for n in range(61))
    wrong = labels_of(Label(f"v{n}", n, 88, TRUE_POSITIVE, BENIGN, rule, f"host:h{n}") for n in range(61))
    assert Case().conclude(answering(), right).confidence > 85
    assert Case().conclude(answering(), wrong).confidence < 60
    assert "61 of 61 such verdicts" in Case().conclude(answering(), right).summary


def test_everything_that_is_kept_can_be_fetched_again() -> None:
    case = Case()
    verdict = case.conclude(answering())
    evidence = {item.uid for item in verdict.evidence}
    cited = {uid for claim in verdict.claims for uid in claim.evidence}
    assert cited <= evidence
    assert {uid for one in verdict.reasoning.hypotheses for uid in one.evidence} <= evidence
    assert {uid for one in case.check(answering()).actions for uid in one.evidence} <= evidence


def test_what_the_fixed_rules_claim_stays_where_no_proven_claim_cites_it() -> None:
    case = Case()
    verdict = case.conclude(answering(claims=CLAIMS[:2], timeline=(), hypotheses=(), actions=()))
    assert any("Service created over SMB" in claim.text for claim in verdict.claims)
    assert len({claim.text for claim in verdict.claims}) == len(verdict.claims)


def test_a_proven_absence_stands_as_a_hypothesis_since_it_cites_no_record() -> None:
    case = Case(notes={"N1": "no events of user alice after that"})
    absent = AnsweredClaim("The user alice did not come back.", ("N1",))
    verdict = case.conclude(answering(claims=(*CLAIMS, absent)))
    assert absent.text in [one.text for one in verdict.reasoning.hypotheses]
    assert absent.text not in [claim.text for claim in verdict.claims]


@given(
    st.sampled_from(sorted(VERDICT_IDS)),
    st.lists(
        st.sampled_from([*CLAIMS, MADE_UP, AnsweredClaim("x", ("E9",)), AnsweredClaim("No.", ("E1",))]), max_size=8
    ),
)
def test_whatever_is_answered_the_verdict_is_grounded_and_bounded(asked: str, claims: list[AnsweredClaim]) -> None:
    verdict = conclude_on(answering(asked, claims=tuple(claims)))
    assert check_grounding(verdict, WHOLE.store) == ()
    assert verdict.verdict_id not in HARMLESS
    assert verdict.confidence <= 85
    assert quoted(GROUP) in verdict.title
    assert validate(verdict_to_ocsf(verdict)) == []


WHOLE = Case()


def conclude_on(answer: Any) -> Verdict:
    return conclude(WHOLE.gathered, WHOLE.base, answer, WHOLE.check(answer))
