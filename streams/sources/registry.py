"""All sources by name, and which of them a record of unknown origin belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson

from models.errors import ConfigError
from models.records import RawRecord
from streams.sources.alerts import falco, panther, qradar, splunk_notable, upwind, wazuh
from streams.sources.aws import cloudtrail, guardduty, route53_resolver, s3_access, security_hub, vpc_flow
from streams.sources.base import MAX_RECORD_BYTES, Source
from streams.sources.cisco import asa, umbrella_dns
from streams.sources.containers import docker
from streams.sources.ecs import source as ecs
from streams.sources.edr import carbonblack, crowdstrike, sentinelone
from streams.sources.firewall import source as firewall
from streams.sources.generic import json
from streams.sources.google import audit as gcp_audit
from streams.sources.google import flow as gcp_flow
from streams.sources.google import workspace
from streams.sources.kubernetes import audit as kubernetes_audit
from streams.sources.linux import auditd, osquery
from streams.sources.linux import auth as linux_auth
from streams.sources.linux import sysmon as sysmon_linux
from streams.sources.microsoft import alerts as microsoft_alerts
from streams.sources.microsoft import azure_activity, azure_flow, entra, m365_audit, message_trace
from streams.sources.ocsf import source as ocsf
from streams.sources.okta import source as okta
from streams.sources.saas import auth0, duo, github, onelogin, proofpoint, salesforce, slack, snowflake, teleport
from streams.sources.suricata import eve as suricata
from streams.sources.windows import source as windows
from streams.sources.zeek import source as zeek

# The most particular first: a match of Panther is any log with Panther's fields beside its own, an OCSF event may carry
# anything inside, a Zeek record is told by little. Kubernetes comes before what else Azure wraps, Workspace before the
# audit log of Google's cloud that it also comes through, and Sysmon for Linux before Windows, whose fields it has.
_IN_ORDER: Final[tuple[Source, ...]] = (
    panther.SOURCE,
    ocsf.SOURCE,
    cloudtrail.SOURCE,
    okta.SOURCE,
    sysmon_linux.SOURCE,
    windows.SOURCE,
    kubernetes_audit.SOURCE,
    workspace.SOURCE,
    gcp_flow.SOURCE,
    gcp_audit.SOURCE,
    guardduty.SOURCE,
    security_hub.SOURCE,
    route53_resolver.SOURCE,
    vpc_flow.SOURCE,
    s3_access.SOURCE,
    microsoft_alerts.SOURCE,
    entra.SOURCE,
    m365_audit.SOURCE,
    message_trace.SOURCE,
    azure_flow.SOURCE,
    azure_activity.SOURCE,
    duo.SOURCE,
    onelogin.SOURCE,
    auth0.SOURCE,
    github.SOURCE,
    teleport.SOURCE,
    slack.SOURCE,
    salesforce.SOURCE,
    snowflake.SOURCE,
    proofpoint.SOURCE,
    crowdstrike.SOURCE,
    sentinelone.SOURCE,
    carbonblack.SOURCE,
    falco.SOURCE,
    wazuh.SOURCE,
    splunk_notable.SOURCE,
    upwind.SOURCE,
    qradar.SOURCE,
    asa.SOURCE,
    suricata.SOURCE,
    umbrella_dns.SOURCE,
    firewall.SOURCE,
    docker.SOURCE,
    auditd.SOURCE,
    osquery.SOURCE,
    linux_auth.SOURCE,
    zeek.SOURCE,
)
# Asked when a record is of no other source and no envelope: these take much.
_LAST: Final[tuple[Source, ...]] = (ecs.SOURCE,)
# Never guessed.
_BY_NAME_ONLY: Final[tuple[Source, ...]] = (json.SOURCE,)

SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {source.name: source for source in (*_IN_ORDER, *_LAST, *_BY_NAME_ONLY)}
)


def recognize(record: RawRecord) -> Source | None:
    """Return the source whose shape the record has, None when it has nobody's. Reads its JSON once at most."""
    return _first(_IN_ORDER, record)


def recognize_last(record: RawRecord) -> Source | None:
    """Return the general source that takes a record which is of no particular one and no envelope."""
    return _first(_LAST, record)


def _first(sources: Iterable[Source], record: RawRecord) -> Source | None:
    if len(record.raw) > MAX_RECORD_BYTES:
        return None
    value = _json_object(record.raw)
    return next((source for source in sources if source.recognize(record.raw, value)), None)


def _json_object(raw: bytes) -> dict[str, Any] | None:
    if not raw.lstrip().startswith(b"{"):
        return None
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def source_named(name: str) -> Source:
    """Return a source by its name; raise ConfigError listing the names there are."""
    source = SOURCES.get(name)
    if source is None:
        raise ConfigError(f"no source is named {name!r}; there are {', '.join(sorted(SOURCES))}")
    return source
