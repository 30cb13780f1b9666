"""What the documents show of investigations: the tables of the code, and one over the demo with a scripted model.

The model is a program that speaks over HTTP; all else is what runs in production.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

from agents.deterministic.investigator import DeterministicInvestigator
from agents.evidence.store import EvidenceStore
from agents.evidence.toolbox import MAX_WINDOW_MS, Budget
from agents.grounding import answer as answered
from agents.grounding.calibration import CAP, ENOUGH, lower_bound
from agents.grounding.conclude import (
    BOTH_CONFIDENCE,
    DECISIONS,
    DEMOTIONS,
    HARMLESS_CONFIDENCE,
    MIN_CLAIMS,
    MIN_DETECTIONS,
    MIN_SHARE,
)
from agents.grounding.corroborate import AGREEING
from agents.grounding.values import MAX_STATED, MAX_VALUES
from agents.investigate import conversation
from agents.investigate.investigator import HIGH_RISK, MAX_ATTEMPTS, UNSURE
from agents.investigate.means import Means
from agents.investigation import Investigation
from agents.policy.policy import Thresholds
from agents.privacy.policy import DEFAULT_ACTIONS
from agents.report import report
from agents.tools.answers import MAX_ANSWER_RECORDS_BYTES, MAX_ANSWER_ROWS
from agents.tools.arguments import MAX_ARGUMENTS_CHARS, MAX_LIMIT, schema
from agents.tools.bench import MAX_TEXT_WINDOW_MS
from agents.tools.desk import TOOLS
from models.finding import Sequence
from models.records import DeadLetter
from models.verdict import INSUFFICIENT_DATA, SUSPICIOUS, TRUE_POSITIVE, VERDICTS
from streams.cli.loading import load_rules
from streams.config import load_settings
from streams.investigating import CALLS
from streams.knowledge import load_knowledge
from streams.replay.inputs import Sourced, find_inputs, read_all
from streams.replay.run import Replay
from streams.stage import build_stages
from tests.agents.investigate.play import MARKER, Table, answer, claim, shown
from tests.llm.script import Conversation, Says, Tokens, answers, calls
from tests.llm.server import ScriptedServer

JUDGED: Final = "Several stages of an intrusion on one host"
DAY_MS: Final = 86_400_000
LEFT_OUT: Final = ("## Evidence",)  # long, and its hashes are in the verdict
Rows = Mapping[str, Mapping[str, Any]]


@dataclass
class Run:
    """One investigation: what the model was told, and what came of it."""

    told: list[Conversation] = field(default_factory=list)
    outcome: Investigation | None = None
    name: str = "scripted"

    async def judge(self, sequence: Sequence, store: EvidenceStore) -> Investigation:
        """Let the model judge one sequence, and the fixed rules all others."""
        if self.outcome is not None or sequence.analytic.name != JUDGED:
            return await DeterministicInvestigator().judge(sequence, store)
        knowledge = load_knowledge(load_rules(_settings()).sound())
        with ScriptedServer(self.script) as server:
            self.outcome = await Table(store, knowledge=knowledge).investigate(sequence, server)
        return self.outcome

    def script(self, told: Conversation) -> Says:
        """Ask two tools, then answer with what the records say and with one claim that none of them says."""
        self.told.append(told)
        rows = shown(told)
        if told.step == 0:
            asked = {"host": "host-1", "process": _of(rows, "Shell started")["actor.process.uid"]}
            seen = {"value": _of(rows, "opens a connection")["dst_endpoint.ip"]}
            return calls(("process_tree", asked), ("who_else_touched", seen), tokens=Tokens(13_200, 90))
        return answers(_answer(rows), tokens=Tokens(14_900, 820, 13_200))


def _settings() -> Any:
    return load_settings(default_rules=True, cache_dir="")


def _signal(rows: Rows, detection: str) -> Mapping[str, Any]:
    return next(row for row in rows.values() if detection in row.get("detection", ""))


def _of(rows: Rows, detection: str) -> Mapping[str, Any]:
    """Return the event of the first signal of a detection."""
    return rows[_signal(rows, detection)["event"]]


def _answer(rows: Rows) -> dict[str, Any]:
    fetched, opened, shell = _of(rows, "fetched over"), _of(rows, "opens a connection"), _of(rows, "Shell started")
    read, service = _signal(rows, "LSASS"), _of(rows, "Service installed")
    program, address = opened["actor.process.file.path"], opened["dst_endpoint.ip"]
    claims = (
        claim(
            f"`{fetched['http_request.url.url_string']}`, a `{fetched['http_response.content_type']}`, "
            f"was fetched at {fetched['time']}.",
            fetched["ref"],
        ),
        claim(f"`{program}` connected to `{address}` on port {opened['dst_endpoint.port']}.", opened["ref"]),
        claim(f"`{program}` started `{shell['process.file.path']}` at {shell['time']}.", shell["ref"]),
        claim(f"`{read['matched']['TargetImage']}` was opened for reading at {read['time']}.", read["ref"]),
        claim(f"The service `{service['win_service.name']}` runs `{service['win_service.cmd_line']}`.", service["ref"]),
        claim("The service sent 48 MB to 192.0.2.99.", service["ref"]),
    )
    return answer(
        verdict="true_positive",
        confidence=99,
        summary=f"A downloaded program, `{program}`, opened a shell and read memory of LSASS. Nobody noticed it.",
        claims=list(claims),
        hypotheses=[
            {
                "text": "An administrator rolled out software.",
                "state": "rejected",
                "because": f"It ran from `{program}`.",
                "evidence": [opened["ref"]],
            },
            {
                "text": "Credentials from LSASS were used on other hosts.",
                "state": "open",
                "because": "The records end before it could show.",
                "evidence": [],
            },
        ],
        techniques=["T1003.001", "T1543.003", "T1490"],
        actions=[
            {
                "kind": "block_ip",
                "target": f"ip:{address}",
                "reason": f"`{program}` connected to `{address}`.",
                "evidence": [opened["ref"]],
            }
        ],
        next_steps=[f"Look for `{service['win_service.name']}` on other hosts."],
        note="A program that was downloaded from the web took over a computer.",
    )


@cache
def run() -> Run:
    """Play the demo, and let the scripted model judge one of its sequences."""
    made = Run()
    stages = build_stages(load_rules(_settings()).sound())
    with as_file(files("streams") / "demo") as folder:
        records = (_under_demo(item) for item in read_all(find_inputs([folder]).files, None, lambda _: None))
        Replay(stages, made, None).run(records, (), lambda _: None)
    return made


def _under_demo(item: Sourced | DeadLetter) -> Sourced | DeadLetter:
    if isinstance(item, DeadLetter):
        return item
    source, record = item
    return source, replace(record, at=replace(record.at, topic=f"demo/{Path(record.at.topic).name}"))


def case_shown() -> str:
    """Return a few rows of what the model was shown first, one tool that it called, and what that answered."""
    first, second = run().told
    text = first.turns[0].text
    rows = shown(first)
    signal = _signal(rows, "LSASS")
    call = second.turns[1].calls[1]
    told = second.results[call.uid].splitlines()
    return _block(
        *_data(text, "case"),
        *_only(_data(text, "events of the sequence"), signal["event"]),
        *_only(_data(text, "signals of the sequence"), signal["ref"]),
        "...",
        f"{call.name} {call.arguments}",
        *(line for line in told if '"ref"' not in line),
    )


def _data(text: str, kind: str) -> list[str]:
    found = re.search(rf"^<data {MARKER} {kind}>\n.*?^</data {MARKER}>$", text, re.DOTALL | re.MULTILINE)
    assert found, kind
    return found[0].splitlines()


def _only(block: list[str], ref: str) -> list[str]:
    return [block[0], *(line for line in block[1:-1] if json.loads(line)["ref"] == ref), block[-1]]


def report_of_run() -> str:
    """Return the report on the verdict, without the table of its evidence."""
    outcome = run().outcome
    assert outcome
    sections = re.split(r"\n(?=## )", report(outcome.verdict, outcome.actions))
    return _block(*(section.rstrip() + "\n" for section in sections if not section.startswith(LEFT_OUT)))


def _block(*parts: str) -> str:
    return "\n".join(("```text", *parts, "```")).replace("\n\n```", "\n```")


def tools() -> tuple[tuple[str, ...], Iterator[tuple[str, ...]]]:
    """Return the tools that a model may call."""
    lines = (
        (f"`{name}`", ", ".join(f"`{one}`" for one in schema(tool.arguments)["properties"]), tool.description)
        for name, tool in TOOLS.items()
    )
    return ("Tool", "Arguments", "What the model is told of it"), lines


def demotions() -> str:
    """Return what takes from a confidence."""
    return "\n".join(f"- {one.name}: {one.says}" for one in DEMOTIONS)


def decisions() -> tuple[tuple[str, ...], Iterator[tuple[str, ...]]]:
    """Return what is concluded from what a model asks for and what the fixed rules bear."""
    borne = (TRUE_POSITIVE, SUSPICIOUS, INSUFFICIENT_DATA)
    asked = dict.fromkeys(one for one, _ in DECISIONS)
    header = ("The model says", *(f"Evidence bears {VERDICTS[one]}" for one in borne))
    return header, ((VERDICTS[one], *(VERDICTS[DECISIONS[one, by]] for by in borne)) for one in asked)


def masking() -> tuple[tuple[str, ...], Iterator[tuple[str, ...]]]:
    """Return what is done with each class of fields by default."""
    return ("Class", "By default"), ((f"`{name}`", f"`{action}`") for name, action in DEFAULT_ACTIONS.items())


def bounds() -> tuple[tuple[str, ...], Iterator[tuple[str, ...]]]:
    """Return the bounds of one investigation."""
    budget = Budget(calls=CALLS)
    lines = (
        ("Turns of a model", str(conversation.MAX_TURNS), "no answer: the next model, or the fixed rules"),
        ("Tool calls in one turn", str(conversation.MAX_CALLS), "those beyond are refused"),
        ("Answers that may be mended", str(conversation.MAX_REPAIRS), "no answer"),
        ("A conversation", f"{conversation.MAX_CONVERSATION:,} characters", "no tool is left: answer now"),
        ("Tokens of one turn", f"{_default_of(Means, 'max_tokens'):,}, or what the endpoint allows", "mend it"),
        ("Arguments of a tool", f"{MAX_ARGUMENTS_CHARS:,} characters", "refused"),
        ("Rows that a tool may be asked for", str(MAX_LIMIT), "refused"),
        (
            "One answer of a tool",
            f"{MAX_ANSWER_ROWS} rows, {MAX_ANSWER_RECORDS_BYTES:,} bytes of records",
            "cut, and that is said",
        ),
        ("Window of a question", f"{MAX_WINDOW_MS // DAY_MS} days", "refused"),
        ("Window of a text without an entity", f"{MAX_TEXT_WINDOW_MS // DAY_MS} days", "refused"),
        (
            "Questions to the lake",
            f"{budget.calls}, {budget.rows:,} rows, {budget.size_bytes:,} bytes",
            "no tool is left: answer now",
        ),
        ("Questions to services outside", str(budget.lookups), "left unasked, and that is said"),
        ("The answer", f"{answered.MAX_ANSWER:,} characters, {answered.MAX_CLAIMS} claims", "not read: mend it"),
        ("One statement", f"{MAX_STATED:,} characters, {MAX_VALUES} values", "struck out"),
        ("Beginnings after a crash", str(MAX_ATTEMPTS), "the fixed rules judge"),
    )
    return ("Bound", "Value", "Beyond it"), iter(lines)


def _default_of(config: type[Any], name: str) -> int:
    return next(int(one.default) for one in fields(config) if one.name == name)


def thresholds() -> tuple[tuple[str, ...], Iterator[tuple[str, ...]]]:
    """Return the numbers that decide."""
    alone = Thresholds().automatic_above
    sure = next(count for count in itertools.count(ENOUGH) if int(100 * lower_bound(count, count)) > alone)
    lines = (
        ("Risk from which the second model is asked at once", str(HIGH_RISK)),
        ("Confidence below which a verdict is unsure, and the second model is asked too", str(UNSURE)),
        ("Claims that have to be proven", str(MIN_CLAIMS)),
        ("Share of the model's claims that has to be", f"{MIN_SHARE:.0%}"),
        ("Detections of the sequence that proven claims have to cite", str(MIN_DETECTIONS)),
        ("Verdicts of a rule on a group that analysts have to call harmless, to speak for closing", str(AGREEING)),
        ("Score of a closed sequence with one reason, with both", f"{HARMLESS_CONFIDENCE}, {BOTH_CONFIDENCE}"),
        ("Cap of the confidence without enough labels", str(CAP)),
        ("Labels of the kind and rule that are enough", str(ENOUGH)),
        (f"Labels, all of them confirming, from which it can be above {alone}", str(sure)),
    )
    return ("Number", "Value"), iter(lines)
