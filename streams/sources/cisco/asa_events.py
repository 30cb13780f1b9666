"""Build the OCSF attributes of what a Cisco firewall's message says."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from models.ocsf import head
from models.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, AUTHENTICATION, NETWORK_ACTIVITY, TUNNEL_ACTIVITY
from models.records import RawRecord
from models.uids import sha256_hex
from streams.sources.alerts import common
from streams.sources.base import drop_none, integer, ip
from streams.sources.cisco import asa_messages as messages
from streams.sources.cisco.asa_lines import Line
from streams.sources.objects import FAILURE, SUCCESS, connection, endpoint, finding, user
from streams.sources.protocols import traffic

MAX_TEXT: Final = 1024
UID_HEX: Final = 32
SEVERITIES: Final = (5, 5, 4, 3, 2, 1, 1, 1)  # by syslog level
_DIRECTIONS: Final = {"inbound": 1, "outbound": 2}
_SERVICES: Final = {
    "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "http": 80, "www": 80, "ntp": 123, "snmp": 161, "https": 443
}  # fmt: skip
_PORTLESS: Final = frozenset({"icmp", "icmp6", "ip", "igmp"})
_ALLOWED: Final = {"action_id": 1, "action": "Allowed", "disposition_id": 1, "disposition": "Allowed"}
_HIDDEN: Final = "*"  # `no logging hide username` is what shows them


@lru_cache(maxsize=16_384)
def split(end: str) -> tuple[str | None, str | None, str | None]:
    """Return interface, address (or name) and port of `interface:address/port`, each of which may be missing."""
    place, _, port = end.partition("/")
    if ip(place) is None and ":" in place:
        interface, _, place = place.partition(":")
        return interface or None, place or None, port or None
    return None, place or None, port or None


def _end(parts: Mapping[str, str], name: str, *, with_port: bool) -> dict[str, Any] | None:
    written = parts.get(name)
    if written is None:
        return None
    interface, address, port = split(written)
    interface, port = parts.get(f"{name}if", interface), parts.get(f"{name}port", port)
    number = _SERVICES.get(port or "", port) if with_port else None
    known = ip(address)
    return endpoint(known, number, None if known else address, interface_name=interface)


def _user_beside(parts: Mapping[str, str], name: str) -> str | None:
    """Return the user in parentheses after an end: what is neither an address nor the type of an ICMP message."""
    for written in (parts.get(f"{name}2"), parts.get(f"{name}1")):
        if written and " " not in written and ip(split(written)[1]) is None:
            return written
    return None


def _user(name: str | None) -> dict[str, Any] | None:
    r"""Read `LOCAL\alice`, where LOCAL is the device's own list; None for one that the device hides."""
    if not name or name.startswith(_HIDDEN):
        return None
    domain, slash, bare = name.rpartition("\\")
    return user(bare or name, domain=domain if slash and bare else None)


class Told:
    """A message on its way to an event: its line, its parts, what it means."""

    __slots__ = ("kind", "line", "meaning", "parts", "record", "source", "target", "time", "who")

    def __init__(
        self,
        line: Line,
        parts: Mapping[str, str],
        meaning: messages.Meaning | None,
        time: int,
        record: RawRecord,
    ) -> None:
        self.line, self.parts, self.meaning, self.time, self.record = line, parts, meaning, time, record
        with_port = parts.get("proto", "").lower() not in _PORTLESS
        ends = _end(parts, "a", with_port=with_port), _end(parts, "b", with_port=with_port)
        names = ("b", "a") if parts.get("direction") == "outbound" else ("a", "b")
        self.source, self.target = ends if names[0] == "a" else (ends[1], ends[0])
        self.source = self.source or endpoint(parts.get("ip"))
        self.who = _user(parts.get("user") or _user_beside(parts, names[0]))
        # a class that requires a user cannot be had where the device hides it
        kind = meaning.kind if meaning else messages.FLOW
        self.kind = messages.FLOW if kind in _NEED_USER and self.who is None else kind

    def head(self, class_uid: int, activity: int | None = None) -> dict[str, Any]:
        """Begin the event, with the status that the message's id tells."""
        meaning = self.meaning
        activity = activity if activity is not None else meaning.activity if meaning else messages.OTHER
        body = head(class_uid, activity, self.time)
        if activity == messages.OTHER:
            body["activity_name"] = (meaning.word if meaning else "") or f"{self.line.product}-{self.line.message_id}"
        if meaning and meaning.ok is not None:
            body.update(SUCCESS if meaning.ok else FAILURE)
        if "reason" in self.parts:
            body["status_detail"] = self.parts["reason"]
        return body


_NEED_USER: Final = frozenset((messages.AUTH, messages.ACCOUNT, messages.COMMAND))


def _flow(told: Told) -> dict[str, Any]:
    parts, meaning = told.parts, told.meaning
    is_flow = meaning is not None and meaning.kind == messages.FLOW
    body = told.head(NETWORK_ACTIVITY, None if is_flow else messages.OTHER)
    denied = parts.get("verdict") == "denied" or bool(meaning and meaning.blocked)
    if denied:
        activity = messages.REFUSE
        body.update(FAILURE | common.BLOCKED)
    else:
        activity = _ended(parts.get("reason", ""), body["activity_id"])
        if activity in {messages.RESET, messages.FAIL}:
            body.update(FAILURE)
        if "verdict" in parts:
            body.update(SUCCESS | _ALLOWED)
    body |= {"activity_id": activity, "type_uid": NETWORK_ACTIVITY * 100 + activity}
    source = told.source or (None if told.target else {"svc_name": told.line.product})  # it requires an end
    body.update(
        drop_none(
            src_endpoint=source,
            dst_endpoint=told.target,
            connection_info=_connection(parts),
            actor={"user": told.who} if told.who else None,
            duration=_milliseconds(parts.get("duration")),
            traffic=_traffic(parts),
            firewall_rule={"name": parts["rule"]} if "rule" in parts else None,
        )
    )
    return body


def _connection(parts: Mapping[str, str]) -> dict[str, Any] | None:
    found = drop_none(uid=parts.get("uid"))
    if "proto" in parts or "direction" in parts or found:
        return connection(parts.get("proto"), _DIRECTIONS.get(parts.get("direction", ""), 0)) | found
    return None


def _ended(reason: str, activity: int) -> int:
    """Return how a connection ended, for one that did."""
    if activity != messages.CLOSE:
        return activity
    lowered = reason.lower()
    return messages.RESET if "reset" in lowered else messages.FAIL if "syn timeout" in lowered else messages.CLOSE


def _milliseconds(duration: str | None) -> int | None:
    if duration is None:
        return None
    hours, minutes, seconds = map(int, duration.split(":"))
    return ((hours * 60 + minutes) * 60 + seconds) * 1000


def _traffic(parts: Mapping[str, str]) -> dict[str, int]:
    both = integer(parts.get("bytes"))
    if both is not None:
        return {"bytes": both}
    return traffic(parts.get("received"), parts.get("sent"))  # as the device sees it: it sends what the user gets


def _authentication(told: Told) -> dict[str, Any]:
    service = {"name": f"Cisco {told.line.product}"}
    return told.head(AUTHENTICATION) | drop_none(
        user=told.who,
        src_endpoint=told.source,
        dst_endpoint=told.target,
        service=service,
        is_remote=told.source is not None or None,
    )


def _tunnel(told: Told) -> dict[str, Any]:
    assigned = ip(told.parts.get("assigned"))
    return told.head(TUNNEL_ACTIVITY) | drop_none(
        user=told.who,
        src_endpoint=told.source or {"svc_name": told.line.product},
        tunnel_interface={"ip": assigned, "type_id": 4, "type": "Tunnel"} if assigned else None,
        connection_info=_connection(told.parts),
    )


def _account(told: Told) -> dict[str, Any]:
    by = _user(told.parts.get("by"))
    return told.head(ACCOUNT_CHANGE) | drop_none(user=told.who, actor={"user": by} if by else None)


def _command(told: Told) -> dict[str, Any]:
    body = told.head(API_ACTIVITY) | {"activity_name": "Command Executed", "actor": {"user": told.who}}
    body["api"] = {"operation": told.parts.get("command") or told.line.text[:MAX_TEXT]}
    body["src_endpoint"] = told.source or {"svc_name": told.line.product}
    return body


def _alert(told: Told) -> dict[str, Any]:
    line, parts = told.line, told.parts
    rule = (told.meaning.word if told.meaning else "") or parts.get("object") or line.message_id
    info = finding(
        line.text[:MAX_TEXT] or rule,
        sha256_hex(told.record.raw)[:UID_HEX],
        rule_uid=parts.get("sid") or line.message_id,
        rule=rule,
        created_time=told.time,
    )
    seen = common.ends(told.source, told.target)
    return common.alert_body(told.time, info, SEVERITIES[line.level], severity=str(line.level), evidences=seen)


BUILDERS: Final = {
    messages.FLOW: _flow,
    messages.AUTH: _authentication,
    messages.TUNNEL: _tunnel,
    messages.ACCOUNT: _account,
    messages.COMMAND: _command,
    messages.ALERT: _alert,
}
