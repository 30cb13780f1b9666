"""The arguments of every tool: what a model may ask, typed and bounded. The JSON Schema it sees is made of the same.

Entities and values are written as the model was shown them. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from agents.text import plain
from models.errors import ToolRefused

MAX_ARGUMENTS_CHARS: Final = 4096
MAX_LIMIT: Final = 50
_MOMENT: Final = r"^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?Z)?$"

Since = Annotated[str, Meta(max_length=24, pattern=_MOMENT, description="From when on, such as 2025-06-15T15:06:40Z.")]
Until = Annotated[str, Meta(max_length=24, pattern=_MOMENT, description="Up to when, such as 2025-06-15T16:00:00Z.")]
Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="Most rows that are wanted.")]
Order = Annotated[Literal["first", "last"], Meta(description="Whether the first or the last rows are wanted.")]
Named = Annotated[str, Meta(min_length=1, max_length=300, description="An entity, written as you were shown it.")]
MaybeNamed = Annotated[str, Meta(max_length=300, description="An entity, written as you were shown it; empty for any.")]
Value = Annotated[
    str,
    Meta(
        min_length=4,
        max_length=512,
        description="A hash, domain, address, path, resource or other value, written as you were shown it.",
    ),
]
MaybeText = Annotated[
    str, Meta(max_length=512, description="Text that the event contains, letters in either case; empty for any.")
]
ClassUid = Annotated[
    Literal[
        0,
        1001,
        1003,
        1005,
        1006,
        1007,
        1009,
        2004,
        3001,
        3002,
        3003,
        3004,
        3005,
        3006,
        4001,
        4002,
        4003,
        4004,
        4005,
        4006,
        4007,
        6003,
        201001,
        201002,
        201004,
    ],
    Meta(
        description="OCSF class: 1001 file, 1003 kernel, 1005 module, 1006 scheduled job, 1007 process, 1009 script, "
        "2004 detection finding, 3001 account change, 3002 authentication, 3003 authorize session, 3004 entity "
        "management, 3005 user access, 3006 group management, 4001 network, 4002 HTTP, 4003 DNS, 4004 DHCP, 4005 RDP, "
        "4006 SMB, 4007 SSH, 6003 API activity, 201001 registry key, 201002 registry value, 201004 Windows service; "
        "0 for any."
    ),
]
Domain = Annotated[Literal["", "identity", "network", "workload"], Meta(description="Domain; empty for any.")]
Source = Annotated[str, Meta(max_length=64, description="Name of the source that sent it; empty for any.")]
RuleUid = Annotated[str, Meta(min_length=1, max_length=128, description="Uid of a rule, correlation or model.")]
TechniqueUid = Annotated[str, Meta(max_length=9, pattern=r"^T[0-9]{4}(\.[0-9]{3})?$", description="An ATT&CK id.")]
RunbookName = Annotated[str, Meta(min_length=1, max_length=100, description="Name of a runbook.")]
Words = Annotated[str, Meta(max_length=1000, description="What happened, in words; empty for this sequence itself.")]
Process = Annotated[
    str,
    Meta(min_length=1, max_length=128, description="The process: its number, or its uid where events have one."),
]


class Arguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of a tool."""


class Window(Arguments, frozen=True, kw_only=True):
    """When. Without these, from an hour before the sequence to its end, unless the tool says otherwise."""

    since: Since = ""
    until: Until = ""


class SearchEvents(Window, frozen=True, kw_only=True):
    """Which events are wanted."""

    entity: MaybeNamed = ""
    class_uid: ClassUid = 0
    domain: Domain = ""
    source: Source = ""
    text: MaybeText = ""
    order: Order = "first"
    limit: Limit = 20


class OfEntity(Window, frozen=True, kw_only=True):
    """What is wanted of one entity."""

    entity: Named
    order: Order = "first"
    limit: Limit = 20


class ProcessTree(Window, frozen=True, kw_only=True):
    """Which process on which host."""

    host: Named
    process: Process


class SessionTrail(Window, frozen=True, kw_only=True):
    """Which session."""

    session: Named
    limit: Limit = 30


class Seen(Window, frozen=True, kw_only=True):
    """What may have been seen: an entity or a value."""

    entity: MaybeNamed = ""
    value: MaybeText = ""


class OfValue(Window, frozen=True, kw_only=True):
    """Which value."""

    value: Value
    limit: Limit = 20


class Peers(Window, frozen=True, kw_only=True):
    """Whose behaviour."""

    entity: Named
    limit: Limit = 20


class OfRule(Window, frozen=True, kw_only=True):
    """Which rule, and on which entity."""

    rule: RuleUid
    entity: MaybeNamed = ""
    limit: Limit = 10


class Indicator(Arguments, frozen=True, kw_only=True):
    """Which observable."""

    kind: Literal["address", "domain", "hash"]
    value: Value


class TechniqueId(Arguments, frozen=True, kw_only=True):
    """Which technique."""

    technique: TechniqueUid


class RuleId(Arguments, frozen=True, kw_only=True):
    """Which rule."""

    rule: RuleUid


class RunbookId(Arguments, frozen=True, kw_only=True):
    """Which runbook."""

    runbook: RunbookName


class Similar(Arguments, frozen=True, kw_only=True):
    """What cases are to be like."""

    words: Words = ""
    limit: Annotated[int, Meta(ge=1, le=10, description="Most cases and runbooks that are wanted.")] = 5


A = TypeVar("A", bound=Arguments)


def parse(arguments: str, kind: type[A]) -> A:
    """Read what a model wrote; raise ToolRefused with what is wrong with it."""
    if len(arguments) > MAX_ARGUMENTS_CHARS:
        raise ToolRefused(f"arguments of more than {MAX_ARGUMENTS_CHARS} characters are not read")
    try:
        return msgspec.json.decode(arguments.encode() or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise ToolRefused(f"arguments: {plain(str(error))}") from error


def schema(kind: type[Arguments]) -> dict[str, Any]:
    """Return the JSON Schema of a tool's arguments: one flat object that allows nothing else."""
    (_,), components = msgspec.json.schema_components((kind,))
    found = components[kind.__name__]
    return {name: found[name] for name in ("type", "properties", "required", "additionalProperties")}
