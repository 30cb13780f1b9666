"""The fields of VPC Flow Logs, their spellings, and the formats of lines that do not name them.

Source: flow log records, in the Amazon VPC user guide. Every field has one name here, with underscores, as in the
Parquet files of flow logs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

DEFAULT: Final = (  # version 2
    *("version", "account_id", "interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets"),
    *("bytes", "start", "end", "action", "log_status"),
)
# All fields in the order of the user guide: a custom format that lets each version's fields follow is a prefix of it.
IN_ORDER: Final = (
    *DEFAULT,
    *("vpc_id", "subnet_id", "instance_id", "tcp_flags", "type", "pkt_srcaddr", "pkt_dstaddr"),  # version 3
    *("region", "az_id", "sublocation_type", "sublocation_id"),  # version 4
    *("pkt_src_aws_service", "pkt_dst_aws_service", "flow_direction", "traffic_path"),  # version 5
    *("ecs_cluster_arn", "ecs_cluster_name", "ecs_container_instance_arn", "ecs_container_instance_id"),  # version 7
    *("ecs_container_id", "ecs_second_container_id", "ecs_service_name", "ecs_task_definition_arn", "ecs_task_arn"),
    *("ecs_task_id", "reject_reason", "resource_id", "encryption_status"),  # versions 8, 9 and 10
)
# The format of the user guide's examples of version 3, which is in wide use.
_EXAMPLE: Final = (
    *("version", "vpc_id", "subnet_id", "instance_id", "interface_id", "account_id", "type", "srcaddr", "dstaddr"),
    *("srcport", "dstport", "pkt_srcaddr", "pkt_dstaddr", "protocol", "bytes", "packets", "start", "end", "action"),
    *("tcp_flags", "log_status"),
)
_ALPHABETICAL: Final = tuple(sorted(IN_ORDER[:29]))  # the console's "select all" of versions 2 to 5
_BY_LENGTH: Final[Mapping[int, tuple[tuple[str, ...], ...]]] = {
    **{count: (IN_ORDER[:count],) for count in range(len(DEFAULT), len(IN_ORDER) + 1)},
    len(_EXAMPLE): (_EXAMPLE, IN_ORDER[: len(_EXAMPLE)]),
    len(_ALPHABETICAL): (_ALPHABETICAL, IN_ORDER[: len(_ALPHABETICAL)]),
}
ACTIONS: Final = frozenset(("ACCEPT", "REJECT", "-"))
STATUSES: Final = frozenset(("OK", "NODATA", "SKIPDATA"))
_ACTION_AT: Final = DEFAULT.index("action")
_ADDRESS: Final = re.compile(r"-|\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|[0-9A-Fa-f:.]{2,45}", re.ASCII)
_NUMBER: Final = re.compile(r"-|\d{1,19}", re.ASCII)
_SHAPES: Final = {
    **dict.fromkeys(("srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr"), _ADDRESS),
    **dict.fromkeys(("version", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end"), _NUMBER),
    **dict.fromkeys(("tcp_flags", "traffic_path"), _NUMBER),
    "account_id": re.compile(r"\d{12}|unknown|-", re.ASCII),
    "interface_id": re.compile(r"eni-[0-9a-z]+|-", re.ASCII),
    "vpc_id": re.compile(r"vpc-[0-9a-z]+|-", re.ASCII),
    "subnet_id": re.compile(r"subnet-[0-9a-z]+|-", re.ASCII),
    "instance_id": re.compile(r"i-[0-9a-z]+|-", re.ASCII),
    "type": re.compile("IPv4|IPv6|EFA|-"),
    "action": re.compile("|".join(ACTIONS)),
    "log_status": re.compile("|".join(STATUSES)),
    "region": re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d|-", re.ASCII),
    "az_id": re.compile(r"[a-z0-9]+-[a-z0-9-]+|-", re.ASCII),
    "flow_direction": re.compile("ingress|egress|-"),
}
# Spellings that lower-casing and underscores do not explain: of Panther, Logstash and others.
_ALIASES: Final = {
    "account": "account_id",
    "awsaccountid": "account_id",
    "status": "log_status",
    "traffictype": "type",
    "packetsrcaddr": "pkt_srcaddr",
    "packetdstaddr": "pkt_dstaddr",
    "pktsrcaddress": "pkt_srcaddr",
    "pktdstaddress": "pkt_dstaddr",
    "srcaddress": "srcaddr",
    "dstaddress": "dstaddr",
    "sourceaddress": "srcaddr",
    "destinationaddress": "dstaddr",
    "sourceport": "srcport",
    "destinationport": "dstport",
    "starttime": "start",
    "endtime": "end",
    "availabilityzoneid": "az_id",
}
_SPELLINGS: Final = {name.replace("_", ""): name for name in IN_ORDER} | _ALIASES
MAX_NAME: Final = 64


def canonical(name: str) -> str:
    """Return the one name of a field, however it is spelled; a name that is not known comes back as it is."""
    return _canonical(name) if len(name) <= MAX_NAME else name


@lru_cache(maxsize=1024)
def _canonical(name: str) -> str:
    return _SPELLINGS.get(name.lower().replace("-", "").replace("_", ""), name)


@lru_cache(maxsize=256)
def canonical_all(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the columns that a header line gave."""
    return tuple(map(canonical, columns))


def is_default(values: Sequence[str]) -> bool:
    """Tell whether a line begins with the fields of the default format, by the words that it has."""
    return (
        len(values) >= len(DEFAULT)
        and values[_ACTION_AT + 1] in STATUSES
        and values[_ACTION_AT] in ACTIONS
        and values[0].isdecimal()
    )


def layout_of(values: Sequence[str]) -> tuple[str, ...] | None:
    """Return the names of the fields of a line without a header, None when its format cannot be told.

    A custom format is told only where every value has the shape that its place asks for. Of a line that begins with the
    default format and goes on in an order nobody knows, the rest is named `field_15` and so on.
    """
    if len(values) == len(DEFAULT):
        return DEFAULT if is_default(values) else None
    found = next((names for names in _BY_LENGTH.get(len(values), ()) if _fits(names, values)), None)
    if found is None and is_default(values):
        found = (*DEFAULT, *(f"field_{number}" for number in range(len(DEFAULT) + 1, len(values) + 1)))
    return found


def _fits(names: Sequence[str], values: Sequence[str]) -> bool:
    return all(name not in _SHAPES or _SHAPES[name].fullmatch(value) for name, value in zip(names, values, strict=True))
