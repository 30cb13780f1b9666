"""Turn a draft of what an endpoint sensor tells into an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.event import Event, LogSource
from models.ocsf import head
from models.records import RawRecord
from streams.sources.base import build_event
from streams.sources.edr.drafts import Draft
from streams.sources.edr.shapes import OTHER


@dataclass(frozen=True, slots=True)
class Telling:
    """What all events of a record have, whatever it tells.

    Attributes:
        fields: The record under its own field names.
        word: Vendor's word for the kind of event.
        time: Event time in ms.
        labels: From `event_time`.
        original_time: The time as the record had it.
        device: OCSF device.
        platform: Sigma's product of the host, empty when it is not known.
        product: OCSF product of the sensor.
        logsource: Of events for which Sigma has no generic category.
        metadata: Further metadata attributes.
        unmapped: What has no attribute.
        profiles: OCSF profiles that the draft does not know of.
    """

    fields: Mapping[str, Any]
    word: str
    time: int
    labels: list[str]
    original_time: Any
    device: dict[str, Any]
    platform: str
    product: dict[str, Any]
    logsource: LogSource
    metadata: dict[str, Any] = field(default_factory=dict)
    unmapped: dict[str, Any] = field(default_factory=dict)
    profiles: tuple[str, ...] = ()


def finish(record: RawRecord, draft: Draft, telling: Telling) -> Event:
    """Complete a draft. Where Sigma has a generic category for it, it is an event of the host's platform."""
    body = head(draft.class_uid, draft.activity_id, telling.time)
    if draft.activity_id == OTHER:
        body["activity_name"] = telling.word
    body["device"] = telling.device
    body.update(draft.attributes)
    generic = draft.categories and telling.platform
    return build_event(
        record,
        body,
        native={**telling.fields, **draft.native} if draft.native else telling.fields,
        logsource=LogSource(telling.platform, "", draft.categories) if generic else telling.logsource,
        product=telling.product,
        original_time=telling.original_time,
        labels=telling.labels,
        metadata=telling.metadata,
        profiles=draft.profiles + telling.profiles,
        unmapped=telling.unmapped,
    )
