"""Google Cloud's VPC flow logs: one JSON log entry a connection and interval, as seen by one end or by both.

Source: "VPC Flow Logs records" of Google Cloud: the record in `jsonPayload`, 64-bit numbers as strings, a reporter that
says which end saw it, and annotations for the ends that are VMs of one's own or pods of GKE.
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
from streams.sources import objects
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, integer, text
from streams.sources.fields import object_at, timestamp
from streams.sources.google.entries import log_name
from streams.sources.kubernetes.principals import ORCHESTRATOR
from streams.sources.times import from_any

DELAY_MS: Final = 900_000  # records cover up to 15 minutes, 5 seconds by default
PRODUCT: Final = {"name": "VPC Flow Logs", "vendor_name": "Google Cloud"}
LOGSOURCE: Final = LogSource("gcp", "gcp.vpcflow", ("firewall",))
TRAFFIC: Final = 6
INBOUND, OUTBOUND, LATERAL = 1, 2, 3
SOURCE_END, DESTINATION_END = 1, 2
_OTHER_CASES: Final = {"insertid": "insertId", "logname": "logName", "jsonpayload": "jsonPayload"}
_OBSERVERS: Final = {
    "SRC": SOURCE_END,
    "SRC_GATEWAY": SOURCE_END,
    "DEST": DESTINATION_END,
    "DEST_GATEWAY": DESTINATION_END,
}
_NAMING: Final = frozenset({"ip", "hostname", "instance_uid"})  # without one of them an end is nobody
_UNMAPPED: Final = (
    *("rtt_msec", "src_google_service", "dest_google_service", "src_gateway", "dest_gateway", "round_trip_time"),
    *("src_gke_details", "dest_gke_details", "internet_routing_details", "load_balancing", "psc", "network_service"),
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the log entry; raise Unparseable when it holds no flow record."""
    value = decode_json(record)
    if not _OTHER_CASES.keys().isdisjoint(value):
        value = {_OTHER_CASES.get(name, name): item for name, item in value.items()}
    if not _is_flow(value):
        raise Unparseable("no VPC flow log: its jsonPayload has no connection", field="jsonPayload.connection")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a flow log by the connection in its payload."""
    return value is not None and (_is_flow(value) or _is_flow({"jsonPayload": value.get("jsonpayload")}))


def _is_flow(value: Mapping[str, Any]) -> bool:
    connection = object_at(_payload(value), "connection")
    return "src_ip" in connection and "dest_ip" in connection


def _payload(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the flow record; a shipper may have taken it out of its entry."""
    return object_at(value, "jsonPayload") or value


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a flow record into an OCSF event of the traffic it counted."""
    flow = _payload(fields)
    ended = flow.get("end_time", fields.get("timestamp"))
    time, labels = event_time(from_any(ended), record)
    body = head(NETWORK_ACTIVITY, TRAFFIC, time)
    body.update(_flow(fields, flow))
    return build_event(
        record,
        body,
        native=_native(fields, flow),
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=text(ended),
        labels=labels,
        metadata=drop_none(
            original_event_uid=text(fields.get("insertId")),
            log_name=log_name(fields),
            logged_time=timestamp(fields.get("receiveTimestamp")),
        ),
        profiles=("cloud", "container"),
        unmapped=drop_none(
            **{name: flow[name] for name in _UNMAPPED if name in flow},
            resource=object_at(fields, "resource"),
            reporter=text(flow.get("reporter")),
        ),
    )


def _native(fields: Mapping[str, Any], flow: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record under its own names and those of Sigma's firewall rules."""
    connection = object_at(flow, "connection")
    return {
        **connection,
        "dst_ip": connection.get("dest_ip"),
        "dst_port": connection.get("dest_port"),
        **flow,
        **fields,
    }


def _flow(fields: Mapping[str, Any], flow: Mapping[str, Any]) -> dict[str, Any]:
    connection, labels = object_at(flow, "connection"), object_at(object_at(fields, "resource"), "labels")
    ends = {"src_endpoint": _end(flow, "src"), "dst_endpoint": _end(flow, "dest")}
    known = {name: end for name, end in ends.items() if end}
    observer = _OBSERVERS.get(text(flow.get("reporter")) or "", 0)
    return drop_none(
        **(known or {"src_endpoint": {"name": "unknown"}}),
        connection_info=_connection(_protocol(connection.get("protocol")), _direction(flow, observer)),
        traffic=_traffic(flow),
        start_time=timestamp(flow.get("start_time")),
        end_time=timestamp(flow.get("end_time")),
        observation_point_id=observer or None,
        cloud=objects.cloud(
            "GCP",
            text(labels.get("project_id")),
            text(labels.get("location")),
            project_uid=text(labels.get("project_id")),
        ),
    )


@lru_cache(maxsize=2048)
def _connection(protocol: int | None, direction_id: int) -> dict[str, Any]:
    return objects.connection(protocol, direction_id)


def _protocol(value: Any) -> int | None:
    number = integer(value)
    return number if number is not None and 0 <= number <= 255 else None  # noqa: PLR2004  # IANA's protocol numbers


def _end(flow: Mapping[str, Any], side: str) -> dict[str, Any] | None:
    """Return one end of a connection with what the annotations say of it."""
    connection, place = object_at(flow, "connection"), object_at(flow, f"{side}_location")
    machine, network = object_at(flow, f"{side}_instance"), object_at(flow, f"{side}_vpc")
    pod = object_at(object_at(flow, f"{side}_gke_details"), "pod")
    pod_name, asn = text(pod.get("pod_name")), integer(place.get("asn"))
    name = text(machine.get("vm_name"))
    namespace = text(pod.get("pod_namespace")) or "default"
    end = objects.endpoint(
        connection.get(f"{side}_ip"),
        connection.get(f"{side}_port"),
        name,
        instance_uid=f"{namespace}/{pod_name}" if pod_name else None,
        container={"name": pod_name, "orchestrator": ORCHESTRATOR} if pod_name else None,
        zone=text(machine.get("zone")),
        vpc_uid=text(network.get("vpc_name")),
        subnet_uid=text(network.get("subnetwork_name")),
        location=_location(place) if place else None,
        autonomous_system={"number": asn} if asn is not None and 0 < asn < 2**32 else None,
    )
    return end if end and not _NAMING.isdisjoint(end) else None


def _location(place: Mapping[str, Any]) -> dict[str, Any]:
    return drop_none(country=text(place.get("country")), region=text(place.get("region")), city=text(place.get("city")))


def _direction(flow: Mapping[str, Any], observer: int) -> int:
    """Tell the direction from which ends are machines of one's own, and from who saw the connection."""
    own = bool(object_at(flow, "src_instance")), bool(object_at(flow, "dest_instance"))
    if own == (True, True):
        return LATERAL
    if observer == SOURCE_END or own[0]:
        return OUTBOUND
    return INBOUND if observer == DESTINATION_END or own[1] else 0


def _traffic(flow: Mapping[str, Any]) -> dict[str, Any]:
    counted = drop_none(**{name: integer(flow.get(f"{name}_sent")) for name in ("bytes", "packets")})
    counted = {name: value for name, value in counted.items() if value >= 0}
    return {**counted, **{f"{name}_out": value for name, value in counted.items()}}


SOURCE: Final = Source(
    name="gcp_flow",
    title="Google Cloud VPC flow logs",
    shippers=("Pub/Sub", "Vector", "Fluent Bit", "Filebeat", "Logstash"),
    classes=(NETWORK_ACTIVITY,),
    entities=("ip", "host", "workload", "account"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
