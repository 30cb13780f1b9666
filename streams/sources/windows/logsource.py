"""Which Sigma rules concern a Windows event: the service of its channel and the generic categories of its id.

Source: the log source appendix of the Sigma specification, and the Sysmon and audit categories its tools agree on.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from models.event import LogSource

SYSMON, SECURITY, SYSTEM = "sysmon", "security", "system"
POWERSHELL, POWERSHELL_CLASSIC = "powershell", "powershell-classic"
TASKSCHEDULER, WINDEFEND, DNS_CLIENT, WMI = "taskscheduler", "windefend", "dns-client", "wmi"
TERMINAL_SESSIONS: Final = "terminalservices-localsessionmanager"

# Channels begin with the log's owner; most owners are Microsoft-Windows and their channel is Operational.
_OPERATIONAL: Final = {
    "appxdeploymentserver": "appxdeployment-server",
    "appxpackaging": "appxpackaging-om",
    "bits-client": "bits-client",
    "capi2": "capi2",
    "certificateservicesclient-lifecycle-system": "certificateservicesclient-lifecycle-system",
    "codeintegrity": "codeintegrity-operational",
    "dhcp-server": "dhcp",
    "diagnosis-scripted": "diagnosis-scripted",
    "dns client events": DNS_CLIENT,
    "dns-client": DNS_CLIENT,
    "driverframeworks-usermode": "driver-framework",
    "lsa": "lsa-server",
    "ntfs": "ntfs",
    "ntlm": "ntlm",
    "powershell": POWERSHELL,
    "printservice": "printservice-operational",
    "sense": "sense",
    "shell-core": "shell-core",
    "sysmon": SYSMON,
    "taskscheduler": TASKSCHEDULER,
    "terminalservices-localsessionmanager": TERMINAL_SESSIONS,
    "vhdmp": "vhdmp",
    "windows defender": WINDEFEND,
    "wmi-activity": WMI,
}
CHANNELS: Final = {
    "application": "application",
    "dns server": "dns-server",
    "microsoft-iis-configuration/operational": "iis-configuration",
    "microsoft-servicebus-client/admin": "microsoft-servicebus-client",
    "microsoft-servicebus-client/operational": "microsoft-servicebus-client",
    "microsoft-windows-appmodel-runtime/admin": "appmodel-runtime",
    "microsoft-windows-application-experience/program-compatibility-assistant": "application-experience",
    "microsoft-windows-application-experience/program-telemetry": "application-experience",
    "microsoft-windows-applocker/exe and dll": "applocker",
    "microsoft-windows-applocker/msi and script": "applocker",
    "microsoft-windows-applocker/packaged app-deployment": "applocker",
    "microsoft-windows-applocker/packaged app-execution": "applocker",
    "microsoft-windows-bitlocker/bitlocker management": "bitlocker",
    "microsoft-windows-dns-server/analytical": "dns-server-analytic",
    "microsoft-windows-dns-server/audit": "dns-server-audit",
    "microsoft-windows-dnsserver/analytical": "dns-server-analytic",
    "microsoft-windows-dnsserver/audit": "dns-server-audit",
    "microsoft-windows-hyper-v-worker": "hyper-v-worker",
    "microsoft-windows-hyper-v-worker-admin": "hyper-v-worker",
    "microsoft-windows-kernel-eventtracing": "kernel-event-tracing",
    "microsoft-windows-kernel-eventtracing/admin": "kernel-event-tracing",
    "microsoft-windows-kernel-shimengine/diagnostic": "kernel-shimengine",
    "microsoft-windows-kernel-shimengine/operational": "kernel-shimengine",
    "microsoft-windows-ldap-client/debug": "ldap",
    "microsoft-windows-printservice/admin": "printservice-admin",
    "microsoft-windows-security-mitigations/kernel mode": "security-mitigations",
    "microsoft-windows-security-mitigations/kernelmode": "security-mitigations",
    "microsoft-windows-security-mitigations/user mode": "security-mitigations",
    "microsoft-windows-security-mitigations/usermode": "security-mitigations",
    "microsoft-windows-smbclient/connectivity": "smbclient-connectivity",
    "microsoft-windows-smbclient/security": "smbclient-security",
    "microsoft-windows-smbserver/connectivity": "smbserver-connectivity",
    "microsoft-windows-windows defender/whc": WINDEFEND,
    "microsoft-windows-windows firewall with advanced security/firewall": "firewall-as",
    "msexchange management": "msexchange-management",
    "openssh/operational": "openssh",
    "powershellcore/operational": POWERSHELL,
    "security": SECURITY,
    "system": SYSTEM,
    "windows powershell": POWERSHELL_CLASSIC,
} | {f"microsoft-windows-{owner}/operational": service for owner, service in _OPERATIONAL.items()}
# For records whose shipper left the channel out.
_PROVIDERS: Final = {
    "microsoft-windows-sysmon": ("Microsoft-Windows-Sysmon/Operational", SYSMON),
    "microsoft-windows-security-auditing": ("Security", SECURITY),
    "microsoft-windows-powershell": ("Microsoft-Windows-PowerShell/Operational", POWERSHELL),
    "powershell": ("Windows PowerShell", POWERSHELL_CLASSIC),
    "service control manager": ("System", SYSTEM),
    "microsoft-windows-taskscheduler": ("Microsoft-Windows-TaskScheduler/Operational", TASKSCHEDULER),
    "microsoft-windows-windows defender": ("Microsoft-Windows-Windows Defender/Operational", WINDEFEND),
}

_SYSMON_CATEGORIES: Final[dict[int, tuple[str, ...]]] = {
    1: ("process_creation",),
    2: ("file_change",),
    3: ("network_connection",),
    4: ("sysmon_status",),
    5: ("process_termination",),
    6: ("driver_load",),
    7: ("image_load",),
    8: ("create_remote_thread",),
    9: ("raw_access_thread",),
    10: ("process_access",),
    11: ("file_event",),
    12: ("registry_event",),
    13: ("registry_event", "registry_set"),
    14: ("registry_event", "registry_rename"),
    15: ("create_stream_hash",),
    16: ("sysmon_status",),
    17: ("pipe_created",),
    18: ("pipe_created",),
    19: ("wmi_event",),
    20: ("wmi_event",),
    21: ("wmi_event",),
    22: ("dns_query",),
    23: ("file_delete",),
    24: ("clipboard_capture",),
    25: ("process_tampering",),
    26: ("file_delete", "file_delete_detected"),
    27: ("file_block_executable",),
    28: ("file_block_shredding",),
    29: ("file_executable_detected",),
    255: ("sysmon_error",),
}
DETECTIONS: Final = frozenset({1006, 1007, 1008, 1015, 1116, 1117, 1118, 1119})  # Defender found something
CATEGORIES: Final[dict[tuple[str, int], tuple[str, ...]]] = {
    **{(SYSMON, event_id): categories for event_id, categories in _SYSMON_CATEGORIES.items()},
    **{(WINDEFEND, event_id): ("antivirus",) for event_id in DETECTIONS},
    (SECURITY, 4657): ("registry_event",),
    (SECURITY, 4688): ("process_creation",),
    (SECURITY, 4689): ("process_termination",),
    (POWERSHELL, 4103): ("ps_module",),
    (POWERSHELL, 4104): ("ps_script",),
    (POWERSHELL_CLASSIC, 400): ("ps_classic_start",),
    (POWERSHELL_CLASSIC, 600): ("ps_classic_provider_start",),
    (POWERSHELL_CLASSIC, 800): ("ps_classic_script",),
}
EVENT_TYPE_LINE: Final = "\nEventType: "
MAX_WORD: Final = 32
REGISTRY_CHANGE: Final = {
    "createkey": "registry_add",
    "deletekey": "registry_delete",
    "deletevalue": "registry_delete",
    "setvalue": "registry_set",
}


@lru_cache(maxsize=4096)
def channel_and_service(channel: str | None, provider: str | None) -> tuple[str, str]:
    """Return the channel, guessed from the provider when it is missing, and Sigma's name for it or an empty string."""
    if channel:
        return channel, CHANNELS.get(channel.lower(), "")
    return _PROVIDERS.get((provider or "").lower(), ("", ""))


@lru_cache(maxsize=4096)
def log_source(service: str, event_id: int, event_type: str) -> LogSource:
    """Return the log source of an event; `event_type` tells what happened to a registry object, else it is empty."""
    categories = CATEGORIES.get((service, event_id), ())
    if event_type and categories == ("registry_event",):
        change = REGISTRY_CHANGE.get(event_type.lower())
        categories = (*categories, change) if change else categories
    return LogSource("windows", service, categories)


def registry_change(native: Mapping[str, Any]) -> str:
    """Return Sysmon's `EventType` of a registry event, or an empty string.

    NXLog has a field of that name too; where it took the place of Sysmon's, the rendered message still has the value.
    """
    value = native.get("EventType")
    if isinstance(value, str) and value.lower() in REGISTRY_CHANGE:
        return value
    message = native.get("Message")
    if not isinstance(message, str):
        return ""
    start = message.find(EVENT_TYPE_LINE)
    word = message[start + len(EVENT_TYPE_LINE) :][:MAX_WORD].split("\n", 1)[0].strip() if start >= 0 else ""
    return word if word.lower() in REGISTRY_CHANGE else ""
