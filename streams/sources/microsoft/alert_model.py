"""An alert or an incident of Microsoft's, whatever form it came in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from streams.sources.microsoft.alert_evidence import MAX_PIECES, Piece
from streams.sources.microsoft.common import unpacked

_NO_FIELDS: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert or an incident.

    Attributes:
        form: Name of its form, for `metadata.log_name`.
        fields: The record.
        uid: Vendor's id.
        title: What it is called.
        times: Creation, first activity, last activity and last change, as the record has them.
        severity: Vendor's word.
        status: Vendor's word.
        desc: Description.
        rule_uid: Id of what raised it.
        product: Product that raised it.
        category: Vendor's kind of alert.
        attack: Texts with techniques and tactics.
        incident: Id of the incident it belongs to.
        tenant: Id of the tenant.
        url: Where to look at it.
        pieces: What it names.
        verdict: Vendor's word for what an analyst found.
        related: Ids of the alerts of an incident.
    """

    form: str
    fields: Mapping[str, Any]
    uid: str | None
    title: str | None
    times: tuple[Any, Any, Any, Any]
    severity: str | None = None
    status: str | None = None
    desc: str | None = None
    rule_uid: str | None = None
    product: str | None = None
    category: str | None = None
    attack: tuple[Any, ...] = ()
    incident: str | None = None
    tenant: str | None = None
    url: str | None = None
    pieces: list[Piece] = field(default_factory=list)
    verdict: str | None = None
    related: list[str] = field(default_factory=list)


def words_of(value: Any) -> tuple[Any, ...]:
    """Return the parts of a list, of a JSON text of one, or of a text with commas."""
    value = unpacked(value)
    if isinstance(value, str):
        value = value[:2048].split(",")
    return (
        tuple(item.strip() for item in value[:MAX_PIECES] if isinstance(item, str)) if isinstance(value, list) else ()
    )


def object_of(value: Any) -> Mapping[str, Any]:
    """Return an object, an empty one for anything else."""
    return value if isinstance(value, dict) else _NO_FIELDS
