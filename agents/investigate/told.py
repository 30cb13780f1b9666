"""What models and tools told, as the journal keeps it, and read back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agents.evidence.remember import evidence_from_json, evidence_to_json, fetch
from agents.evidence.store import EvidenceStore
from agents.llm.talk import Reply, ToolCall, Usage
from agents.tools.answers import Note, Row, ToolAnswer
from models.errors import InvalidRecord
from models.fact import Fact, fact_from_ocsf, fact_to_ocsf
from models.fields import take, take_objects, take_texts

STOPS = {"end", "tools", "length", "refused"}


def reply_to_json(reply: Reply) -> dict[str, Any]:
    """Render what a model said."""
    return {
        "text": reply.text,
        "calls": [{"uid": call.uid, "name": call.name, "arguments": call.arguments} for call in reply.calls],
        "stopped": reply.stopped,
        "model": reply.model,
        "usage": usage_to_json(reply.usage),
    }


def usage_to_json(usage: Usage) -> dict[str, int]:
    """Render what a request took."""
    return {name: getattr(usage, name) for name in Usage.__slots__}


def usage_from_json(value: Mapping[str, Any]) -> Usage:
    """Read it back; raise InvalidRecord naming what is missing or of the wrong shape."""
    return Usage(**{name: take(value, name, int) for name in Usage.__slots__})


def reply_from_json(value: Mapping[str, Any]) -> Reply:
    """Read it back; raise InvalidRecord naming what is missing or of the wrong shape."""
    stopped = take(value, "stopped", str)
    if stopped not in STOPS:
        raise InvalidRecord("stopped: no way in which a model stops")
    calls = (
        ToolCall(take(call, "uid", str), take(call, "name", str), take(call, "arguments", str))
        for call in take_objects(value, "calls")
    )
    spent = usage_from_json(take(value, "usage", dict))
    return Reply(take(value, "text", str), tuple(calls), stopped, spent, take(value, "model", str))  # type: ignore[arg-type]  # one of STOPS


def answer_to_json(answer: ToolAnswer) -> dict[str, Any]:
    """Render what a tool answered: evidence by its place, all else in full."""
    return {"rows": [_row_to_json(row) for row in answer.rows], "more": answer.more, "notes": list(answer.notes)}


def _row_to_json(row: Row) -> dict[str, Any]:
    if isinstance(row, Note):
        return {"note": row.kind, "data": dict(row.data)}
    return {"fact": fact_to_ocsf(row)} if isinstance(row, Fact) else {"at": evidence_to_json(row.evidence)}


def answer_from_json(value: Mapping[str, Any], store: EvidenceStore) -> ToolAnswer:
    """Fetch the same records again; raise InvalidRecord when one is gone, or when this is not what was written."""
    rows = take_objects(value, "rows")
    places = {id(row): evidence_from_json(row["at"]) for row in rows if "at" in row}
    found = fetch(store, places.values())
    read = (found[places[id(row)]] if id(row) in places else _known(row) for row in rows)
    return ToolAnswer(tuple(read), take(value, "more", bool), take_texts(value, "notes"))


def _known(row: Mapping[str, Any]) -> Fact | Note:
    if "fact" in row:
        return fact_from_ocsf(take(row, "fact", dict))
    return Note(take(row, "note", str), take(row, "data", dict))


def spent_on(replies: Iterable[Reply]) -> Usage:
    """Add up what requests took."""
    usages = [reply.usage for reply in replies]
    return Usage(**{name: sum(getattr(usage, name) for usage in usages) for name in Usage.__slots__})
