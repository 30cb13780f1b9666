"""Events about logs and logging, and the Event Log Activity that every event without a class of its own becomes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from models.ocsf_classes import EVENT_LOG_ACTIVITY
from streams.sources.base import drop_none, text
from streams.sources.windows.objects import account, take_endpoint, take_process, take_subject, user
from streams.sources.windows.record import FAILURE, OTHER, SUCCESS, Draft, Fields

CLEAR, ARCHIVE, START, STOP, ENABLE, DISABLE = 1, 4, 6, 7, 9, 10
AUDIT_FAILURE_BIT, AUDIT_SUCCESS_BIT = 1 << 52, 1 << 53
CLEARED: Final = ("The ", " log file was cleared.")
MAX_ACTIVITY_NAME: Final = 96
MAX_MESSAGE: Final = 4096
_REMOVED, _ADDED = ("%%8448", "%%8450"), ("%%8449", "%%8451")  # auditing of success and of failure


def audit_status(fields: Fields) -> dict[str, Any]:
    """Return the status attributes an audit event has by its keywords; empty when it is none."""
    keywords = fields.native.get("Keywords")
    if isinstance(keywords, list):
        words = {word.lower() for word in keywords if isinstance(word, str)}
        return FAILURE if "audit failure" in words else SUCCESS if "audit success" in words else {}
    kind = text(fields.native.get("EventType"))
    if kind in {"AUDIT_SUCCESS", "AUDIT_FAILURE"}:
        return SUCCESS if kind == "AUDIT_SUCCESS" else FAILURE
    bits = _bits(keywords)
    return FAILURE if bits & AUDIT_FAILURE_BIT else SUCCESS if bits & AUDIT_SUCCESS_BIT else {}


def _bits(keywords: Any) -> int:
    if isinstance(keywords, str) and keywords[:2] == "0x" and len(keywords) <= 18:  # noqa: PLR2004  # 64 bits in hex
        try:
            return int(keywords, 16)
        except ValueError:
            return 0
    return keywords if type(keywords) is int else 0


def event_log(fields: Fields, activity_id: int, activity_name: str = "", log_name: str | None = None) -> Draft:
    """Make an Event Log Activity; the log is the event's own channel unless another is named."""
    attributes = drop_none(
        log_name=log_name or fields.channel or None,
        log_provider=fields.provider or None,
        actor=_actor(fields),
        src_endpoint=take_endpoint(fields, "IpAddress", "IpPort"),
    )
    if activity_id == OTHER and activity_name:
        attributes["activity_name"] = activity_name
    return Draft(EVENT_LOG_ACTIVITY, activity_id, attributes | audit_status(fields))


def _actor(fields: Fields) -> dict[str, Any] | None:
    made = take_subject(fields, take_process(fields, "ProcessId", "ProcessGuid", _image_field(fields))) or {}
    if "user" not in made:
        named = account(fields.text("User")) or writer(fields)
        made |= drop_none(user=named)
    return made or None


def writer(fields: Fields) -> dict[str, Any] | None:
    """Return the user under whom the event was written, from its system part."""
    return user(None, sid=text(fields.native.get("UserID")))


def _image_field(fields: Fields) -> str:
    return "Image" if "Image" in fields.rest else "ProcessName"


def anything(fields: Fields) -> Draft:
    """Make the event every record can become: the log spoke, in the vendor's words."""
    draft = event_log(fields, OTHER, _vendor_word(fields))
    message = text(fields.native.get("Message"))
    if message is not None:
        draft.attributes["message"] = message[:MAX_MESSAGE]
    return draft


def _vendor_word(fields: Fields) -> str:
    known = _NAMES.get(fields.event_id) if fields.channel.lower() == "security" else None
    category = text(fields.native.get("Category"))
    return known or (category[:MAX_ACTIVITY_NAME] if category else f"Event {fields.event_id}")


def _cleared(fields: Fields) -> Draft:
    return event_log(fields, CLEAR, log_name=_cleared_log(fields))


def _cleared_log(fields: Fields) -> str | None:
    """Find which log was cleared: System 104 only says so in its message where the shipper dropped its data."""
    named = fields.text("EventData.Channel")
    message = text(fields.native.get("Message")) or ""
    if named is None and message.startswith(CLEARED[0]) and message.endswith(CLEARED[1]):
        named = message[len(CLEARED[0]) : -len(CLEARED[1])] or None
    return named


def _audit_policy(fields: Fields) -> Draft:
    changes = text(fields.native.get("AuditPolicyChanges")) or ""
    if any(code in changes for code in _REMOVED):
        return event_log(fields, DISABLE)
    return event_log(fields, ENABLE if any(code in changes for code in _ADDED) else OTHER, "Audit Policy Change")


# Microsoft's words for the audit events that become nothing more specific.
_NAMES: Final = {
    4608: "Windows Starting Up",
    4609: "Windows Shutting Down",
    4610: "Authentication Package Loaded",
    4611: "Logon Process Registered",
    4612: "Audit Events Lost",
    4614: "Notification Package Loaded",
    4616: "System Time Changed",
    4622: "Security Package Loaded",
    4649: "Replay Attack Detected",
    4692: "Master Key Backup",
    4693: "Master Key Recovery",
    4694: "Data Protection",
    4695: "Data Unprotection",
    4706: "Domain Trust Created",
    4707: "Domain Trust Removed",
    4713: "Kerberos Policy Changed",
    4716: "Domain Trust Changed",
    4739: "Domain Policy Changed",
    4794: "Restore Mode Password Set",
    4902: "Per-User Audit Policy Created",
    4904: "Security Event Source Registered",
    4905: "Security Event Source Unregistered",
    4906: "Crash On Audit Fail Changed",
    4912: "Per-User Audit Policy Changed",
    4946: "Firewall Rule Added",
    4947: "Firewall Rule Changed",
    4948: "Firewall Rule Deleted",
    4950: "Firewall Setting Changed",
    4985: "Transaction State Changed",
    5024: "Firewall Started",
    5025: "Firewall Stopped",
    5033: "Firewall Driver Started",
    5034: "Firewall Driver Stopped",
    5142: "Share Added",
    5143: "Share Changed",
    5144: "Share Deleted",
    5447: "Filtering Platform Filter Changed",
    6416: "External Device Recognized",
}
Builder = Callable[[Fields], Draft]
SECURITY_BUILDERS: Final[dict[int, Builder]] = {
    1100: partial(event_log, activity_id=STOP),
    1101: partial(event_log, activity_id=OTHER, activity_name="Audit Events Dropped"),
    1102: partial(event_log, activity_id=CLEAR, log_name="Security"),
    1104: partial(event_log, activity_id=OTHER, activity_name="Security Log Full"),
    1105: partial(event_log, activity_id=ARCHIVE),
    4719: _audit_policy,
}
SYSTEM_BUILDERS: Final[dict[int, Builder]] = {
    104: _cleared,
    6005: partial(event_log, activity_id=START),
    6006: partial(event_log, activity_id=STOP),
}
