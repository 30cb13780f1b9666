from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.grounding.answer import AnsweredAction, AnsweredClaim, AnsweredHypothesis, AnsweredMoment
from agents.grounding.checked import ACTION, CLAIM, HYPOTHESIS, NEXT_STEP, NOTE, SUMMARY, TECHNIQUES, TIMELINE
from models.entity import EntityKey
from models.fact import Fact
from models.reasoning import OPEN, REJECTED
from streams.lake import EVENTS
from tests.agents.grounding.case import CLAIMS, MADE_UP, Case, answering
from tests.agents.scenario import ALICE, T0, WEB01, Scenario

SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def struck(case: Case, text: str, *refs: str) -> str:
    """Return why a claim is struck, empty when it holds."""
    checked = case.check(answering(claims=(AnsweredClaim(text, refs),)))
    assert len(checked.claims) + checked.struck_of(CLAIM) == 1
    return next((one.reason for one in checked.struck if one.part == CLAIM), "")


def holding(**raw: object) -> Case:
    """Return a case whose first event E1 is this record."""
    scenario = Scenario()
    event = scenario.event("windows", 1007, T0, (WEB01, ALICE), raw)
    scenario.signal(event, CASE_RULE, {})
    return Case(scenario)


def test_an_honest_answer_is_kept_whole() -> None:
    checked = Case().check(answering())
    assert checked.struck == ()
    assert [proven.text for proven in checked.claims] == [claim.text for claim in CLAIMS]
    assert [one.state for one in checked.hypotheses] == [REJECTED, OPEN]
    assert checked.techniques == ("T1003.001",)
    assert [(one.kind, str(one.target)) for one in checked.actions] == [("disable_user", "user:alice")]
    assert (checked.summary, checked.next_steps) == (answering().summary, ("Ask alice.",))


def test_one_made_up_claim_is_struck_and_the_reason_names_what_is_not_there() -> None:
    checked = Case().check(answering(claims=(*CLAIMS, MADE_UP)))
    (one,) = checked.struck
    assert (one.part, one.text) == (CLAIM, MADE_UP.text)
    assert "mallory" in one.reason
    assert "198.51.100.99" in one.reason


@pytest.mark.parametrize(
    ("refs", "reason"),
    [
        ((), "it cites nothing"),
        (("E9",), "E9, which was not shown"),
        (("E1", "E9"), "E9, which was not shown"),
        (("N1",), "N1, which was not shown"),
        (("E2",), "not in what it cites"),
    ],
)
def test_a_claim_needs_the_right_citation(refs: tuple[str, ...], reason: str) -> None:
    assert reason in struck(Case(), "It came from 203.0.113.9.", *refs)


def test_what_was_changed_or_is_gone_since_it_was_shown_proves_nothing() -> None:
    for change in (lambda rows, at: rows.pop(at), lambda rows, at: rows.__setitem__(at, altered(rows[at]))):
        case = Case()
        at = next(at for at, row in enumerate(case.scenario.rows[EVENTS]) if b"procdump" in row.record)
        change(case.scenario.rows[EVENTS], at)
        assert struck(case, "It ran `procdump`.", "E2") in {
            "E2 is no longer where it was",
            "E2 no longer has the hash it was shown with",
        }


def altered(row):
    return replace(row, record=row.record.replace(b"procdump", b"procdumb"))


def test_a_denial_holds_only_by_a_note() -> None:
    case = Case(notes={"N1": "no events of user alice after 15:06"})
    assert struck(case, "The user alice did not come back.", "E1") == (
        "that something is absent cannot be shown by citing what is there"
    )
    assert struck(case, "The user alice did not come back.", "N1") == ""
    assert struck(case, "The user alice did not come back.", "E1", "N1") == ""
    assert "198.51.100.4" in struck(case, "Nothing came from 198.51.100.4.", "N1")


def test_a_claim_that_states_no_value_proves_nothing() -> None:
    vague = "it states no value that could be checked"
    assert struck(Case(), "All of this is harmless and was approved.", "E1", "S1") == vague
    assert struck(Case(notes={"N1": "nothing found"}), "All of it was quiet.", "N1") == ""
    ruled_out = AnsweredHypothesis("An attack by `alice`", REJECTED, "It was approved.", ("E1",))
    assert Case().check(answering(hypotheses=(ruled_out,))).struck[0].reason == vague


def test_a_denial_may_stand_as_a_hypothesis() -> None:
    denied = AnsweredHypothesis("There was no attack", REJECTED, "`procdump` was run.", ("E2",))
    assert Case().check(answering(hypotheses=(denied,))).hypotheses[0].text == denied.text


@pytest.mark.parametrize(
    "hypothesis",
    [
        AnsweredHypothesis("An administrator", REJECTED, "The user bob was away.", ("E2",)),
        AnsweredHypothesis("An administrator", REJECTED, "It is so.", ()),
        AnsweredHypothesis("A test from 198.51.100.4", OPEN, "", ()),
    ],
)
def test_a_hypothesis_is_checked_as_a_claim_is(hypothesis: AnsweredHypothesis) -> None:
    checked = Case().check(answering(hypotheses=(hypothesis,)))
    assert (checked.hypotheses, checked.struck_of(HYPOTHESIS)) == ((), 1)


@pytest.mark.parametrize("time", ["2025-06-15T15:07:40Z", "15:06", "now", ""])
def test_a_line_of_the_timeline_needs_its_time(time: str) -> None:
    checked = Case().check(answering(timeline=(AnsweredMoment(time, "alice logged on", ("E1",)),)))
    assert (checked.timeline, checked.struck_of(TIMELINE)) == ((), 1)


@pytest.mark.parametrize(
    ("technique", "reason"),
    [("T9999", "no such"), ("T1566", "no detection"), ("x", "no such"), ("t1003", "")],
)
def test_a_technique_exists_and_is_one_of_the_cited_detections(technique: str, reason: str) -> None:
    checked = Case().check(answering(techniques=(technique,)))
    assert [one.reason for one in checked.struck] == [] if not reason else checked.struck_of(TECHNIQUES) == 1
    assert all(reason in one.reason for one in checked.struck)


def test_a_technique_of_a_detection_that_is_not_cited_is_struck() -> None:
    assert Case().check(answering(claims=CLAIMS[:1])).techniques == ()


@pytest.mark.parametrize(
    "action",
    [
        AnsweredAction("disable_user", "user:bob", "It is time.", ("E2",)),
        AnsweredAction("disable_user", "host:web01", "It is time.", ("S2",)),
        AnsweredAction("wipe_disk", "host:web01", "It is time.", ("S2",)),
        AnsweredAction("isolate_host", "web01", "It is time.", ("S2",)),
        AnsweredAction("isolate_host", "host:web01", "It is time.", ()),
        AnsweredAction("isolate_host", "host:web01", "It is time.", ("E99",)),
        AnsweredAction("isolate_host", "host:web0", "It is time.", ("S2",)),
        AnsweredAction("isolate_host", "host:web01", "The user mallory ran it.", ("S2",)),
        AnsweredAction("block_ip", "ip:203.0.113.90", "It is time.", ("E1", "S1")),
    ],
)
def test_an_action_on_what_the_evidence_does_not_name_is_struck(action: AnsweredAction) -> None:
    checked = Case().check(answering(actions=(action,)))
    assert (checked.actions, checked.struck_of(ACTION)) == ((), 1)


def test_an_action_keeps_its_target_and_evidence() -> None:
    case = Case()
    (proposal,) = case.check(answering()).actions
    assert proposal.target == EntityKey("user", "alice")
    assert proposal.evidence == (case.refs.shown["E2"].uid, case.refs.shown["S2"].uid)


def test_prose_is_kept_sentence_by_sentence() -> None:
    prose = (
        "The account alice was taken over. Nothing was stolen. It came from 198.51.100.4. The source is 203.0.113.9."
    )
    kept = "The account alice was taken over. The source is 203.0.113.9."
    checked = Case().check(answering(summary=prose, note=prose, next_steps=("Ask alice.", "Ask eve@example.com.")))
    assert (checked.summary, checked.note, checked.next_steps) == (kept, kept, ("Ask alice.",))
    assert [checked.struck_of(part) for part in (SUMMARY, NOTE, NEXT_STEP)] == [2, 2, 1]


def test_prose_rests_on_what_kept_statements_cite_and_on_nothing_else() -> None:
    checked = Case().check(answering(claims=CLAIMS[:1], timeline=(), summary="The file C:\\temp\\out.dmp was written."))
    assert checked.summary == ""


@pytest.mark.parametrize(
    ("raw", "text", "reason"),
    [
        ({"sha1": SHA1}, f"The file has the SHA-1 {SHA1}.", ""),
        ({"Hashes": f"SHA1={SHA1.upper()},MD5={SHA1[:32]}"}, f"The file has the SHA-1 {SHA1}.", ""),
        ({"sha1": SHA1}, f"The file has the MD5 {SHA1}.", "none of md5"),
        ({"commit": {"sha": COMMIT}}, f"The indicator is {COMMIT}.", "does not stand as a hash"),
        ({"commit_hash": COMMIT}, f"The indicator is {COMMIT}.", "does not stand as a hash"),
        ({"head_sha": COMMIT}, f"The file has the hash `{COMMIT}`.", "does not stand as a hash"),
        ({"etag": SHA1[:32]}, f"The MD5 is {SHA1[:32]}.", "does not stand as a hash"),
        ({"sha1": COMMIT, "commit": COMMIT}, f"The hash is {COMMIT}.", "does not stand as a hash"),
        ({"commit": COMMIT, "sha1": COMMIT}, f"The hash is {COMMIT}.", "does not stand as a hash"),
        ({"commit": COMMIT}, f"The commit {COMMIT} was pushed.", ""),
        ({"note": SHA1}, f"The hash is {SHA1}.", "does not stand as a hash"),
    ],
)
def test_a_hash_is_what_it_is_called(raw: dict[str, object], text: str, reason: str) -> None:
    found = struck(holding(**raw), text, "E1")
    assert reason in found if reason else found == ""


@pytest.mark.parametrize("ref", ["E1", "S1"])
def test_the_hash_of_the_record_itself_is_no_indicator(ref: str) -> None:
    case = holding(x=1)
    assert struck(case, f"The hash is {case.refs.shown['E1'].sha256}.", ref)


def test_a_hash_that_a_service_outside_speaks_of_is_one() -> None:
    case = holding(sha1=SHA1)
    ref = case.refs.ref(Fact("rep.example", "hash", SHA1, T0, score=90, malicious=True, reports=41))
    assert struck(case, f"The SHA-1 {SHA1} has 41 reports.", "E1", ref) == ""
    assert "42" in struck(case, f"The SHA-1 {SHA1} has 42 reports.", "E1", ref)


@pytest.mark.parametrize(
    "text",
    [
        "It came from 203\u200b.0.113.8.",
        "It came from \uff12\uff10\uff13.0.113.8.",
        "It came from 203[.]0[.]113[.]8.",
        "The user \u0430lice logged on.",
        "It came from 203.0.113.9" + " and 203.0.113.8" * 60,
        "The user ali\U000e0063e came.",
        "It came from 203 . 0 . 113 . 8 as they say.",
    ],
)
def test_a_value_cannot_be_smuggled_past_the_check(text: str) -> None:
    assert struck(Case(), text, "E1")


@pytest.mark.parametrize(
    "text",
    [
        "203.0.113.9 was used by bob.",
        "Bob's session came from 203.0.113.9.",
        "alice logged on at noon from 203.0.113.9.",
        "alice logged on from 203.0.113.9 in Moscow.",
        "alice logged on 5 times from 203.0.113.9.",
        "alice sent 5 GB to 203.0.113.9.",
        "alice came from 203.0.113.9 and ran certutil.",
        "There were hundreds of requests by 203.0.113.9.",
        "There were two hundred requests by 203.0.113.9.",
        "The addresses are 203.0.113.9 and 3405803784.",
        "BOB and 203.0.113.9 were there.",
        "203.0.113.9:4444 was used.",
        "It asked evil dot example dot com from 203.0.113.9.",
        "The rule 'Golden Ticket' fired on 203.0.113.9.",
        "Two of them came from 203.0.113.9.",
        "alice came from 203.0.113.9 at 15.06.",
        "It was `203.0.113.9 in 2019`.",
        "203.0.113.9 belongs to AS64500.",
        "The addresses are" + " 203.0.113.9" * 20 + "".join(f" `alice`{n}" for n in range(9)) + ".",
    ],
)
def test_one_true_value_does_not_carry_a_false_one(text: str) -> None:
    assert struck(Case(), text, "E1")


def test_a_statement_with_more_values_than_are_read_is_struck_even_when_all_are_there() -> None:
    case = holding(**{f"k{n}": f"v{n}" for n in range(99)})
    assert struck(case, " ".join(f"v{n}" for n in range(70)), "E1") == ""
    assert "more values" in struck(case, " ".join(f"v{n}" for n in range(90)), "E1")


@pytest.mark.parametrize(
    ("text", "refs"),
    [
        ("The Okta account `alice` signed in from 203.0.113.9 at 15:06 UTC, outside the organization.", ("E1",)),
        ("Three minutes after the logon, alice dumped LSASS memory with procdump on web01.", ("E1", "E2", "S2")),
        ("Lateral movement over SMB (T1021.002) followed nine minutes after the initial access.", ("E1", "E3", "S3")),
        ("Okta, Windows and Zeek each report activity on web01 within 10 minutes.", ("S1", "S2", "S3")),
        ("All three signals name host web01, and two of them name 203.0.113.9.", ("S1", "S2", "S3")),
        ("It maps to T1003.001 (OS Credential Dumping: LSASS Memory).", ("S2",)),
        ("The activity began at 2025-06-15T15:06:40Z and ended 9 minutes later.", ("E1", "E3")),
        ("User alice's session was used to run ProcDump against LSASS.", ("E2",)),
    ],
)
def test_free_prose_that_is_true_is_kept(text: str, refs: tuple[str, ...]) -> None:
    assert struck(Case(), text, *refs) == ""


def test_what_is_shown_holds_nothing_invisible_and_no_quotes() -> None:
    checked = Case().check(answering(claims=(AnsweredClaim('The user "al\u200bice\u202e" came.', ("E1",)),)))
    assert [proven.text for proven in checked.claims] == ["The user 'alice' came."]


def test_an_entity_of_the_case_needs_a_citation_that_names_it() -> None:
    assert "bob" in struck(Case(more=frozenset({"Bob"})), "It was done by bob.", "E1")


@given(st.text(max_size=300), st.lists(st.sampled_from(["E1", "S1", "E2", "", "E99", "N1"]), max_size=4))
def test_any_text_is_proven_or_struck(text: str, refs: list[str]) -> None:
    struck(CASE, text, *refs)


CASE_RULE = Case().gathered.held[0].signal.signal.analytic
CASE = Case()
