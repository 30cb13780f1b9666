"""Splunk Enterprise Security: notable events (findings) and risk notables as JSON.

Source: Splunk Enterprise Security documentation, "Notable Event framework", "Risk-based alerting" and the alerts of the
Common Information Model. Read are an event of the `notable` index, a row of an export (`result`) and the body of an
alert's webhook. A field may have one value or a list of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf_classes import DETECTION_FINDING
from models.records import RawRecord
from models.uids import sha256_hex
from streams.sources.alerts import common
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, integer, ip, text
from streams.sources.edr.shapes import OTHER, file, hashes, host, pid, process, someone
from streams.sources.fields import MAX_LISTED
from streams.sources.objects import SEVERITY_IDS, attacks, connection, endpoint, finding
from streams.sources.saas.words import leftovers, request
from streams.sources.times import from_any

DELAY_MS: Final = 900_000  # most correlation searches look back over what has been indexed
PRODUCT: Final = {"name": "Enterprise Security", "vendor_name": "Splunk"}
LOGSOURCE: Final = LogSource("splunk", "notable")
MAX_ANNOTATIONS: Final = 65_536
UID_HEX: Final = 32
_NAMES: Final = ("search_name", "rule_name", "rule_title", "source")
_MARKS: Final = frozenset(
    (
        "security_domain",
        "notable_type",
        "event_hash",
        "risk_object",
        "risk_score",
        "urgency",
        "orig_action_name",
        "rule_title",
    )
)
_ABOUT: Final = {
    **dict.fromkeys(("access", "identity"), common.IDENTITY),
    "network": common.NETWORK,
    "endpoint": common.WORKLOAD,
}
_TIMES: Final = ("_time", "orig_time", "time", "event_time", "info_max_time")
_STATUSES: Final = {"0": "unassigned", "1": "new", "2": "in_progress", "3": "pending", "4": "resolved", "5": "closed"}
_USER, _SYSTEM = "user", "system"  # what a risk may be of
_WRAPPERS: Final = ("result", "event")
_MAPPED: Final = frozenset(
    (
        *("search_name", "rule_name", "rule_title", "rule_description", "rule_id", "event_id", "severity", "urgency"),
        *("src", "src_ip", "src_port", "dest", "dest_ip", "dest_port", "user", "src_user", "risk_object", "risk_score"),
        *(
            "risk_object_type",
            "status",
            "annotations.mitre_attack",
            "dvc",
            "host",
            "process",
            "process_id",
            "file_path",
        ),
        *("security_domain", "_time", "process_path", "file_hash", "url", "user_id", "parent_process"),
    )
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the notable event; raise Unparseable when the record is none."""
    value = decode_json(record)
    for name in _WRAPPERS:
        inner = value.get(name)
        if isinstance(inner, dict) and _is_notable(inner | {"search_name": value.get("search_name")}):
            beside = {key: item for key, item in value.items() if key in {"search_name", "sid", "results_link", "time"}}
            return beside | inner
    if not _is_notable(value):
        raise Unparseable("no notable event: it names no search beside what a notable event has", field="search_name")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a notable event by the search that made it beside two of the fields that only notable events have."""
    if value is None:
        return False
    for name in _WRAPPERS:
        inner = value.get(name)
        if isinstance(inner, dict):
            return _is_notable({"search_name": value.get("search_name"), **inner})
    return _is_notable(value)


def _is_notable(value: Mapping[str, Any]) -> bool:
    if not (value.get("search_name") or value.get("rule_name") or value.get("rule_title")):
        return False
    uid = value.get("event_id")
    marked = isinstance(uid, str) and "@@notable@@" in uid
    return marked or value.get("index") == "notable" or len(_MARKS & value.keys()) > 1


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a notable event into a Detection Finding about what its security domain says."""
    original = next((value for value in (common.scalar(fields, name) for name in _TIMES) if value), None)
    time, labels = event_time(from_any(original), record)
    told = _Told(fields)
    word = told("urgency") or told("severity")
    user = told.user()
    acting = told.process(user)
    status = told("status")
    score = integer(told("risk_score"))
    body = common.alert_body(
        time,
        _info(fields, told, record),
        SEVERITY_IDS.get(word.lower(), OTHER) if word else 1,
        severity=word,
        state=_STATUSES.get(status or "", told("status_label") or status),
        actor=common.actor(acting, user),
        device=told.device(),
        evidences=list(told.evidences(acting)),
        risk_score=score if score is not None and score >= 0 else None,
    )
    return build_event(
        record,
        body,
        native=fields,
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=original,
        labels=labels,
        metadata=drop_none(
            original_event_uid=told("event_id") or told("rule_id"),
            correlation_uid=told("orig_sid") or told("sid"),
            event_code=told("search_name") or told("rule_name"),
        ),
        profiles=common.PROFILES,
        unmapped=leftovers(fields, _MAPPED),
        about=_ABOUT.get((told("security_domain") or "").lower(), common.WORKLOAD),
    )


def _info(fields: Mapping[str, Any], told: _Told, record: RawRecord) -> dict[str, Any]:
    rule = next((name for name in map(told, _NAMES) if name), "notable")
    url = told("drilldown_uri") or told("results_link")
    return finding(
        told("rule_title") or told("rule_name") or rule,
        told("event_id") or told("rule_id") or sha256_hex(record.raw)[:UID_HEX],
        rule_uid=rule,
        rule=told("rule_name") or rule,
        desc=told("rule_description") or told("savedsearch_description"),
        attack=attacks(*_annotated(fields)),
        types=[kind] if (kind := told("notable_type") or told("security_domain")) else None,
        url=url,
    )


def _annotated(fields: Mapping[str, Any]) -> Iterator[Any]:
    """Yield what is annotated with ATT&CK, as fields of their own or within the JSON text of all annotations."""
    names = ("mitre_attack", "mitre_attack.mitre_technique_id", "mitre_attack.mitre_tactic")
    annotations = fields.get("annotations")
    if isinstance(annotations, str) and annotations[:1] == "{" and len(annotations) <= MAX_ANNOTATIONS:
        annotations = _parsed(annotations)
    for name in names:
        yield fields.get(f"annotations.{name}")
        yield annotations.get(name) if isinstance(annotations, dict) else None
    yield fields.get("mitre_technique_id")
    yield fields.get("mitre_tactic")


def _parsed(annotations: str) -> Any:
    try:
        return orjson.loads(annotations)
    except orjson.JSONDecodeError:
        return None


class _Told:
    """The fields of a notable event by the names of the Common Information Model."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def __call__(self, name: str) -> str | None:
        """Return a field as text, of several values the first."""
        value = common.scalar(self._fields, name)
        return value if value not in {"unknown", "null"} else None

    def _all(self, name: str) -> list[str]:
        value = self._fields.get(name)
        listed = value[:MAX_LISTED] if isinstance(value, list) else [value]
        return [item for item in map(text, listed) if item and item != "unknown"]

    def user(self) -> dict[str, Any] | None:
        """Return the user it is about; of a risk notable the object of the risk where that is a user."""
        risky = self("risk_object") if self("risk_object_type") == _USER else None
        made: dict[str, Any] | None = someone(
            self("user") or risky or self("src_user"), self("user_id"), self("user_domain")
        )
        return made

    def device(self) -> dict[str, Any] | None:
        """Return the host it is about: where it happened, else whence it came."""
        risky = self("risk_object") if self("risk_object_type") == _SYSTEM else None
        name = self("dest") or self("dvc") or risky or self("src")
        if name is None:
            return None
        address = ip(name)
        return host(None if address else name, None, ip=address or ip(self("dest_ip"))) | (
            {"name": address} if address else {}
        )

    def process(self, user: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return the process, None where it has no number."""
        parent = process(pid(self("parent_process_id")), self("parent_process_guid"), self("parent_process_path"))
        return process(
            pid(self("process_id")),
            self("process_guid"),
            self("process_path"),
            name=self("process_name"),
            cmd_line=self("process"),
            user=user,
            parent_process=parent,
            digests=hashes(self("process_hash")),
        )

    def evidences(self, acting: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
        """Yield what it shows: process, file, connections, URL."""
        if acting:
            yield {"process": acting}
        path = self("file_path") or self("file_name")
        if path:
            yield {"file": file(path, hashes(self("file_hash")))}
        if url := self("url"):
            yield {"url": request(None, None, None, url)["url"]}
        info = connection(self("transport"))
        target = self._end("dest")
        for source in (self._all("src") or self._all("src_ip") or [""])[: common.MAX_EVIDENCES]:
            yield from common.ends(_place(source, self("src_port")), target, connection_info=info)
        for name in self._all("user")[1:]:
            yield {"user": someone(name)}

    def _end(self, side: str) -> dict[str, Any] | None:
        return _place(self(f"{side}_ip") or self(side) or "", self(f"{side}_port"))


def _place(name: str, port: str | None) -> dict[str, Any] | None:
    """Return an endpoint of a field that has an address or a name."""
    return endpoint(name, port) if ip(name) else endpoint(None, port, name or None)


SOURCE: Final = Source(
    name="splunk_notable",
    title="Splunk Enterprise Security notable events",
    shippers=("Splunk alert webhook", "Splunk Edge Processor", "Cribl", "Vector"),
    classes=(DETECTION_FINDING,),
    entities=("user", "host", "ip"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
