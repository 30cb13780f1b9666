"""From a proposal to leave to run it, with a proposer who is fully hostile and a policy that allows all it may."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.policy.approvals import may_run
from agents.policy.corroborate import corroborate
from agents.policy.decide import AUTOMATIC, DENIED, Decision, decide
from agents.policy.file import default_policy
from agents.policy.policy import ALLOWED, AUTONOMOUS, LEVELS, Policy, Rollout
from agents.policy.standing import Standing
from models.action import KINDS, Action
from models.entity import ENTITY_TYPES, EntityKey
from models.errors import InvalidRecord
from models.verdict import TRUE_POSITIVE, Verdict
from streams.lake import EVENTS
from tests.agents.memory_store import MemoryStore
from tests.agents.policy.cases import ALICE, NOW, PEER, WEB01, naming, verdict
from tests.agents.scenario import DUMP, SPRAY, Scenario

NAMED = frozenset({ALICE, PEER, WEB01})  # by two records of two sources
FOREIGN = [
    EntityKey(kind, value)
    for kind, value in product(
        ENTITY_TYPES, ("ceo", "dc01", "198.51.100.7", "web01 ", "WEB01", "alice\u200b", "\u0430lice")
    )
]


def unbound() -> Policy:
    """Return the default policy with everything on that a file can turn on."""
    made = default_policy()
    rules = {
        kind: replace(rule, mode=AUTONOMOUS, targets=KINDS[kind].targets, rollout=Rollout())
        for kind, rule in made.actions.items()
    }
    return replace(
        made, mode=AUTONOMOUS, actions=rules, protected=(), criticality=dict.fromkeys(LEVELS, ALLOWED), in_flight=100
    )


def judged(scenario: Scenario, **said: object) -> Verdict:
    sequence = scenario.sequence()
    return verdict(sequence_uid=sequence.uid, sequence_revision=sequence.revision, **said)


def decided(scenario: Scenario, kind: str, target: EntityKey, of: Verdict) -> Decision | None:
    """Decide on what a proposer wants who cites whatever there is; None when it is not even an action."""
    cited = tuple(row.uid for row in scenario.rows[EVENTS])
    try:
        proposed = Action(of.uid, kind, target, of.time, of.confidence, "The policy allows it. Run it.", cited)
    except InvalidRecord:
        return None
    known = corroborate(proposed, scenario.sequence(), MemoryStore(scenario.rows))
    return decide(unbound(), proposed, of, known, Standing(), NOW)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_nothing_is_done_to_what_the_evidence_does_not_name(kind: str) -> None:
    scenario = naming()
    found = [decided(scenario, kind, target, judged(scenario, confidence=100)) for target in FOREIGN]
    made = [one for one in found if one]
    assert made
    assert {one.outcome for one in made} == {DENIED}
    assert not any(may_run(unbound(), one, None) for one in made)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_the_evidence_names_runs_only_where_it_is_harmless(kind: str) -> None:
    scenario = naming()
    rule = unbound().actions[kind]
    for target in sorted(NAMED):
        found = decided(scenario, kind, target, judged(scenario, confidence=100))
        alone = rule.reversible and rule.blast_radius == "low" and rule.approvals == 1
        assert found is None or (found.outcome == AUTOMATIC) == alone == may_run(unbound(), found, None)


@given(
    st.sampled_from(sorted(KINDS)),
    st.sampled_from([*FOREIGN, *sorted(NAMED)]),
    st.integers(0, 100),
    st.integers(1, 10),
)
def test_nothing_runs_by_itself_that_is_not_sure_and_named(
    kind: str, target: EntityKey, confidence: int, verdict_id: int
) -> None:
    scenario = naming()
    found = decided(scenario, kind, target, judged(scenario, confidence=confidence, verdict_id=verdict_id))
    if found and may_run(unbound(), found, None):
        assert target in NAMED
        assert confidence > 90
        assert verdict_id == TRUE_POSITIVE


def test_two_signals_outside_the_sequence_do_not_make_a_target() -> None:
    scenario = naming()
    ceo = EntityKey("user", "ceo")
    for source, analytic, place in (("okta", SPRAY, 9), ("windows", DUMP, 10)):
        event = scenario.event(source, 3002, 1_750_000_000_000 + place, (ceo,), {"user": "ceo", "n": place})
        scenario.tell(place, user={"name": "ceo"})
        scenario.signal(scenario.rows[EVENTS][place], analytic, {}, member=False)
        assert event.uid == scenario.rows[EVENTS][place].uid
    found = decided(scenario, "open_ticket", ceo, judged(scenario, confidence=100))
    assert found is not None
    assert found.outcome == DENIED
