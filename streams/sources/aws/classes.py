"""The part of a CloudTrail event that belongs to its OCSF class, for each class.

A record that lacks what its class requires (a group change that names no group) is API Activity instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from models.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, AUTHENTICATION, GROUP_MANAGEMENT, USER_ACCESS
from streams.sources.aws import actions
from streams.sources.aws.actions import Action, action_of
from streams.sources.aws.principals import (
    account_of,
    actor_of,
    assumed_of,
    issued_session_of,
    partition_of,
    subject_of,
)
from streams.sources.base import drop_none, text
from streams.sources.fields import MAX_LISTED, object_at, objects_at

MAX_NAME: Final = 256
_INSTANCE: Final = "AWS::EC2::Instance"
_NAMES_INSTANCES: Final = frozenset(("instanceId", "target", "instanceIds", "instancesSet"))
_NO_MEMBER: Final[Mapping[str, Any]] = {}


class Call(NamedTuple):
    """A CloudTrail event taken apart once, for all who build from it. A tuple: made for every record, and fast to make.

    Attributes:
        fields: The whole record.
        service: `eventSource`.
        name: `eventName`.
        request: `requestParameters`, empty when it is no object.
        response: `responseElements`, likewise.
        actor: OCSF actor.
        account: The account that the event concerns.
        outcome: What sign-in events say of themselves (`Success`, `Failure`), empty for others.
    """

    fields: Mapping[str, Any]
    service: str
    name: str
    request: Mapping[str, Any]
    response: Mapping[str, Any]
    actor: dict[str, Any]
    account: str | None
    outcome: str

    @property
    def caller(self) -> dict[str, Any] | None:
        """Return the principal that called."""
        user: dict[str, Any] | None = self.actor.get("user")
        return user

    @property
    def action(self) -> Action:
        """Return what service and name say."""
        return action_of(self.service, self.name)


Built = tuple[int, int, dict[str, Any]]  # class, activity, the attributes of that class


def take_apart(fields: Mapping[str, Any]) -> Call:
    """Find the parts of an event that the builders share."""
    identity = object_at(fields, "userIdentity")
    service, name = str(fields["eventSource"])[:MAX_NAME], str(fields["eventName"])[:MAX_NAME]
    response = object_at(fields, "responseElements")
    said = response.get(name)
    if not said and "serviceEventDetails" in fields:
        said = object_at(fields, "serviceEventDetails").get(name)
    return Call(
        fields,
        service,
        name,
        object_at(fields, "requestParameters"),
        response,
        actor_of(identity, service),
        text(fields.get("recipientAccountId")) or text(identity.get("accountId")),
        said if isinstance(said, str) else "",
    )


def _authentication(call: Call) -> Built:
    assumed = assumed_of(call.request, call.response)
    user = assumed or call.caller
    if user is None:
        return _api_activity(call)
    used = text(object_at(call.fields, "additionalEventData").get("MFAUsed")) == "Yes"
    inherited = object_at(call.actor, "session").get("is_mfa")
    attributes = drop_none(
        user=user,
        service={"name": call.service},
        session=issued_session_of(call.request, call.response),
        is_mfa=True if used else inherited,
        auth_protocol_id=call.action.protocol_id or None,
    )
    return AUTHENTICATION, call.action.activity_id, attributes


def _subject(call: Call) -> dict[str, Any] | None:
    """Return whom a change is about: those who name nobody change themselves."""
    arn = call.caller.get("uid_alt") if call.caller else None
    named = subject_of(call.request, call.response, account=call.account, partition=partition_of(arn))
    return named or call.caller


def _account_change(call: Call) -> Built:
    user = _subject(call)
    if user is None:
        return _api_activity(call)
    policy = drop_none(uid=text(call.request.get("policyArn")), name=text(call.request.get("policyName")))
    return ACCOUNT_CHANGE, call.action.activity_id, drop_none(user=user, policy=policy)


def _user_access(call: Call) -> Built:
    user = _subject(call)
    if user is None:
        return _api_activity(call)
    boundary = text(call.request.get("permissionsBoundary")) or text(call.request.get("permissionSetArn"))
    attributes = {"user": user, "privileges": [boundary or call.name], "resources": _resources(call)}
    return USER_ACCESS, call.action.activity_id, drop_none(**attributes)


def _group_management(call: Call) -> Built:
    made = object_at(call.response, "group")
    group = drop_none(
        name=text(call.request.get("groupName"))
        or text(made.get("groupName"))
        or text(call.request.get("displayName")),
        uid=text(made.get("arn")) or text(call.request.get("groupId")) or text(call.response.get("groupId")),
    )
    if not group:
        return _api_activity(call)
    policy = text(call.request.get("policyArn")) or text(call.request.get("policyName"))
    member = subject_of(_member(call), _NO_MEMBER, account=call.account, partition="aws")
    attributes = drop_none(group=group, user=member, privileges=[policy] if policy else None)
    return GROUP_MANAGEMENT, call.action.activity_id, attributes


def _member(call: Call) -> Mapping[str, Any]:
    inner = object_at(call.request, "memberId") or object_at(call.request, "member")  # Identity Center
    return inner or call.request


def _api_activity(call: Call) -> Built:
    said = call.fields.get("readOnly")
    reads = said is True or (isinstance(said, str) and said.lower() == "true")
    activity_id = actions.READ if reads else call.action.api_activity_id
    resources = _resources(call)
    return API_ACTIVITY, activity_id, {"resources": resources} if resources else {}


def _resources(call: Call) -> list[dict[str, Any]]:
    listed = [_resource(item) for item in objects_at(call.fields, "resources")] if "resources" in call.fields else []
    if _NAMES_INSTANCES.isdisjoint(call.request) and "instancesSet" not in call.response:
        return [resource for resource in listed if resource]
    found = {uid: {"uid": uid, "type": _INSTANCE} for uid in islice(_instances(call), MAX_LISTED)}
    return [resource for resource in listed if resource] + list(found.values())


def _resource(item: Mapping[str, Any]) -> dict[str, Any] | None:
    uid = text(item.get("ARN")) or text(item.get("arn")) or text(item.get("ARNPrefix"))
    if uid is None:
        return None
    owner = account_of(text(item.get("accountId")))
    return drop_none(uid=uid, type=text(item.get("type")), owner={"account": owner} if owner else None)


def _instances(call: Call) -> Iterator[str]:
    """Name the EC2 instances that a call concerns, wherever its service writes them."""
    for name in ("instanceId", "target"):
        if _is_instance(call.request.get(name)):
            yield call.request[name]
    listed = call.request.get("instanceIds")
    yield from filter(_is_instance, listed[:MAX_LISTED] if isinstance(listed, list) else ())
    for side in (call.request, call.response):
        for item in objects_at(object_at(side, "instancesSet"), "items"):
            if _is_instance(item.get("instanceId")):
                yield item["instanceId"]


def _is_instance(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("i-") and len(value) <= MAX_NAME


BUILDERS: Final[Mapping[int, Callable[[Call], Built]]] = {
    ACCOUNT_CHANGE: _account_change,
    AUTHENTICATION: _authentication,
    USER_ACCESS: _user_access,
    GROUP_MANAGEMENT: _group_management,
    API_ACTIVITY: _api_activity,
}
