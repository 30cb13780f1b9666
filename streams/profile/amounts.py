"""The detectors of amounts: how many, how much, how large, and which share."""

from __future__ import annotations

from typing import Final

from streams.features import catalog as f
from streams.profile.detector import Detector, attacks_of

VOLUMES: Final = (
    Detector(
        "anomaly_failed_sign_ins",
        "More failed sign-ins than usual",
        "volume",
        (f.FAILED_SIGN_INS, f.FAILED_SOURCES),
        attacks_of("credential-access/T1110"),
        35,
    ),
    Detector(
        "anomaly_failed_accounts",
        "Failed sign-ins to more accounts than usual",
        "volume",
        (f.FAILED_ACCOUNTS,),
        attacks_of("credential-access/T1110.003"),
        40,
    ),
    Detector(
        "anomaly_sign_in_volume",
        "More sign-ins, accounts or places of sign-in than usual",
        "volume",
        (f.SIGN_INS, f.SOURCES, f.ACCOUNTS, f.APPLICATIONS, f.PRIVILEGED_SESSIONS),
        attacks_of("initial-access/T1078"),
        25,
    ),
    Detector(
        "anomaly_hosts_signed_in_to",
        "Signed in to more hosts than usual",
        "volume",
        (f.HOSTS,),
        attacks_of("lateral-movement/T1021"),
        35,
    ),
    Detector(
        "anomaly_service_tickets",
        "More service tickets asked for than usual",
        "volume",
        (f.TICKETS, f.TICKET_SERVICES),
        attacks_of("credential-access/T1558.003"),
        35,
    ),
    Detector(
        "anomaly_mfa_fatigue",
        "More second factors asked for or denied than usual",
        "volume",
        (f.MFA_PROMPTS, f.MFA_DENIALS),
        attacks_of("credential-access/T1621"),
        45,
    ),
    Detector(
        "anomaly_privilege_changes",
        "More changes of accounts and privileges than usual",
        "volume",
        (f.PRIVILEGE_CHANGES, f.PRIVILEGES_RECEIVED, f.ACCOUNT_CHANGES, f.CREDENTIAL_CHANGES),
        attacks_of("persistence/T1098", "privilege-escalation/T1098"),
        40,
    ),
    Detector(
        "anomaly_api_volume",
        "More API calls than usual",
        "volume",
        (f.API_CALLS, f.OPERATIONS, f.RESOURCES),
        attacks_of("discovery/T1580"),
        25,
    ),
    Detector(
        "anomaly_data_access",
        "More stored data read than usual",
        "volume",
        (f.DATA_ACCESSES, f.DATA_BYTES, f.DATA_OBJECTS),
        attacks_of("collection/T1530"),
        40,
    ),
    Detector(
        "anomaly_data_sent",
        "More data sent than usual",
        "volume",
        (f.BYTES_OUT, f.HTTP_BYTES_OUT, f.PACKETS_OUT),
        attacks_of("exfiltration/T1048"),
        40,
    ),
    Detector(
        "anomaly_traffic",
        "More traffic than usual",
        "volume",
        (f.CONNECTIONS, f.CONNECTIONS_IN, f.BYTES_IN, f.PACKETS_IN, f.HTTP_REQUESTS, f.HTTP_ERRORS, f.CLIENTS),
        attacks_of("command-and-control/T1071"),
        20,
    ),
    Detector(
        "anomaly_fan_out",
        "Connections to more destinations or ports than usual",
        "volume",
        (f.DESTINATIONS, f.PORTS, f.FAILED_CONNECTIONS),
        attacks_of("discovery/T1046"),
        40,
    ),
    Detector(
        "anomaly_dns_volume",
        "More DNS queries or names than usual",
        "volume",
        (f.DNS_QUERIES, f.DNS_NAMES, f.DNS_UNKNOWN),
        attacks_of("command-and-control/T1071.004"),
        35,
    ),
    Detector(
        "anomaly_processes",
        "More programs started than usual",
        "volume",
        (f.PROCESSES, f.SCRIPTS, f.IMAGES, f.INJECTIONS),
        attacks_of("execution/T1059"),
        30,
    ),
    Detector(
        "anomaly_persistence_rate",
        "More scheduled tasks, services or listeners created than usual",
        "volume",
        (f.JOBS_CREATED, f.SERVICES_CREATED, f.LISTENERS),
        attacks_of("persistence/T1053", "persistence/T1543"),
        45,
    ),
    Detector(
        "anomaly_container_exec",
        "More commands run in containers from outside than usual",
        "volume",
        (f.EXECS,),
        attacks_of("execution/T1609"),
        45,
    ),
    Detector(
        "anomaly_file_changes",
        "More files written or deleted than usual",
        "volume",
        (f.FILE_CHANGES, f.FILE_DELETIONS),
        attacks_of("impact/T1486"),
        35,
    ),
)
LEVELS: Final = (
    Detector(
        "anomaly_dns_name",
        "A DNS name longer or more random than usual",
        "level",
        (f.DNS_LENGTH, f.DNS_ENTROPY),
        attacks_of("command-and-control/T1071.004", "command-and-control/T1568.002"),
        35,
    ),
    Detector(
        "anomaly_command_line",
        "A command line or script longer or more random than usual",
        "level",
        (f.COMMAND_LENGTH, f.COMMAND_ENTROPY, f.SCRIPT_LENGTH),
        attacks_of("defense-evasion/T1027", "execution/T1059"),
        30,
    ),
)
RATIOS: Final = (
    Detector(
        "anomaly_api_errors",
        "More API calls fail than usual",
        "ratio",
        (f.API_ERRORS, f.API_CALLS),
        attacks_of("discovery/T1580"),
        35,
    ),
    Detector(
        "anomaly_dns_unknown",
        "More DNS queries for names that do not exist than usual",
        "ratio",
        (f.DNS_UNKNOWN, f.DNS_QUERIES),
        attacks_of("command-and-control/T1568.002"),
        40,
    ),
)
