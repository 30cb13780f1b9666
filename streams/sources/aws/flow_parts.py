"""The parts of a flow log record as OCSF: its ends, its interface, its connection, its traffic.

Built by hand rather than from `streams.sources.objects`: no source has more records, and each call counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from enrichers.names import is_private
from models.errors import Unparseable
from streams.sources.base import ip
from streams.sources.objects import connection

INBOUND: Final = 1
OUTBOUND: Final = 2
LATERAL: Final = 3
VIRTUAL: Final = 6
MAX_DIGITS: Final = 18  # within 64 bits
MAX_PORT: Final = 65_535
MAX_PROTOCOL: Final = 255

_BOUNDARIES: Final = {  # traffic-path, of egress records only
    "1": (4, "Same VPC"),
    "2": (5, "Internet/VPC Gateway"),
    "3": (6, "Virtual Private Gateway"),
    "4": (7, "Intra-region VPC"),
    "5": (8, "Inter-region VPC"),
    "6": (9, "Local Gateway"),
    "7": (10, "Gateway VPC"),
    "8": (11, "Internet Gateway"),
}
_VERSIONS: Final = {"IPv4": 4, "IPv6": 6}


def count(value: str | None) -> int | None:
    """Return the number that a field has, None when it has none or is longer than 64 bits allow."""
    return int(value) if value is not None and len(value) <= MAX_DIGITS and value.isdecimal() else None


def direction_between(source: str | None, target: str | None) -> int:
    """Tell the direction from the addresses, for the records of formats that do not say it."""
    if source is None or target is None:
        return 0
    inner = is_private(source)
    if inner == is_private(target):
        return LATERAL if inner else 0
    return OUTBOUND if inner else INBOUND


def endpoint_of(address: str | None, port: str | None, packet: str | None, service: str | None) -> dict[str, Any]:
    """Return one end: its address, and that of the packets where it is another (behind a NAT gateway, say)."""
    if address is None:
        return {}
    endpoint: dict[str, Any] = {"ip": address}
    number = count(port)
    if number is not None and number <= MAX_PORT:
        endpoint["port"] = number
    if packet is not None and packet != address:
        _put_packet(endpoint, ip(packet))
    if service is not None:
        endpoint["svc_name"] = service
    return endpoint


def _put_packet(endpoint: dict[str, Any], packet: str | None) -> None:
    if packet is not None and packet != endpoint["ip"]:
        endpoint["intermediate_ips"] = [packet]


def place(
    body: dict[str, Any], direction: int, src: dict[str, Any], dst: dict[str, Any], flow: Mapping[str, Any]
) -> tuple[str, ...]:
    """Put both ends into `body`, and the interface beside the one that it is; return the profiles it takes.

    Between two private addresses only the flow's direction tells whose interface it is. Where it is not known, the
    interface is the point of observation, and its instance the device.
    """
    local = interface_of(flow)
    profiles = ("container",) if "container" in local else ()
    if direction == INBOUND and dst:
        dst.update(local)
    elif direction == OUTBOUND and src:
        src.update(local)
    elif not src and not dst:
        src = local
    elif local:
        body["network_observation_point"] = local
        if "instance_uid" in local:
            body["device"] = {"type_id": VIRTUAL, **local}
            profiles = (*profiles, "host")
    if src:
        body["src_endpoint"] = src
    if dst:
        body["dst_endpoint"] = dst
    if not src and not dst:
        raise Unparseable("no flow log record: it names neither addresses nor an interface", field="srcaddr")
    return profiles


def interface_of(flow: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ids of the interface that saw the flow, of what it belongs to and where it is."""
    found = {}
    for name, attribute in _IDS:
        value = flow.get(name)
        if value is not None:
            found[attribute] = value
    container = flow.get("ecs_container_id")
    return found if container is None else {**found, "container": {"uid": container, "orchestrator": "ECS"}}


_IDS: Final = (
    ("interface_id", "interface_uid"),
    ("instance_id", "instance_uid"),
    ("vpc_id", "vpc_uid"),
    ("subnet_id", "subnet_uid"),
)


def connection_info(direction: int, address: str, flow: Mapping[str, Any]) -> dict[str, Any]:
    """Return the connection; `address` is of either end, empty when there is none."""
    get = flow.get
    version = get("type") or ("IPv6" if ":" in address else "IPv4" if address else "")
    return {
        **_connection_of(direction, get("protocol", ""), version, get("tcp_flags", ""), get("traffic_path", "")),
    }


@lru_cache(maxsize=4096)
def _connection_of(direction: int, protocol: str, kind: str, flags: str, path: str) -> Mapping[str, Any]:
    version, boundary = _VERSIONS.get(kind), _BOUNDARIES.get(path)
    return connection(
        _protocol(protocol),
        direction,
        tcp_flags=count(flags),
        protocol_ver_id=version,
        protocol_ver=kind if version else None,
        boundary_id=boundary[0] if boundary else None,
        boundary=boundary[1] if boundary else None,
    )


def _protocol(word: str) -> int | str | None:
    number = count(word)
    if number is not None:
        return number if number <= MAX_PROTOCOL else None
    return None if word[:1].isdigit() else word or None


def traffic_of(flow: Mapping[str, Any]) -> dict[str, int]:
    """Return what was sent from source to destination; a record has nothing of the other way."""
    bytes_, packets = count(flow.get("bytes")), count(flow.get("packets"))
    if bytes_ is not None and packets is not None:
        return {"bytes": bytes_, "bytes_out": bytes_, "packets": packets, "packets_out": packets}
    if bytes_ is not None:
        return {"bytes": bytes_, "bytes_out": bytes_}
    return {} if packets is None else {"packets": packets, "packets_out": packets}


def cloud_of(account: str | None, region: str | None, zone: str | None) -> dict[str, Any]:
    """Return the account and the place of the interface."""
    cloud: dict[str, Any] = {"provider": "AWS"}
    if account is not None and account != "unknown":
        cloud["account"] = {"uid": account, "type": "AWS Account", "type_id": 10}
    if region is not None:
        cloud["region"] = region
    if zone is not None:
        cloud["zone"] = zone
    return cloud
