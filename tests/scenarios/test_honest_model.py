"""An honest model in twelve stories, from raw records to the verdict; and with one thing in each that it made up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from agents.deterministic.investigator import DeterministicInvestigator
from agents.grounding.calibration import Label, Labels, labels_of
from agents.investigation import Investigation
from agents.report import report
from agents.text import plain
from agents.tools.knowledge import Case
from enrichers.chain import Chain
from enrichers.context.allow import AllowEnricher
from enrichers.context.allow_file import load_allowed
from models.finding import Sequence
from models.verdict import INSUFFICIENT_DATA, SUSPICIOUS, VERDICTS
from streams.knowledge import load_knowledge
from streams.lake_store import LakeStore
from streams.replay.inputs import find_inputs, read_all
from streams.replay.run import Replay
from streams.rulebook import load_rulebook
from streams.stage import Stages, build_stages
from tests.agents.investigate.play import Table
from tests.llm.script import Protocol
from tests.llm.server import ScriptedServer
from tests.replay.play import STREAMS, stages, write
from tests.scenarios.honest_model import Honest
from tests.scenarios.model_cases import Scenario, scenarios

PROTOCOLS: tuple[Protocol, ...] = ("openai", "anthropic")
NAMES = [scenario.name for scenario in scenarios()]
Found = dict[tuple[str, bool], list[Investigation]]


@dataclass
class Observer:
    """Investigates the sequences of one rule with an honest model and with one that lies, over both protocols."""

    scenario: Scenario
    found: Found = field(default_factory=dict)

    @property
    def name(self) -> str:
        return "observer/1"

    async def judge(self, sequence: Sequence, store: LakeStore) -> Investigation:
        if not sequence.analytic.name.startswith(self.scenario.rule):
            return await DeterministicInvestigator().judge(sequence, store)
        for protocol in PROTOCOLS:
            for lies in (False, True):
                with ScriptedServer(Honest(self.scenario.lie if lies else ""), protocol) as server:
                    judged = await _table(self.scenario, sequence, store).investigate(sequence, server)
                self.found.setdefault((protocol, lies), []).append(judged)
        return judged


def _table(scenario: Scenario, sequence: Sequence, store: LakeStore) -> Table:
    cases, labels = _said(scenario, sequence)
    known = load_knowledge(_stages("").rulebook)
    return Table(store, knowledge=replace(known, cases=cases), labels=labels)


def _said(scenario: Scenario, sequence: Sequence) -> tuple[tuple[Case, ...], Labels]:
    """Return what analysts said before of this rule on this group."""
    cases, labels = [], []
    for number, said in enumerate(scenario.said, 1):
        uid, time = f"{number:032x}", sequence.start_time - number * 86_400_000
        rules = (sequence.analytic.uid, *(member.analytic.uid for member in sequence.members))
        case = Case(
            sequence_uid=uid,
            group=sequence.group,
            time=time,
            title="Invented",
            verdict=VERDICTS[said],
            confidence=70,
            summary="An analyst looked at it.",
            corrected_by="alice",
            rules=rules,
            rule_titles=(sequence.analytic.name,),
        )
        cases.append(case)
        labels.append(Label(uid, time, 70, SUSPICIOUS, said, sequence.analytic.uid, sequence.group))
    return tuple(cases), labels_of(labels)


@cache
def _stages(rules: str) -> Stages:
    if not rules:
        return stages()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "more.yml"
        path.write_text(rules)
        return build_stages(load_rulebook([STREAMS / "rules", Path(folder)]).sound())


def _enriched(scenario: Scenario, made: Stages, folder: Path) -> Stages:
    if not scenario.accepted:
        return made
    path = folder / "allow.yml"
    path.write_text(scenario.accepted)
    return replace(made, ingest=made.ingest.with_enrichment(Chain([AllowEnricher(load_allowed([path]))])))


@cache
def played(name: str) -> Found:
    """Play a story on the real path."""
    scenario = next(one for one in scenarios() if one.name == name)
    observer = Observer(scenario)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        by_source: dict[str, list[bytes]] = {}
        for told in scenario.told:
            by_source.setdefault(told.source, []).append(told.raw)
        inputs = find_inputs([write(folder / f"{source}.ndjson", raws) for source, raws in by_source.items()])
        made = _enriched(scenario, _stages(scenario.rules), folder)
        records = read_all(inputs.files, None, lambda _: None)
        found = Replay(made, observer, None).run(records, inputs.left_out, lambda _: None)
    assert found.counts["dead-letter"] == 0
    return observer.found


@pytest.fixture(params=NAMES)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return next(one for one in scenarios() if one.name == request.param)


def test_there_are_twelve() -> None:
    assert len({*NAMES}) == len(NAMES) == 12


def test_it_ends_in_the_right_verdict_with_all_claims_grounded(scenario: Scenario) -> None:
    found = played(scenario.name)
    for protocol in PROTOCOLS:
        for one in found[protocol, False]:
            verdict = one.verdict
            assert verdict.model_took_part, verdict.reasoning.fallback
            assert verdict.reasoning.struck == ()
            assert VERDICTS[verdict.verdict_id] == VERDICTS[scenario.verdict], verdict.summary


def test_one_thing_made_up_is_struck_and_costs_confidence(scenario: Scenario) -> None:
    found = played(scenario.name)
    for protocol in PROTOCOLS:
        for honest, lied in zip(found[protocol, False], found[protocol, True], strict=True):
            (struck,) = lied.verdict.reasoning.struck
            assert struck.text.removeprefix("claim: ") == plain(scenario.lie, 2000)
            lower = lied.verdict.reasoning.raw_confidence < honest.verdict.reasoning.raw_confidence
            assert lower or lied.verdict.verdict_id == INSUFFICIENT_DATA
            assert scenario.lie not in report(lied.verdict).partition("## Struck out")[0]


def test_both_protocols_come_to_the_same(scenario: Scenario) -> None:
    found = played(scenario.name)
    for lies in (False, True):
        first, second = ([one.verdict for one in found[protocol, lies]] for protocol in PROTOCOLS)
        assert [one.claims for one in first] == [one.claims for one in second]
        assert [one.confidence for one in first] == [one.confidence for one in second]
