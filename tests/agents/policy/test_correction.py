"""An analyst's word on a verdict: on the revision that stands, signed, and with what had been concluded kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.policy.correction import corrected, correction_refusal
from models.feedback import Feedback
from models.verdict import FALSE_POSITIVE, TRUE_POSITIVE, Verdict, VerdictClosed
from tests.agents.policy.cases import KEYS, NOW, policy, verdict

OF = policy(feedback_roles=("responder",))
STANDS = verdict(is_suspected_breach=True)
CLOSED = VerdictClosed(STANDS.sequence_uid, STANDS.group, STANDS.time, STANDS.title, 4)


def said(by: str = "bob", verdict_id: int = FALSE_POSITIVE, revision: int = 0) -> Feedback:
    made = Feedback(STANDS.uid, STANDS.sequence_revision, revision, verdict_id, by, 'Our "own" test.', NOW)
    return replace(made, signature=KEYS[by].sign(made.content))


def test_a_signed_one_on_what_stands_counts() -> None:
    assert correction_refusal(OF, said(), STANDS, NOW) == ""


@pytest.mark.parametrize(
    ("feedback", "stands", "why"),
    [
        (said("mallory"), STANDS, "the policy knows no"),
        (replace(said(), by="carol"), STANDS, "it is not signed with a key of carol"),
        (said(), replace(STANDS, revision=1), "it corrects revision 3.0, and revision 3.1 stands"),
        (said(), replace(STANDS, sequence_revision=4), "it corrects revision 3.0, and revision 4.0 stands"),
        (said(revision=1), STANDS, "it corrects revision 3.1, and revision 3.0 stands"),
        (said(), CLOSED, "was withdrawn"),
        (said(), None, "there is no such verdict"),
    ],
)
def test_any_other_is_refused_and_why(feedback: Feedback, stands: Verdict | VerdictClosed | None, why: str) -> None:
    assert why in correction_refusal(OF, feedback, stands, NOW)


def test_what_the_investigation_had_said_is_kept_through_all_corrections() -> None:
    once = corrected(STANDS, said())
    assert (once.verdict_id, once.revision, once.corrected_by, once.confidence) == (FALSE_POSITIVE, 1, "bob", 100)
    assert once.summary.startswith("bob says False Positive: Our 'own' test.\n")
    assert not once.is_suspected_breach
    again = corrected(once, said("carol", TRUE_POSITIVE, 1))
    assert (again.verdict_id, again.revision, again.corrected_by) == (TRUE_POSITIVE, 2, "carol")
    assert (again.reasoning.concluded_id, again.reasoning.raw_confidence) == (TRUE_POSITIVE, 95)
