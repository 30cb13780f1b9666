"""What the labels of rendered Windows messages are called in the event's data.

Source: "Appendix L: Events to Monitor" and the pages of the single events in Microsoft's documentation of advanced
security auditing, which give both the rendered message and the XML. A label's name depends on the section that it
stands in, and some sections are called alike in events where they mean different fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

SUBJECT, TARGET, TARGET_ACCOUNT = (
    {"Security ID": sid, "Account Name": f"{who}UserName", "Account Domain": f"{who}DomainName"}
    | {"Domain Name": f"{who}DomainName", "Logon ID": f"{who}LogonId"}
    for who, sid in (("Subject", "SubjectUserSid"), ("Target", "TargetUserSid"), ("Target", "TargetSid"))
)
_NEW_LOGON: Final = TARGET | {
    "Linked Logon ID": "TargetLinkedLogonId",
    "Network Account Name": "TargetOutboundUserName",
    "Network Account Domain": "TargetOutboundDomainName",
}
_GROUP: Final = TARGET_ACCOUNT | {"Group Name": "TargetUserName", "Group Domain": "TargetDomainName"}
_ACCESS: Final = {
    "Accesses": "AccessList",
    "Access Reasons": "AccessReason",
    "Access Check Results": "AccessReason",
    "Privileges Used for Access Check": "PrivilegeList",
    "Desired Access": "AccessMask",
    "Privileges": "PrivilegeList",
}

# By section, in every event that has it. The sections of no name hold the labels that stand alone.
SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "Subject": SUBJECT,
    "Creator Subject": SUBJECT,
    "New Logon": _NEW_LOGON,
    "Target Subject": TARGET,
    "Account For Which Logon Failed": TARGET,
    "Account Whose Credentials Were Used": TARGET,
    "Account That Was Locked Out": TARGET_ACCOUNT,
    "Account Information": TARGET_ACCOUNT | {"User ID": "TargetSid", "Supplied Realm Name": "TargetDomainName"},
    "New Account": TARGET_ACCOUNT,
    "Target Account": TARGET_ACCOUNT
    | {"Old Account Name": "OldTargetUserName", "New Account Name": "NewTargetUserName"},
    "Target Computer": TARGET_ACCOUNT,
    "New Computer Account": TARGET_ACCOUNT,
    "Computer Account That Was Changed": TARGET_ACCOUNT,
    "Group": _GROUP,
    "New Group": _GROUP,
    "Deleted Group": _GROUP,
    "Member": {"Security ID": "MemberSid", "Account Name": "MemberName"},
    "Target Server": {"Target Server Name": "TargetServerName", "Additional Information": "TargetInfo"},
    "Service Information": {"Service ID": "ServiceSid", "Service Start Type": "ServiceStartType"},
    "Process Information": {
        "Caller Process ID": "ProcessId",
        "Caller Process Name": "ProcessName",
        "Creator Process ID": "ProcessId",
        "Creator Process Name": "ParentProcessName",
        "Process Command Line": "CommandLine",
        "Exit Status": "Status",
    },
    "Network Information": {
        "Source Network Address": "IpAddress",
        "Client Address": "IpAddress",
        "Network Address": "IpAddress",
        "Source Address": "IpAddress",
        "Source Port": "IpPort",
        "Client Port": "IpPort",
        "Port": "IpPort",
    },
    "Failure Information": {},
    "Detailed Authentication Information": {
        "Logon Process": "LogonProcessName",
        "Authentication Package": "AuthenticationPackageName",
        "Transited Services": "TransmittedServices",
        "Package Name (NTLM only)": "LmPackageName",
    },
    "Logon Information": {"Restricted Admin Mode": "RestrictedAdminMode"},
    "Additional Information": {"Result Code": "Status", "Failure Code": "Status", "Privileges": "PrivilegeList"},
    "Access Request Information": _ACCESS,
    "Requested Operation": _ACCESS,
    "Service Request Information": _ACCESS,
    "Operation": _ACCESS | {"Parameter 1": "AdditionalInfo", "Parameter 2": "AdditionalInfo2", "Type": "OperationType"},
    "Service": {"Server": "ObjectServer", "Service Name": "Service"},
    "Share Information": {"Share Path": "ShareLocalPath"},
    "Task Information": {"Task New Content": "TaskContentNew"},
    "Directory Service": {"Name": "DSName", "Type": "DSType"},
    "Object": {"DN": "ObjectDN", "GUID": "ObjectGUID", "Class": "ObjectClass"},
    "Attribute": {
        "LDAP Display Name": "AttributeLDAPDisplayName",
        "Syntax (OID)": "AttributeSyntaxOID",
        "Value": "AttributeValue",
    },
    "Audit Policy Change": {"Category": "CategoryId", "Subcategory": "SubcategoryId", "Changes": "AuditPolicyChanges"},
    "Application Information": {"Process ID": "ProcessID", "Application Name": "Application"},
    "User Right": {"User Right": "PrivilegeList"},
    "Access Granted": {"Access Right": "AccessGranted"},
    "Access Removed": {"Access Right": "AccessRemoved"},
    "": {
        "Privileges": "PrivilegeList",
        "User Right": "PrivilegeList",
        "Enabled Privileges": "EnabledPrivilegeList",
        "Disabled Privileges": "DisabledPrivilegeList",
        "Impersonation Level": "ImpersonationLevel",
        "Failure Reason": "FailureReason",
    },
}


def _events(
    *groups: tuple[Iterable[int], Mapping[str, Mapping[str, str]]],
) -> dict[int, Mapping[str, Mapping[str, str]]]:
    return {event_id: sections for event_ids, sections in groups for event_id in event_ids}


_FILTERED: Final = {"Source Address": "SourceAddress", "Source Port": "SourcePort"} | {
    "Destination Address": "DestAddress",
    "Destination Port": "DestPort",
}
# Where one event means other fields by a section.
EVENTS: Final[Mapping[int, Mapping[str, Mapping[str, str]]]] = _events(
    ((4634, 4647, 4800, 4801, 4802, 4803), {"Subject": TARGET}),
    (
        (4778, 4779),
        {"Subject": {"Account Name": "AccountName", "Account Domain": "AccountDomain", "Logon ID": "LogonID"}},
    ),
    ((4648,), {"Account Whose Credentials Were Used": TARGET | {"Logon GUID": "TargetLogonGuid"}}),
    ((4703,), {"Target Account": TARGET}),
    ((4740,), {"Additional Information": {"Caller Computer Name": "TargetDomainName"}}),
    (
        (4776,),
        {
            "": {
                "Authentication Package": "PackageName",
                "Logon Account": "TargetUserName",
                "Source Workstation": "Workstation",
                "Error Code": "Status",
            }
        },
    ),
    ((4688,), {"Process Information": {"Process Name": "NewProcessName"}}),
    (range(5150, 5160), {"Network Information": _FILTERED}),
    ((5145,), {"Access Request Information": {"Access Check Results": "AccessReason"}}),
    (
        (7045,),
        {
            "": {
                "Service File Name": "ImagePath",
                "Service Start Type": "StartType",
                "Service Account": "AccountName",
            }
        },
    ),
)
# Well-known security identifiers that rendering replaces by names; Windows writes the names of its own language.
SIDS: Final = {
    "NULL SID": "S-1-0-0",
    "Everyone": "S-1-1-0",
    "SYSTEM": "S-1-5-18",
    r"NT AUTHORITY\SYSTEM": "S-1-5-18",
    r"NT AUTHORITY\LOCAL SERVICE": "S-1-5-19",
    "LOCAL SERVICE": "S-1-5-19",
    r"NT AUTHORITY\NETWORK SERVICE": "S-1-5-20",
    "NETWORK SERVICE": "S-1-5-20",
    r"NT AUTHORITY\ANONYMOUS LOGON": "S-1-5-7",
    "ANONYMOUS LOGON": "S-1-5-7",
    r"BUILTIN\Administrators": "S-1-5-32-544",
    r"BUILTIN\Users": "S-1-5-32-545",
    r"BUILTIN\Remote Desktop Users": "S-1-5-32-555",
}
# Fields that hold a security identifier, and those that hold the name and the domain of the same account.
ACCOUNTS: Final = {
    "SubjectUserSid": ("SubjectUserName", "SubjectDomainName"),
    "TargetUserSid": ("TargetUserName", "TargetDomainName"),
    "TargetSid": ("TargetUserName", "TargetDomainName"),
    "MemberSid": ("MemberName", ""),
    "ServiceSid": ("ServiceName", ""),
}
# Words that rendering writes for codes.
CODES: Final[Mapping[str, Mapping[str, str]]] = {
    "MandatoryLabel": {
        rf"Mandatory Label\{word} Mandatory Level": f"S-1-16-{number}"
        for word, number in (("Untrusted", 0), ("Low", 4096), ("Medium", 8192), ("High", 12288), ("System", 16384))
    },
    "TokenElevationType": {
        f"TokenElevationType{word} ({number})": f"%%{1935 + number}"
        for number, word in enumerate(("Default", "Full", "Limited"), 1)
    },
    "Direction": {"Inbound": "%%14592", "Outbound": "%%14593"},
    "OperationType": {
        "New registry value created": "%%1904",
        "Existing registry value modified": "%%1905",
        "Registry value deleted": "%%1906",
    },
    **{
        name: {"REG_SZ": "%%1873", "REG_BINARY": "%%1875", "REG_DWORD": "%%1876", "REG_QWORD": "%%1883"}
        for name in ("OldValueType", "NewValueType")
    },
    "ElevatedToken": {"Yes": "%%1842", "No": "%%1843"},
    "VirtualAccount": {"Yes": "%%1842", "No": "%%1843"},
    "ImpersonationLevel": {
        "Anonymous": "%%1831",
        "Identification": "%%1832",
        "Impersonation": "%%1833",
        "Delegation": "%%1834",
    },
    "FailureReason": {
        "Account locked out.": "%%2307",
        "Unknown user name or bad password.": "%%2313",
        "Account currently disabled.": "%%2310",
    },
}
