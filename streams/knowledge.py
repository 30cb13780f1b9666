"""What an investigator is told before it begins, gathered from the rulebook, ATT&CK, runbooks and the lake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from agents.grounding.calibration import Label, Labels, labels_of
from agents.tools.knowledge import Case, Knowledge, Rule, Technique
from agents.tools.runbook_file import load_runbooks
from enrichers.intel.analytics import ANALYTICS as INTEL_ANALYTICS
from models import ocsf
from models.errors import InvalidRecord
from models.finding import Analytic, Attack, Sequence
from models.finding_ocsf import sequence_from_ocsf
from models.ocsf_schema import LATEST_MS
from models.verdict import VERDICTS as WORDS
from models.verdict import Verdict
from models.verdict_ocsf import verdict_from_ocsf
from streams.correlate.spec import CorrelationSpec
from streams.detect.metadata import SEVERITY_OF_LEVEL
from streams.detect.rule import DetectionRule
from streams.lake import SEQUENCES, VERDICTS
from streams.lake_store import LakeStore
from streams.profile.detectors import ANALYTICS as ANOMALY_ANALYTICS
from streams.rulebook.book import Rulebook
from streams.rulecheck.attack import attack

MAX_CASES: Final = 500
MAX_SUMMARY: Final = 4000  # characters of a case
_LEVEL: Final = {severity: level for level, severity in SEVERITY_OF_LEVEL.items()}


def load_knowledge(rulebook: Rulebook, folders: Iterable[Path] = (), lake: LakeStore | None = None) -> Knowledge:
    """Gather what is known.

    Args:
        rulebook: The rules in force.
        folders: Of one's own runbooks; one of the same name takes the place of Braid's.
        lake: Holds past verdicts; None where there are none.

    Raises:
        ConfigError: With all that is wrong with runbooks.
        LakeUnreadable: A file of the lake is damaged.
    """
    table = attack()
    return Knowledge(
        techniques={uid: Technique(uid, _full_name(uid), one.tactics) for uid, one in table.techniques.items()},
        replaced=table.replaced,
        rules={rule.uid: rule for rule in _rules(rulebook)},
        runbooks=load_runbooks(folders),
        cases=load_cases(lake) if lake else (),
    )


def _full_name(uid: str) -> str:
    """Return the name of a technique; that of a sub-technique says little without its technique's."""
    known = attack().techniques
    parent = known.get(known[uid].parent)
    return f"{parent.name}: {known[uid].name}" if parent and parent.uid != uid else known[uid].name


def _rules(rulebook: Rulebook) -> Iterator[Rule]:
    for name, analytic in {**INTEL_ANALYTICS, **ANOMALY_ANALYTICS}.items():
        yield Rule(
            analytic.uid, analytic.name, name, level=_LEVEL[analytic.severity_id], techniques=_techniques(analytic)
        )
    yield from map(_described, rulebook.detections)
    yield from map(_described, rulebook.correlations)


def _described(rule: DetectionRule | CorrelationSpec) -> Rule:
    return Rule(
        uid=rule.uid,
        title=rule.analytic.name,
        name=rule.name,
        description=rule.description,
        level=_LEVEL[rule.analytic.severity_id],
        falsepositives=rule.falsepositives,
        investigation=rule.investigation,
        techniques=_techniques(rule.analytic),
    )


def _techniques(*analytics: Analytic, more: Iterable[Attack] = ()) -> tuple[str, ...]:
    attacks = (*(one for analytic in analytics for one in analytic.attacks), *more)
    return tuple(dict.fromkeys(attack().current(one.technique) for one in attacks if one.technique))


def load_cases(lake: LakeStore) -> tuple[Case, ...]:
    """Return what standing verdicts say, the latest MAX_CASES, latest first; withdrawn ones are none.

    Of one sequence the verdict on its last revision stands, and of that the last correction by an analyst.
    """
    found = lake.findings(VERDICTS, 0, LATEST_MS, MAX_CASES, latest=True).rows
    verdicts = list(_verdicts(found))
    sequences = _sequences(lake, [verdict.sequence_uid for verdict in verdicts])
    cases = [_case(verdict, sequences.get(verdict.sequence_uid)) for verdict in verdicts]
    return tuple(sorted(cases, key=lambda case: (-case.time, case.sequence_uid)))


def load_labels(lake: LakeStore) -> Labels:
    """Return what analysts said of the latest MAX_CASES verdicts: that they are right, or what is."""
    verdicts = list(_verdicts(lake.findings(VERDICTS, 0, LATEST_MS, MAX_CASES, latest=True).rows))
    judged = [verdict for verdict in verdicts if verdict.corrected_by and verdict.reasoning.concluded_id]
    sequences = _sequences(lake, [verdict.sequence_uid for verdict in judged])
    return labels_of(
        Label(
            verdict_uid=verdict.uid,
            time=verdict.time,
            raw=verdict.reasoning.raw_confidence or verdict.confidence,
            verdict_id=verdict.reasoning.concluded_id,
            said_id=verdict.verdict_id,
            rule=sequences[verdict.sequence_uid].analytic.uid,
            group=verdict.group,
        )
        for verdict in judged
        if verdict.sequence_uid in sequences
    )


def _verdicts(records: Iterable[bytes]) -> Iterator[Verdict]:
    for record in records:
        try:
            verdict = verdict_from_ocsf(ocsf.decode(record))
        except (InvalidRecord, ValueError):
            continue  # of another version of Braid: it teaches nothing
        if isinstance(verdict, Verdict):
            yield verdict


def _sequences(lake: LakeStore, uids: list[str]) -> Mapping[str, Sequence]:
    sequences: dict[str, Sequence] = {}
    for record in lake.standing(SEQUENCES, uids).rows:
        try:
            sequence = sequence_from_ocsf(ocsf.decode(record))
        except (InvalidRecord, ValueError):
            continue  # same
        if isinstance(sequence, Sequence):
            sequences[sequence.uid] = sequence
    return sequences


def _case(verdict: Verdict, sequence: Sequence | None) -> Case:
    analytics = (sequence.analytic, *(member.analytic for member in sequence.members)) if sequence else ()
    told = (verdict.summary, *verdict.rejected, verdict.reasoning.note)
    return Case(
        sequence_uid=verdict.sequence_uid,
        group=verdict.group,
        time=verdict.time,
        title=verdict.title,
        verdict=WORDS[verdict.verdict_id],
        confidence=verdict.confidence,
        summary="\n".join(filter(None, told))[:MAX_SUMMARY],
        corrected_by=verdict.corrected_by,
        rules=tuple(dict.fromkeys(analytic.uid for analytic in analytics)),
        rule_titles=tuple(dict.fromkeys(analytic.name for analytic in analytics)),
        techniques=_techniques(*analytics, more=verdict.attacks),
    )
