"""What the types of GuardDuty's findings mean: ATT&CK tactics, and the domain that a finding is about.

Source: GuardDuty finding format (`ThreatPurpose:ResourceTypeAffected/ThreatFamilyName.DetectionMechanism!Artifact`) and
GuardDuty finding types, in the GuardDuty user guide. Behavior, PenTest and Policy say nothing of an attacker's tactic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from streams.sources.fields import object_at, objects_at
from streams.sources.objects import attacks

MAX_TYPE: Final = 128
_PURPOSES: Final = {
    "Backdoor": "command-and-control",
    "CredentialAccess": "credential-access",
    "CryptoCurrency": "impact",
    "DefenseEvasion": "defense-evasion",
    "Discovery": "discovery",
    "Execution": "execution",
    "Exfiltration": "exfiltration",
    "Impact": "impact",
    "InitialAccess": "initial-access",
    "Persistence": "persistence",
    "PrivilegeEscalation": "privilege-escalation",
    "Recon": "reconnaissance",
    "Stealth": "defense-evasion",
    "Trojan": "command-and-control",
    "UnauthorizedAccess": "initial-access",
}
# Families that another tactic fits than the one of their purpose: word within the type, what ATT&CK has.
_FAMILIES: Final = (
    ("CryptoCurrency:", ("T1496", "impact")),
    ("BruteForce", ("T1110", "credential-access")),
    ("InstanceCredentialExfiltration", ("T1552.005", "credential-access")),
    ("MetadataDNSRebind", ("T1552.005", "credential-access")),
    ("DNSDataExfiltration", ("T1048", "exfiltration")),
    ("TorClient", ("T1090.003", "command-and-control")),
    ("TorRelay", ("T1090.003", "command-and-control")),
    ("DGADomainRequest", ("T1568.002", "command-and-control")),
    ("DenialOfService", ("T1498", "impact")),
    ("Spambot", ("impact",)),
    ("PhishingDomainRequest", ("T1566", "initial-access")),
    ("DriveBySourceTraffic", ("T1189", "initial-access")),
    ("Recon:IAMUser", ("discovery",)),
    ("Recon:Kubernetes", ("discovery",)),
    ("Recon:EC2/Portscan", ("T1046", "discovery")),
    ("ConsoleLogin", ("T1078.004", "initial-access")),
    ("CloudTrailLoggingDisabled", ("T1562.008", "defense-evasion")),
    ("ReverseShell", ("T1059", "execution")),
)
_ABOUT: Final = {"AccessKey": "identity", "IAMUser": "identity", "RDSDBInstance": "identity"}
_ON_NETWORK: Final = frozenset(("NETWORK_CONNECTION", "PORT_PROBE", "DNS_REQUEST"))


def attacks_of(kind: str, service: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the ATT&CK references of a finding: those of its type, and those that an attack sequence names."""
    sequence = object_at(object_at(service, "detection"), "sequence")
    indicators = objects_at(sequence, "sequenceIndicators") + objects_at(sequence, "indicators")
    named = [
        indicator.get("values")
        for indicator in indicators
        if str(indicator.get("key")).startswith(("ATTACK_", "TACTIC"))
    ]
    return attacks(*_words(kind[:MAX_TYPE]), *named)


@lru_cache(maxsize=1024)
def _words(kind: str) -> tuple[str, ...]:
    return next((words for family, words in _FAMILIES if family in kind), None) or tuple(_purpose(kind))


def _purpose(kind: str) -> Iterator[str]:
    tactic = _PURPOSES.get(kind.partition(":")[0])
    if tactic:
        yield tactic


def about_of(kind: str, resource_type: str | None, action_type: str | None) -> str:
    """Return the domain of a finding: whose key was used, what was on the network, or else what a workload did."""
    affected = kind.partition(":")[2].partition("/")[0]
    known = _ABOUT.get(resource_type or affected)
    return known or ("network" if action_type in _ON_NETWORK else "workload")
