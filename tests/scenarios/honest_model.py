"""An honest model as a program: it reads only what it is shown, asks tools, and says what the records show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.agents.investigate.play import answer, claim, rows, shown
from tests.llm.server import Conversation, Says, answers, calls

TELLING = (
    *("process.cmd_line", "src_endpoint.ip", "dst_endpoint.ip", "api.operation", "process.file.path", "query.hostname"),
    *("actor.user.name", "user.name", "device.hostname", "file.path", "share", "http_request.user_agent"),
)
DISARMED = {"False Positive", "Benign"}
ENOUGH_CASES = 2
STAGES = 3  # techniques of different kinds that make an attack sure
MAX_VALUE = 200
KIND_OF = {"host": "isolate_host", "user": "disable_user"}


@dataclass(frozen=True)
class Honest:
    """The model; `lie` is one claim that nothing shows, and what it cites: its first signal."""

    lie: str = ""

    def __call__(self, asked: Conversation) -> Says:
        """Ask first, then answer."""
        if not asked.step:
            return calls(*_questions(asked))
        return answers(self._answer(asked))

    def _answer(self, asked: Conversation) -> dict[str, Any]:
        signals, events = _of(asked, "S"), _of(asked, "E")
        verdict = _verdict(asked)
        claims = [claim(f"`{row['detection']}` fired at {row['time']}.", ref) for ref, row in signals.items()]
        claims += [claim(f"The record has `{value}`.", ref) for ref, value in _values(events)]
        if self.lie:
            claims[len(claims) // 2 : len(claims) // 2] = [claim(self.lie, next(iter(signals)))]
        return answer(
            verdict=verdict,
            confidence=80,
            summary=" ".join(
                f"`{name}` fired." for name in dict.fromkeys(row["detection"] for row in signals.values())
            ),
            claims=claims[:40],
            timeline=[
                {"time": row["time"], "text": f"`{row['detection']}` fired.", "evidence": [ref]}
                for ref, row in signals.items()
            ],
            hypotheses=_hypotheses(verdict, signals),
            techniques=sorted({one for row in signals.values() for one in row["techniques"]}),
            actions=_actions(asked, signals) if verdict == "true_positive" else [],
            next_steps=["Ask the owner of the account whether this was expected."],
        )


def _of(asked: Conversation, letter: str) -> dict[str, dict[str, Any]]:
    """Return the signals of the sequence, or the events behind them."""
    first = {ref: row for ref, row in shown(asked).items() if ref.startswith(letter)}
    behind = {row["event"] for row in shown(asked).values() if "event" in row}
    return {ref: row for ref, row in first.items() if letter == "S" or ref in behind}


def _questions(asked: Conversation) -> list[tuple[str, object]]:
    signals = list(_of(asked, "S").values())
    group = _case(asked)["entities"] or signals[0]["entities"]
    return [
        ("timeline", {"entity": group[0]}),
        ("coverage", {}),
        ("same_rule_before", {"rule": signals[0]["rule"]}),
        ("similar_cases", {}),
        ("technique", {"technique": next((one for row in signals for one in row["techniques"]), "T1078")}),
    ]


def _case(asked: Conversation) -> dict[str, Any]:
    return next(row for row in rows(asked) if "group" in row and "risk" in row)


def _verdict(asked: Conversation) -> str:
    every, signals, events = list(rows(asked)), _of(asked, "S"), _of(asked, "E")
    cases = {row["case"]: row for row in every if row.get("kind") == "case" and row["by_an_analyst"]}
    alike = [row for row in cases.values() if row["group"] == _case(asked)["group"]]
    if len(alike) >= ENOUGH_CASES and all(row["verdict"] in DISARMED for row in alike):
        return "false_positive"
    if events and all("accepted_by_allow_lists" in row for row in events.values()):
        return "benign"
    if any(
        "heard_the_day_before_and_silent_now" in row or "signals_whose_records_cannot_be_shown" in row for row in every
    ):
        return "insufficient_data"
    domains = {row["domain"] for row in signals.values()}
    techniques = {one.partition(".")[0] for row in signals.values() for one in row["techniques"]}
    return "true_positive" if len(domains) > 1 and len(techniques) >= STAGES else "suspicious"


def _values(events: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    found = [(ref, str(row[path])) for ref, row in events.items() for path in TELLING if path in row]
    return [(ref, value) for ref, value in found if len(value) < MAX_VALUE and not set(value) & set("[`")][:20]


def _hypotheses(verdict: str, signals: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    ref, row = next(iter(signals.items()))
    because = f"`{row['detection']}` fired at {row['time']}."
    attack = {"true_positive": "supported", "benign": "rejected", "false_positive": "rejected"}.get(verdict, "open")
    return [
        {"text": "Somebody attacks.", "state": attack, "because": because, "evidence": [ref]},
        {"text": "Somebody works as usual.", "state": "open", "because": "", "evidence": []},
    ]


def _actions(asked: Conversation, signals: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    found = [
        (name, [ref for ref, row in signals.items() if name in row["entities"]]) for name in _case(asked)["entities"]
    ]
    return [
        {"kind": KIND_OF[name.partition("-")[0]], "target": name, "reason": "Detections name it.", "evidence": refs}
        for name, refs in found
        if refs and name.partition("-")[0] in KIND_OF
    ]
