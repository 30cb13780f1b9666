"""Which kind of happening each Falcon sensor event tells of.

Source: CrowdStrike Falcon documentation, "Events Data Dictionary". The sensor has hundreds of events; those about one
happening differ in their beginning (`PeFileWritten`, `ZipFileWritten`), so most are known by their end.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from streams.sources.edr import drafts, drafts_system
from streams.sources.edr.shapes import OTHER

PROCESS, PROCESS_END, INJECTION, FILE, NETWORK, LISTEN, DNS, LOGON, KEY, VALUE = range(10)
MODULE, DRIVER, SCRIPT, SERVICE, TASK, PIPE, ACCOUNT, HTTP, NOTED = range(10, 19)

Kind = tuple[int, int]  # kind of happening, OCSF activity

_NAMES: Final[dict[str, Kind]] = {
    "ProcessRollup2": (PROCESS, drafts.LAUNCH),
    "SyntheticProcessRollup2": (PROCESS, OTHER),  # already ran when the sensor came
    "ProcessRollup2Stats": (NOTED, OTHER),
    "ProcessBlocked": (PROCESS, OTHER),
    "EndOfProcess": (PROCESS_END, drafts.TERMINATE),
    "TerminateProcess": (PROCESS_END, drafts.TERMINATE),
    "DllInjection": (INJECTION, drafts.INJECT),
    "ProcessHandleOpDetectInfo": (INJECTION, drafts.OPEN),
    "LsassHandleFromUnsignedModule": (INJECTION, drafts.OPEN),
    "NewExecutableWritten": (FILE, drafts.CREATE),
    "FileCreateInfo": (FILE, drafts.CREATE),
    "DirectoryCreate": (FILE, drafts.CREATE),
    "FileDeleteInfo": (FILE, drafts.DELETE),
    "FileDeleted": (FILE, drafts.DELETE),
    "ExecutableDeleted": (FILE, drafts.DELETE),
    "FileOpenInfo": (FILE, drafts.OPEN_FILE),
    "CriticalFileAccessed": (FILE, drafts.OPEN_FILE),
    "CriticalFileModified": (FILE, drafts.UPDATE),
    "AsepFileChange": (FILE, drafts.UPDATE),
    "FileRenameInfo": (FILE, drafts.RENAME),
    "NewExecutableRenamed": (FILE, drafts.RENAME),
    "FileTimestampModified": (FILE, drafts.SET_ATTRIBUTES),
    "NetworkConnectIP4": (NETWORK, 1),
    "NetworkConnectIP6": (NETWORK, 1),
    "NetworkReceiveAcceptIP4": (NETWORK, 1),
    "NetworkReceiveAcceptIP6": (NETWORK, 1),
    "NetworkCloseIP4": (NETWORK, 2),
    "NetworkCloseIP6": (NETWORK, 2),
    "NetworkConnectIP4Blocked": (NETWORK, 5),
    "NetworkConnectIP6Blocked": (NETWORK, 5),
    "FirewallMatchEvent": (NETWORK, OTHER),
    "NetworkListenIP4": (LISTEN, 7),
    "NetworkListenIP6": (LISTEN, 7),
    "DnsRequest": (DNS, 1),
    "SuspiciousDnsRequest": (DNS, 1),
    "HttpRequest": (HTTP, OTHER),
    "UserLogon": (LOGON, 1),
    "UserLogonFailed": (LOGON, 1),
    "UserLogonFailed2": (LOGON, 1),
    "UserLogoff": (LOGON, 2),
    "UserIdentity": (LOGON, OTHER),
    "UserAccountCreated": (ACCOUNT, 1),
    "UserAccountDeleted": (ACCOUNT, 6),
    "RegGenericValueUpdate": (VALUE, drafts_system.VALUE_SET),
    "AsepValueUpdate": (VALUE, drafts_system.VALUE_SET),
    "AsepKeyUpdate": (KEY, drafts_system.KEY_MODIFY),
    "RegKeySecurityDecreased": (KEY, 6),
    "ClassifiedModuleLoad": (MODULE, 1),
    "UnsignedModuleLoad": (MODULE, 1),
    "ImageHash": (MODULE, 1),
    "DriverLoad": (DRIVER, 1),
    "ScriptControlScanInfo": (SCRIPT, 1),
    "ScriptControlScanTelemetry": (SCRIPT, 1),
    "ScriptControlDetectInfo": (SCRIPT, 1),
    "ScriptControlBlocked": (SCRIPT, 1),
    "CommandHistory": (SCRIPT, 1),
    "ServiceStarted": (SERVICE, 3),
    "HostedServiceStarted": (SERVICE, 3),
    "ServiceStopped": (SERVICE, 4),
    "HostedServiceStopped": (SERVICE, 4),
    "CreateService": (SERVICE, 1),
    "ServiceCreated": (SERVICE, 1),
    "ModifyServiceBinary": (SERVICE, 2),
    "ScheduledTaskRegistered": (TASK, 1),
    "ScheduledTaskModified": (TASK, 2),
    "ScheduledTaskDeleted": (TASK, 3),
    "NamedPipeCreated": (PIPE, drafts.CREATE),
    "CreateNamedPipe": (PIPE, drafts.CREATE),
}
_ENDINGS: Final[tuple[tuple[str, Kind], ...]] = (
    ("FileWritten", (FILE, drafts.UPDATE)),
    ("FileDeleted", (FILE, drafts.DELETE)),
    ("InjectedThread", (INJECTION, drafts.INJECT)),
    ("ValueUpdate", (VALUE, drafts_system.VALUE_SET)),
    ("ModuleLoad", (MODULE, 1)),
)
_NOTHING: Final[Kind] = (NOTED, OTHER)


@lru_cache(maxsize=2048)
def kind_of(name: str) -> Kind:
    """Return what an event of this name, cut to a bounded length by the caller, tells of."""
    return _NAMES.get(name) or next((kind for ending, kind in _ENDINGS if name.endswith(ending)), _NOTHING)
