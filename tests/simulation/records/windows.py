"""Records of Windows event logs as Winlogbeat ships them: Sysmon of laptops, the Security log of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from random import Random
from typing import Any, Final

from tests.simulation.days import iso, windows_time
from tests.simulation.machines import DOMAIN
from tests.simulation.records.record import WINDOWS, Record, uuid

CORP: Final = "CORP"
SYSTEM_SID: Final = "S-1-5-18"
SYSTEM_LOGON: Final = "0x3e7"
SYSMON: Final = ("Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational")
SECURITY: Final = ("Microsoft-Windows-Security-Auditing", "Security")
CONSOLE, NETWORK, UNLOCK, REMOTE = 2, 3, 7, 10
_SUCCESS, _FAILURE = ["Audit Success"], ["Audit Failure"]


@dataclass(frozen=True, slots=True)
class Account:
    """Who acts on a machine.

    Attributes:
        name: Account name.
        sid: Its SID.
        logon: Logon id of its session.
    """

    name: str
    sid: str
    logon: str

    @property
    def is_system(self) -> bool:
        """Tell the machine itself."""
        return self.sid == SYSTEM_SID

    @property
    def full_name(self) -> str:
        """Return the name with its domain."""
        return "NT AUTHORITY\\SYSTEM" if self.is_system else f"{CORP}\\{self.name}"


SYSTEM: Final = Account("SYSTEM", SYSTEM_SID, SYSTEM_LOGON)


def service_account(name: str) -> Account:
    """Return an account that is nobody's."""
    number = sum(map(ord, name))
    return Account(name, f"S-1-5-21-1000000001-1000000002-1000000003-{90_000 + number}", f"0x{number:x}")


def _record(
    rng: Random, time: int, host: str, origin: tuple[str, str], event_id: int, data: Mapping[str, Any], **more: Any
) -> Record:
    provider, channel = origin
    name = f"{host}.{DOMAIN}"
    fields = {
        "@timestamp": iso(time),
        "event": {"code": str(event_id), "kind": "event", "provider": provider},
        "host": {"name": name},
        "log": {"level": "information"},
        "winlog": {
            "channel": channel,
            "computer_name": name,
            "event_id": str(event_id),
            "provider_name": provider,
            "record_id": rng.getrandbits(31),
            **more,
            "event_data": dict(data),
        },
    }
    return Record.of(time, WINDOWS, fields)


@lru_cache(maxsize=4096)
def _hash(image: str, version: str) -> str:
    return "SHA256=" + sha256(f"{image.lower()}{version}".encode()).hexdigest().upper()


def _sysmon_process(rng: Random, time: int, image: str, who: Account) -> dict[str, Any]:
    return {
        "RuleName": "-",
        "UtcTime": windows_time(time),
        "ProcessGuid": f"{{{uuid(rng).upper()}}}",
        "ProcessId": str(rng.randrange(1000, 30_000) * 4),
        "Image": image,
        "User": who.full_name,
    }


def started(
    rng: Random, time: int, host: str, who: Account, parent: str, image: str, command: str, version: str = "1.0"
) -> Record:
    """Write Sysmon's record of a program that was started."""
    data = {
        **_sysmon_process(rng, time, image, who),
        "FileVersion": version,
        "OriginalFileName": image.rpartition("\\")[2],
        "CommandLine": command,
        "CurrentDirectory": "C:\\Windows\\system32\\" if who.is_system else f"C:\\Users\\{who.name}\\",
        "LogonGuid": f"{{{uuid(rng).upper()}}}",
        "LogonId": who.logon,
        "TerminalSessionId": "0" if who.is_system else "1",
        "IntegrityLevel": "System" if who.is_system else "Medium",
        "Hashes": _hash(image, version),
        "ParentProcessGuid": f"{{{uuid(rng).upper()}}}",
        "ParentProcessId": str(rng.randrange(1000, 30_000) * 4),
        "ParentImage": parent,
        "ParentCommandLine": parent,
        "ParentUser": who.full_name,
    }
    return _record(rng, time, host, SYSMON, 1, data)


def connected(
    rng: Random, time: int, host: str, who: Account, image: str, ends: tuple[str, str, int], *, opened: bool = True
) -> Record:
    """Write Sysmon's record of a connection of a program.

    Args:
        rng: For what has a number of its own.
        time: When, ms.
        host: On which machine.
        who: As whom the program runs.
        image: The program.
        ends: Address of the machine, address of the other side, and port of whoever is called.
        opened: Whether the program opened it; False where it listens.
    """
    own, other, port = ends
    near, far = (str(rng.randrange(49_152, 65_535)), str(port))
    data = {
        **_sysmon_process(rng, time, image, who),
        "Protocol": "tcp",
        "Initiated": "true" if opened else "false",
        "SourceIsIpv6": "false",
        "SourceIp": own if opened else other,
        "SourceHostname": f"{host}.{DOMAIN}" if opened else "-",
        "SourcePort": near,
        "SourcePortName": "-",
        "DestinationIsIpv6": "false",
        "DestinationIp": other if opened else own,
        "DestinationHostname": "-",
        "DestinationPort": far,
        "DestinationPortName": "-",
    }
    return _record(rng, time, host, SYSMON, 3, data)


def wrote(rng: Random, time: int, host: str, who: Account, image: str, file: str) -> Record:
    """Write Sysmon's record of a file that was made."""
    data = {**_sysmon_process(rng, time, image, who), "TargetFilename": file, "CreationUtcTime": windows_time(time)}
    return _record(rng, time, host, SYSMON, 11, data)


def logged_on(
    rng: Random, time: int, host: str, who: Account, kind: int, ip: str = "127.0.0.1", *, ok: bool = True
) -> Record:
    """Write the Security log's record of a logon, or of one that failed."""
    data = {
        "SubjectUserSid": SYSTEM_SID,
        "SubjectUserName": f"{host.upper()}$",
        "SubjectDomainName": CORP,
        "SubjectLogonId": SYSTEM_LOGON,
        "TargetUserSid": who.sid if ok else "S-1-0-0",
        "TargetUserName": who.name,
        "TargetDomainName": CORP,
        "LogonType": str(kind),
        "LogonProcessName": "Kerberos" if kind == NETWORK else "User32 ",
        "AuthenticationPackageName": "Kerberos" if kind == NETWORK else "Negotiate",
        "WorkstationName": "-" if kind == NETWORK else host.upper(),
        "ProcessName": "-",
        "IpAddress": ip,
        "IpPort": "0",
    }
    if ok:
        data["TargetLogonId"] = f"0x{rng.getrandbits(28):x}" if kind == NETWORK else who.logon
    else:
        data |= {"Status": "0xc000006d", "SubStatus": "0xc000006a", "FailureReason": "%%2313"}
    return _record(rng, time, host, SECURITY, 4624 if ok else 4625, data, keywords=_SUCCESS if ok else _FAILURE)


def _subject(host: str, who: Account) -> dict[str, str]:
    name = f"{host.upper()}$" if who.is_system else who.name
    return {
        "SubjectUserSid": who.sid,
        "SubjectUserName": name,
        "SubjectDomainName": CORP,
        "SubjectLogonId": who.logon,
    }


def process_created(rng: Random, time: int, host: str, who: Account, parent: str, image: str, command: str) -> Record:
    """Write the Security log's record of a program that was started, from a machine without Sysmon."""
    data = {
        **_subject(host, who),
        "NewProcessId": f"0x{rng.randrange(1000, 30_000) * 4:x}",
        "NewProcessName": image,
        "TokenElevationType": "%%1936",
        "ProcessId": f"0x{rng.randrange(1000, 30_000) * 4:x}",
        "CommandLine": command,
        "TargetUserSid": "S-1-0-0",
        "TargetUserName": "-",
        "TargetDomainName": "-",
        "TargetLogonId": "0x0",
        "ParentProcessName": parent,
        "MandatoryLabel": "S-1-16-16384",
    }
    return _record(rng, time, host, SECURITY, 4688, data, keywords=_SUCCESS)


def listening(rng: Random, time: int, host: str, image: str, port: int) -> Record:
    """Write the Security log's record of a program that may listen on a port from now on."""
    drive, _, path = image.partition("\\")
    device = "\\device\\harddiskvolume3\\" if drive == "C:" else drive
    data = {
        "ProcessId": str(rng.randrange(1000, 30_000) * 4),
        "Application": f"{device}{path.lower()}",
        "SourceAddress": "0.0.0.0",  # noqa: S104  # as Windows writes all addresses of the machine
        "SourcePort": str(port),
        "Protocol": "6",
        "FilterRTID": "0",
        "LayerName": "%%14609",
        "LayerRTID": "40",
    }
    return _record(rng, time, host, SECURITY, 5154, data, keywords=_SUCCESS)


def service_installed(rng: Random, time: int, host: str, who: Account, name: str, image: str) -> Record:
    """Write the Security log's record of a service that was installed."""
    data = {
        **_subject(host, who),
        "ServiceName": name,
        "ServiceFileName": image,
        "ServiceType": "0x10",
        "ServiceStartType": "2",
        "ServiceAccount": "LocalSystem",
    }
    return _record(rng, time, host, SECURITY, 4697, data, keywords=_SUCCESS)


def task_created(rng: Random, time: int, host: str, who: Account, name: str, command: str, arguments: str) -> Record:
    """Write the Security log's record of a scheduled task that was made."""
    content = (
        f'<?xml version="1.0" encoding="UTF-16"?><Task><Actions Context="Author"><Exec><Command>{command}</Command>'
        f"<Arguments>{arguments}</Arguments></Exec></Actions></Task>"
    )
    data = {**_subject(host, who), "TaskName": name, "TaskContent": content}
    return _record(rng, time, host, SECURITY, 4698, data, keywords=_SUCCESS)
