"""Take fields out of a Zeek record one by one; what nobody could use is left over and becomes `unmapped`.

Every `take_*` removes the field only when its value is usable. `begin` starts the OCSF event of a connection: its
endpoints, connection information and the sensor.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

from models import ocsf
from models.ocsf_classes import NETWORK_ACTIVITY
from streams.sources import base, times
from streams.sources.base import drop_none

Fields = dict[str, Any]
T = TypeVar("T")

PROTOCOLS: Final = {"icmp": 1, "tcp": 6, "udp": 17, "sctp": 132}
ICMP6: Final = 58
OTHER: Final = 99
IDS: Final = 13  # type_id of an endpoint
SENSOR_NAMES: Final = ("@system", "_system_name", "_node_name", "peer", "peer_descr", "node")
DAY_1980: Final = 315_532_800_000  # no certificate and no file of a share is older: an earlier date is a default
_MAC: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}", re.ASCII)
_TRUTH: Final = {"T": True, "true": True, "F": False, "false": False}


def take(fields: Fields, name: str, read: Callable[[Any], T | None]) -> T | None:
    """Return what `read` makes of a field and remove it; None, and the field stays, when it makes nothing of it."""
    value = fields.get(name)
    if value is None:
        return None
    result = read(value)
    if result is not None:
        del fields[name]
    return result


def take_text(fields: Fields, name: str) -> str | None:
    """Take a non-empty string."""
    value = fields.get(name)
    if type(value) is str and value and value != "-":  # nearly always, so it is worth the short cut
        del fields[name]
        return value
    return None if value is None else take(fields, name, base.text)


def take_count(fields: Fields, name: str) -> int | None:
    """Take an integer that is not negative."""
    value = fields.get(name)
    if type(value) is int and 0 <= value <= base.INT64_MAX:
        del fields[name]
        return value
    return None if value is None else take(fields, name, count)


def take_bool(fields: Fields, name: str) -> bool | None:
    """Take a truth value."""
    value = fields.get(name)
    if value is True or value is False:
        del fields[name]
        return value
    return None if value is None else take(fields, name, boolean)


def take_texts(fields: Fields, name: str) -> list[str] | None:
    """Take a list of strings; one string counts as a list of one."""
    return take(fields, name, texts)


def count(value: Any) -> int | None:
    """Read an integer of 64 bits that is not negative."""
    number = base.integer(value)
    return number if number is not None and number >= 0 else None


def boolean(value: Any) -> bool | None:
    """Read `true` and `T` in either form; None for everything else."""
    if isinstance(value, bool):
        return value
    return _TRUTH.get(value) if isinstance(value, str) else None


def texts(value: Any) -> list[str] | None:
    """Read the elements of a list as strings, unset ones left out; None when one is no scalar or there are none."""
    values = [item for item in value if item is not None] if isinstance(value, list) else [value]
    found = [text for item in values if (text := base.text(item)) is not None]
    return found if found and len(found) == len(values) else None


def ips(value: Any) -> list[str] | None:
    """Read the elements of a list as addresses; None when one is none or there are none."""
    found = [address for item in texts(value) or [] if (address := base.ip(item)) is not None]
    return found if found and len(found) == len(value if isinstance(value, list) else [value]) else None


def interval_ms(value: Any) -> int | None:
    """Read an interval in seconds as whole milliseconds, cut off after settling microseconds; None when negative."""
    if isinstance(value, str):
        return times.from_epoch(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value * 1e6) // 1000 if 0 <= value < times.SECONDS_BELOW else None


def moment_ms(value: Any) -> int | None:
    """Read a date that a certificate or a share claims; None when OCSF has no room for it."""
    ms = times.from_any(value)
    return ms if ms is not None and DAY_1980 <= ms <= base.LATEST_MS else None


def mac(value: Any) -> str | None:
    """Read a hardware address in lower case with colons."""
    return value.lower().replace("-", ":") if isinstance(value, str) and _MAC.fullmatch(value) else None


def first_ip(fields: Fields, *names: str) -> str | None:
    """Take the first of these fields that holds an address."""
    return next((address for name in names if (address := take(fields, name, base.ip))), None)


def endpoint(address: str | None, port: int | None = None, **more: Any) -> dict[str, Any] | None:
    """Return an OCSF network endpoint, None when nothing names it (a port alone does not)."""
    found = drop_none(ip=address, port=port, **more)
    if found.get("mac") and not found.keys() & {"ip", "hostname", "name"}:
        found["uid"] = found["mac"]
    return found if found.keys() - {"port"} else None


def take_pair(fields: Fields, *, with_ports: bool = True) -> dict[str, Any]:
    """Take the two endpoints of the connection as `src_endpoint` and `dst_endpoint`."""
    pair = {}
    for end, host, port_field, mac_field in _ENDS:
        address = take(fields, host, base.ip)
        found: dict[str, Any] = {"ip": address} if address else {}
        port = take(fields, port_field, base.port) if address and with_ports else None
        if port is not None:
            found["port"] = port
        hardware = take(fields, mac_field, mac)
        if hardware:
            found |= {"mac": hardware} if address else {"mac": hardware, "uid": hardware}
        if found:
            pair[end] = found
    return pair


_ENDS: Final = (
    ("src_endpoint", "id.orig_h", "id.orig_p", "orig_l2_addr"),
    ("dst_endpoint", "id.resp_h", "id.resp_p", "resp_l2_addr"),
)


def sensor() -> dict[str, Any]:
    """Return the endpoint of a record that names none: the sensor that saw it, without a name that might mislead."""
    return {"svc_name": "zeek", "type_id": IDS}


def connection(fields: Fields, pair: dict[str, Any]) -> dict[str, Any]:
    """Take what describes the connection itself as OCSF `connection_info`."""
    address = (pair.get("src_endpoint") or pair.get("dst_endpoint") or {}).get("ip")
    version = None if address is None else 6 if ":" in address else 4
    protocol = take(fields, "proto", _protocol)
    number = take_count(fields, "ip_proto")
    if number is None and protocol is not None:
        number = ICMP6 if protocol == "icmp" and version != 4 else PROTOCOLS[protocol]  # noqa: PLR2004  # IPv4
    about = drop_none(
        uid=take_text(fields, "uid"), protocol_name=protocol, protocol_num=number, protocol_ver_id=version
    )
    community = take_text(fields, "community_id")
    if community:
        about["community_uid"] = community
    ends = take_bool(fields, "local_orig"), take_bool(fields, "local_resp")
    about.update(_COURSES.get(ends, _UNKNOWN_COURSE))
    return about


# Direction and boundary by which ends are local; none is claimed when the sensor does not say.
_UNKNOWN_COURSE: Final = {"direction_id": 0}
_COURSES: Final[dict[tuple[bool | None, bool | None], dict[str, Any]]] = {
    (True, True): {"direction_id": 3, "direction": "Lateral", "boundary_id": 2, "boundary": "Internal"},
    (True, False): {"direction_id": 2, "direction": "Outbound"},
    (False, True): {"direction_id": 1, "direction": "Inbound"},
    (False, False): {"direction_id": 0, "boundary_id": 3, "boundary": "External"},
}


def _protocol(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) and value.lower() in PROTOCOLS else None


def begin(
    fields: Fields, time: int, class_uid: int, activity_id: int, activity_name: str | None = None, **attributes: Any
) -> dict[str, Any]:
    """Start the event of a connection, with its endpoints, its connection and the sensor's name.

    Args:
        fields: What is left of the record.
        time: Event time in ms.
        class_uid: A class of the network category that has `connection_info`.
        activity_id: Activity within the class.
        activity_name: The vendor's word, for activity 99.
        attributes: Further attributes of the class; empty ones are left out.
    """
    body = ocsf.head(class_uid, activity_id, time)
    if activity_name:
        body["activity_name"] = activity_name
    pair = take_pair(fields, with_ports=fields.get("proto") != "icmp")  # ICMP's type and code stand in for ports
    body.update(pair)
    if not pair:
        body["src_endpoint"] = sensor()
        if class_uid == NETWORK_ACTIVITY:  # the only class that can say so
            body["is_src_dst_assignment_known"] = False
    body["connection_info"] = connection(fields, pair)
    observer = _observer(fields)
    if observer:
        body["network_observation_point"] = observer
    body.update(drop_none(**attributes))
    return body


def _observer(fields: Fields) -> dict[str, Any] | None:
    for key in SENSOR_NAMES:
        if key in fields and (name := take_text(fields, key)):
            return {"name": name, "type_id": IDS}
    return None


def user_actor(fields: Fields, name: str) -> dict[str, Any] | None:
    """Take the user that a protocol carried in clear as OCSF actor; Zeek writes `<unknown>` when it saw none."""
    user = take(fields, name, _user_name)
    return {"user": {"name": user}} if user else None


def _user_name(value: Any) -> str | None:
    name = base.text(value)
    return None if name == "<unknown>" else name


def hash_of(value: str | None, algorithm: str, algorithm_id: int) -> dict[str, Any] | None:
    """Return an OCSF fingerprint, None without a value."""
    return {"algorithm": algorithm, "algorithm_id": algorithm_id, "value": value.lower()} if value else None


def success(value: bool | None) -> dict[str, Any]:  # the value is the whole of it
    """Return the OCSF status of an outcome, nothing when it is unknown."""
    if value is None:
        return {}
    return {"status_id": 1, "status": "Success"} if value else {"status_id": 2, "status": "Failure"}
