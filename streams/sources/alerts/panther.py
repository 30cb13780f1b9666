"""Panther: matches of its rules, as the tables of rule matches and signals in its data lake hold them.

Source: Panther documentation, "Panther fields" (what is added to every log, what to those that a rule matched, and the
`p_any_` indicator fields). A match is the log that matched, with its own fields at the top, and Panther's beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf_classes import DETECTION_FINDING
from models.records import RawRecord
from models.uids import sha256_hex
from streams.sources.alerts import common
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, text
from streams.sources.fields import MAX_LISTED, object_at, timestamp
from streams.sources.objects import attacks, cloud, endpoint, finding, fingerprint, severity_id, user
from streams.sources.saas.words import first, leftovers
from streams.sources.times import from_any

DELAY_MS: Final = 900_000  # a log is delivered, parsed and matched before its match is written
PRODUCT: Final = {"name": "Panther", "vendor_name": "Panther Labs"}
LOGSOURCE: Final = LogSource("panther", "rule_match")
CONTEXT: Final = "p_alert_context"
MAX_TITLE: Final = 512
UID_HEX: Final = 32
# A log that was matched once, and shipped on as a log, may still say by which rule; these stand in matches alone.
_MARKS: Final = frozenset({"p_alert_id", "p_alert_severity", "p_rule_severity", "p_rule_tags", "p_rule_reports"})
_IDENTITY: Final = ("okta.", "onelogin.", "duo.", "auth0.", "azure.audit", "microsoftgraph.", "push", "onepassword.")
_NETWORK: Final = (
    *("aws.vpc", "aws.alb", "aws.waf", "gcp.http", "cloudflare.", "suricata.", "zeek.", "ciscoumbrella."),
    *("nginx.", "apache.", "envoy.", "fluentd.", "juniper.", "netskope.", "zscaler.", "fastly."),
)
_HASHES: Final = ("p_any_sha256_hashes", "p_any_sha1_hashes", "p_any_md5_hashes")
_MAPPED: Final = frozenset(
    (
        *("p_rule_id", "p_rule_name", "p_alert_title", "p_rule_description", "p_rule_severity", "p_alert_severity"),
        *("p_alert_id", "p_row_id", "p_event_time", "p_alert_creation_time", "p_log_type", "p_source_label"),
        *("p_any_usernames", "p_any_emails", "p_any_ip_addresses", "p_any_domain_names", "p_any_aws_arns"),
        *("p_any_aws_account_ids", *_HASHES),
    )
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the match, its alert context as an object also where a table kept it as text; Unparseable for others."""
    value = decode_json(record)
    if text(value.get("p_rule_id")) is None:
        raise Unparseable("no rule match of Panther: it has no p_rule_id", field="p_rule_id")
    context = value.get(CONTEXT)
    return value | {CONTEXT: _parsed(context, record)} if isinstance(context, str) else value


def _parsed(context: str, record: RawRecord) -> Any:
    if not context.startswith("{"):
        return context
    try:
        return decode_json(replace(record, raw=context.encode("utf-8")))
    except Unparseable:
        return context


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a match by its rule beside one of the fields that only matches have."""
    return value is not None and "p_rule_id" in value and not _MARKS.isdisjoint(value)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a match into a Detection Finding about whatever its log is about."""
    original = first(fields, "p_event_time", "p_alert_creation_time")
    time, labels = event_time(from_any(original), record)
    severity = text(first(fields, "p_alert_severity", "p_rule_severity"))
    accounts = _texts(fields, "p_any_aws_account_ids")
    body = common.alert_body(
        time,
        _info(fields, record),
        severity_id(severity),
        severity=severity,
        evidences=list(_evidences(fields)),
        resources=[{"uid": arn} for arn in _texts(fields, "p_any_aws_arns")],
        cloud=cloud("AWS", accounts[0]) if len(accounts) == 1 else None,
    )
    return build_event(
        record,
        body,
        native=fields,
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=original,
        labels=labels,
        metadata=drop_none(
            original_event_uid=text(fields.get("p_row_id")),
            event_code=text(fields.get("p_rule_id")),
            log_name=text(fields.get("p_log_type")),
            log_provider=text(fields.get("p_source_label")),
        ),
        profiles=common.profiles_of(body),
        unmapped=leftovers(fields, _MAPPED),
        about=about_of(text(fields.get("p_log_type")) or ""),
    )


def about_of(log_type: str) -> str:
    """Return the domain that matches in logs of a type are about."""
    lowered = log_type[:MAX_TITLE].lower()
    if lowered.startswith(_IDENTITY):
        return common.IDENTITY
    return common.NETWORK if lowered.startswith(_NETWORK) else common.WORKLOAD


def _info(fields: Mapping[str, Any], record: RawRecord) -> dict[str, Any]:
    rule = text(fields.get("p_rule_id")) or "rule"
    title = text(first(fields, "p_alert_title", "p_rule_name")) or rule
    mitre = object_at(fields, "p_rule_reports").get("MITRE ATT&CK")
    kind = text(fields.get("p_log_type"))
    return finding(
        title[:MAX_TITLE],
        text(first(fields, "p_alert_id", "p_row_id")) or sha256_hex(record.raw)[:UID_HEX],
        rule_uid=rule,
        rule=text(fields.get("p_rule_name")) or rule,
        desc=text(fields.get("p_rule_description")),
        attack=attacks(mitre),
        created_time=timestamp(fields.get("p_alert_creation_time")),
        types=[kind] if kind else None,
    )


def _evidences(fields: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what the indicator fields name: users with addresses first, since there entities are looked for."""
    names = dict.fromkeys((*_texts(fields, "p_any_usernames"), *_texts(fields, "p_any_emails")))
    people = [found for found in map(user, names) if found]
    places = [found for found in map(endpoint, _texts(fields, "p_any_ip_addresses")) if found]
    for person, place in zip_longest(people, places):
        yield drop_none(user=person, src_endpoint=place)
    for domain in _texts(fields, "p_any_domain_names"):
        yield {"query": {"hostname": domain}}
    prints = [fingerprint(digest) for name in _HASHES for digest in _texts(fields, name)]
    if hashes := [one for one in prints if one]:
        yield {"file": {"name": "unknown", "type_id": 0, "hashes": hashes}}


def _texts(fields: Mapping[str, Any], name: str) -> list[str]:
    value = fields.get(name)
    listed = value[:MAX_LISTED] if isinstance(value, list) else [value]
    return [item for item in map(text, listed) if item]


SOURCE: Final = Source(
    name="panther",
    title="Panther rule matches",
    shippers=("Panther data lake", "Snowflake export", "Amazon S3", "Vector"),
    classes=(DETECTION_FINDING,),
    entities=("user", "ip", "account"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
