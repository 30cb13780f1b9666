"""What findings of GuardDuty and of Security Hub have in common: who, on what, and the action that was seen.

Both write an action alike, the one with small letters first, the other with capitals; here they are small.

Source: GuardDuty finding details, and the `Action` object of the AWS Security Finding Format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from streams.sources.aws.principals import caller_of, session_of
from streams.sources.base import drop_none, integer, ip, text
from streams.sources.fields import MAX_LISTED, object_at, objects_at
from streams.sources.objects import connection, endpoint, user

BLOCKED: Final = {"action_id": 2, "action": "Denied", "disposition_id": 2, "disposition": "Blocked"}
MAX_DEGREES: Final = 180
MAX_PROTOCOL_DIGITS: Final = 3
MAX_LEVELS: Final = 24  # of objects within objects that have their names changed; findings have about ten
_DIRECTIONS: Final = {"INBOUND": 1, "OUTBOUND": 2}
_USER_ARNS: Final = {
    "IAMUser": "arn:{partition}:iam::{account}:user/{name}",
    "Root": "arn:{partition}:iam::{account}:root",
    "FederatedUser": "arn:{partition}:sts::{account}:federated-user/{name}",
}
_ROLES: Final = ("AssumedRole", "Role")

Endpoint = dict[str, Any] | None


def uncapitalized(value: Any, levels: int = MAX_LEVELS) -> Any:
    """Return JSON with the first letter of all names small, as many levels down as findings have."""
    if not levels:
        return value
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: uncapitalized(item, levels - 1) for name, item in value.items()}
    return [uncapitalized(item, levels - 1) for item in value] if isinstance(value, list) else value


def actor_of_key(details: Mapping[str, Any], account: str | None, partition: str) -> dict[str, Any]:
    """Return the actor that an access key belongs to, under the ARN that CloudTrail has it by; empty for none."""
    kind = text(details.get("userType")) or text(details.get("principalType"))
    account = text(details.get("accountId")) or account
    name = text(details.get("userName")) or text(details.get("principalName"))
    arn = _arn(kind, name, text(details.get("principalId")), account, partition)
    is_role = kind in _ROLES
    identity = drop_none(
        type="AssumedRole" if is_role else kind,
        arn=arn,
        principalId=text(details.get("principalId")),
        userName=None if is_role and arn else name,
        accountId=account,
        accessKeyId=text(details.get("accessKeyId")),
        sessionContext=object_at(details, "sessionContext"),
    )
    if not (arn or name or "principalId" in identity or "accessKeyId" in identity):
        return {}
    return drop_none(user=caller_of(identity), session=session_of(identity))


def _arn(kind: str | None, name: str | None, principal: str | None, account: str | None, partition: str) -> str | None:
    if account is None or (name is None and kind != "Root"):
        return None
    if kind in _ROLES:
        session = (principal or "").partition(":")[2]
        return f"arn:{partition}:sts::{account}:assumed-role/{name}/{session}" if session else None
    template = _USER_ARNS.get(kind or "")
    return template.format(partition=partition, account=account, name=name) if template else None


def remote_of(details: Mapping[str, Any], port: Any = None) -> Endpoint:
    """Return the other side of an action from its `remoteIpDetails`: address, place and network."""
    organization, place = object_at(details, "organization"), object_at(details, "geoLocation")
    country = object_at(details, "country")
    number = integer(organization.get("asn"))
    address = ip(details.get("ipAddressV4")) or ip(details.get("ipAddressV6"))
    if address is None:
        return None
    location = drop_none(
        city=text(object_at(details, "city").get("cityName")),
        country=text(country.get("countryCode")) or text(country.get("countryName")),
    )
    if location:
        location |= drop_none(lat=_degrees(place.get("lat")), long=_degrees(place.get("lon")))
    return endpoint(
        address,
        port,
        location=location,
        autonomous_system=drop_none(number=number, name=text(organization.get("asnOrg"))),
        isp=text(organization.get("isp")),
    )


def _degrees(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) <= MAX_DEGREES else None


def evidences_of(action: Mapping[str, Any], local: Endpoint) -> list[dict[str, Any]]:
    """Return the evidence in a finding's action.

    Args:
        action: `service.action` of GuardDuty, `Action` of Security Hub with small letters.
        local: The side that is one's own, where the finding names it.
    """
    found = (
        *_api_calls(object_at(action, "awsApiCallAction")),
        *_connections(object_at(action, "networkConnectionAction"), local),
        *_probes(object_at(action, "portProbeAction"), local),
        *_queries(object_at(action, "dnsRequestAction"), local),
        *_cluster_calls(object_at(action, "kubernetesApiCallAction")),
        *_logins(object_at(action, "rdsLoginAttemptAction")),
    )
    return [evidence for evidence in found if evidence]


def protocol_of(value: Any) -> str | None:
    """Return the protocol by its name, or by a number that is one."""
    word = text(value)
    return None if word is None or (word[:1].isdigit() and len(word) > MAX_PROTOCOL_DIGITS) else word


def is_blocked(action: Mapping[str, Any]) -> bool:
    """Tell whether what was seen was stopped."""
    kinds = ("networkConnectionAction", "portProbeAction", "dnsRequestAction")
    return any(object_at(action, kind).get("blocked") is True for kind in kinds)


def _api_calls(call: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    name = text(call.get("api"))
    domain = text(object_at(call, "domainDetails").get("domain"))
    source = remote_of(object_at(call, "remoteIpDetails")) or ({"svc_name": domain} if domain else None)
    service, error = text(call.get("serviceName")), text(call.get("errorCode"))
    api = drop_none(
        operation=name, service={"name": service} if service else None, response={"error": error} if error else None
    )
    agent = text(call.get("userAgent"))
    yield drop_none(
        api=api if name else None, src_endpoint=source, http_request={"user_agent": agent} if agent and name else None
    )


def _connections(seen: Mapping[str, Any], local: Endpoint) -> Iterator[dict[str, Any]]:
    direction = _DIRECTIONS.get(str(seen.get("connectionDirection")).upper(), 0)
    remote = remote_of(object_at(seen, "remoteIpDetails"), object_at(seen, "remotePortDetails").get("port"))
    own = _own(seen, local)
    if remote is None and "connectionDirection" not in seen:
        return
    src, dst = (remote, own) if direction == 1 else (own, remote)
    info = connection(protocol_of(seen.get("protocol")), direction)
    yield drop_none(src_endpoint=src, dst_endpoint=dst, connection_info=info)


def _own(seen: Mapping[str, Any], local: Endpoint) -> Endpoint:
    address = ip(object_at(seen, "localIpDetails").get("ipAddressV4"))
    base = {**(local or {}), **drop_none(ip=address)}
    return endpoint(base.pop("ip", None), object_at(seen, "localPortDetails").get("port"), **base)


def _probes(seen: Mapping[str, Any], local: Endpoint) -> Iterator[dict[str, Any]]:
    for probe in objects_at(seen, "portProbeDetails"):
        source, target = remote_of(object_at(probe, "remoteIpDetails")), _own(probe, local)
        if source or target:
            yield drop_none(src_endpoint=source, dst_endpoint=target, connection_info=connection("tcp", 1))


def _queries(seen: Mapping[str, Any], local: Endpoint) -> Iterator[dict[str, Any]]:
    domain = text(seen.get("domain"))
    if domain:
        yield drop_none(
            query={"hostname": domain},
            src_endpoint=local,
            connection_info=connection(protocol_of(seen.get("protocol")), 2),
        )


def _cluster_calls(call: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    verb, path, agent = text(call.get("verb")), text(call.get("requestUri")), text(call.get("userAgent"))
    request = drop_none(url={"path": path} if path else None, user_agent=agent)
    sources = call.get("sourceIPs", call.get("sourceIps"))
    first = next(
        (address for item in (sources if isinstance(sources, list) else [])[:1] if (address := ip(item))), None
    )
    code = integer(call.get("statusCode"))
    yield drop_none(
        api={"operation": verb, "service": {"name": "kubernetes"}} if verb else None,
        src_endpoint=remote_of(object_at(call, "remoteIpDetails")) or endpoint(first),
        http_request=request if verb else None,
        http_response={"code": code} if verb and code is not None else None,
    )


def _logins(seen: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    source = remote_of(object_at(seen, "remoteIpDetails"))
    attempts = objects_at(seen, "loginAttributes")[:MAX_LISTED]
    for attempt in attempts or [{}]:
        yield drop_none(src_endpoint=source, user=user(text(attempt.get("user"))))
