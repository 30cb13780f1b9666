"""AWS VPC Flow Logs: lines of the default format and of custom ones, and their renderings as JSON and Parquet rows.

Source: flow log records, in the Amazon VPC user guide; AWS's own OCSF mapping of them. The columns of a custom format
come from the header line of its file. One record tells of one direction of a conversation as one interface saw it:
what was sent is `bytes_out`, from source to destination.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import NETWORK_ACTIVITY
from models.records import RawRecord
from streams.sources.aws.flow_layouts import (
    ACTIONS,
    IN_ORDER,
    STATUSES,
    canonical,
    canonical_all,
    is_default,
    layout_of,
)
from streams.sources.aws.flow_parts import (
    INBOUND,
    OUTBOUND,
    cloud_of,
    connection_info,
    direction_between,
    endpoint_of,
    place,
    traffic_of,
)
from streams.sources.base import Source, build_event, decode_json, decode_text, event_time, ip
from streams.sources.fields import timestamp
from streams.sources.objects import FAILURE, OTHER, SUCCESS

DELAY_MS: Final = 900_000  # an aggregation of up to 10 min, and about 5 until it is delivered
PRODUCT: Final = {"name": "Amazon VPC", "vendor_name": "AWS", "feature": {"name": "Flow Logs"}}
LOGSOURCE: Final = LogSource("aws", "vpcflow", ("firewall",))
PROFILES: Final = ("cloud", "security_control")
NO_TRAFFIC: Final = (
    "NODATA",
    "SKIPDATA",
)  # log-status of a record without a flow; a tuple, since JSON may hold anything
REFUSE: Final = 5
TRAFFIC: Final = 6
MAX_LINE_CHARS: Final = 4096
MAX_VALUE: Final = 256  # no value of a flow log is longer, and caches hold some of them

_ALLOWED: Final = {"action_id": 1, "action": "Allowed", "disposition_id": 1, "disposition": "Allowed", **SUCCESS}
_DENIED: Final = {"action_id": 2, "action": "Denied", "disposition_id": 2, "disposition": "Blocked", **FAILURE}
_OUTCOMES: Final[Mapping[str, tuple[int, Mapping[str, Any]]]] = {
    "ACCEPT": (TRAFFIC, _ALLOWED),
    "REJECT": (REFUSE, _DENIED),
    "": (TRAFFIC, {}),
}
_SEEN_BY: Final = {"ingress": INBOUND, "egress": OUTBOUND}
_KNOWN: Final = frozenset(IN_ORDER)
_UNMAPPED: Final = frozenset(
    (
        *("sublocation_type", "sublocation_id", "ecs_cluster_arn", "ecs_cluster_name", "ecs_container_instance_arn"),
        *("ecs_container_instance_id", "ecs_second_container_id", "ecs_service_name", "ecs_task_definition_arn"),
        *("ecs_task_arn", "ecs_task_id", "resource_id", "encryption_status"),
    )
)
_MAPPED: Final = _KNOWN - _UNMAPPED
_TELLING: Final = frozenset(("srcaddr", "dstaddr", "pkt_srcaddr", "interface_id", "log_status"))
_ENDS: Final = (("srcaddr", "dstaddr"), ("srcAddr", "dstAddr"))
_BESIDE: Final = frozenset(  # one of these makes addresses under these names a flow log's
    (
        *("interface_id", "interface-id", "interfaceId", "log_status", "log-status", "account_id", "account-id"),
        *("account", "vpc_id", "vpc-id", "vpcId", "flow_direction", "flow-direction", "pkt_srcaddr", "pkt-srcaddr"),
    )
)
_PANTHER: Final = "AWS.VPCFlow"
_WORDS: Final = frozenset(word.encode() for word in (ACTIONS | STATUSES) - {"-"})


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the fields of a line under their canonical names, or the JSON object; raise Unparseable for others."""
    line = decode_text(record)
    if line.lstrip()[:1] == "{":
        value = decode_json(record)
        if not _is_flow(value):
            raise Unparseable("no flow log record: it names neither addresses nor an interface", field="srcaddr")
        return value
    fields = _of_line(line, record.columns)
    if _TELLING.isdisjoint(fields):
        raise Unparseable("no flow log line: it names neither addresses nor an interface", field="srcaddr")
    return fields


def _of_line(line: str, columns: tuple[str, ...]) -> dict[str, str]:
    """Return the fields that a line has a value for."""
    if len(line) > MAX_LINE_CHARS:
        raise Unparseable(f"a line of {len(line)} characters, more than any flow log has")
    values = line.split()
    if len(values) == 1 and "," in line:
        values = values[0].split(",")
    names = canonical_all(columns) if columns else layout_of(values)
    if names is None:
        raise Unparseable("no flow log line of the default format, and no header line that names its fields")
    if len(names) != len(values):
        raise Unparseable(f"{len(values)} values under a header line of {len(names)} fields")
    return {name: value for name, value in zip(names, values, strict=True) if value != "-"}


def recognize(raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a flow log record by its addresses and what stands beside them, a line by its words."""
    return _is_flow(value) if value is not None else _is_line(raw)


def _is_flow(value: Mapping[str, Any]) -> bool:
    if value.get("p_log_type") == _PANTHER:
        return True
    if any(source in value and target in value for source, target in _ENDS):
        return not _BESIDE.isdisjoint(value)
    return any(
        isinstance(value.get(name), str) and value.get(status) in NO_TRAFFIC
        for name, status in (("interface_id", "log_status"), ("interface-id", "log-status"), ("interfaceId", "status"))
    )


def _is_line(raw: bytes) -> bool:
    """Tell a line of the default format, or one of another format that names an interface and what was done."""
    if len(raw) > MAX_LINE_CHARS or b'"' in raw:
        return False
    words = raw.split() if b" " in raw else raw.strip().split(b",")
    if _WORDS.isdisjoint(words):
        return False
    return any(word.startswith(b"eni-") for word in words) or (
        raw.isascii() and is_default([word.decode("ascii") for word in words])
    )


def _flow(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a JSON object as a line would have them: canonical names, all text; others untouched."""
    fields: dict[str, Any] = {}
    for name, item in value.items():
        known = canonical(name)
        if known not in _KNOWN:
            fields[name] = item
        elif isinstance(item, str):
            if item not in {"", "-"} and len(item) <= MAX_VALUE:
                fields[known] = item
        elif isinstance(item, int | float) and not isinstance(item, bool):
            fields[known] = f"{item:.0f}" if isinstance(item, float) and item.is_integer() else str(item)
    return fields


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a flow log record into Network Activity."""
    flow = _flow(fields) if record.raw.lstrip()[:1] == b"{" else fields
    get = flow.get
    start, end = _time(get("start")), _time(get("end"))
    time, labels = event_time(end if start is None else start, record)
    activity, word, outcome = _outcome(get("action", ""), get("log_status"))
    source, target = ip(get("srcaddr")), ip(get("dstaddr"))
    direction = _SEEN_BY.get(get("flow_direction", ""), 0) or direction_between(source, target)
    body = head(NETWORK_ACTIVITY, activity, time)
    if word:
        body["activity_name"] = word
    body.update(outcome)
    if "log_status" in flow:
        body["status_code"] = flow["log_status"]
    if "reject_reason" in flow:
        body["status_detail"] = flow["reject_reason"]
    _span(body, start, end)
    src = endpoint_of(source, get("srcport"), get("pkt_srcaddr"), get("pkt_src_aws_service"))
    dst = endpoint_of(target, get("dstport"), get("pkt_dstaddr"), get("pkt_dst_aws_service"))
    more_profiles = place(body, direction, src, dst, flow)
    body["connection_info"] = connection_info(direction, source or target or "", flow)
    if traffic := traffic_of(flow):
        body["traffic"] = traffic
    body["cloud"] = cloud_of(get("account_id"), get("region"), get("az_id"))
    return build_event(
        record,
        body,
        native=_native(fields, flow, source, target),
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=get("start"),
        labels=labels,
        metadata={"log_version": flow["version"]} if "version" in flow else None,
        profiles=PROFILES + more_profiles,
        unmapped=None if flow.keys() <= _MAPPED else {name: flow[name] for name in flow if name not in _MAPPED},
    )


def _outcome(action: str, log_status: str | None) -> tuple[int, str, Mapping[str, Any]]:
    """Return the activity, the vendor's word for it where OCSF has none, and what was decided."""
    if log_status in NO_TRAFFIC:
        return OTHER, str(log_status), {}
    known = _OUTCOMES.get(action)
    return (OTHER, action, {}) if known is None else (known[0], "", known[1])


@lru_cache(maxsize=8192)
def _time(value: str | None) -> int | None:
    return timestamp(value)


def _span(body: dict[str, Any], start: int | None, end: int | None) -> None:
    if start is not None:
        body["start_time"] = start
    if end is not None:
        body["end_time"] = end
        if start is not None and end >= start:
            body["duration"] = end - start


def _native(
    fields: Mapping[str, Any], flow: Mapping[str, Any], source: str | None, target: str | None
) -> dict[str, Any]:
    """Return the record under the names of flow logs and of Sigma's firewall rules, and under its own."""
    get = flow.get
    native = {**flow, "src_ip": source, "dst_ip": target, "src_port": get("srcport"), "dst_port": get("dstport")}
    return native if fields is flow else {**native, **fields}


SOURCE: Final = Source(
    name="aws_vpc_flow",
    title="AWS VPC Flow Logs",
    shippers=("CloudWatch Logs", "Amazon S3", "Kinesis Data Firehose", "Vector", "Filebeat", "Fluent Bit"),
    classes=(NETWORK_ACTIVITY,),
    entities=("ip", "account", "workload"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
