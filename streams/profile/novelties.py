"""The detectors of values that an entity, or nobody among its peers, has shown before."""

from __future__ import annotations

from typing import Final

from streams.features import catalog as f
from streams.profile.detector import Detector, attacks_of

VALUES: Final = (
    Detector(
        "anomaly_new_country",
        "Signed in from a country for the first time",
        "value",
        (f.COUNTRY,),
        attacks_of("initial-access/T1078"),
        40,
    ),
    Detector(
        "anomaly_new_network",
        "Signed in from a network for the first time",
        "value",
        (f.ASN,),
        attacks_of("initial-access/T1078"),
        25,
    ),
    Detector(
        "anomaly_new_device",
        "Signed in with a device or program for the first time",
        "value",
        (f.DEVICE, f.USER_AGENT),
        attacks_of("initial-access/T1078"),
        25,
    ),
    Detector(
        "anomaly_new_application",
        "An application used for the first time",
        "value",
        (f.APPLICATION,),
        attacks_of("collection/T1213"),
        25,
    ),
    Detector(
        "anomaly_new_host",
        "A host signed in to for the first time",
        "value",
        (f.HOST, f.TICKET_SERVICE),
        attacks_of("lateral-movement/T1021"),
        30,
    ),
    Detector(
        "anomaly_new_privilege",
        "A privilege or role used for the first time",
        "value",
        (f.PRIVILEGE, f.ROLE),
        attacks_of("privilege-escalation/T1078.004"),
        40,
    ),
    Detector(
        "anomaly_new_operation",
        "An API operation or region used for the first time",
        "value",
        (f.OPERATION, f.REGION),
        attacks_of("discovery/T1580"),
        35,
    ),
    Detector(
        "anomaly_new_resource",
        "A resource or store of data touched for the first time",
        "value",
        (f.RESOURCE, f.DATA),
        attacks_of("collection/T1530"),
        30,
    ),
    Detector(
        "anomaly_new_destination",
        "A destination or domain reached for the first time",
        "value",
        (f.DESTINATION, f.DOMAIN, f.PORT),
        attacks_of("command-and-control/T1071"),
        25,
    ),
    Detector(
        "anomaly_new_client",
        "A network client that was never seen before",
        "value",
        (f.JA3, f.JA4, f.HTTP_AGENT, f.DNS_TYPE),
        attacks_of("command-and-control/T1071"),
        30,
    ),
    Detector(
        "anomaly_new_remote",
        "A host reached by RDP, SSH or SMB for the first time",
        "value",
        (f.REMOTE,),
        attacks_of("lateral-movement/T1021"),
        35,
    ),
    Detector(
        "anomaly_new_program",
        "A program, or its start by another, that was never seen before",
        "value",
        (f.IMAGE, f.PARENT_CHILD, f.BINARY, f.CONTAINER_IMAGE),
        attacks_of("execution/T1204"),
        35,
    ),
    Detector(
        "anomaly_new_driver",
        "A driver or kernel module that was never loaded before",
        "value",
        (f.DRIVER,),
        attacks_of("persistence/T1547.006", "privilege-escalation/T1068"),
        45,
    ),
    Detector(
        "anomaly_new_service",
        "A scheduled task or service that was never seen before",
        "value",
        (f.JOB, f.SERVICE),
        attacks_of("persistence/T1053", "persistence/T1543"),
        40,
    ),
    Detector(
        "anomaly_new_listener",
        "A program that never listened before",
        "value",
        (f.LISTENER,),
        attacks_of("command-and-control/T1571"),
        45,
    ),
)
