"""Wazuh: alerts as its manager writes them to `alerts.json`, and as its indexer keeps them.

Source: Wazuh documentation, "Rules classification" (levels 0 to 15), "Alert management" and the index template of
`wazuh-alerts`. `data` holds what the decoder of the original log found, by names of the decoder's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf_classes import DETECTION_FINDING
from models.records import RawRecord
from streams.sources.alerts import common, wazuh_data
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, integer, ip, text
from streams.sources.edr.shapes import host
from streams.sources.fields import MAX_LISTED, object_at
from streams.sources.objects import attacks, finding
from streams.sources.saas.words import leftovers
from streams.sources.times import from_any

DELAY_MS: Final = 120_000
PRODUCT: Final = {"name": "Wazuh", "vendor_name": "Wazuh"}
LOGSOURCE: Final = LogSource("wazuh", "alerts")
MANAGER: Final = "000"  # the agent number of the manager itself
MAX_LEVEL: Final = 16
_SEVERITIES: Final = (1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 5, 5)  # by level
_IDENTITY: Final = (
    "authentication",
    "login",
    "account",
    "adduser",
    "user_",
    "pam",
    "sudo",
    "office365",
    "okta",
    "win_authentication",
)
_NETWORK: Final = frozenset({"ids", "suricata", "snort", "firewall", "firewall_drop", "dns", "proxy", "squid"})
_MAPPED: Final = frozenset(
    (
        "timestamp",
        "@timestamp",
        "rule",
        "agent",
        "manager",
        "id",
        "data",
        "full_log",
        "predecoder",
        "syscheck",
        "cluster",
    )
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the alert; raise Unparseable when the record is none."""
    value = decode_json(record)
    if not _is_alert(value):
        raise Unparseable("no Wazuh alert: it has no rule with a level", field="rule.level")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an alert by its rule's level beside the agent or the manager."""
    return value is not None and _is_alert(value) and ("manager" in value or "agent" in value) and "location" in value


def _is_alert(value: Mapping[str, Any]) -> bool:
    rule = value.get("rule")
    return isinstance(rule, dict) and "level" in rule and ("id" in rule or "description" in rule)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn an alert into a Detection Finding about whatever its rule's groups speak of."""
    rule, told = object_at(fields, "rule"), object_at(fields, "data")
    original = text(fields.get("timestamp")) or text(fields.get("@timestamp"))
    time, labels = event_time(from_any(original), record)
    level = integer(rule.get("level"))
    process, user = wazuh_data.process_of(told, fields), wazuh_data.user_of(told, fields)
    named = _device_name(fields)
    times = integer(rule.get("firedtimes"))
    body = common.alert_body(
        time,
        _info(fields, rule),
        _SEVERITIES[min(max(level, 0), MAX_LEVEL)] if level is not None else 1,
        severity=level,
        actor=common.actor(process, user, session=wazuh_data.session_of(told)),
        device=_device(fields, named or record.context.host),
        evidences=wazuh_data.evidences_of(told, fields, process),
        count=times if times is not None and times > 0 else None,
    )
    account = wazuh_data.cloud_of(told)
    if account:
        body["cloud"] = account
    return build_event(
        record,
        body,
        native=fields,
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=original,
        labels=labels,
        metadata=drop_none(
            original_event_uid=text(fields.get("id")),
            event_code=text(rule.get("id")),
            log_name=text(fields.get("location")),
            log_provider=text(object_at(fields, "decoder").get("name")),
        ),
        profiles=common.profiles_of(body),
        unmapped=_unmapped(fields, told),
        about=about_of(_groups(rule)),
        names_host=bool(named),
    )


def _groups(rule: Mapping[str, Any]) -> list[str]:
    groups = rule.get("groups")
    return [group for group in groups[:MAX_LISTED] if isinstance(group, str)] if isinstance(groups, list) else []


def about_of(groups: list[str]) -> str:
    """Return the domain that a rule of these groups is about."""
    if any(group.startswith(_IDENTITY) for group in groups):
        return common.IDENTITY
    return common.NETWORK if not _NETWORK.isdisjoint(groups) else common.WORKLOAD


def _device_name(fields: Mapping[str, Any]) -> str | None:
    """Return the host a log is from: what a manager receives by syslog is not from the manager."""
    agent = object_at(fields, "agent")
    sender = text(object_at(fields, "predecoder").get("hostname"))
    name = text(agent.get("name"))
    return (sender or name) if agent.get("id") == MANAGER else (name or sender)


def _device(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    agent = object_at(fields, "agent")
    remote = agent.get("id") == MANAGER
    return host(name or None, text(agent.get("id")), ip=None if remote else ip(agent.get("ip")))


def _info(fields: Mapping[str, Any], rule: Mapping[str, Any]) -> dict[str, Any]:
    mitre, groups = object_at(rule, "mitre"), _groups(rule)
    title = text(rule.get("description")) or f"rule {text(rule.get('id'))}"
    return finding(
        title,
        text(fields.get("id")) or text(rule.get("id")) or "alert",
        rule_uid=text(rule.get("id")),
        rule=title,
        desc=text(fields.get("full_log")),
        attack=attacks(mitre.get("id"), mitre.get("tactic")),
        types=groups or None,
    )


def _unmapped(fields: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    rest = leftovers(told, wazuh_data.MAPPED)
    return leftovers(fields, _MAPPED) | ({"data": rest} if rest else {})


SOURCE: Final = Source(
    name="wazuh",
    title="Wazuh alerts",
    shippers=("Filebeat", "Vector", "Fluent Bit", "Logstash", "Wazuh integrator"),
    classes=(DETECTION_FINDING,),
    entities=("user", "host", "ip", "session", "account"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
