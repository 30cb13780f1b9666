"""Zeek's DHCP and NTP logs as OCSF."""

from __future__ import annotations

from typing import Any, Final

from models.ocsf_classes import DHCP_ACTIVITY, NTP_ACTIVITY
from streams.sources.base import drop_none
from streams.sources.zeek.fields import (
    OTHER,
    Fields,
    begin,
    endpoint,
    first_ip,
    interval_ms,
    mac,
    sensor,
    take,
    take_count,
    take_text,
    texts,
)
from streams.sources.zeek.flow import other

DHCP_TYPES: Final = {
    word: number
    for number, word in enumerate(
        ("DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM", "EXPIRE"), 1
    )
}
ACK: Final = DHCP_TYPES["ACK"]
LAST_MODE: Final = 7
STRATA: Final = {0: 0, 1: 1, **dict.fromkeys(range(2, 16), 2), 16: 16}
RESERVED: Final = 17


def dhcp(fields: Fields, time: int) -> dict[str, Any]:
    """Map dhcp.log to DHCP Activity, by the last message of the exchange; a granted address is the client's."""
    kinds = texts(fields.get("msg_types")) or []
    word = kinds[-1] if kinds else ""
    activity = DHCP_TYPES.get(word, OTHER if word else 0)
    uids = texts(fields.get("uids")) or []
    if len(uids) == 1 and "uid" not in fields:
        fields["uid"] = uids[0]
        del fields["uids"]
    ends = drop_none(src_endpoint=_client(fields, activity), dst_endpoint=endpoint(first_ip(fields, "server_addr")))
    lease = take(fields, "lease_time", interval_ms) if activity == ACK else None
    body = begin(
        fields,
        time,
        DHCP_ACTIVITY,
        activity,
        word if activity == OTHER else None,
        app_protocol_name="dhcp",
        duration=take(fields, "duration", interval_ms),
        lease_dur=None if lease is None else lease // 1000,
    )
    if ends and body.get("src_endpoint") == sensor():
        del body["src_endpoint"]
    return body | ends


def _client(fields: Fields, activity: int) -> dict[str, Any] | None:
    order = ("assigned_addr", "client_addr") if activity == ACK else ("client_addr",)
    return endpoint(
        first_ip(fields, *order),
        mac=take(fields, "mac", mac),
        hostname=take_text(fields, "host_name"),
        domain=take_text(fields, "domain"),
    )


def ntp(fields: Fields, time: int) -> dict[str, Any]:
    """Map ntp.log to NTP Activity, which requires the version."""
    version = take_text(fields, "version")
    if version is None:
        return other(fields, time)
    mode = take_count(fields, "mode") or 0
    stratum = take_count(fields, "stratum")
    return begin(
        fields,
        time,
        NTP_ACTIVITY,
        mode if mode <= LAST_MODE else OTHER,
        None if mode <= LAST_MODE else str(mode),
        app_protocol_name="ntp",
        version=version,
        stratum=None if stratum is None else str(stratum),
        stratum_id=None if stratum is None else STRATA.get(stratum, RESERVED),
        delay=take(fields, "root_delay", interval_ms),
        dispersion=take(fields, "root_disp", interval_ms),
    )
