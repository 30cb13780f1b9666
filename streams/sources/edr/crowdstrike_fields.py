"""Which fields of Falcon's records have an attribute of their own; all others go to `unmapped`."""

from __future__ import annotations

from typing import Final

MAPPED_BESIDE: Final = frozenset(  # what every record has
    (
        *("event", "unknown_payload", "metadata", "event_simpleName", "event_simplename", "fdr_event_type"),
        *("ExternalApiType", "EventType", "event_platform", "ComputerName", "aid", "cid", "id", "name", "timestamp"),
        *("ContextTimeStamp", "ContextTimestamp", "TreeId", "CustomerIdString", "AgentIdString", "UTCTimestamp"),
    )
)
MAPPED: Final = MAPPED_BESIDE | frozenset(
    (
        *("ImageFileName", "CommandLine", "TargetProcessId", "RawProcessId", "ParentProcessId", "ParentBaseFileName"),
        *("SHA256HashData", "MD5HashData", "SHA1HashData", "UserSid", "UserName", "UID", "AuthenticationId"),
        *("IntegrityLevel", "ProcessStartTime", "WorkingDirectory", "ExitCode", "ContextProcessId"),
        *("ContextBaseFileName", "ContextImageFileName", "TargetFileName", "TargetDirectoryName", "SourceFileName"),
        *("LocalAddressIP4", "LocalAddressIP6", "LocalPort", "RemoteAddressIP4", "RemoteAddressIP6", "RemotePort"),
        *("Protocol", "ConnectionDirection", "DomainName", "RequestType", "IP4Records", "IP6Records", "CNAMERecords"),
        *("FirstIP4Record", "RespondingDnsServer", "LogonType", "LogonDomain", "ClientComputerName"),
        *("AuthenticationPackage", "RemoteIP", "RegObjectName", "RegValueName", "RegStringValue", "RegNumericValue"),
        *("ScriptContent", "CommandHistory", "ServiceName", "ServiceDisplayName", "ServiceImagePath", "TaskName"),
        *("TaskExecCommand", "TaskExecArguments", "HostnameField", "SessionId", "PipeName", "MachineDomain"),
    )
)
