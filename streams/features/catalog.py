"""Every feature there is: its name, what kind of thing it is, its unit, and its words for people.

A count is summed over a minute; a value is kept by name, with how often and since when (MAX_VALUES by chance of many);
a distinct is a sketch of how many different ones there were, a peak is the largest of a measure, a point is a place.
What is named here and nowhere else: what reads events may count nothing that is not in this table, and so may no model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["count", "value", "distinct", "peak", "point"]
IDENTITY, NETWORK, WORKLOAD = "identity", "network", "workload"


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature.

    Attributes:
        name: Under which deltas hold it.
        kind: What it is, and in which part of a delta it stands.
        domain: `identity`, `network` or `workload`: what an anomaly of it counts to.
        words: What it is for people, in the plural: "failed sign-ins".
        unit: Of its amount; empty where it counts what its words say.
    """

    name: str
    kind: Kind
    domain: str
    words: str
    unit: str = ""


SIGN_INS: Final = "sign_ins"
FAILED_SIGN_INS: Final = "failed_sign_ins"
MFA_PROMPTS: Final = "mfa_prompts"
MFA_DENIALS: Final = "mfa_denials"
TICKETS: Final = "tickets"
PRIVILEGED_SESSIONS: Final = "privileged_sessions"
PRIVILEGE_CHANGES: Final = "privilege_changes"
PRIVILEGES_RECEIVED: Final = "privileges_received"
ACCOUNT_CHANGES: Final = "account_changes"
CREDENTIAL_CHANGES: Final = "credential_changes"
API_CALLS: Final = "api_calls"
API_ERRORS: Final = "api_errors"
DATA_ACCESSES: Final = "data_accesses"
DATA_BYTES: Final = "data_bytes"
SOURCE: Final = "source"
COUNTRY: Final = "country"
ASN: Final = "asn"
DEVICE: Final = "device"
USER_AGENT: Final = "user_agent"
APPLICATION: Final = "application"
HOST: Final = "host"
TICKET_SERVICE: Final = "ticket_service"
OPERATION: Final = "operation"
RESOURCE: Final = "resource"
ROLE: Final = "role"
PRIVILEGE: Final = "privilege"
REGION: Final = "region"
DATA: Final = "data"
SOURCES: Final = "sources"
FAILED_SOURCES: Final = "failed_sources"
FAILED_ACCOUNTS: Final = "failed_accounts"
ACCOUNTS: Final = "accounts"
APPLICATIONS: Final = "applications"
HOSTS: Final = "hosts"
TICKET_SERVICES: Final = "ticket_services"
OPERATIONS: Final = "operations"
RESOURCES: Final = "resources"
DATA_OBJECTS: Final = "data_objects"
PLACE: Final = "place"

CONNECTIONS: Final = "connections"
CONNECTIONS_IN: Final = "connections_in"
FAILED_CONNECTIONS: Final = "failed_connections"
BYTES_OUT: Final = "bytes_out"
BYTES_IN: Final = "bytes_in"
PACKETS_OUT: Final = "packets_out"
PACKETS_IN: Final = "packets_in"
DNS_QUERIES: Final = "dns_queries"
DNS_UNKNOWN: Final = "dns_unknown"
HTTP_REQUESTS: Final = "http_requests"
HTTP_ERRORS: Final = "http_errors"
HTTP_BYTES_OUT: Final = "http_bytes_out"
DESTINATION: Final = "destination"
PORT: Final = "port"
DOMAIN: Final = "domain"
JA3: Final = "ja3"
JA4: Final = "ja4"
HTTP_AGENT: Final = "http_agent"
DNS_TYPE: Final = "dns_type"
REMOTE: Final = "remote"
DESTINATIONS: Final = "destinations"
PORTS: Final = "ports"
CLIENTS: Final = "clients"
DNS_NAMES: Final = "dns_names"
DNS_LENGTH: Final = "dns_length"
DNS_ENTROPY: Final = "dns_entropy"

PROCESSES: Final = "processes"
SCRIPTS: Final = "scripts"
INJECTIONS: Final = "injections"
JOBS_CREATED: Final = "jobs_created"
SERVICES_CREATED: Final = "services_created"
LISTENERS: Final = "listeners"
EXECS: Final = "execs"
FILE_CHANGES: Final = "file_changes"
FILE_DELETIONS: Final = "file_deletions"
IMAGE: Final = "image"
PARENT_CHILD: Final = "parent_child"
BINARY: Final = "binary"
DRIVER: Final = "driver"
JOB: Final = "job"
SERVICE: Final = "service"
LISTENER: Final = "listener"
CONTAINER_IMAGE: Final = "container_image"
IMAGES: Final = "images"
COMMAND_LENGTH: Final = "command_length"
COMMAND_ENTROPY: Final = "command_entropy"
SCRIPT_LENGTH: Final = "script_length"

_BYTES: Final = "bytes"
_CHARACTERS: Final = "characters"
_MILLIBITS: Final = "1/1000 bit a character"

_COUNTS: Final = (
    (SIGN_INS, IDENTITY, "sign-ins", ""),
    (FAILED_SIGN_INS, IDENTITY, "failed sign-ins", ""),
    (MFA_PROMPTS, IDENTITY, "second factors asked for", ""),
    (MFA_DENIALS, IDENTITY, "second factors denied", ""),
    (TICKETS, IDENTITY, "service tickets asked for", ""),
    (PRIVILEGED_SESSIONS, IDENTITY, "sessions with special privileges", ""),
    (PRIVILEGE_CHANGES, IDENTITY, "changes of privileges, roles and groups made", ""),
    (PRIVILEGES_RECEIVED, IDENTITY, "privileges, roles and groups received", ""),
    (ACCOUNT_CHANGES, IDENTITY, "changes of accounts made", ""),
    (CREDENTIAL_CHANGES, IDENTITY, "changes of the account's passwords and factors", ""),
    (API_CALLS, WORKLOAD, "API calls", ""),
    (API_ERRORS, WORKLOAD, "API calls that failed", ""),
    (DATA_ACCESSES, WORKLOAD, "accesses to stored data", ""),
    (DATA_BYTES, WORKLOAD, "data read from stores", _BYTES),
    (CONNECTIONS, NETWORK, "connections", ""),
    (CONNECTIONS_IN, NETWORK, "connections from outside", ""),
    (FAILED_CONNECTIONS, NETWORK, "connections that failed or were refused", ""),
    (BYTES_OUT, NETWORK, "data sent", _BYTES),
    (BYTES_IN, NETWORK, "data received", _BYTES),
    (PACKETS_OUT, NETWORK, "packets sent", ""),
    (PACKETS_IN, NETWORK, "packets received", ""),
    (DNS_QUERIES, NETWORK, "DNS queries", ""),
    (DNS_UNKNOWN, NETWORK, "DNS queries for names that do not exist", ""),
    (HTTP_REQUESTS, NETWORK, "HTTP requests", ""),
    (HTTP_ERRORS, NETWORK, "HTTP requests that failed", ""),
    (HTTP_BYTES_OUT, NETWORK, "data sent in HTTP requests", _BYTES),
    (PROCESSES, WORKLOAD, "processes started", ""),
    (SCRIPTS, WORKLOAD, "scripts run", ""),
    (INJECTIONS, WORKLOAD, "injections into processes", ""),
    (JOBS_CREATED, WORKLOAD, "scheduled tasks created", ""),
    (SERVICES_CREATED, WORKLOAD, "services created", ""),
    (LISTENERS, WORKLOAD, "ports opened for listening", ""),
    (EXECS, WORKLOAD, "commands run in containers from outside", ""),
    (FILE_CHANGES, WORKLOAD, "files written", ""),
    (FILE_DELETIONS, WORKLOAD, "files deleted", ""),
)
_VALUES: Final = (
    (SOURCE, IDENTITY, "addresses come from"),
    (COUNTRY, IDENTITY, "countries come from"),
    (ASN, IDENTITY, "networks (autonomous systems) come from"),
    (DEVICE, IDENTITY, "devices come from"),
    (USER_AGENT, IDENTITY, "programs used, without their versions"),
    (APPLICATION, IDENTITY, "applications signed in to"),
    (HOST, IDENTITY, "hosts signed in to"),
    (TICKET_SERVICE, IDENTITY, "services that tickets were asked for"),
    (PRIVILEGE, IDENTITY, "privileges, roles and groups given or used"),
    (ROLE, IDENTITY, "roles and other accounts assumed"),
    (OPERATION, WORKLOAD, "API operations"),
    (RESOURCE, WORKLOAD, "resources of API calls"),
    (REGION, WORKLOAD, "cloud regions"),
    (DATA, WORKLOAD, "stores of data accessed"),
    (DESTINATION, NETWORK, "destinations"),
    (PORT, NETWORK, "ports of destinations"),
    (DOMAIN, NETWORK, "registered domains"),
    (JA3, NETWORK, "JA3 fingerprints of TLS clients"),
    (JA4, NETWORK, "JA4 fingerprints of TLS clients"),
    (HTTP_AGENT, NETWORK, "HTTP clients, without their versions"),
    (DNS_TYPE, NETWORK, "types of DNS records asked for"),
    (REMOTE, NETWORK, "hosts reached by RDP, SSH and SMB"),
    (IMAGE, WORKLOAD, "programs started"),
    (PARENT_CHILD, WORKLOAD, "programs started and by which"),
    (BINARY, WORKLOAD, "program files, by hash or path"),
    (DRIVER, WORKLOAD, "drivers and kernel modules loaded"),
    (JOB, WORKLOAD, "scheduled tasks"),
    (SERVICE, WORKLOAD, "services installed"),
    (LISTENER, WORKLOAD, "listening programs and their ports"),
    (CONTAINER_IMAGE, WORKLOAD, "container images"),
)
_DISTINCTS: Final = (
    (SOURCES, IDENTITY, "different addresses come from"),
    (FAILED_SOURCES, IDENTITY, "different addresses that failed sign-ins came from"),
    (FAILED_ACCOUNTS, IDENTITY, "different accounts whose sign-ins failed"),
    (ACCOUNTS, IDENTITY, "different accounts signed in"),
    (APPLICATIONS, IDENTITY, "different applications signed in to"),
    (HOSTS, IDENTITY, "different hosts signed in to"),
    (TICKET_SERVICES, IDENTITY, "different services that tickets were asked for"),
    (OPERATIONS, WORKLOAD, "different API operations"),
    (RESOURCES, WORKLOAD, "different resources of API calls"),
    (DATA_OBJECTS, WORKLOAD, "different pieces of stored data accessed"),
    (DESTINATIONS, NETWORK, "different destinations"),
    (PORTS, NETWORK, "different ports of destinations"),
    (CLIENTS, NETWORK, "different clients from outside"),
    (DNS_NAMES, NETWORK, "different names asked for"),
    (IMAGES, WORKLOAD, "different programs started"),
)
_PEAKS: Final = (
    (DNS_LENGTH, NETWORK, "longest DNS name", _CHARACTERS),
    (DNS_ENTROPY, NETWORK, "most random DNS label", _MILLIBITS),
    (COMMAND_LENGTH, WORKLOAD, "longest command line", _CHARACTERS),
    (COMMAND_ENTROPY, WORKLOAD, "most random command line", _MILLIBITS),
    (SCRIPT_LENGTH, WORKLOAD, "longest script", _CHARACTERS),
)


def _features() -> Iterator[Feature]:
    for name, domain, words, unit in _COUNTS:
        yield Feature(name, "count", domain, words, unit)
    for name, domain, words in _VALUES:
        yield Feature(name, "value", domain, words)
    for name, domain, words in _DISTINCTS:
        yield Feature(name, "distinct", domain, words)
    for name, domain, words, unit in _PEAKS:
        yield Feature(name, "peak", domain, words, unit)
    yield Feature(PLACE, "point", IDENTITY, "places come from")


CATALOG: Final[dict[str, Feature]] = {feature.name: feature for feature in _features()}
