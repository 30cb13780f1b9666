"""The affected side of a GuardDuty finding: instance, container, access key, bucket, cluster, function, database.

Source: GuardDuty finding details, `resource`, `service.runtimeDetails` and `service.detection` of attack sequences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from streams.sources.aws.finding_parts import actor_of_key
from streams.sources.base import drop_none, integer, ip, text
from streams.sources.fields import MAX_LISTED, object_at, objects_at
from streams.sources.objects import endpoint, file, fingerprint, process, user

VIRTUAL: Final = 6
# Member of `resource`, the type of what it is, and the names of its id and its name there.
_RESOURCES: Final = (
    ("instanceDetails", "AWS::EC2::Instance", "instanceId", "instanceId"),
    ("s3BucketDetails", "AWS::S3::Bucket", "arn", "name"),
    ("eksClusterDetails", "AWS::EKS::Cluster", "arn", "name"),
    ("ecsClusterDetails", "AWS::ECS::Cluster", "arn", "name"),
    ("lambdaDetails", "AWS::Lambda::Function", "functionArn", "functionName"),
    ("rdsDbInstanceDetails", "AWS::RDS::DBInstance", "dbInstanceArn", "dbInstanceIdentifier"),
    ("containerDetails", "Container", "id", "name"),
    ("accessKeyDetails", "AWS::IAM::AccessKey", "accessKeyId", "userName"),
)


def actor_of(
    resource: Mapping[str, Any], service: Mapping[str, Any], account: str | None, partition: str
) -> dict[str, Any] | None:
    """Return who acted: the holder of the access key, the user of the cluster or of the database."""
    found = actor_of_key(object_at(resource, "accessKeyDetails"), account, partition)
    if "user" not in found:
        cluster = object_at(object_at(resource, "kubernetesDetails"), "kubernetesUserDetails")
        database = object_at(resource, "rdsDbUserDetails")
        member = (
            user(text(cluster.get("username")), uid=text(cluster.get("uid")))
            or user(text(database.get("user")))
            or _sequence_user(service)
        )
        found |= drop_none(user=member)
    return found | drop_none(process=process_of(service)) or None


def _sequence(service: Mapping[str, Any]) -> Mapping[str, Any]:
    return object_at(object_at(service, "detection"), "sequence")


def _sequence_user(service: Mapping[str, Any]) -> dict[str, Any] | None:
    for actor in objects_at(_sequence(service), "actors")[:1]:
        named = object_at(actor, "user")
        return user(
            text(named.get("name")), uid=text(named.get("uid")), credential_uid=text(named.get("credentialUid"))
        )
    return None


def process_of(service: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the process that Runtime Monitoring saw."""
    seen = object_at(object_at(service, "runtimeDetails"), "process")
    path, digest = text(seen.get("executablePath")), fingerprint(text(seen.get("executableSha256")), "SHA-256")
    pid = integer(seen.get("pid"))
    return process(
        pid if pid is not None and pid >= 0 else None,
        uid=text(seen.get("uuid")),
        name=text(seen.get("name")),
        image=file(path, hashes=(digest,)) if path else None,
        user=user(text(seen.get("user")), uid=text(seen.get("userId"))),
        working_directory=text(seen.get("pwd")),
    )


def device_of(resource: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the instance that is affected, and the container on it or of it; None for neither."""
    instance = object_at(resource, "instanceDetails")
    uid = text(instance.get("instanceId"))
    interface: Mapping[str, Any] = next(iter(objects_at(instance, "networkInterfaces")), {})
    found = drop_none(
        instance_uid=uid,
        hostname=text(interface.get("privateDnsName")),
        ip=ip(interface.get("privateIpAddress")),
        interface_uid=text(interface.get("networkInterfaceId")),
        vpc_uid=text(interface.get("vpcId")),
        subnet_uid=text(interface.get("subnetId")),
        zone=text(instance.get("availabilityZone")),
    )
    container = _container(resource)
    if not found and container is None:
        return None
    named = found.keys() & {"instance_uid", "hostname", "ip", "interface_uid"}
    return {
        "type_id": VIRTUAL,
        **({} if named else {"name": "unknown"}),
        **found,
        **drop_none(container=container),
    }


def _container(resource: Mapping[str, Any]) -> dict[str, Any] | None:
    details = object_at(resource, "containerDetails")
    workload = object_at(object_at(resource, "kubernetesDetails"), "kubernetesWorkloadDetails")
    task = object_at(object_at(resource, "ecsClusterDetails"), "taskDetails")
    for item in (details, *objects_at(workload, "containers")[:1], *objects_at(task, "containers")[:1]):
        uid, name, image = text(item.get("id")), text(item.get("name")), text(item.get("image"))
        if uid or name:
            runtime = text(item.get("containerRuntime"))
            return drop_none(uid=uid, name=name, runtime=runtime, image={"uid": image} if image else None)
    return None


def local_of(device: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the device as an endpoint of a connection."""
    names = ("ip", "hostname", "instance_uid", "interface_uid", "vpc_uid", "subnet_uid")
    return {name: device[name] for name in names if name in device} or None if device else None


def resources_of(resource: Mapping[str, Any], service: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return everything that is affected."""
    workload = object_at(object_at(resource, "kubernetesDetails"), "kubernetesWorkloadDetails")
    found = [
        *_listed(resource),
        *_one(workload, text(workload.get("type")) or "Kubernetes workload", "uid", "name"),
        *(
            part
            for item in objects_at(_sequence(service), "resources")
            for part in _one(item, text(item.get("type")), "uid", "name")
        ),
    ]
    return found[:MAX_LISTED]


def _listed(resource: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for member, kind, uid, name in _RESOURCES:
        details = resource.get(member)
        for item in details[:MAX_LISTED] if isinstance(details, list) else [details]:
            if isinstance(item, dict):
                yield from _one(item, kind, uid, name)


def _one(item: Mapping[str, Any], kind: str | None, uid: str, name: str) -> Iterator[dict[str, Any]]:
    found = drop_none(uid=text(item.get(uid)), name=text(item.get(name)))
    if found:
        yield found | drop_none(type=kind, namespace=text(item.get("namespace")))


def more_evidences(service: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the process of Runtime Monitoring, and the addresses that an attack sequence names."""
    running = process_of(service)
    ends = (
        endpoint(item.get("ip"), item.get("port"), hostname=text(item.get("domain")))
        for item in objects_at(_sequence(service), "endpoints")
    )
    return [*([{"process": running}] if running else ()), *({"src_endpoint": end} for end in ends if end)]
