"""The fields of S3 server access logs, their spellings, and what the operations mean.

Source: Amazon S3 server access log format, and log format in CloudWatch Logs, in the Amazon S3 user guide. Fields are
named here as in the first, lower-cased and without blanks.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

IN_ORDER: Final = (
    *("bucketowner", "bucket", "time", "remoteip", "requester", "requestid", "operation", "key", "requesturi"),
    *("httpstatus", "errorcode", "bytessent", "objectsize", "totaltime", "turnaroundtime", "referer", "useragent"),
    *("versionid", "hostid", "signatureversion", "ciphersuite", "authenticationtype", "hostheader", "tlsversion"),
    *("accesspointarn", "aclrequired", "sourceregion"),
)
MIN_FIELDS: Final = IN_ORDER.index("operation") + 1
MAX_LINE_CHARS: Final = 65_536
_ALIASES: Final = {
    "bucketownerid": "bucketowner",
    "bucketname": "bucket",
    "requesttime": "time",
    "requestdatetime": "time",
    "remoteipaddress": "remoteip",
    "requesterid": "requester",
    "objectkey": "key",
    "httpstatuscode": "httpstatus",
    "statuscode": "httpstatus",
    "s3errorcode": "errorcode",
    "objectsizebytes": "objectsize",
    "totaltimems": "totaltime",
    "turnaroundtimems": "turnaroundtime",
    "referrer": "referer",
    "objectversionid": "versionid",
    "sigv": "signatureversion",
    "authtype": "authenticationtype",
    "endpoint": "hostheader",
    "awsregion": "sourceregion",
    "region": "sourceregion",
}
_SPELLINGS: Final = {name: name for name in IN_ORDER} | _ALIASES
_TOKEN: Final = re.compile(r'"[^"]*"|\[[^\]]{0,64}\]|\S+')
_CLOSED: Final = {'"': '"', "[": "]"}
_LINE: Final = re.compile(
    rb"\S{1,128} [A-Za-z0-9._-]{3,255} \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "
    rb"\S{1,64} \S{1,2048} \S{1,64} [A-Z0-9]{2,12}\.[A-Z0-9._]{2,64} "
)
_STAMP: Final = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})", re.ASCII)
_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"

READ, UPDATE, QUERY, WRITE, CREATE, DELETE, LIST, OTHER = 1, 2, 4, 5, 6, 7, 8, 99
_OBJECTS: Final = frozenset(("OBJECT", "PART", "UPLOAD", "UPLOADS"))
_WORDS: Final = {
    "DELETEMARKER": DELETE,
    "MULTI_OBJECT_DELETE": DELETE,
    "OBJECT_GET": READ,
    "PART_GET": READ,
}
_VERBS: Final = {
    "GET": READ,
    "HEAD": READ,
    "SELECT": QUERY,
    "LIST": LIST,
    "DELETE": DELETE,
    "EXPIRE": DELETE,
    "COPY": WRITE,
    "POST": WRITE,
    "PUT": WRITE,
    "RESTORE": UPDATE,
    "CREATE": CREATE,
}


def is_line(raw: bytes) -> bool:
    """Tell whether a line begins as those of server access logs do."""
    return _LINE.match(raw) is not None


def line_values(line: str) -> list[str]:
    """Cut a line into its values, without quotes and brackets; what follows the last field is cut off."""
    tokens = _TOKEN.findall(line)[: len(IN_ORDER)]
    return [token[1:-1] if _CLOSED.get(token[0]) == token[-1:] else token for token in tokens]


@lru_cache(maxsize=1024)
def spelled(name: str) -> str | None:
    """Return the one name of a field, None for a name that is not known."""
    return _SPELLINGS.get(name.lower().replace("_", "").replace("-", ""))


@lru_cache(maxsize=4096)
def rfc3339(stamp: str) -> str:
    """Return `06/Feb/2019:00:00:38 +0000` as RFC 3339, and whatever is not written so as it is."""
    match = _STAMP.fullmatch(stamp)
    if match is None:
        return stamp
    day, month, year, clock, zone = match.groups()
    return f"{year}-{_MONTHS.find(month) // 3 + 1:02}-{day}T{clock}{zone}"


@lru_cache(maxsize=1024)
def activity_of(operation: str) -> int:
    """Return the activity in Datastore Activity, from `REST.GET.OBJECT`, `S3.EXPIRE.OBJECT`, `BATCH.DELETE.OBJECT`.

    What is put to or deleted from a bucket itself, and is no object, is its configuration.
    """
    _, _, rest = operation.partition(".")
    verb, _, what = rest.partition(".")
    if what in _WORDS:
        return _WORDS[what]
    if verb.startswith("TRANSITION"):
        return UPDATE
    activity = _VERBS.get(verb, OTHER)
    if what == "BUCKET":
        return {"GET": LIST, "PUT": CREATE}.get(verb, activity)
    if what == "SERVICE" and verb == "GET":
        return LIST
    return UPDATE if activity in {WRITE, DELETE} and what not in _OBJECTS else activity
