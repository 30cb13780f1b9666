"""Suricata's alerts as Detection Findings, with what the sensor saw as evidence.

Source: "Eve JSON Format", event type alert, in the Suricata user guide; the metadata of Emerging Threats' rules
(`mitre_technique_id`, `attack_target`, `confidence`, `signature_severity`).
"""

from __future__ import annotations

from typing import Any, Final

from enrichers.names import is_private
from models.ocsf import head
from models.ocsf_classes import DETECTION_FINDING
from streams.sources.base import drop_none, ip, text
from streams.sources.objects import attacks, device, finding
from streams.sources.suricata.common import Fields, ends, link, part
from streams.sources.suricata.dns import question
from streams.sources.suricata.flow import verdict
from streams.sources.suricata.services import email_of, file_of
from streams.sources.suricata.web import request_of, response_of, tls_of

CREATE: Final = 1
_SEVERITIES: Final = {1: 4, 2: 3, 3: 2, 4: 1}  # Suricata's priorities: 1 is the worst
_CONFIDENCES: Final = {"low": 1, "medium": 2, "high": 3}
_ALERT: Final = {"action_id": 3, "action": "Observed", "disposition_id": 19, "disposition": "Alert"}


def alert(fields: Fields, time: int) -> dict[str, Any]:
    """Map an alert to a Detection Finding."""
    told = part(fields, "alert")
    metadata = part(told, "metadata")
    title = text(told.get("signature")) or "Suricata alert"
    attack = attacks(*(metadata.get(name) for name in _ATTACKS))
    body = head(DETECTION_FINDING, CREATE, time, _severity(told))
    body["finding_info"] = finding(
        title,
        _uid(fields, told),
        rule_uid=_signature_id(told),
        rule=title,
        attack=attack,
        created_time=time,
        types=[word for word in (text(told.get("category")),) if word],
    )
    body.update(drop_none(evidences=[_evidence(fields)], device=_affected(fields, told), message=title))
    body.update(_confidence(metadata))
    body.update(verdict(text(told.get("action"))) or _ALERT)
    body["is_alert"] = True
    return body


_ATTACKS: Final = ("mitre_technique_id", "mitre_tactic_id", "mitre_tactic_name")


def _severity(told: Fields) -> int:
    priority = told.get("severity")
    return _SEVERITIES.get(priority, 1) if isinstance(priority, int) else 1


def _signature_id(told: Fields) -> str | None:
    """Return generator and signature, without the revision: rules change, what they look for does not."""
    number = text(told.get("signature_id"))
    return f"{text(told.get('gid')) or '1'}:{number}" if number else None


def _uid(fields: Fields, told: Fields) -> str:
    names = (fields.get("flow_id"), fields.get("timestamp"), told.get("gid"), told.get("signature_id"))
    return "-".join(word for name in names if (word := text(name))) or "alert"


def _confidence(metadata: Fields) -> dict[str, Any]:
    words = metadata.get("confidence")
    word = words[0] if isinstance(words, list) and words else words
    number = _CONFIDENCES.get(word.lower()) if isinstance(word, str) else None
    return {"confidence_id": number, "confidence": str(word).capitalize()} if number else {}


def _evidence(fields: Fields) -> dict[str, Any]:
    source, target = ends(fields)
    dns = part(fields, "dns")
    asked = part(dns, "query") or dns
    http = request_of(fields)
    return drop_none(
        src_endpoint=source,
        dst_endpoint=target,
        connection_info=link(fields),
        http_request=http,
        http_response=response_of(part(fields, "http")),
        url=http.get("url"),
        tls=tls_of(part(fields, "tls")) if part(fields, "tls") else None,
        query=question(asked) if asked else None,
        email=email_of(fields),
        file=file_of(fields) or _first_file(fields),
    )


def _first_file(fields: Fields) -> dict[str, Any] | None:
    files = fields.get("files")
    first = files[0] if isinstance(files, list) and files else None
    return file_of({"fileinfo": first}) if isinstance(first, dict) else None


def _affected(fields: Fields, told: Fields) -> dict[str, Any] | None:
    """Return the host that the alert is about: its target where the rule says so, else the end that is one's own."""
    named = ip(part(told, "target").get("ip"))
    if named:
        return device(None, ip=named)
    addresses = [address for name in ("dest_ip", "src_ip") if (address := ip(fields.get(name)))]
    own = [address for address in addresses if is_private(address)]
    chosen = next(iter(own or addresses), None)
    return device(None, ip=chosen) if chosen else None
