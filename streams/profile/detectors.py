"""The detectors: which features each looks at, by which model, and what an anomaly of it is to everybody else.

Their names are what correlations refer to (`rules: [anomaly_impossible_travel]`): they stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from models.finding import LEARNING, STATISTICAL, Analytic, Attack
from models.uids import content_uid
from streams.features import catalog as f

Model = Literal["volume", "level", "ratio", "hours", "value", "beacon", "travel", "growth", "shift", "cohort"]
MEDIUM: Final = 3  # OCSF severity


@dataclass(frozen=True, slots=True)
class Detector:
    """One detector.

    Attributes:
        name: Under which correlations refer to it.
        title: What it finds, for people.
        model: Which kind of model looks.
        features: Names of the features it looks at; of a ratio the part, then what it is a part of.
        attacks: What such behaviour often is.
        risk: 0 to 100, what an anomaly of it adds to an entity's risk at least.
    """

    name: str
    title: str
    model: Model
    features: tuple[str, ...]
    attacks: tuple[Attack, ...]
    risk: int

    @property
    def domain(self) -> str:
        """Return the domain of the first feature it looks at; of one that looks at all, that of hosts and the cloud."""
        return f.CATALOG[self.features[0]].domain if self.features else f.WORKLOAD

    @property
    def analytic(self) -> Analytic:
        """Return it as its signals name it."""
        return ANALYTICS[self.name]


def _attacks(*pairs: str) -> tuple[Attack, ...]:
    return tuple(Attack(*pair.split("/")) for pair in pairs)


_VOLUMES: Final = (
    Detector(
        "anomaly_failed_sign_ins",
        "More failed sign-ins than usual",
        "volume",
        (f.FAILED_SIGN_INS, f.FAILED_SOURCES),
        _attacks("credential-access/T1110"),
        35,
    ),
    Detector(
        "anomaly_failed_accounts",
        "Failed sign-ins to more accounts than usual",
        "volume",
        (f.FAILED_ACCOUNTS,),
        _attacks("credential-access/T1110.003"),
        40,
    ),
    Detector(
        "anomaly_sign_in_volume",
        "More sign-ins, accounts or places of sign-in than usual",
        "volume",
        (f.SIGN_INS, f.SOURCES, f.ACCOUNTS, f.APPLICATIONS, f.PRIVILEGED_SESSIONS),
        _attacks("initial-access/T1078"),
        25,
    ),
    Detector(
        "anomaly_hosts_signed_in_to",
        "Signed in to more hosts than usual",
        "volume",
        (f.HOSTS,),
        _attacks("lateral-movement/T1021"),
        35,
    ),
    Detector(
        "anomaly_service_tickets",
        "More service tickets asked for than usual",
        "volume",
        (f.TICKETS, f.TICKET_SERVICES),
        _attacks("credential-access/T1558.003"),
        35,
    ),
    Detector(
        "anomaly_mfa_fatigue",
        "More second factors asked for or denied than usual",
        "volume",
        (f.MFA_PROMPTS, f.MFA_DENIALS),
        _attacks("credential-access/T1621"),
        45,
    ),
    Detector(
        "anomaly_privilege_changes",
        "More changes of accounts and privileges than usual",
        "volume",
        (f.PRIVILEGE_CHANGES, f.PRIVILEGES_RECEIVED, f.ACCOUNT_CHANGES, f.CREDENTIAL_CHANGES),
        _attacks("persistence/T1098", "privilege-escalation/T1098"),
        40,
    ),
    Detector(
        "anomaly_api_volume",
        "More API calls than usual",
        "volume",
        (f.API_CALLS, f.OPERATIONS, f.RESOURCES),
        _attacks("discovery/T1580"),
        25,
    ),
    Detector(
        "anomaly_data_access",
        "More stored data read than usual",
        "volume",
        (f.DATA_ACCESSES, f.DATA_BYTES, f.DATA_OBJECTS),
        _attacks("collection/T1530"),
        40,
    ),
    Detector(
        "anomaly_data_sent",
        "More data sent than usual",
        "volume",
        (f.BYTES_OUT, f.HTTP_BYTES_OUT, f.PACKETS_OUT),
        _attacks("exfiltration/T1048"),
        40,
    ),
    Detector(
        "anomaly_traffic",
        "More traffic than usual",
        "volume",
        (f.CONNECTIONS, f.CONNECTIONS_IN, f.BYTES_IN, f.PACKETS_IN, f.HTTP_REQUESTS, f.HTTP_ERRORS, f.CLIENTS),
        _attacks("command-and-control/T1071"),
        20,
    ),
    Detector(
        "anomaly_fan_out",
        "Connections to more destinations or ports than usual",
        "volume",
        (f.DESTINATIONS, f.PORTS, f.FAILED_CONNECTIONS),
        _attacks("discovery/T1046"),
        40,
    ),
    Detector(
        "anomaly_dns_volume",
        "More DNS queries or names than usual",
        "volume",
        (f.DNS_QUERIES, f.DNS_NAMES, f.DNS_UNKNOWN),
        _attacks("command-and-control/T1071.004"),
        35,
    ),
    Detector(
        "anomaly_processes",
        "More programs started than usual",
        "volume",
        (f.PROCESSES, f.SCRIPTS, f.IMAGES, f.INJECTIONS),
        _attacks("execution/T1059"),
        30,
    ),
    Detector(
        "anomaly_persistence_rate",
        "More scheduled tasks, services or listeners created than usual",
        "volume",
        (f.JOBS_CREATED, f.SERVICES_CREATED, f.LISTENERS),
        _attacks("persistence/T1053", "persistence/T1543"),
        45,
    ),
    Detector(
        "anomaly_container_exec",
        "More commands run in containers from outside than usual",
        "volume",
        (f.EXECS,),
        _attacks("execution/T1609"),
        45,
    ),
    Detector(
        "anomaly_file_changes",
        "More files written or deleted than usual",
        "volume",
        (f.FILE_CHANGES, f.FILE_DELETIONS),
        _attacks("impact/T1486"),
        35,
    ),
)
_LEVELS: Final = (
    Detector(
        "anomaly_dns_name",
        "A DNS name longer or more random than usual",
        "level",
        (f.DNS_LENGTH, f.DNS_ENTROPY),
        _attacks("command-and-control/T1071.004", "command-and-control/T1568.002"),
        35,
    ),
    Detector(
        "anomaly_command_line",
        "A command line or script longer or more random than usual",
        "level",
        (f.COMMAND_LENGTH, f.COMMAND_ENTROPY, f.SCRIPT_LENGTH),
        _attacks("defense-evasion/T1027", "execution/T1059"),
        30,
    ),
)
_RATIOS: Final = (
    Detector(
        "anomaly_api_errors",
        "More API calls fail than usual",
        "ratio",
        (f.API_ERRORS, f.API_CALLS),
        _attacks("discovery/T1580"),
        35,
    ),
    Detector(
        "anomaly_dns_unknown",
        "More DNS queries for names that do not exist than usual",
        "ratio",
        (f.DNS_UNKNOWN, f.DNS_QUERIES),
        _attacks("command-and-control/T1568.002"),
        40,
    ),
)
_VALUES: Final = (
    Detector(
        "anomaly_new_country",
        "Signed in from a country for the first time",
        "value",
        (f.COUNTRY,),
        _attacks("initial-access/T1078"),
        40,
    ),
    Detector(
        "anomaly_new_network",
        "Signed in from a network for the first time",
        "value",
        (f.ASN,),
        _attacks("initial-access/T1078"),
        25,
    ),
    Detector(
        "anomaly_new_device",
        "Signed in with a device or program for the first time",
        "value",
        (f.DEVICE, f.USER_AGENT),
        _attacks("initial-access/T1078"),
        25,
    ),
    Detector(
        "anomaly_new_application",
        "An application used for the first time",
        "value",
        (f.APPLICATION,),
        _attacks("collection/T1213"),
        25,
    ),
    Detector(
        "anomaly_new_host",
        "A host signed in to for the first time",
        "value",
        (f.HOST, f.TICKET_SERVICE),
        _attacks("lateral-movement/T1021"),
        30,
    ),
    Detector(
        "anomaly_new_privilege",
        "A privilege or role used for the first time",
        "value",
        (f.PRIVILEGE, f.ROLE),
        _attacks("privilege-escalation/T1078.004"),
        40,
    ),
    Detector(
        "anomaly_new_operation",
        "An API operation or region used for the first time",
        "value",
        (f.OPERATION, f.REGION),
        _attacks("discovery/T1580"),
        35,
    ),
    Detector(
        "anomaly_new_resource",
        "A resource or store of data touched for the first time",
        "value",
        (f.RESOURCE, f.DATA),
        _attacks("collection/T1530"),
        30,
    ),
    Detector(
        "anomaly_new_destination",
        "A destination or domain reached for the first time",
        "value",
        (f.DESTINATION, f.DOMAIN, f.PORT),
        _attacks("command-and-control/T1071"),
        25,
    ),
    Detector(
        "anomaly_new_client",
        "A network client that was never seen before",
        "value",
        (f.JA3, f.JA4, f.HTTP_AGENT, f.DNS_TYPE),
        _attacks("command-and-control/T1071"),
        30,
    ),
    Detector(
        "anomaly_new_remote",
        "A host reached by RDP, SSH or SMB for the first time",
        "value",
        (f.REMOTE,),
        _attacks("lateral-movement/T1021"),
        35,
    ),
    Detector(
        "anomaly_new_program",
        "A program, or its start by another, that was never seen before",
        "value",
        (f.IMAGE, f.PARENT_CHILD, f.BINARY, f.CONTAINER_IMAGE),
        _attacks("execution/T1204"),
        35,
    ),
    Detector(
        "anomaly_new_driver",
        "A driver or kernel module that was never loaded before",
        "value",
        (f.DRIVER,),
        _attacks("persistence/T1547.006", "privilege-escalation/T1068"),
        45,
    ),
    Detector(
        "anomaly_new_service",
        "A scheduled task or service that was never seen before",
        "value",
        (f.JOB, f.SERVICE),
        _attacks("persistence/T1053", "persistence/T1543"),
        40,
    ),
    Detector(
        "anomaly_new_listener",
        "A program that never listened before",
        "value",
        (f.LISTENER,),
        _attacks("command-and-control/T1571"),
        45,
    ),
)
_LEVELLED: Final = tuple(name for one in _VOLUMES for name in one.features)
_OTHERS: Final = (
    Detector(
        "anomaly_sign_in_hour",
        "Signed in at an hour at which it never does",
        "hours",
        (f.SIGN_INS,),
        _attacks("initial-access/T1078"),
        30,
    ),
    Detector(
        "anomaly_impossible_travel",
        "Signed in from two places too far apart",
        "travel",
        (f.PLACE,),
        _attacks("initial-access/T1078"),
        50,
    ),
    Detector(
        "anomaly_beacon",
        "Connections to one destination at regular intervals",
        "beacon",
        (f.DESTINATION,),
        _attacks("command-and-control/T1071"),
        50,
    ),
    Detector(
        "anomaly_slow_growth",
        "A level that has been raised little by little",
        "growth",
        _LEVELLED,
        _attacks("exfiltration/T1030"),
        40,
    ),
    Detector("anomaly_level_changed", "A level that has changed and stays so", "shift", _LEVELLED, (), 15),
    Detector(
        "anomaly_unlike_its_peers",
        "An hour unlike those of its peers",
        "cohort",
        (),
        _attacks("collection/T1119"),
        25,
    ),
)
DETECTORS: Final[Mapping[str, Detector]] = {
    detector.name: detector for detector in (*_VOLUMES, *_LEVELS, *_RATIOS, *_VALUES, *_OTHERS)
}


def _analytic(one: Detector) -> Analytic:
    kind = LEARNING if one.model == "cohort" else STATISTICAL
    return Analytic(content_uid("anomaly", one.name), one.title, kind, severity_id=MEDIUM, attacks=one.attacks)


# By the name under which a correlation's `rules` refer to it.
ANALYTICS: Final[dict[str, Analytic]] = {name: _analytic(one) for name, one in DETECTORS.items()}


def by_feature(*models: Model) -> Mapping[str, Detector]:
    """Return the detector of these kinds of models that looks at each feature."""
    return {name: one for one in DETECTORS.values() if one.model in models for name in one.features}
