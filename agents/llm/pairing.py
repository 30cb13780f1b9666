"""Make a conversation such as every endpoint takes it, whatever names a model made up in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from agents.llm.talk import ToolCall, Turn

MAX_NAME: Final = 64
_SAFE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]")


def paired(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """Return the turns with uids of calls that are unique and of safe characters, and with safe names of tools.

    A uid that is so already stays. A tool's turn refers to the calls of the assistant's turn before it.
    """
    taken: set[str] = set()
    uids: dict[str, str] = {}
    made: list[Turn] = []
    for number, turn in enumerate(turns):
        if turn.role == "assistant":
            uids = {call.uid: _uid(call, f"call_{number}_{index}", taken) for index, call in enumerate(turn.calls)}
            calls = (replace(call, uid=uids[call.uid], name=_name(call.name)) for call in turn.calls)
            made.append(replace(turn, calls=tuple(calls)))
        else:
            made.append(replace(turn, call_uid=uids.get(turn.call_uid, turn.call_uid)))
    return tuple(made)


def _uid(call: ToolCall, otherwise: str, taken: set[str]) -> str:
    uid = call.uid if _SAFE.fullmatch(call.uid) and call.uid not in taken else otherwise
    while uid in taken:
        uid += "_"
    taken.add(uid)
    return uid


def _name(name: str) -> str:
    return _UNSAFE.sub("_", name[:MAX_NAME]) or "_"
