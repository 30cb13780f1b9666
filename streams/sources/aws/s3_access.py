"""Amazon S3 server access logs: lines as S3 delivers them, and JSON as CloudWatch Logs and data lakes have it.

Source: Amazon S3 server access log format, in the Amazon S3 user guide. A request is Datastore Activity: what was done
to an object or a bucket, by whom, from where.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import DATASTORE_ACTIVITY
from models.records import RawRecord
from streams.sources.aws.principals import account_in, account_of, caller_of
from streams.sources.aws.s3_access_fields import (
    IN_ORDER,
    MAX_LINE_CHARS,
    MIN_FIELDS,
    OTHER,
    activity_of,
    is_line,
    line_values,
    rfc3339,
    spelled,
)
from streams.sources.base import Source, build_event, decode_json, decode_text, drop_none, event_time, integer, ip, text
from streams.sources.fields import timestamp
from streams.sources.objects import FAILURE, SUCCESS, file

DELAY_MS: Final = 3_600_000  # most come within the hour; S3 promises no more than a best effort
PRODUCT: Final = {"name": "Amazon S3", "vendor_name": "AWS", "feature": {"name": "Server Access Logs"}}
LOGSOURCE: Final = LogSource("aws", "s3access")
SERVICE: Final = "s3.amazonaws.com"
BUCKET: Final = {"type_id": 1, "type": "S3"}
KIND: Final = {"type_id": 2, "type": "Databucket"}
ERROR: Final = 400  # HTTP status codes from here on
MAX_WORD: Final = 256
MAX_ARN: Final = 2048
_KNOWN: Final = frozenset(IN_ORDER)
_UNMAPPED: Final = frozenset(
    (
        *("turnaroundtime", "hostid", "signatureversion", "ciphersuite", "authenticationtype"),
        *("hostheader", "tlsversion", "accesspointarn", "aclrequired"),
    )
)
_METHODS: Final = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"))
_KINDS: Final = {":user/": "IAMUser", ":assumed-role/": "AssumedRole", ":federated-user/": "FederatedUser"}
_HTTP: Final = (("useragent", "user_agent"), ("referer", "referrer"), ("requestid", "uid"))
_PANTHER: Final = "AWS.S3ServerAccess"
_ANONYMOUS: Final = {"name": "anonymous", "type": "Anonymous", "type_id": 99}


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the fields of a line, or the JSON object; raise Unparseable when it is no access log's."""
    line = decode_text(record)
    if line.lstrip()[:1] == "{":
        value = decode_json(record)
        if not recognize(record.raw, value):
            raise Unparseable("no S3 access log record: it names no bucket that somebody asked for", field="bucket")
        return value
    if len(line) > MAX_LINE_CHARS:
        raise Unparseable(f"a line of {len(line)} characters, more than any access log has")
    values = line_values(line)
    if len(values) < MIN_FIELDS or not is_line(record.raw):
        raise Unparseable("no S3 access log line: owner, bucket, time, address, requester, id and operation begin one")
    return {name: value for name, value in zip(IN_ORDER, values, strict=False) if value != "-"}


def recognize(raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a line by how it begins, an object by the bucket and what stands beside it."""
    if value is None:
        return is_line(raw)
    if value.get("p_log_type") == _PANTHER or ("bucket_arn" in value and "request_time" in value):
        return True
    if "bucket_name" in value:
        return "requestdatetime" in value or "bucket_owner" in value or "bucketowner" in value
    is_request = "remoteip" in value or ("requester" in value and "requestid" in value)
    return is_request and isinstance(value.get("bucket"), str)


def _fields(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a JSON object under their own names as a line would have them; others untouched."""
    fields: dict[str, Any] = {}
    for name, item in value.items():
        known = spelled(name) if len(name) <= MAX_WORD else None
        if known is None:
            fields[name] = item
        elif (word := text(item)) is not None:
            fields[known] = word
    return fields


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn an access log record into Datastore Activity."""
    log = _fields(fields) if record.raw.lstrip()[:1] == b"{" else fields
    get = log.get
    bucket, operation = get("bucket") or _bucket_in(get("bucket_arn")), get("operation", "")
    if bucket is None:
        raise Unparseable("no S3 access log record: it names no bucket", field="bucket")
    time, labels = event_time(timestamp(rfc3339(get("time", "")[:MAX_WORD])), record)
    activity = activity_of(operation[:MAX_WORD]) if operation else 0
    body = head(DATASTORE_ACTIVITY, activity, time)
    if activity == OTHER:
        body["activity_name"] = operation
    body.update(KIND)
    body.update(_status(get("httpstatus"), get("errorcode")))
    body["actor"] = _actor(get("requester"), operation)
    body["src_endpoint"] = _source(get("remoteip"))
    body["databucket"] = _bucket(bucket, log)
    if operation:
        body["api"] = {"operation": operation, "service": {"name": SERVICE}}
    body.update(_http(log))
    if (duration := _natural(get("totaltime"))) is not None:
        body["duration"] = duration
    body["cloud"] = _cloud(get("sourceregion"), get("accesspointarn"))
    return build_event(
        record,
        body,
        native=fields,
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=get("time"),
        labels=labels,
        metadata=drop_none(original_event_uid=get("requestid"), event_code=operation or None),
        profiles=("cloud",),
        unmapped={name: value for name, value in log.items() if name not in _KNOWN or name in _UNMAPPED},
    )


def _bucket_in(arn: Any) -> str | None:
    return arn.rpartition(":")[2] or None if isinstance(arn, str) else None


def _natural(value: str | None) -> int | None:
    number = integer(value)
    return number if number is not None and number >= 0 else None


def _status(code: str | None, error: str | None) -> dict[str, Any]:
    number = _natural(code)
    failed = error is not None if number is None else number >= ERROR
    return {**(FAILURE if failed else SUCCESS), **drop_none(status_code=code, status_detail=error)}


def _actor(requester: str | None, operation: str) -> dict[str, Any]:
    """Return who asked: a principal by its ARN, an account's canonical id, a service of AWS, or nobody known."""
    if requester is None:
        return {"invoked_by": SERVICE} if operation.startswith("S3.") else {"user": dict(_ANONYMOUS)}
    if requester.startswith("arn:"):
        user = _principal(requester) if len(requester) <= MAX_ARN else _principal.__wrapped__(requester)
        return {"user": {**user, "account": {**user["account"]}} if "account" in user else {**user}}
    is_service = requester == "AmazonS3" or requester.endswith(".amazonaws.com") or requester.startswith("svc:")
    return {"invoked_by": requester} if is_service else {"user": {"uid": requester, "type_id": 0}}


@lru_cache(maxsize=8192)
def _principal(arn: str) -> Mapping[str, Any]:
    kind = next((kind for part, kind in _KINDS.items() if part in arn), "Root")
    return caller_of(drop_none(type=kind, arn=arn, accountId=account_in(arn))) or {"uid": arn}


def _source(address: str | None) -> dict[str, Any]:
    known = ip(address)
    return {"svc_name": address or SERVICE} if known is None else {"ip": known}


def _bucket(name: str, log: Mapping[str, Any]) -> dict[str, Any]:
    key, owner = log.get("key"), log.get("bucketowner")
    found: dict[str, Any] = {**BUCKET, "name": name, "uid": f"arn:aws:s3:::{name}"}
    if owner:
        found["owner"] = {"uid": owner}
    if key:
        size = _natural(log.get("objectsize"))
        found["file"] = file(unquote(key) if "%" in key else key, size=size, version=log.get("versionid"))
    return found


def _http(log: Mapping[str, Any]) -> dict[str, Any]:
    request = {}
    if "requesturi" in log:
        request = _request_line(log["requesturi"], log.get("hostheader"))
    for name, attribute in _HTTP:
        if name in log:
            request[attribute] = log[name]
    code, sent = _natural(log.get("httpstatus")), _natural(log.get("bytessent"))
    http: dict[str, Any] = {"http_request": request} if request else {}
    if code is not None:
        http["http_response"] = {"code": code} if sent is None else {"code": code, "body_length": sent}
    return http


def _request_line(line: str, host: str | None) -> dict[str, Any]:
    method, _, rest = line.partition(" ")
    target, _, version = rest.rpartition(" ")
    path, _, query = (target or rest).partition("?")
    url = {"path": path}
    if query:
        url["query_string"] = query
    if host:
        url["hostname"] = host
    request: dict[str, Any] = {"http_method": method} if method in _METHODS else {}
    if path:
        request["url"] = url
    if target and version:
        request["version"] = version
    return request


def _cloud(region: str | None, access_point: str | None) -> dict[str, Any]:
    account = account_in(access_point) if access_point and access_point.startswith("arn:") else None
    return drop_none(provider="AWS", region=region, account=account_of(account))


SOURCE: Final = Source(
    name="aws_s3_access",
    title="Amazon S3 server access logs",
    shippers=("Amazon S3", "CloudWatch Logs", "Vector", "Filebeat", "Logstash"),
    classes=(DATASTORE_ACTIVITY,),
    entities=("user", "ip", "account"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
