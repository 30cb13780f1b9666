"""What a Security Hub finding is about: resources, actor, evidence, the result of a control, vulnerabilities.

Source: AWS Security Finding Format (`Resources`, `Action`, `Network`, `Process`, `Compliance`, `Vulnerabilities`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from streams.sources.aws.finding_parts import actor_of_key, evidences_of, protocol_of, uncapitalized
from streams.sources.aws.guardduty_resources import local_of
from streams.sources.aws.principals import account_in, caller_of
from streams.sources.base import drop_none, integer, ip, text
from streams.sources.fields import MAX_LISTED, object_at, objects_at, timestamp
from streams.sources.objects import connection, endpoint, process

VIRTUAL: Final = 6
_INSTANCE: Final = "AwsEc2Instance"
_KEY: Final = "AwsIamAccessKey"
_PRINCIPALS: Final = {"AwsIamUser": "IAMUser", "AwsIamRole": "Role"}
_ROLES: Final = {"Target": 1, "Actor": 2}
_RESULTS: Final = {
    "PASSED": (1, "Pass"),
    "WARNING": (2, "Warning"),
    "FAILED": (3, "Fail"),
    "NOT_AVAILABLE": (0, "Unknown"),
}
_FLAGS: Final = {"YES": True, "NO": False}
_DIRECTIONS: Final = {"IN": 1, "OUT": 2}


def resources_of(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the resources; an EC2 instance has its own id for its uid, as everywhere else, and the ARN beside it."""
    return [resource for item in objects_at(fields, "Resources") if (resource := _resource(item))]


def _resource(item: Mapping[str, Any]) -> dict[str, Any] | None:
    arn, kind, role = text(item.get("Id")), text(item.get("Type")), text(item.get("ResourceRole"))
    if arn is None:
        return None
    uid = arn.rpartition("/")[2] if kind == _INSTANCE else arn
    details = item.get("Details")
    return drop_none(
        uid=uid or arn,
        uid_alt=arn if uid != arn else None,
        type=kind,
        role=role,
        role_id=_ROLES.get(role, 99) if role else None,
        region=text(item.get("Region")),
        cloud_partition=text(item.get("Partition")),
        data=details if isinstance(details, dict) else None,
    )


def _of_type(fields: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    return (item for item in objects_at(fields, "Resources") if item.get("Type") == kind)


def is_identity(fields: Mapping[str, Any]) -> bool:
    """Tell whether an access key or a user is among the resources."""
    return any(text(item.get("Type")) in {_KEY, "AwsIamUser"} for item in objects_at(fields, "Resources"))


def device_of(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the instance among the resources."""
    for item in _of_type(fields, _INSTANCE):
        details = object_at(object_at(item, "Details"), _INSTANCE)
        addresses = details.get("IpV4Addresses")
        listed = addresses[:MAX_LISTED] if isinstance(addresses, list) else []
        uid = (text(item.get("Id")) or "").rpartition("/")[2]
        if uid:
            return {"type_id": VIRTUAL, "instance_uid": uid} | drop_none(
                ip=next((address for value in listed if (address := ip(value))), None),
                vpc_uid=text(details.get("VpcId")),
                subnet_uid=text(details.get("SubnetId")),
            )
    return None


def actor_of(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return who acted: the user or the role that is marked as such, with the access key that was used."""
    key = _key_holder(fields)
    named = next(_principals(fields), None)
    known = {name: named[name] for name in ("name", "uid_alt", "email_addr") if name in named} if named else {}
    return drop_none(user={**(named or {}), **key.get("user", {}), **known}, session=key.get("session")) or None


def _key_holder(fields: Mapping[str, Any]) -> dict[str, Any]:
    account = text(fields.get("AwsAccountId"))
    for item in _of_type(fields, _KEY):
        details = uncapitalized(object_at(object_at(item, "Details"), _KEY))
        return actor_of_key(details, account, text(item.get("Partition")) or "aws")
    return {}


def _principals(fields: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for item in objects_at(fields, "Resources"):
        kind, arn = _PRINCIPALS.get(str(item.get("Type"))), text(item.get("Id"))
        acts = item.get("ResourceRole") == "Actor" or (kind == "IAMUser" and "ResourceRole" not in item)
        if kind and acts and arn and arn.startswith("arn:"):
            kind = "IAMUser" if ":user/" in arn else kind
            found = caller_of(drop_none(type=kind, arn=arn, accountId=account_in(arn)))
            if found:
                yield found


def detected(
    fields: Mapping[str, Any], action: Mapping[str, Any], device: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """Return the evidence: the action (its names with small letters), the connection, the process."""
    seen = evidences_of(action, local_of(device))
    running = object_at(fields, "Process")
    pid = integer(running.get("Pid"))
    started = process(
        pid if pid is not None and pid >= 0 else None, path=text(running.get("Path")), name=text(running.get("Name"))
    )
    return [*seen, *_connection(object_at(fields, "Network")), *([{"process": started}] if started else ())]


def _connection(seen: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    source = endpoint(
        ip(seen.get("SourceIpV4")) or ip(seen.get("SourceIpV6")), seen.get("SourcePort"), text(seen.get("SourceDomain"))
    )
    target = endpoint(
        ip(seen.get("DestinationIpV4")) or ip(seen.get("DestinationIpV6")),
        seen.get("DestinationPort"),
        text(seen.get("DestinationDomain")),
    )
    if source or target:
        info = connection(protocol_of(seen.get("Protocol")), _DIRECTIONS.get(str(seen.get("Direction")), 0))
        yield drop_none(src_endpoint=source, dst_endpoint=target, connection_info=info)


def compliance_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of a control."""
    result = object_at(fields, "Compliance")
    word = text(result.get("Status")) or ""
    status_id, status = _RESULTS.get(word, (99, word))
    reasons = objects_at(result, "StatusReasons")
    return drop_none(
        status_id=status_id,
        status=status,
        control=text(result.get("SecurityControlId")),
        standards=texts([item.get("StandardsId") for item in objects_at(result, "AssociatedStandards")]),
        requirements=texts(result.get("RelatedRequirements")),
        status_details=texts([item.get("Description") or item.get("ReasonCode") for item in reasons]),
    )


def texts(value: Any) -> list[str]:
    """Return the strings of a list, MAX_LISTED at most; none for anything else."""
    return [item for item in value[:MAX_LISTED] if isinstance(item, str)] if isinstance(value, list) else []


def vulnerabilities_of(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the vulnerabilities that have an id."""
    return [found for item in objects_at(fields, "Vulnerabilities") if (found := _vulnerability(item))]


def _vulnerability(item: Mapping[str, Any]) -> dict[str, Any] | None:
    uid, vendor = text(item.get("Id")), object_at(item, "Vendor")
    if uid is None:
        return None
    times = drop_none(
        created_time=timestamp(vendor.get("VendorCreatedAt")), modified_time=timestamp(vendor.get("VendorUpdatedAt"))
    )
    cve = {"uid": uid, **times, **drop_none(cvss=_scores(item), epss=_epss(item.get("EpssScore")))}
    exploit, fix = str(item.get("ExploitAvailable")), str(item.get("FixAvailable"))
    return {
        **({"cve": cve} if uid.startswith("CVE-") else {"advisory": {"uid": uid, **times}}),
        **drop_none(
            affected_packages=[
                package for entry in objects_at(item, "VulnerablePackages") for package in _package(entry)
            ],
            references=texts(item.get("ReferenceUrls")),
            related_vulnerabilities=texts(item.get("RelatedVulnerabilities")),
            severity=text(vendor.get("VendorSeverity")),
            vendor_name=text(vendor.get("Name")),
            is_exploit_available=_FLAGS.get(exploit),
            is_fix_available=_FLAGS.get(fix, True if fix == "PARTIAL" else None),
        ),
    }


def _scores(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        drop_none(base_score=float(score), version=version, vector_string=text(entry.get("BaseVector")))
        for entry in objects_at(item, "Cvss")
        if isinstance(score := entry.get("BaseScore"), int | float)
        and not isinstance(score, bool)
        and (version := text(entry.get("Version")))
    ]


def _epss(score: Any) -> dict[str, Any] | None:
    return {"score": str(score)} if isinstance(score, int | float) and not isinstance(score, bool) else None


def _package(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    name, version, advice = text(entry.get("Name")), text(entry.get("Version")), text(entry.get("Remediation"))
    if name and version:
        epoch = integer(entry.get("Epoch"))
        yield {"name": name, "version": version} | drop_none(
            architecture=text(entry.get("Architecture")),
            epoch=epoch,
            fixed_in_version=text(entry.get("FixedInVersion")),
            package_manager=text(entry.get("PackageManager")),
            path=text(entry.get("FilePath")),
            release=text(entry.get("Release")),
            remediation={"desc": advice} if advice else None,
        )
