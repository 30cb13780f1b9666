"""Small numbers for features, by which states that are kept name them.

A number stands for the same feature for ever: new ones are added at the end, and what is no longer counted keeps its
place. How many there were says which version of this list a state was written by.
"""

from __future__ import annotations

from typing import Final

from models.errors import InvalidRecord
from streams.features import catalog as f

NAMES: Final = (
    f.SIGN_INS,
    f.FAILED_SIGN_INS,
    f.MFA_PROMPTS,
    f.MFA_DENIALS,
    f.TICKETS,
    f.PRIVILEGED_SESSIONS,
    f.PRIVILEGE_CHANGES,
    f.PRIVILEGES_RECEIVED,
    f.ACCOUNT_CHANGES,
    f.CREDENTIAL_CHANGES,
    f.API_CALLS,
    f.API_ERRORS,
    f.DATA_ACCESSES,
    f.DATA_BYTES,
    f.CONNECTIONS,
    f.CONNECTIONS_IN,
    f.FAILED_CONNECTIONS,
    f.BYTES_OUT,
    f.BYTES_IN,
    f.PACKETS_OUT,
    f.PACKETS_IN,
    f.DNS_QUERIES,
    f.DNS_UNKNOWN,
    f.HTTP_REQUESTS,
    f.HTTP_ERRORS,
    f.HTTP_BYTES_OUT,
    f.PROCESSES,
    f.SCRIPTS,
    f.INJECTIONS,
    f.JOBS_CREATED,
    f.SERVICES_CREATED,
    f.LISTENERS,
    f.EXECS,
    f.FILE_CHANGES,
    f.FILE_DELETIONS,
    f.SOURCE,
    f.COUNTRY,
    f.ASN,
    f.DEVICE,
    f.USER_AGENT,
    f.APPLICATION,
    f.HOST,
    f.TICKET_SERVICE,
    f.PRIVILEGE,
    f.ROLE,
    f.OPERATION,
    f.RESOURCE,
    f.REGION,
    f.DATA,
    f.DESTINATION,
    f.PORT,
    f.DOMAIN,
    f.JA3,
    f.JA4,
    f.HTTP_AGENT,
    f.DNS_TYPE,
    f.REMOTE,
    f.IMAGE,
    f.PARENT_CHILD,
    f.BINARY,
    f.DRIVER,
    f.JOB,
    f.SERVICE,
    f.LISTENER,
    f.CONTAINER_IMAGE,
    f.SOURCES,
    f.FAILED_SOURCES,
    f.FAILED_ACCOUNTS,
    f.ACCOUNTS,
    f.APPLICATIONS,
    f.HOSTS,
    f.TICKET_SERVICES,
    f.OPERATIONS,
    f.RESOURCES,
    f.DATA_OBJECTS,
    f.DESTINATIONS,
    f.PORTS,
    f.CLIENTS,
    f.DNS_NAMES,
    f.IMAGES,
    f.DNS_LENGTH,
    f.DNS_ENTROPY,
    f.COMMAND_LENGTH,
    f.COMMAND_ENTROPY,
    f.SCRIPT_LENGTH,
    f.PLACE,
)
NUMBERS: Final = {name: number for number, name in enumerate(NAMES)}


def name_of(number: object, known: int) -> str:
    """Return the name of a feature.

    Args:
        number: Its number, or its name where it had none.
        known: How many numbers there were when it was written.

    Raises:
        InvalidRecord: When there is no such number here.
    """
    if isinstance(number, str):
        return number
    if isinstance(number, int) and 0 <= number < len(NAMES):
        return NAMES[number]
    raise InvalidRecord(f"feature {number!r} of {known}: this version knows {len(NAMES)}")
