"""IBM QRadar: offenses as its API and whoever forwards them write them.

Source: "QRadar RESTful API", GET /siem/offenses (fields of an offense, what the types of `offense_type` index by). An
offense is what several events and flows of one source come to; the addresses in it are ids of QRadar's own, so that of
the hosts concerned only the one it is indexed by is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf_classes import DETECTION_FINDING
from models.records import RawRecord
from streams.sources.alerts import common
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, integer, text
from streams.sources.fields import objects_at, timestamp
from streams.sources.objects import attacks, device, endpoint, finding, user
from streams.sources.saas.words import leftovers

DELAY_MS: Final = 600_000
PRODUCT: Final = {"name": "QRadar SIEM", "vendor_name": "IBM"}
LOGSOURCE: Final = LogSource("qradar", "offense")
MAX_TITLE: Final = 512
MAX_LISTED: Final = 16
HIGHEST: Final = 10  # of severity, credibility, relevance and magnitude
# Severity from 0 to 10; as QRadar's own console groups magnitudes.
_SEVERITIES: Final = (1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 5)
# What an offense is indexed by.
SOURCE_IP, TARGET_IP, USERNAME, HOST_NAME, SOURCE_IPV6, TARGET_IPV6 = 0, 1, 3, 7, 10, 11
_SOURCES: Final = frozenset({SOURCE_IP, SOURCE_IPV6})
_TARGETS: Final = frozenset({TARGET_IP, TARGET_IPV6})
_MARKS: Final = ("offense_type", "magnitude", "credibility", "start_time")
_MAPPED: Final = frozenset(
    (
        *("id", "description", "severity", "status", "start_time", "close_time", "rules", "categories"),
        *("credibility", "magnitude", "event_count", "last_updated_time"),
    )
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the offense; raise Unparseable when the record is none."""
    value = decode_json(record)
    if integer(value.get("id")) is None:
        raise Unparseable("no QRadar offense: it has no id", field="id")
    if not recognize(b"", value):
        raise Unparseable("no QRadar offense: it has no offense_type, magnitude and credibility", field="offense_type")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an offense by the fields that nothing else has together."""
    return value is not None and all(name in value for name in _MARKS)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn an offense into a Detection Finding."""
    status = text(fields.get("status"))
    closed = timestamp(fields.get("close_time")) if status == "CLOSED" else None
    started = timestamp(fields.get("start_time"))
    time, labels = event_time(closed or started, record)
    kind, about = integer(fields.get("offense_type")), text(fields.get("offense_source"))
    severity = _tenth(fields.get("severity"))
    who = user(about) if kind == USERNAME else None
    host = device(about) if kind == HOST_NAME and about else None
    source = endpoint(about) if kind in _SOURCES else None
    target = endpoint(about) if kind in _TARGETS else None
    body = common.alert_body(
        time,
        _info(fields, started),
        _SEVERITIES[severity] if severity is not None else 1,
        severity=fields.get("severity"),
        state=status,
        actor=common.actor(None, who),
        device=host,
        evidences=common.ends(source, target),
    )
    body.update(_scores(fields))
    return build_event(
        record,
        body,
        native=fields,
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=text(fields.get("close_time" if closed else "start_time")),
        labels=labels,
        metadata=drop_none(
            original_event_uid=text(fields.get("id")), modified_time=timestamp(fields.get("last_updated_time"))
        ),
        profiles=common.PROFILES,
        unmapped=leftovers(fields, _MAPPED),
        about=common.IDENTITY if who else common.WORKLOAD if host else common.NETWORK,
    )


def _info(fields: Mapping[str, Any], started: int | None) -> dict[str, Any]:
    description = (text(fields.get("description")) or "").strip()
    rules = [uid for rule in objects_at(fields, "rules") if (uid := text(rule.get("id")))]
    categories = fields.get("categories")
    named = [word for word in categories[:MAX_LISTED] if text(word)] if isinstance(categories, list) else []
    kinds = [word for word in named if isinstance(word, str)]
    sources = [name for each in objects_at(fields, "log_sources") if (name := text(each.get("name")))]
    return finding(
        (description.split("\n", 1)[0] or f"Offense {fields['id']}")[:MAX_TITLE],
        str(fields["id"]),
        rule_uid=rules[0] if rules else None,
        desc=description or None,
        attack=attacks(kinds),
        created_time=started,
        types=kinds,
        data_sources=sources[:MAX_LISTED],
        related_events_count=_count(fields.get("event_count")),
    )


def _count(value: Any) -> int | None:
    number = integer(value)
    return number if number is not None and number >= 0 else None


def _tenth(value: Any) -> int | None:
    number = integer(value)
    return number if number is not None and 0 <= number <= HIGHEST else None


def _scores(fields: Mapping[str, Any]) -> dict[str, int]:
    """Return how sure QRadar is and how much it matters, from 0 to 100."""
    credibility, magnitude = _tenth(fields.get("credibility")), _tenth(fields.get("magnitude"))
    return drop_none(
        confidence_score=None if credibility is None else credibility * 10,
        risk_score=None if magnitude is None else magnitude * 10,
    )


SOURCE: Final = Source(
    name="qradar",
    title="IBM QRadar offenses",
    shippers=("QRadar API", "Logstash", "Vector"),
    classes=(DETECTION_FINDING,),
    entities=("user", "host", "ip"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
