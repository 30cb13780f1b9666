"""Suricata's DNS records in their three versions.

Source: "Eve JSON Format" and "Suricata 8.0 DNS Logging Changes" in the Suricata user guide. Version 1 has a record for
each answer, version 2 all answers in one record (`answers`, or only their data by type in `grouped`), version 3 lists
the questions too.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from models.ocsf_classes import DNS_ACTIVITY
from streams.sources.base import text
from streams.sources.fields import MAX_LISTED, objects_at
from streams.sources.protocols import answer, query, rcode
from streams.sources.suricata.common import Fields, begin, part

QUERY, RESPONSE = 1, 2
_RESPONSES: Final = ("answer", "response")
_FLAGS: Final = (("aa", 1), ("tc", 2), ("rd", 3), ("ra", 4))


def dns(fields: Fields, time: int) -> dict[str, Any]:
    """Map a DNS record to DNS Activity."""
    told = part(fields, "dns")
    asked = question(told)
    answers = answers_of(told)
    is_response = told.get("type") in _RESPONSES or bool(answers)
    return begin(
        fields,
        time,
        DNS_ACTIVITY,
        RESPONSE if is_response else QUERY,
        query=asked,
        answers=answers,
        **(rcode(told.get("rcode")) if is_response else {}),
    )


def question(told: Fields) -> dict[str, Any] | None:
    """Return the question, the first where there are several."""
    first = next(iter(objects_at(told, "queries") or objects_at(told, "query")), told)
    return query(first.get("rrname"), first.get("rrtype"), told.get("id"), told.get("opcode"))


def answers_of(told: Fields) -> list[dict[str, Any]]:
    """Return the answers of any version."""
    flags = [number for name, number in _FLAGS if told.get(name) is True]
    found = (*_listed(told), *_grouped(told))
    answers = [item for item in found if item] or [item for item in (_single(told),) if item]
    for item in answers:
        if flags:
            item["flag_ids"] = flags
    return answers


def _single(told: Fields) -> dict[str, Any] | None:
    return answer(told.get("rdata"), told.get("rrtype"), told.get("ttl")) if "rdata" in told else None


def _listed(told: Fields) -> Iterator[dict[str, Any] | None]:
    for item in objects_at(told, "answers") or _in_answer(told):
        data = item.get("rdata")
        yield answer(_composed(item) if data is None else data, item.get("rrtype"), item.get("ttl"))


def _in_answer(told: Fields) -> list[dict[str, Any]]:
    """Alerts of version 2 hold the answers in the object `answer`."""
    return objects_at(part(told, "answer"), "answers")


def _composed(item: Fields) -> str | None:
    """Return the name in the data of SOA and SRV records, which are objects."""
    for kind, name in (("soa", "mname"), ("srv", "name"), ("sshfp", "fingerprint")):
        found = text(part(item, kind).get(name))
        if found:
            return found
    return None


def _grouped(told: Fields) -> Iterator[dict[str, Any] | None]:
    groups = told.get("grouped")
    if "answers" in told or not isinstance(groups, dict):
        return
    for kind, values in islice(groups.items(), MAX_LISTED):
        for value in values[:MAX_LISTED] if isinstance(values, list) else ():
            yield answer(value, kind)
