"""The forms in which Azure's logs come, taken apart once.

Source: the activity log event schema in event hubs and storage accounts, in the REST API (`eventTimestamp`, values with
a `localizedValue`), in the AzureActivity table; the common schema of resource logs; the audit logs of AKS
(`properties.log`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from streams.sources.base import drop_none, integer
from streams.sources.fields import object_at
from streams.sources.microsoft.common import METHODS, camel, known, outer, unpacked_object, worded
from streams.sources.microsoft.entra_forms import CATEGORIES

MAX_OPERATION: Final = 512
MAX_RESOURCES: Final = 4
TABLE: Final = "AzureActivity"
KUBE_AUDIT: Final = frozenset({"kube-audit", "kube-audit-admin"})
FLOWS: Final = frozenset({"flowlogflowevent", "networksecuritygroupflowevent"})
ALERTS: Final = "advancedhunting-"
_COLUMNS: Final = {
    "OperationNameValue": "operationName",
    "ActivityStatusValue": "resultType",
    "ActivitySubstatusValue": "resultSignature",
    "CategoryValue": "category",
    "CallerIpAddress": "callerIpAddress",
    "Claims_d": "claims",
    "Authorization_d": "authorization",
    "Properties_d": "properties",
    "HTTPRequest": "httpRequest",
    "_ResourceId": "resourceId",
    "TimeGenerated": "time",
    "EventSubmissionTimestamp": "submissionTimestamp",
}
_BESIDE: Final = frozenset(
    {"resourceId", "resourceid", "resourceUri", "callerIpAddress", "calleripaddress", "subscriptionId", "ResourceId"}
)
_TIMES: Final = frozenset({"time", "eventTimestamp", "EventTime", "timeStamp"})
_MAPPED: Final = frozenset(
    {
        *("time", "eventTimestamp", "resourceId", "operationName", "operationVersion", "category", "tenantId", "level"),
        *("callerIpAddress", "correlationId", "location", "resultDescription", "caller", "subscriptionId"),
        *("operationId", "eventDataId", "claims", "submissionTimestamp"),
    }
)
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})


@dataclass(frozen=True, slots=True)
class Call:
    """One log entry.

    Attributes:
        fields: The entry under the names of event hubs.
        raw: The entry as it stands in the record.
        operation: Name of the operation.
        localized: What people call the operation.
        category: `Administrative`, `StorageRead`, ...
        time: When it happened, as the entry has it.
        resource: Id of the resource.
        properties: `properties`, empty where there is no object.
        identity: `identity`, likewise.
        claims: Claims of the caller's token.
        caller: UPN or object id of the caller.
        caller_ip: Address of the caller.
        result: Word for the outcome.
        substatus: Further word for the outcome.
        code: HTTP status code.
        kube: The audit event of Kubernetes that an AKS log carries, else empty.
    """

    fields: Mapping[str, Any]
    raw: Mapping[str, Any]
    operation: str
    localized: str | None
    category: str | None
    time: Any
    resource: str | None
    properties: Mapping[str, Any]
    identity: Mapping[str, Any]
    claims: Mapping[str, Any]
    caller: str | None
    caller_ip: Any
    result: str | None
    substatus: str | None
    code: int | None
    kube: Mapping[str, Any]

    def resources(self) -> list[str]:
        """Return the ids of what the call is about: the resource, and the object within it that is named."""
        names = (self.resource, known(self.properties.get("objectKey")), known(self.properties.get("entity")))
        kube = object_at(self.kube, "objectRef")
        parts = (kube.get(name) for name in ("namespace", "resource", "name", "subresource"))
        inner = "/".join(part for part in map(known, parts) if part)
        secret = known(self.properties.get("id"))
        return [name for name in dict.fromkeys((*names, inner, secret)) if name][:MAX_RESOURCES]

    def http_request(self) -> dict[str, Any]:
        """Return the request, empty when the entry does not tell of it."""
        http = unpacked_object(self.fields.get("httpRequest"))
        method = (known(http.get("method")) or "").upper()
        uri = known(self.fields.get("uri")) or known(http.get("uri")) or known(self.properties.get("requestUri"))
        agent = next(
            filter(None, (known(self.properties.get(n)) for n in ("userAgentHeader", "clientInfo", "userAgent"))),
            known(self.kube.get("userAgent")),
        )
        return drop_none(
            user_agent=agent,
            http_method=method if method in METHODS else None,
            uid=known(http.get("clientRequestId")),
            url={"url_string": uri[:2048]} if uri else None,
        )

    def unmapped(self) -> dict[str, Any]:
        """Return what no attribute was made of, as it stands in the record."""
        return {name: value for name, value in self.raw.items() if name not in _MAPPED and value not in _EMPTY}


def is_call(value: Mapping[str, Any]) -> bool:
    """Tell whether `call_of` finds an entry that is nobody else's, without making it."""
    if value.get("Type") == TABLE:
        return True
    operation = value.get("operationName", value.get("operationname"))
    if not isinstance(operation, str | dict) or _BESIDE.isdisjoint(value) or _TIMES.isdisjoint(value):
        return False
    category = worded(value.get("category"))
    return not category or not _is_another_s(category.lower())


def _is_another_s(category: str) -> bool:
    return category in CATEGORIES or category in FLOWS or category.startswith(ALERTS)


def call_of(value: dict[str, Any]) -> Call | None:
    """Return the log entry of a record, None when it is none."""
    fields = camel(value, _COLUMNS) if value.get("Type") == TABLE else outer(value)
    operation = worded(fields.get("operationName"))
    if operation is None:
        return None
    named = fields.get("operationName")
    properties, identity = unpacked_object(fields.get("properties")), unpacked_object(fields.get("identity"))
    category = worded(fields.get("category"))
    kube = unpacked_object(properties.get("log")) if category in KUBE_AUDIT else {}
    claims = unpacked_object(fields.get("claims")) or object_at(identity, "claims") or object_at(identity, "claim")
    http = unpacked_object(fields.get("httpRequest"))
    sources = kube.get("sourceIPs")
    caller_ip = sources[0] if isinstance(sources, list) and sources else fields.get("callerIpAddress")
    code = fields.get("statusCode", properties.get("statusCode", properties.get("httpStatusCode")))
    return Call(
        fields=fields,
        raw=value,
        operation=operation[:MAX_OPERATION],
        localized=known(named.get("localizedValue")) if isinstance(named, dict) else None,
        category=category,
        time=fields.get("eventTimestamp") or fields.get("time") or fields.get("EventTime"),
        resource=known(fields.get("resourceId")) or known(fields.get("resourceUri")) or known(fields.get("ResourceId")),
        properties=properties,
        identity=identity,
        claims=claims,
        caller=known(fields.get("caller")) or known(properties.get("caller")),
        caller_ip=caller_ip or http.get("clientIpAddress") or claims.get("ipaddr"),
        result=_result(fields, properties),
        substatus=known(fields.get("statusText"))
        or worded(fields.get("subStatus"))
        or known(fields.get("resultSignature")),
        code=_code(code, fields, kube),
        kube=kube,
    )


def _result(fields: Mapping[str, Any], properties: Mapping[str, Any]) -> str | None:
    found = known(worded(fields.get("status"))) or known(fields.get("resultType"))
    return found or known(properties.get("metricResponseType"))


def _code(value: Any, fields: Mapping[str, Any], kube: Mapping[str, Any]) -> int | None:
    found = integer(value)
    if found is None:
        found = integer(fields.get("resultSignature"))
    if found is None:
        found = integer(object_at(kube, "responseStatus").get("code"))
    return found if found is not None and 100 <= found <= 599 else None  # noqa: PLR2004  # HTTP's range
