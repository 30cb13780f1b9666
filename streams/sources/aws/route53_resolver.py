"""Route 53 Resolver query logs: the DNS queries of a VPC and their answers, and what DNS Firewall made of them.

Source: values that appear in VPC Resolver query logs, in the Route 53 developer guide; AWS's own OCSF mapping of them.
Names are without the dot at the end, as all other sources have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import DNS_ACTIVITY
from models.records import RawRecord
from streams.sources.aws.principals import account_of
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, ip, port, text
from streams.sources.fields import MAX_LISTED, object_at, timestamp
from streams.sources.objects import FAILURE, OTHER, SUCCESS, connection

DELAY_MS: Final = 600_000  # to S3 they are written about every 5 min
PRODUCT: Final = {"name": "Route 53", "vendor_name": "AWS", "feature": {"name": "Resolver Query Logs"}}
LOGSOURCE: Final = LogSource("aws", "route53resolver", ("dns",))
QUERY: Final = 1
RESPONSE: Final = 2
_RCODES: Final = {
    "NOERROR": (0, "NoError"),
    "FORMERR": (1, "FormError"),
    "SERVFAIL": (2, "ServError"),
    "NXDOMAIN": (3, "NXDomain"),
    "NOTIMP": (4, "NotImp"),
    "REFUSED": (5, "Refused"),
    "YXDOMAIN": (6, "YXDomain"),
    "YXRRSET": (7, "YXRRSet"),
    "NXRRSET": (8, "NXRRSet"),
    "NOTAUTH": (9, "NotAuth"),
    "NOTZONE": (10, "NotZone"),
}
_ALERT: Final = {"action_id": 1, "action": "Allowed", "disposition_id": 19, "disposition": "Alert", "is_alert": True}
_FIREWALL: Final[Mapping[str, Mapping[str, Any]]] = {
    "ALERT": _ALERT,
    "BLOCK": {"action_id": 2, "action": "Denied", "disposition_id": 2, "disposition": "Blocked"},
    "ALLOW": {"action_id": 1, "action": "Allowed", "disposition_id": 1, "disposition": "Allowed"},
}
_MAPPED: Final = frozenset(
    (
        *("version", "account_id", "region", "vpc_id", "query_timestamp", "query_name", "query_type", "query_class"),
        *("rcode", "answers", "srcaddr", "srcport", "transport", "firewall_rule_action", "firewall_rule_group_id"),
    )
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the record; raise Unparseable when it is no query log's."""
    value = decode_json(record)
    if text(value.get("query_name")) is None:
        raise Unparseable("no Resolver query log record: it has no query_name", field="query_name")
    if ip(value.get("srcaddr")) is None and not isinstance(value.get("srcids"), dict):
        raise Unparseable("no Resolver query log record: it names nobody who asked", field="srcaddr")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a query log record by the names that no other DNS log has together."""
    return value is not None and "query_name" in value and "query_timestamp" in value and "srcaddr" in value


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a query log record into DNS Activity."""
    get = fields.get
    original_time = text(get("query_timestamp"))
    time, labels = event_time(timestamp(original_time), record)
    rcode, answers = text(get("rcode")), _answers(get("answers"))
    name = _without_dot(str(get("query_name")))
    sources = object_at(fields, "srcids")
    body = head(DNS_ACTIVITY, RESPONSE if rcode or answers else QUERY, time)
    body["query"] = drop_none(hostname=name, type=text(get("query_type")), **{"class": text(get("query_class"))})
    body["query_time"] = time
    if answers:
        body["answers"] = answers
    body.update(_result(rcode))
    action = text(get("firewall_rule_action"))
    group = text(get("firewall_rule_group_id"))
    body.update(_verdict(action, group))
    body["src_endpoint"] = _asker(fields, sources)
    body.update(_resolver(sources))
    body["connection_info"] = {**_transport((text(get("transport")) or "")[:8])}
    body["cloud"] = drop_none(provider="AWS", region=text(get("region")), account=account_of(text(get("account_id"))))
    return build_event(
        record,
        body,
        native=_native(fields, name, answers),
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=original_time,
        labels=labels,
        metadata=drop_none(log_version=text(get("version"))),
        profiles=("cloud", "security_control") if action or group else ("cloud",),
        unmapped={key: value for key, value in fields.items() if key not in _MAPPED and value is not None},
    )


def _without_dot(name: str) -> str:
    return name.removesuffix(".") or name


def _answers(value: Any) -> list[dict[str, Any]]:
    items = value[:MAX_LISTED] if isinstance(value, list) else [value]  # one answer alone in some data lakes
    return [
        drop_none(rdata=rdata, type=text(item.get("Type")), **{"class": text(item.get("Class"))})
        for item in items
        if isinstance(item, dict) and (rdata := text(item.get("Rdata"))) is not None
    ]


def _result(rcode: str | None) -> Mapping[str, Any]:
    if rcode is None:
        return {}
    number, caption = _RCODES.get(rcode, (OTHER, rcode))
    outcome = FAILURE if number else SUCCESS
    return {"rcode_id": number, "rcode": caption, "status_code": rcode, **outcome}


def _verdict(action: str | None, group: str | None) -> Mapping[str, Any]:
    """Return what a rule of DNS Firewall decided, nothing when none matched."""
    rule = {"firewall_rule": {"uid": group}} if group else {}
    if action is None:
        return rule
    decided = {"action_id": OTHER, "action": action, "disposition_id": OTHER, "disposition": action}
    return {**_FIREWALL.get(action, decided), **rule}


def _asker(fields: Mapping[str, Any], sources: Mapping[str, Any]) -> dict[str, Any]:
    """Return who asked; a query that came in through a resolver endpoint names no instance."""
    asker = drop_none(
        ip=ip(fields.get("srcaddr")),
        instance_uid=text(sources.get("instance")),
        vpc_uid=text(fields.get("vpc_id")),
        port=port(fields.get("srcport")),
    )
    named = "ip" in asker or "instance_uid" in asker
    return asker if named else {**asker, "svc_name": "unknown"}


def _resolver(sources: Mapping[str, Any]) -> dict[str, Any]:
    found = drop_none(
        uid=text(sources.get("resolver_endpoint")),
        interface_uid=text(sources.get("resolver_network_interface")),
    )
    return {"dst_endpoint": found} if found else {}


@lru_cache(maxsize=256)
def _transport(name: str) -> Mapping[str, Any]:
    return connection(name or None)


def _native(fields: Mapping[str, Any], name: str, answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the record under its own names and those of Sigma's rules about DNS."""
    return {
        **fields,
        "query": name,
        "record_type": fields.get("query_type"),
        "answer": [answer["rdata"] for answer in answers],
        "src_ip": fields.get("srcaddr"),
    }


SOURCE: Final = Source(
    name="route53_resolver",
    title="AWS Route 53 Resolver query logs",
    shippers=("CloudWatch Logs", "Amazon S3", "Kinesis Data Firehose", "Vector", "Filebeat", "Fluent Bit"),
    classes=(DNS_ACTIVITY,),
    entities=("ip", "account", "workload"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
