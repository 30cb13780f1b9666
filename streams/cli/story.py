"""Tell a person what a replay found: the seven stages, and each verdict with its claims."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from agents.investigate import Investigation
from models.finding import Sequence
from models.verdict import VERDICTS
from streams.replay.run import Replayed
from streams.topics import rfc3339

MAX_VERDICTS = 5
MAX_RULES = 12


def tell_story(console: Console, found: Replayed) -> None:
    """Print the stages, the rules that fired, and the verdicts."""
    console.print(_stages(found))
    escalated = {sequence.uid: sequence for sequence in found.sequences if sequence.is_alert}
    for investigation in found.investigations[:MAX_VERDICTS]:
        console.print(_sequence(escalated[investigation.verdict.sequence_uid]))
        console.print(_verdict(investigation))
    left = len(found.investigations) - MAX_VERDICTS
    if left > 0:
        console.print(f"... and {left} more verdicts; --out DIR writes them all")


def _stages(found: Replayed) -> Table:
    counts = found.counts
    sources = ", ".join(f"{name} {count:,}" for name, count in found.by_source.most_common())
    rules = ", ".join(f"{escape(name)} ({count})" for name, count in found.by_rule.most_common(MAX_RULES))
    table = Table("stage", "count", "what", title="raw record -> Event -> ... -> Action", title_justify="left")
    table.add_row("1 raw record", f"{counts['records']:,}", f"{counts['dead-letter']:,} dead letters")
    table.add_row("2 event", f"{counts['events']:,}", sources)
    table.add_row("3 signal", f"{counts['signals']:,}", rules)
    table.add_row("4 sequence", f"{counts['sequences']:,}", f"{counts['escalated']:,} escalated")
    table.add_row("5 investigation", f"{counts['escalated']:,}", "deterministic: no model took part")
    table.add_row(
        "6 verdict", f"{counts['verdicts']:,}", ", ".join(VERDICTS[i.verdict.verdict_id] for i in found.investigations)
    )
    table.add_row("7 action", f"{counts['actions']:,}", "proposed; a person has to approve each")
    return table


def _sequence(sequence: Sequence) -> Table:
    title = f"Sequence {sequence.uid} on {escape(sequence.group)}: {escape(sequence.analytic.name)}"
    table = Table("time", "domain", "signal", "risk", title=title, title_justify="left")
    for member in sequence.members:
        table.add_row(rfc3339(member.time), member.domain, escape(member.analytic.name), str(member.risk))
    return table


def _verdict(investigation: Investigation) -> Panel:
    verdict = investigation.verdict
    lines = [escape(verdict.summary), ""]
    lines += [f"- {escape(claim.text)}" for claim in verdict.claims]
    lines += [f"missing: {escape(text)}" for text in verdict.missing]
    lines += [f"proposed: {action.kind} {escape(str(action.target))}" for action in investigation.actions]
    title = f"Verdict {verdict.uid}: {VERDICTS[verdict.verdict_id]}, confidence {verdict.confidence}"
    return Panel("\n".join(lines), title=title, title_align="left")
