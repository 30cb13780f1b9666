"""Build the OCSF attributes of what a firewall's line tells of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from enrichers.names import is_private
from models.ocsf_classes import AUTHENTICATION, DETECTION_FINDING, HTTP_ACTIVITY, NETWORK_ACTIVITY
from models.uids import content_uid
from streams.sources.base import drop_none, ip
from streams.sources.firewall.lines import FORTIGATE, Line
from streams.sources.firewall.meanings import MAX_WORD, RULE_LABELS, outcome, verdict
from streams.sources.objects import attacks, connection, device, endpoint, file, finding, fingerprint, user
from streams.sources.protocols import http_activity, mac, request, traffic, url

TRAFFIC, OPEN, CLOSE, REFUSE = 6, 1, 2, 5
CREATE: Final = 1
ON, OFF = 1, 2
DENIED: Final = 2
_WHOLE: Final = "://"

Built = tuple[int, int, dict[str, Any]]  # class, activity, attributes


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a line when its event is built.

    Attributes:
        line: The line taken apart.
        known: Its fields under our names.
        time: Event time in ms.
        on_host: Whether the product runs on the host it protects.
    """

    line: Line
    known: Mapping[str, str]
    time: int
    on_host: bool


def _ends(told: Told) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    known, fields = told.known, told.line.fields
    source = endpoint(
        known.get("src"),
        known.get("spt"),
        known.get("shost"),
        mac=mac(known.get("smac")),
        interface_name=fields.get("deviceInboundInterface") or fields.get("srcintf"),
    )
    target = endpoint(
        known.get("dst"),
        known.get("dpt"),
        known.get("dhost"),
        mac=mac(known.get("dmac")),
        interface_name=fields.get("deviceOutboundInterface") or fields.get("dstintf"),
    )
    return source, target


def _network(told: Told) -> dict[str, Any]:
    """Return what all network classes have."""
    known = told.known
    source, target = _ends(told)
    if source is None and target is None:
        source = {"svc_name": told.line.product[:MAX_WORD] or "firewall"}  # it requires one, and this names no host
    who = _user(known.get("suser"))
    return drop_none(
        src_endpoint=source,
        dst_endpoint=target,
        connection_info=_connection(told),
        app_protocol_name=(known.get("app") or "").lower() or None,
        traffic=traffic(known.get("out"), known.get("in"), known.get("packets_out"), known.get("packets_in")),
        actor={"user": who} if who else None,
        device=_host(told),
        message=known.get("msg") or told.line.name or None,
        **_ruled(told),
    )


def _connection(told: Told) -> dict[str, Any]:
    protocol = told.known.get("proto", "")[:MAX_WORD]
    return _protocol(protocol) | drop_none(uid=told.known.get("session"))


@lru_cache(maxsize=256)
def _protocol(word: str) -> dict[str, Any]:
    return connection(word or None)


def _host(told: Told) -> dict[str, Any] | None:
    if not told.on_host:
        return None
    known, fields = told.known, told.line.fields
    name = known.get("dvchost") or fields.get("shost") or fields.get("dhost") or None
    address = ip(fields.get("dvc"))
    return device(name, ip=address) if name or address else None


def _user(name: str | None) -> dict[str, Any] | None:
    r"""Read `DOMAIN\name`."""
    if not name:
        return None
    domain, slash, bare = name.rpartition("\\")
    return user(bare or name, domain=domain if slash and bare else None)


def _ruled(told: Told) -> dict[str, Any]:
    """Return what was done with the connection, and by which rule."""
    found = verdict(told.known.get("act"))
    labelled = told.line.labelled
    rule = told.known.get("rule") or next((labelled[name] for name in RULE_LABELS if name in labelled), None)
    if found and rule:
        found["firewall_rule"] = {"name": rule}
    return found


def flow(told: Told) -> Built:
    """Build Network Activity."""
    attributes = _network(told)
    denied = attributes.get("action_id") == DENIED
    return NETWORK_ACTIVITY, REFUSE if denied else TRAFFIC, attributes


def web(told: Told) -> Built:
    """Build HTTP Activity."""
    asked = _request(told)
    activity, word = http_activity(told.known.get("method"))
    attributes = _network(told) | {"http_request": asked} | drop_none(activity_name=word)
    return HTTP_ACTIVITY, activity, attributes


def _request(told: Told) -> dict[str, Any]:
    known = told.known
    wanted = known.get("request")
    fields = told.line.fields
    host = fields.get("dhost") or fields.get("hostname") or known.get("dhost")
    bare = wanted if not wanted or _WHOLE in wanted or wanted.startswith("/") else f"http://{wanted}"
    target = url(bare, host if bare and bare.startswith("/") else None, "https" if known.get("dpt") == "443" else None)
    return request(known.get("method"), target, known.get("agent"), known.get("referrer"))


def logon(told: Told) -> Built:
    """Build Authentication for a sign-in."""
    return AUTHENTICATION, ON, _authentication(told)


def logoff(told: Told) -> Built:
    """Build Authentication for a sign-out."""
    return AUTHENTICATION, OFF, _authentication(told)


def _authentication(told: Told) -> dict[str, Any]:
    """Return who signed in, from where and to what; the service is the device itself where no target is named."""
    known, line = told.known, told.line
    source, target = _ends(told)
    who, initiator = _user(known.get("duser") or known.get("suser")), _user(known.get("suser"))
    words = (known.get("outcome"), known.get("act"), line.name, known.get("msg"), line.event_class)
    return drop_none(
        user=who,
        actor={"user": initiator} if initiator and "duser" in known else None,
        src_endpoint=source,
        dst_endpoint=target,
        service={"name": line.product or line.vendor or "firewall"},
        device=_host(told),
        message=known.get("msg") or line.name or None,
        status_detail=line.fields.get("reason"),
        **outcome(*words),
    )


def alert(told: Told) -> Built:
    """Build a Detection Finding with what was seen as evidence."""
    known, line = told.known, told.line
    source, target = _ends(told)
    asked = _request(told)
    seen = drop_none(
        src_endpoint=source,
        dst_endpoint=target,
        connection_info=_connection(told),
        http_request=asked,
        url=asked.get("url"),
        file=_file(known),
        user=_user(known.get("suser") or known.get("duser")),
    )
    who = _user(known.get("suser") or known.get("duser"))
    attributes = drop_none(
        finding_info=_info(told),
        evidences=[seen],
        device=_host(told) or _affected(source, target),
        actor={"user": who} if who else None,
        message=known.get("msg") or line.name or None,
        is_alert=True,
        **_ruled(told),
    )
    return DETECTION_FINDING, CREATE, attributes


def _file(known: Mapping[str, str]) -> dict[str, Any] | None:
    path = known.get("fpath") or known.get("fname")
    return file(path, hashes=[fingerprint(known.get("fhash"))]) if path else None


def _info(told: Told) -> dict[str, Any]:
    known, line = told.known, told.line
    threat = known.get("attack") or line.labelled.get("ThreatName") or line.labelled.get("Threat Name")
    title = threat or (line.name if line.form != FORTIGATE else "") or known.get("cat") or line.event_class or "alert"
    rule = line.event_class if line.form != FORTIGATE else line.fields.get("attackid") or line.fields.get("virusid")
    return finding(
        title,
        known.get("uid") or content_uid("firewall", line.product, title, str(told.time), str(known.get("src"))),
        rule_uid=_rule_uid(line, rule, title),
        rule=title,
        desc=known.get("msg"),
        attack=attacks(*line.labelled.values(), known.get("cat"), known.get("msg")),
        types=[known["cat"]] if "cat" in known else None,
        created_time=told.time,
    )


def _rule_uid(line: Line, rule: str | None, title: str) -> str:
    """Return what raised an alert: the id of the event class, or with the threat where one class has many."""
    return f"{line.product}:{rule or ''}:{title}" if title != line.name or not rule else f"{line.product}:{rule}"


def _affected(source: dict[str, Any] | None, target: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the end that is one's own: the target where both are or neither is."""
    found = [end for end in (target, source) if end and "ip" in end]
    chosen = next((end for end in found if is_private(end["ip"])), found[0] if found else None)
    return device(chosen.get("hostname"), ip=chosen["ip"]) if chosen else None
