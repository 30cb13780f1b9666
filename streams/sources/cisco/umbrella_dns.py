"""Cisco Umbrella: the DNS queries its resolvers answered or blocked, and whose they were.

Source: "DNS Log Formats" and "Log Formats and Versioning" in the Cisco Umbrella user guide. Times are UTC. An identity
is whatever a policy can be for: a user, a computer, a network; only users and computers are taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import DNS_ACTIVITY
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, decode_text, drop_none, event_time, ip, text
from streams.sources.cisco.umbrella_columns import of_line, of_object
from streams.sources.objects import endpoint, user
from streams.sources.protocols import dns_names, domain, query, rcode
from streams.sources.times import from_any

PRODUCT: Final = {"name": "Umbrella", "vendor_name": "Cisco"}
LOGSOURCE: Final = LogSource("cisco", "umbrella", ("dns",))
DELAY_MS: Final = 1_200_000  # written to S3 every ten minutes
RESPONSE: Final = 2
MAX_WORD: Final = 64
_ALLOWED: Final = {"action_id": 1, "action": "Allowed", "disposition_id": 1, "disposition": "Allowed"}
_BLOCKED: Final = {"action_id": 2, "action": "Denied", "disposition_id": 2, "disposition": "Blocked"}
_PROXIED: Final = {"action_id": 4, "action": "Modified", "disposition_id": 7, "disposition": "Custom Action"}
_ACTIONS: Final = {
    **dict.fromkeys(("allowed", "allow"), _ALLOWED),
    **dict.fromkeys(("blocked", "block"), _BLOCKED),
    "proxied": _PROXIED,
}
_TAKEN: Final = frozenset(
    (
        *("timestamp", "internal_ip", "external_ip", "query_type", "response_code", "domain"),
        *("rule_id", "organization_id"),
    )
)
# Date and time, then somewhere the action, the type of the query and the response code, quoted or not.
_LINE: Final = re.compile(
    rb'"?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?"?, ?.{0,4096}?,'
    rb' ?"?(?:Allowed|Blocked|Proxied)"?, ?"?\d{1,5} \([A-Z0-9]{1,16}\)"?,',
    re.DOTALL,
)
_USER_KINDS: Final = ("user",)
_HOST_KINDS: Final = ("computer", "roaming", "anyconnect", "mobile", "device", "chromebook")


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the record under the names of the columns; raise Unparseable when it asks for no domain."""
    is_object = record.raw.lstrip()[:1] == b"{"
    fields = of_object(decode_json(record)) if is_object else of_line(decode_text(record).strip())
    if not isinstance(fields.get("action"), str):
        raise Unparseable("no Umbrella DNS record: it has no action", field="action")
    if domain(fields.get("domain")) is None or fields["domain"] == "domain":
        raise Unparseable("no Umbrella DNS record: it asks for no domain", field="domain")
    return fields


def recognize(raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a line by date, action and query type, an object by its domain and addresses."""
    if value is None:
        return raw[:1] in {b'"', b"2"} and _LINE.match(raw) is not None
    if "domain" in value and ("internalIp" in value or "externalIp" in value or "internal_ip" in value):
        return "action" in value
    if "domain" in value and "externalip" in value:
        return "verdict" in value
    return "Domain_s" in value and ("InternalIp_s" in value or "ExternalIp_s" in value)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn one record into a DNS Activity."""
    stamp = fields.get("timestamp")
    time, labels = event_time(from_any(stamp), record)
    body = head(DNS_ACTIVITY, RESPONSE, time)
    who, host = _identity(fields)
    kind = text(fields.get("query_type"))
    asked = query(fields.get("domain"), _type(kind) if kind else None)
    body.update(
        drop_none(
            query=asked,
            src_endpoint=_source(fields, host),
            actor={"user": who} if who else None,
            **rcode(fields.get("response_code")),
            **_verdict(fields),
        )
    )
    return build_event(
        record,
        body,
        native=_native(fields, asked),
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=text(stamp),
        labels=labels,
        metadata=drop_none(log_name="dnslogs", tenant_uid=text(fields.get("organization_id"))),
        profiles=("host", "security_control") if who else ("security_control",),
        unmapped={name: value for name, value in fields.items() if name not in _TAKEN and value not in _EMPTY},
    )


_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})


def _type(kind: str) -> str:
    """Return `A` of `1 (A)`."""
    return kind.partition("(")[2].rstrip(")") or kind


def _identity(fields: Mapping[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
    """Return the user and the host among the identities: the most granular one, and those listed with their types."""
    named = [(text(fields.get("identity")), text(fields.get("identity_type")))]
    names, kinds = fields.get("identities") or [], fields.get("identity_types") or []
    if len(names) == len(kinds):
        named += zip(names, kinds, strict=True)
    who = next((name for name, kind in named if name and _is(kind, _USER_KINDS)), None)
    host = next((name for name, kind in named if name and _is(kind, _HOST_KINDS)), None)
    return _user(who) if who else None, host


def _is(kind: str | None, kinds: tuple[str, ...]) -> bool:
    lowered = kind.lower() if kind else ""
    return any(word in lowered for word in kinds)


def _user(name: str) -> dict[str, Any] | None:
    """Read `Alice Example (alice@example.com)`, as the directory's users are written."""
    full, mark, inner = name.partition(" (")
    if mark and inner.endswith(")"):
        return user(inner[:-1], full_name=full)
    return user(name)


def _source(fields: Mapping[str, Any], host: str | None) -> dict[str, Any]:
    """Return who asked: by the address inside, and the one outside where they differ."""
    inside, outside = ip(fields.get("internal_ip")), ip(fields.get("external_ip"))
    found = endpoint(inside or outside, None, host) or {"name": "unknown"}
    if inside and outside and inside != outside:
        found["intermediate_ips"] = [outside]
    return found


def _verdict(fields: Mapping[str, Any]) -> dict[str, Any]:
    word = fields["action"]
    known = _ACTIONS.get(word[:MAX_WORD].lower())
    verdict = known or {"action_id": 99, "action": word, "disposition_id": 99, "disposition": word}
    rule = text(fields.get("rule_id"))
    return {**verdict, **({"firewall_rule": {"uid": rule}} if rule else {})}


def _native(fields: Mapping[str, Any], asked: dict[str, Any] | None) -> dict[str, Any]:
    found = drop_none(src_ip=fields.get("internal_ip") or fields.get("external_ip"))
    return {**fields, **found, **dns_names(asked, [])}


SOURCE: Final = Source(
    name="umbrella_dns",
    title="Cisco Umbrella DNS logs",
    shippers=("Amazon S3", "Filebeat", "Vector", "Microsoft Sentinel's connector", "Umbrella reporting API"),
    classes=(DNS_ACTIVITY,),
    entities=("user", "host", "ip"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
