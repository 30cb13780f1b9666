"""Check a model's answer against the evidence, statement by statement: what is not borne out is struck, and why.

The rules:

1. A statement cites evidence by the names that this investigation showed. One unknown name, or one record that is no
   longer there or no longer has the hash it was shown with, strikes it.
2. Every value in it (`agents.grounding.values`) has to be borne by what it cites (`agents.grounding.bears`). A claim
   or the reason of a hypothesis that states no value says nothing that can be checked, and is struck.
3. A value that is called a hash has to be one of that kind (`agents.grounding.wording`).
4. That something is absent cannot be shown by citing what is there. A denial stands only as a hypothesis or next step,
   or when it cites a note: that a tool answered with nothing, or what the sources covered.
5. A technique has to exist and to be one of a detection that a kept statement cites.
6. An action has to fit its target, and what it cites has to name the target.
7. Prose is kept sentence by sentence, and cites all that the kept statements cite; next steps may name what was shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from agents.evidence.store import EvidenceStore, StoredEvent, StoredSignal
from agents.grounding.answer import Answer, AnsweredAction, AnsweredHypothesis
from agents.grounding.bears import Citation
from agents.grounding.checked import (
    ACTION,
    CLAIM,
    HYPOTHESIS,
    NEXT_STEP,
    NOTE,
    SUMMARY,
    TECHNIQUES,
    TIMELINE,
    Checked,
    Proposal,
    Proven,
    StruckPart,
)
from agents.grounding.normal import cleaned, normalized
from agents.grounding.times import POINTS, point_of
from agents.grounding.values import ADDRESS, HOST, MAX_STATED, MAX_VALUES, TOKEN, USER, Value, values_of
from agents.grounding.witness import Witness, noted, witness_of
from agents.grounding.wording import denies, sentences, wrong_hash
from agents.investigate.refs import Citable
from agents.text import plain
from models.action import KINDS
from models.entity import EntityKey
from models.errors import InvalidRecord
from models.reasoning import OPEN, Hypothesis
from models.uids import sha256_hex

MAX_SHOWN: Final = 2000  # characters of a statement that go into a verdict
MAX_NAMED: Final = 5
AFTER_TIME: Final = ", "  # between the time of a line of the timeline and its text
Statement = tuple[str, tuple[str, ...]]  # text, and the names of what it cites
_KIND_OF_TARGET: Final = {"user": USER, "host": HOST, "ip": ADDRESS}


@dataclass(frozen=True, slots=True)
class Context:
    """What is known in an investigation besides what was shown as evidence.

    Attributes:
        techniques: ATT&CK technique ids that exist.
        names: Names of entities, besides those that shown signals name.
        words: Words that are plain ones in this organization, whatever they look like, in lower case.
        notes: What may be cited for an absence, by its name: empty answers of tools, the coverage of the sources.
    """

    techniques: Collection[str]
    names: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    notes: Mapping[str, str] = field(default_factory=dict)


def check(answer: Answer, shown: Mapping[str, Citable], store: EvidenceStore, context: Context) -> Checked:
    """Return what of an answer the evidence bears out, and what was struck.

    Args:
        answer: What the model answered, pseudonyms restored.
        shown: What the model was shown, by name.
        store: Where what is cited is fetched again; whatever it raises passes through.
        context: What else is known.
    """
    court = _Court(shown, context, _faults(answer, shown, store))
    claims = court.proven(CLAIM, ((one.text, one.evidence) for one in answer.claims))
    timed = ((f"{one.time}{AFTER_TIME}{one.text}", one.evidence) for one in answer.timeline)
    timeline = court.proven(TIMELINE, timed, timed=True)
    hypotheses = tuple(one for answered in answer.hypotheses if (one := court.hypothesis(answered)))
    kept = (*claims, *timeline)
    return Checked(
        claims=claims,
        timeline=timeline,
        hypotheses=hypotheses,
        techniques=court.techniques(answer.techniques, kept),
        actions=tuple(proposal for answered in answer.actions if (proposal := court.action(answered))),
        summary=court.prose(SUMMARY, answer.summary, kept),
        next_steps=court.steps(answer.next_steps),
        note=court.prose(NOTE, answer.note, kept),
        cited=tuple(court.cited.values()),
        struck=tuple(court.struck),
    )


def _faults(answer: Answer, shown: Mapping[str, Citable], store: EvidenceStore) -> dict[str, str]:
    """Fetch again what is cited; return what is wrong with each name of which something is."""
    parts = (answer.claims, answer.timeline, answer.hypotheses, answer.actions)
    refs = {ref for part in parts for one in part for ref in one.evidence}
    cited = {ref: one for ref in sorted(refs) if isinstance(one := shown.get(ref), StoredEvent | StoredSignal)}
    found = {(row.uid, row.at): row for row in store.cited([one.evidence for one in cited.values()])}
    faults = {}
    for ref, one in cited.items():
        stored = found.get((one.uid, one.at))
        if stored is None:
            faults[ref] = f"{ref} is no longer where it was"
        elif sha256_hex(stored.content) != one.sha256:
            faults[ref] = f"{ref} no longer has the hash it was shown with"
    return faults


@dataclass(slots=True)
class _Court:
    """Judge statements, one after the other, and keep what was struck."""

    shown: Mapping[str, Citable]
    context: Context
    faults: Mapping[str, str]
    struck: list[StruckPart] = field(default_factory=list)
    cited: dict[str, Citable] = field(default_factory=dict)
    _witnesses: dict[str, Witness] = field(default_factory=dict)
    _names: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        signals = (one for one in self.shown.values() if isinstance(one, StoredSignal))
        named = {entity.value.lower() for stored in signals for entity in stored.signal.entities}
        self._names = frozenset(named | {name.lower() for name in self.context.names})

    def proven(
        self, part: str, statements: Iterable[tuple[str, tuple[str, ...]]], *, timed: bool = False
    ) -> tuple[Proven, ...]:
        """Return the statements that hold."""
        kept = []
        for text, refs in statements:
            reason = self.wrong(text, refs) or self.unproven(text, refs) or (_untimed(text) if timed else "")
            if self.holds(part, text, reason):
                cited = self.cite(refs)
                noted = tuple(ref for ref in dict.fromkeys(refs) if ref not in self.shown)
                kept.append(Proven(_shown(text), cited, noted))
        return tuple(kept)

    def hypothesis(self, answered: AnsweredHypothesis) -> Hypothesis | None:
        """Return a hypothesis whose decision holds; one that is open may name anything that was shown."""
        text = f"{answered.text} {answered.because}"
        if answered.state == OPEN:
            reason = self.invented(text, self.everything)
        else:
            reason = self.wrong(text, answered.evidence) or self.vague(answered.because, answered.evidence)
        if not self.holds(HYPOTHESIS, text, reason):
            return None
        uids = () if answered.state == OPEN else (one.uid for one in self.cite(answered.evidence))
        return Hypothesis(_shown(answered.text), answered.state, _shown(answered.because), tuple(dict.fromkeys(uids)))

    def techniques(self, named: Iterable[str], kept: Iterable[Proven]) -> tuple[str, ...]:
        """Return the techniques of detections that kept statements cite, or whose events they cite."""
        cited = tuple(one for proven in kept for one in proven.cited)
        uids = {one.uid for one in cited}
        fired = (one for one in self.shown.values() if isinstance(one, StoredSignal) and one.signal.event.uid in uids)
        borne = self.citation((*cited, *fired)).techniques
        return tuple(
            technique
            for technique in dict.fromkeys(name.strip().upper() for name in named)
            if self.holds(TECHNIQUES, technique, self._unknown(technique, borne))
        )

    def _unknown(self, technique: str, borne: Collection[str]) -> str:
        if technique not in self.context.techniques:
            return "there is no such ATT&CK technique"
        return "" if technique in borne else "no detection that a kept statement cites is of this technique"

    def action(self, answered: AnsweredAction) -> Proposal | None:
        """Return a proposal that fits its target, when what it cites names the target and bears out the reason."""
        text = f"{answered.kind} {answered.target}: {answered.reason}"
        try:
            target = EntityKey.parse(answered.target)
        except InvalidRecord:
            self.holds(ACTION, text, "its target is no entity")
            return None
        reason = self._unfit(answered.kind, target) or self.wrong(answered.reason, answered.evidence)
        cited = tuple(self.shown[ref] for ref in dict.fromkeys(answered.evidence) if ref in self.shown)
        if not self.holds(ACTION, text, reason or self._unnamed(target, cited)):
            return None
        uids = tuple(dict.fromkeys(one.uid for one in self.cite(answered.evidence)))
        return Proposal(answered.kind, target, _shown(answered.reason), uids)

    def _unfit(self, kind: str, target: EntityKey) -> str:
        if kind not in KINDS:
            return "there is no such kind of action"
        return "" if target.type in KINDS[kind].targets else f"{kind} is not done to a {target.type}"

    def _unnamed(self, target: EntityKey, cited: tuple[Citable, ...]) -> str:
        named = {entity for one in cited if isinstance(one, StoredSignal) for entity in one.signal.entities}
        value = Value(_KIND_OF_TARGET.get(target.type, TOKEN), target.value)
        borne = target in named or self.citation(cited).bears(value)
        return "" if borne else "what it cites does not name its target"

    def prose(self, part: str, text: str, kept: Iterable[Proven]) -> str:
        """Return the sentences that deny nothing and of which every value is borne by what kept statements cite."""
        citation = self.citation(one for proven in kept for one in proven.cited)
        held = []
        for sentence in sentences(cleaned(text)):
            reason = self.invented(sentence, citation) or ("an absence cannot be shown" if denies(sentence) else "")
            if self.holds(part, sentence, reason):
                held.append(_shown(sentence))
        return " ".join(held)

    def steps(self, named: Iterable[str]) -> tuple[str, ...]:
        """Return the next steps that name nothing but what was shown."""
        everything = self.everything
        return tuple(_shown(step) for step in named if self.holds(NEXT_STEP, step, self.invented(step, everything)))

    def unproven(self, text: str, refs: tuple[str, ...]) -> str:
        """Return why a statement that is not wrong is no proof all the same, empty when it is one."""
        if denies(text) and not self.has_note(refs):
            return "that something is absent cannot be shown by citing what is there"
        return self.vague(text, refs)

    def vague(self, text: str, refs: tuple[str, ...]) -> str:
        """Return why a text says nothing that can be checked, empty when it does or when a note stands behind it."""
        return "" if self.values(text) or self.has_note(refs) else "it states no value that could be checked"

    def has_note(self, refs: tuple[str, ...]) -> bool:
        """Tell whether a note is cited."""
        return any(ref in self.context.notes for ref in refs)

    def wrong(self, text: str, refs: tuple[str, ...]) -> str:
        """Return why a statement does not hold, empty when it does."""
        if not refs:
            return "it cites nothing"
        unknown = [ref for ref in refs if ref not in self.shown and ref not in self.context.notes]
        if unknown:
            return f"it cites {', '.join(map(plain, unknown[:MAX_NAMED]))}, which was not shown"
        fault = next((self.faults[ref] for ref in refs if ref in self.faults), "")
        if fault:
            return fault
        citation = Citation(tuple(map(self.witness, dict.fromkeys(refs))))
        return self.invented(text, citation) or wrong_hash(text, self.values(text), citation.witnesses)

    def invented(self, text: str, citation: Citation) -> str:
        """Return which values a citation does not bear, as a reason."""
        if len(text) > MAX_STATED:
            return "it is too long to be checked"
        values = self.values(text)
        if len(values) > MAX_VALUES:
            return "it states more values than can be checked"
        missing = [value for value in values if not citation.bears(value)]
        named = ", ".join(f"{value.kind} {plain(value.text)}" for value in missing[:MAX_NAMED])
        return f"not in what it cites: {named}" if missing else ""

    def values(self, text: str) -> tuple[Value, ...]:
        """Return the values that a text states."""
        return values_of(text, self._names, self.context.words)

    def holds(self, part: str, text: str, reason: str) -> bool:
        """Keep what is struck, and tell whether there was no reason to strike it."""
        if reason:
            self.struck.append(StruckPart(part, _shown(text), reason))
        return not reason

    def cite(self, refs: Iterable[str]) -> tuple[Citable, ...]:
        """Return what names stand for, and keep it as cited."""
        cited = tuple(self.shown[ref] for ref in dict.fromkeys(refs) if ref in self.shown)
        self.cited.update((one.uid, one) for one in cited)
        return cited

    @property
    def everything(self) -> Citation:
        """Return all that was shown, as one citation."""
        return Citation(tuple(self.witness(ref) for ref in (*self.shown, *self.context.notes)))

    def citation(self, cited: Iterable[Citable]) -> Citation:
        """Return what things say together."""
        by_uid = {one.uid: ref for ref, one in self.shown.items()}
        return Citation(tuple(self.witness(ref) for ref in dict.fromkeys(by_uid[one.uid] for one in cited)))

    def witness(self, ref: str) -> Witness:
        """Return what is shown under a name, read once."""
        if ref not in self._witnesses:
            note = self.context.notes.get(ref)
            cited = self.shown.get(ref)
            self._witnesses[ref] = witness_of(cited) if cited else noted(ref, note or "")
        return self._witnesses[ref]


def _shown(text: str) -> str:
    return plain(cleaned(text), MAX_SHOWN)


def _untimed(line: str) -> str:
    """Return why a line of the timeline is none: it has to begin with a date and a time."""
    time = normalized(line.partition(AFTER_TIME)[0]).strip()
    points = (point_of(found) for form in POINTS if (found := form.fullmatch(time)))
    dated = any(point and not point.period and not point.yearless for point in points)
    return "" if dated else "its time is no date and time"
