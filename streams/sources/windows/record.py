"""One Windows record on its way to an event: its data fields, handed out one by one, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar

from streams.sources import base
from streams.sources.fields import timestamp

T = TypeVar("T")
SUCCESS: Final = {"status_id": 1, "status": "Success"}
FAILURE: Final = {"status_id": 2, "status": "Failure"}
OTHER: Final = 99  # activities OCSF has no number for; `activity_name` then carries the vendor's word
NULL_GUID: Final = "00000000-0000-0000-0000-000000000000"
MAX_PID: Final = 2**32 - 1
MAX_CACHED: Final = 512  # characters; only short values are cached, so that a cache stays small

# What every record has beside its data, and what shippers add: told elsewhere in the event, or in the raw record.
_SYSTEM_FIELDS: Final = frozenset(
    {
        *("EventID", "Channel", "Computer", "Provider_Name", "TimeCreated", "Level", "Task", "Opcode", "Keywords"),
        *("Version", "EventRecordID", "ProviderGuid", "ActivityID", "ThreadID", "Message", "@timestamp", "@version"),
        *("Hostname", "SourceName", "EventTime", "EventReceivedTime", "RecordNumber", "Severity", "SeverityValue"),
        *("OpcodeValue", "SourceModuleName", "SourceModuleType", "EventTypeOrignal", "AccountType", "tags", "host"),
        *("port", "@metadata", "LogName", "ProviderName", "MachineName", "ComputerName", "Category", "UserID"),
        *("ExecutionProcessID", "ERROR_EVT_UNRESOLVED"),
    }
)
# NXLog's kind of record, which shadows the event's own field of that name where there is one.
_SHIPPER_TYPES: Final = ("INFO", "AUDIT_SUCCESS", "AUDIT_FAILURE", "ERROR", "WARNING", "VERBOSE", "CRITICAL")


class Draft(NamedTuple):
    """What a builder makes of one event; a tuple because one is made for every event.

    Attributes:
        class_uid: OCSF class.
        activity_id: Activity within it.
        attributes: The class's own attributes; absent ones left out.
        profiles: OCSF profiles beyond `host` that the attributes need.
    """

    class_uid: int
    activity_id: int
    attributes: dict[str, Any]
    profiles: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Fields:
    """Hand out the data fields of one record, each once; what nobody took is left for `unmapped`.

    Attributes:
        native: The whole record, unchanged.
        rest: Data fields nobody has taken yet, without the empty ones.
        event_id: The event's id.
        channel: Channel, empty when unknown.
        provider: Provider, empty when unknown.
        computer: Name of the computer, None when unknown.
    """

    native: Mapping[str, Any]
    rest: dict[str, Any]
    event_id: int
    channel: str
    provider: str
    computer: str | None

    def text(self, name: str) -> str | None:
        """Take a non-empty string."""
        value = self.rest.get(name)
        if value.__class__ is not str:
            value = base.text(value)
        if value is not None:
            del self.rest[name]
        return value

    def integer(self, name: str) -> int | None:
        """Take an int of 64 bits, written as a number, decimal or 0x string."""
        value = base.integer(self.rest.get(name))
        if value is not None:
            del self.rest[name]
        return value

    def pid(self, name: str) -> int | None:
        """Take a process or thread id."""
        value = self.rest.get(name)
        if value.__class__ is str:
            value = _number(value) if len(value) <= MAX_CACHED else None
        else:
            value = base.integer(value)
        if value is None or not 0 <= value <= MAX_PID:
            return None
        del self.rest[name]
        return value

    def port(self, name: str) -> int | None:
        """Take a port number."""
        value = base.port(self.rest.get(name))
        if value is not None:
            del self.rest[name]
        return value

    def ip(self, name: str) -> str | None:
        """Take an IP address, in canonical form."""
        value = base.ip(self.rest.get(name))
        if value is not None:
            del self.rest[name]
        return value

    def guid(self, name: str) -> str | None:
        """Take a GUID as lower-case text without braces; the null GUID counts as none."""
        value = self.text(name)
        if value is None:
            return None
        return _guid(value) if len(value) <= MAX_CACHED else value

    def coded(self, name: str, meanings: Mapping[str, T]) -> T | None:
        """Take a value whose meaning is known, and return the meaning."""
        value = base.text(self.rest.get(name))
        meaning = meanings.get(value) if value is not None else None
        if meaning is not None:
            del self.rest[name]
        return meaning

    def timestamp(self, name: str) -> int | None:
        """Take a time, as ms."""
        value = timestamp(self.rest.get(name))
        if value is not None:
            del self.rest[name]
        return value

    def flag(self, name: str) -> bool | None:
        """Take a boolean, written as one or as text."""
        value = self.rest.get(name)
        word = value.lower() if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else ""
        if word not in {"true", "false"}:
            return None
        del self.rest[name]
        return word == "true"


@lru_cache(maxsize=8192)
def _number(value: str) -> int | None:
    return base.integer(value)


@lru_cache(maxsize=8192)
def _guid(value: str) -> str | None:
    bare = value.strip("{}").lower()
    return None if bare == NULL_GUID else bare


def data_fields(native: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that are the event's own data, without the empty ones."""
    fields = {
        name: value
        for name, value in native.items()
        if name not in _SYSTEM_FIELDS and ((value and value != "-") or value == 0)
    }
    if fields.get("EventType") in _SHIPPER_TYPES:
        del fields["EventType"]
    return fields
