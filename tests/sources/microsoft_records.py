"""Records of Microsoft's clouds as their products write them; all names, addresses and ids are invented."""

from __future__ import annotations

import json
from typing import Any

from models.event import Event
from models.ocsf_schema import validate
from models.records import Coordinates, RawRecord
from streams.sources.base import Source

NOON = 1_718_452_800_000  # 2024-06-15T12:00:00Z
TENANT = "7f3c1a52-0000-4000-8000-0000000000aa"
SUBSCRIPTION = "7f3c1a52-0000-4000-8000-0000000000bb"
ALICE_ID = "7f3c1a52-0000-4000-8000-000000000001"
BOB_ID = "7f3c1a52-0000-4000-8000-000000000002"
APP_ID = "7f3c1a52-0000-4000-8000-000000000003"
BACKUP_ID = "7f3c1a52-0000-4000-8000-000000000004"
DEVICE_ID = "7f3c1a52-0000-4000-8000-000000000005"
GROUP_ID = "7f3c1a52-0000-4000-8000-000000000006"
RESOURCES = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers"
UPPER = RESOURCES.upper()
VM = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-web/providers/Microsoft.Compute/virtualMachines/web01"
BOB = {"id": BOB_ID, "displayName": "Bob", "type": "User", "userPrincipalName": "bob@example.com"}

SIGN_IN: dict[str, Any] = {
    "id": "66ea54eb-0000-4000-8000-000000000001",
    "createdDateTime": "2024-06-15T12:00:00.2500000Z",
    "userDisplayName": "Alice",
    "userPrincipalName": "alice@example.com",
    "userId": ALICE_ID,
    "appId": APP_ID,
    "appDisplayName": "Azure Portal",
    "ipAddress": "203.0.113.7",
    "clientAppUsed": "Browser",
    "userAgent": "Mozilla/5.0 (X11; Linux x86_64)",
    "correlationId": "c1c1c1c1-0000-4000-8000-000000000001",
    "conditionalAccessStatus": "success",
    "appliedConditionalAccessPolicies": [
        {"id": "p1", "displayName": "Require MFA", "result": "success"},
        {"id": "p2", "displayName": "Block legacy", "result": "notApplied"},
    ],
    "authenticationRequirement": "multiFactorAuthentication",
    "authenticationDetails": [
        {"authenticationMethod": "Password", "succeeded": True},
        {"authenticationMethod": "Mobile app notification", "succeeded": True},
    ],
    "authenticationProtocol": "none",
    "isInteractive": True,
    "riskDetail": "none",
    "riskLevelAggregated": "none",
    "riskLevelDuringSignIn": "low",
    "riskState": "none",
    "resourceDisplayName": "Windows Azure Service Management API",
    "resourceId": "797f4846-0000-4000-8000-000000000001",
    "uniqueTokenIdentifier": "AbCdEf0123",
    "sessionId": "005a1b2c-0000-4000-8000-000000000001",
    "userType": "member",
    "autonomousSystemNumber": 64500,
    "status": {"errorCode": 0, "failureReason": "Other.", "additionalDetails": None},
    "deviceDetail": {
        "deviceId": DEVICE_ID,
        "displayName": "LAPTOP-7",
        "operatingSystem": "Windows10",
        "browser": "Edge 125",
        "isCompliant": True,
        "isManaged": True,
        "trustType": "Hybrid Azure AD joined",
    },
    "location": {
        "city": "Oslo",
        "state": "Oslo",
        "countryOrRegion": "NO",
        "geoCoordinates": {"latitude": 59.91, "longitude": 10.75},
    },
}
HUB_SIGN_IN: dict[str, Any] = {
    "time": "2024-06-15T12:03:00.1234567Z",
    "resourceId": f"/tenants/{TENANT}/providers/Microsoft.aadiam",
    "operationName": "Sign-in activity",
    "operationVersion": "1.0",
    "category": "SignInLogs",
    "tenantId": TENANT,
    "resultType": "0",
    "resultSignature": "None",
    "durationMs": 0,
    "callerIpAddress": "203.0.113.7",
    "correlationId": "c1c1c1c1-0000-4000-8000-000000000001",
    "identity": "Alice",
    "Level": 4,
    "location": "NO",
    "properties": SIGN_IN,
}
SERVICE_SIGN_IN: dict[str, Any] = {
    **{name: value for name, value in HUB_SIGN_IN.items() if name != "identity"},
    "category": "ServicePrincipalSignInLogs",
    "resultType": "7000215",
    "properties": {
        "id": "66ea54eb-0000-4000-8000-000000000002",
        "createdDateTime": "2024-06-15T12:00:00Z",
        "servicePrincipalId": BACKUP_ID,
        "servicePrincipalName": "svc-backup",
        "appId": APP_ID,
        "ipAddress": "203.0.113.8",
        "resourceDisplayName": "Azure Storage",
        "status": {"errorCode": 7000215},
    },
}
TABLE_SIGN_IN: dict[str, Any] = {
    "TimeGenerated": "2024-06-15T12:03:00Z",
    "CreatedDateTime": "2024-06-15T12:00:00Z",
    "Type": "SigninLogs",
    "ResultType": "50126",
    "ResultDescription": "Invalid username or password or Invalid on-premise username or password.",
    "UserPrincipalName": "alice@example.com",
    "UserId": ALICE_ID,
    "AppDisplayName": "Office 365",
    "IPAddress": "203.0.113.7",
    "AADTenantId": TENANT,
    "Category": "SignInLogs",
    "DeviceDetail": '{"deviceId": "", "operatingSystem": "Windows10"}',
    "LocationDetails": '{"city": "Oslo", "countryOrRegion": "NO"}',
    "Status": '{"errorCode": 50126, "failureReason": "Invalid username or password."}',
    "AuthenticationRequirement": "singleFactorAuthentication",
}
AUDIT: dict[str, Any] = {
    "id": "Directory_1",
    "category": "RoleManagement",
    "correlationId": "c2c2c2c2-0000-4000-8000-000000000001",
    "result": "success",
    "resultReason": "",
    "activityDisplayName": "Add member to role",
    "activityDateTime": "2024-06-15T12:00:00.5Z",
    "loggedByService": "Core Directory",
    "operationType": "Assign",
    "initiatedBy": {
        "user": {
            "id": ALICE_ID,
            "displayName": "Alice",
            "userPrincipalName": "alice@example.com",
            "ipAddress": "203.0.113.7",
        }
    },
    "targetResources": [
        {
            **BOB,
            "modifiedProperties": [
                {"displayName": "Role.DisplayName", "oldValue": None, "newValue": '"Global Administrator"'},
                {"displayName": "Role.TemplateId", "newValue": '"62e90394-69f5-4237-9190-012177145e10"'},
            ],
        },
        {"id": "role-1", "displayName": "Global Administrator", "type": "Role", "modifiedProperties": []},
    ],
    "additionalDetails": [{"key": "User-Agent", "value": "curl/8"}],
}
HUB_AUDIT: dict[str, Any] = {
    "time": "2024-06-15T12:01:00Z",
    "resourceId": f"/tenants/{TENANT}/providers/Microsoft.aadiam",
    "operationName": "Add member to role",
    "category": "AuditLogs",
    "tenantId": TENANT,
    "callerIpAddress": "203.0.113.7",
    "resultSignature": "None",
    "properties": AUDIT,
}
RISK: dict[str, Any] = {
    "id": "risk-1",
    "requestId": "r-1",
    "correlationId": "c3c3c3c3-0000-4000-8000-000000000001",
    "riskEventType": "passwordSpray",
    "riskState": "atRisk",
    "riskLevel": "high",
    "riskDetail": "none",
    "source": "IdentityProtection",
    "detectionTimingType": "offline",
    "activity": "signin",
    "ipAddress": "198.51.100.23",
    "location": {"city": "Oslo", "countryOrRegion": "NO"},
    "activityDateTime": "2024-06-15T11:00:00Z",
    "detectedDateTime": "2024-06-15T12:00:00Z",
    "userId": ALICE_ID,
    "userPrincipalName": "alice@example.com",
    "additionalInfo": '[{"Key":"mitreTechniques","Value":"T1110.003"}]',
}
PIM: dict[str, Any] = {
    "@odata.type": "#microsoft.graph.noMfaOnRoleActivationAlertIncident",
    "id": "pim-1",
    "roleDisplayName": "Global Administrator",
    "assigneeId": BOB_ID,
    "assigneeUserPrincipalName": "bob@example.com",
}
GRAPH_CALL: dict[str, Any] = {
    "time": "2024-06-15T12:00:00Z",
    "category": "MicrosoftGraphActivityLogs",
    "tenantId": TENANT,
    "callerIpAddress": "203.0.113.7",
    "operationName": "Microsoft Graph Activity",
    "properties": {
        "timeGenerated": "2024-06-15T12:00:00Z",
        "requestId": "rq-1",
        "requestMethod": "PATCH",
        "requestUri": "https://graph.microsoft.com/v1.0/users/1?$select=id",
        "responseStatusCode": 403,
        "userId": ALICE_ID,
        "appId": APP_ID,
        "signInActivityId": "AbCdEf0123",
        "ipAddress": "203.0.113.7",
        "userAgent": "python-requests/2",
    },
}
ENTRA = (
    SIGN_IN,
    HUB_SIGN_IN,
    SERVICE_SIGN_IN,
    TABLE_SIGN_IN,
    AUDIT,
    HUB_AUDIT,
    RISK,
    PIM,
    GRAPH_CALL,
)

M365: dict[str, Any] = {
    "CreationTime": "2024-06-15T12:00:00",
    "Id": "a0a0a0a0-0000-4000-8000-000000000001",
    "Operation": "FileDownloaded",
    "OrganizationId": TENANT,
    "RecordType": 6,
    "UserKey": "i:0h.f|membership|100320000@live.com",
    "UserType": 0,
    "Version": 1,
    "Workload": "SharePoint",
    "ClientIP": "203.0.113.7",
    "ObjectId": "https://example.sharepoint.com/sites/hr/Shared Documents/pay.xlsx",
    "UserId": "alice@example.com",
    "UserAgent": "Mozilla/5.0",
    "ItemType": "File",
    "SiteUrl": "https://example.sharepoint.com/sites/hr/",
    "SourceFileExtension": "xlsx",
    "SourceFileName": "pay.xlsx",
    "AppAccessContext": {
        "AADSessionId": "005a1b2c-0000-4000-8000-000000000001",
        "CorrelationId": "c4c4c4c4-0000-4000-8000-000000000001",
        "UniqueTokenId": "AbCdEf0123",
    },
}
M365_LOGIN: dict[str, Any] = {
    **{name: M365[name] for name in ("CreationTime", "OrganizationId", "UserType", "UserId")},
    "Id": "a0a0a0a0-0000-4000-8000-000000000002",
    "Operation": "UserLoginFailed",
    "RecordType": 15,
    "ResultStatus": "Failed",
    "UserKey": ALICE_ID,
    "Workload": "AzureActiveDirectory",
    "ClientIP": "[2001:db8::7]:443",
    "ApplicationId": APP_ID,
    "LogonError": "InvalidUserNameOrPassword",
    "ErrorNumber": "50126",
    "Actor": [{"ID": ALICE_ID, "Type": 0}, {"ID": "alice@example.com", "Type": 5}],
    "ExtendedProperties": [{"Name": "UserAgent", "Value": "curl/8"}, {"Name": "RequestType", "Value": "OAuth2:Token"}],
    "DeviceProperties": [
        {"Name": "OS", "Value": "Windows10"},
        {"Name": "DisplayName", "Value": "LAPTOP-7"},
        {"Name": "SessionId", "Value": "005a1b2c-0000-4000-8000-000000000001"},
    ],
}
M365_EXCHANGE: dict[str, Any] = {
    "CreationTime": "2024-06-15T12:00:00",
    "Id": "a0a0a0a0-0000-4000-8000-000000000003",
    "Operation": "New-InboxRule",
    "OrganizationId": TENANT,
    "RecordType": 1,
    "ResultStatus": "True",
    "UserKey": "10032000A",
    "UserType": 2,
    "Workload": "Exchange",
    "ClientIP": "203.0.113.7:51022",
    "ObjectId": "alice\\hide",
    "UserId": "alice@example.com",
    "Parameters": [{"Name": "Name", "Value": "hide"}, {"Name": "ForwardTo", "Value": "mallory@example.net"}],
}
M365_ALERT: dict[str, Any] = {
    "CreationTime": "2024-06-15T12:00:00",
    "Id": "a0a0a0a0-0000-4000-8000-000000000004",
    "Operation": "AlertTriggered",
    "OrganizationId": TENANT,
    "RecordType": 40,
    "ResultStatus": "Succeeded",
    "UserKey": "SecurityComplianceAlerts",
    "UserType": 4,
    "Workload": "SecurityComplianceCenter",
    "UserId": "SecurityComplianceAlerts",
    "AlertId": "al-1",
    "AlertType": "System",
    "Category": "ThreatManagement",
    "Data": '{"f3u": "alice@example.com", "an": "x"}',
    "Name": "Impossible travel activity",
    "PolicyId": "pol-1",
    "Severity": "Medium",
    "Status": "Active",
}
M365_MAIL: dict[str, Any] = {
    "CreationTime": "2024-06-15T12:00:00",
    "Id": "a0a0a0a0-0000-4000-8000-000000000005",
    "Operation": "TIMailData",
    "OrganizationId": TENANT,
    "RecordType": 28,
    "UserKey": "ThreatIntel",
    "UserType": 4,
    "Workload": "ThreatIntelligence",
    "UserId": "ThreatIntel",
    "DeliveryAction": "Blocked",
    "Directionality": "Inbound",
    "InternetMessageId": "<m1@example.net>",
    "NetworkMessageId": "n1",
    "P1Sender": "bounce@example.net",
    "P2Sender": "mallory@example.net",
    "Recipients": ["alice@example.com"],
    "SenderIp": "198.51.100.23",
    "Subject": "Invoice",
    "Verdict": "Phish",
}
M365_GROUP: dict[str, Any] = {
    **M365_EXCHANGE,
    "Operation": "Add member to group.",
    "Workload": "AzureActiveDirectory",
    "RecordType": 8,
    "ObjectId": "bob@example.com",
    "ResultStatus": "Success",
    "Target": [{"ID": f"User_{BOB_ID}", "Type": 2}, {"ID": BOB_ID, "Type": 2}, {"ID": "bob@example.com", "Type": 5}],
    "ModifiedProperties": [{"Name": "Group.DisplayName", "NewValue": "Admins", "OldValue": ""}],
}
UNIFIED = (M365, M365_LOGIN, M365_EXCHANGE, M365_ALERT, M365_MAIL, M365_GROUP)

TRACE: dict[str, Any] = {
    "Organization": "example.onmicrosoft.com",
    "MessageId": "<m1@example.net>",
    "Received": "2024-06-15T12:00:00.1234567",
    "SenderAddress": "mallory@example.net",
    "RecipientAddress": "alice@example.com",
    "Subject": "Invoice",
    "Status": "Delivered",
    "ToIP": None,
    "FromIP": "198.51.100.23",
    "Size": 21340,
    "MessageTraceId": "ae4ad8f6-0000-4000-8000-000000000001",
    "Index": 0,
}
EMAIL_EVENT: dict[str, Any] = {
    "time": "2024-06-15T12:05:00Z",
    "tenantId": TENANT,
    "operationName": "Publish",
    "category": "AdvancedHunting-EmailEvents",
    "properties": {
        "Timestamp": "2024-06-15T12:00:00Z",
        "NetworkMessageId": "n1",
        "InternetMessageId": "<m2@example.com>",
        "SenderFromAddress": "alice@example.com",
        "SenderMailFromAddress": "alice@example.com",
        "SenderIPv4": "203.0.113.7",
        "RecipientEmailAddress": "bob@example.net",
        "EmailDirection": "Outbound",
        "DeliveryAction": "Delivered",
        "Subject": "Hello",
        "ReportId": "rep-1",
    },
}
TRACES = (TRACE, EMAIL_EVENT)

CALL: dict[str, Any] = {
    "time": "2024-06-15T12:00:00.5000000Z",
    "resourceId": VM.upper(),
    "operationName": "MICROSOFT.COMPUTE/VIRTUALMACHINES/RUNCOMMAND/ACTION",
    "category": "Administrative",
    "resultType": "Start",
    "resultSignature": "Started.",
    "durationMs": "0",
    "callerIpAddress": "203.0.113.7",
    "correlationId": "c5c5c5c5-0000-4000-8000-000000000001",
    "level": "Information",
    "location": "global",
    "tenantId": TENANT,
    "identity": {
        "authorization": {"scope": VM, "action": "Microsoft.Compute/virtualMachines/runCommand/action"},
        "claims": {
            "aud": "https://management.azure.com/",
            "appid": APP_ID,
            "uti": "AbCdEf0123",
            "name": "Alice",
            "http://schemas.microsoft.com/claims/authnmethodsreferences": "pwd,mfa",
            "http://schemas.microsoft.com/identity/claims/objectidentifier": ALICE_ID,
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "alice@example.com",
        },
    },
    "properties": {"message": "Run command", "hierarchy": TENANT},
}
REST_CALL: dict[str, Any] = {
    "eventTimestamp": "2024-06-15T12:00:00.5Z",
    "submissionTimestamp": "2024-06-15T12:05:00Z",
    "eventDataId": "ed-1",
    "operationId": "op-1",
    "correlationId": "c5c5c5c5-0000-4000-8000-000000000002",
    "caller": BACKUP_ID,
    "category": {"value": "Administrative", "localizedValue": "Administrative"},
    "operationName": {"value": "Microsoft.KeyVault/vaults/write", "localizedValue": "Update vault"},
    "resourceId": f"{RESOURCES}/Microsoft.KeyVault/vaults/kv1",
    "status": {"value": "Succeeded", "localizedValue": "Succeeded"},
    "subStatus": {"value": "Created", "localizedValue": "Created (HTTP Status Code: 201)"},
    "claims": {"appid": APP_ID, "http://schemas.microsoft.com/identity/claims/objectidentifier": BACKUP_ID},
    "httpRequest": {"clientRequestId": "cr-1", "clientIpAddress": "203.0.113.8", "method": "PUT"},
    "level": "Informational",
    "subscriptionId": SUBSCRIPTION,
    "tenantId": TENANT,
}
TABLE_CALL: dict[str, Any] = {
    "TimeGenerated": "2024-06-15T12:00:00Z",
    "Type": "AzureActivity",
    "OperationNameValue": "MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/DELETE",
    "ActivityStatusValue": "Failure",
    "ActivitySubstatusValue": "Forbidden",
    "CategoryValue": "Administrative",
    "Caller": "alice@example.com",
    "CallerIpAddress": "203.0.113.7",
    "Claims": '{"uti": "AbCdEf0123"}',
    "CorrelationId": "c5c5c5c5-0000-4000-8000-000000000003",
    "_ResourceId": f"{RESOURCES.lower()}/microsoft.network/networksecuritygroups/n1",
    "Properties": '{"statusCode": "Forbidden"}',
    "TenantId": TENANT,
}
BLOB: dict[str, Any] = {
    "time": "2024-06-15T12:00:00Z",
    "resourceId": f"{RESOURCES}/Microsoft.Storage/storageAccounts/st1",
    "category": "StorageRead",
    "operationName": "GetBlob",
    "statusCode": 403,
    "statusText": "AuthorizationPermissionMismatch",
    "callerIpAddress": "198.51.100.23:57485",
    "correlationId": "c5c5c5c5-0000-4000-8000-000000000004",
    "identity": {"type": "SAS", "tokenHash": "key1(0A1B)"},
    "uri": "https://st1.blob.core.windows.net/c/pay.xlsx",
    "properties": {"accountName": "st1", "objectKey": "/st1/c/pay.xlsx", "userAgentHeader": "azcopy/10"},
}
SECRET: dict[str, Any] = {
    "time": "2024-06-15T12:00:00Z",
    "category": "AuditEvent",
    "operationName": "SecretGet",
    "resultType": "Success",
    "resultSignature": "OK",
    "callerIpAddress": "203.0.113.7",
    "correlationId": "c5c5c5c5-0000-4000-8000-000000000005",
    "resourceId": f"{UPPER}/MICROSOFT.KEYVAULT/VAULTS/KV1",
    "identity": {"claim": {"oid": ALICE_ID, "upn": "alice@example.com", "appid": APP_ID}},
    "properties": {
        "id": "https://kv1.vault.azure.net/secrets/db/1",
        "clientInfo": "azsdk/1",
        "httpStatusCode": 200,
        "requestUri": "https://kv1.vault.azure.net/secrets/db/1",
    },
}
KUBE: dict[str, Any] = {
    "time": "2024-06-15T12:00:00Z",
    "category": "kube-audit",
    "operationName": "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",
    "resourceId": f"{UPPER}/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/K1",
    "properties": {
        "log": json.dumps(
            {
                "auditID": "ka-1",
                "verb": "create",
                "user": {"username": "alice@example.com", "uid": "u1"},
                "sourceIPs": ["203.0.113.7"],
                "objectRef": {"resource": "pods", "namespace": "default", "name": "web", "subresource": "exec"},
                "responseStatus": {"code": 101},
                "userAgent": "kubectl/1",
            }
        ),
        "pod": "kube-apiserver-1",
    },
}
CALLS = (CALL, REST_CALL, TABLE_CALL, BLOB, SECRET, KUBE)

NSG: dict[str, Any] = {
    "time": "2024-06-15T12:01:00.1Z",
    "systemId": "5e5e5e5e-0000-4000-8000-000000000001",
    "macAddress": "000D3AF87856",
    "category": "NetworkSecurityGroupFlowEvent",
    "resourceId": f"{UPPER}/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/N1",
    "operationName": "NetworkSecurityGroupFlowEvents",
    "properties": {
        "Version": 2,
        "flows": [
            {
                "rule": "DefaultRule_DenyAllInBound",
                "flows": [
                    {
                        "mac": "000D3AF87856",
                        "flowTuples": ["1718452800,198.51.100.23,10.5.16.4,28746,3389,T,I,D,B,,,,"],
                    }
                ],
            },
            {
                "rule": "UserRule_out",
                "flows": [
                    {
                        "mac": "000D3AF87856",
                        "flowTuples": [
                            "1718452801,10.5.16.4,198.51.100.7,55960,443,T,O,A,B,,,,",
                            "1718452860,10.5.16.4,198.51.100.7,55960,443,T,O,A,E,10,2000,8,9000",
                        ],
                    }
                ],
            },
        ],
    },
}
NSG_1: dict[str, Any] = {
    **NSG,
    "properties": {
        "Version": 1,
        "flows": [
            {
                "rule": "UserRule_dns",
                "flows": [
                    {"mac": "00-0D-3A-F8-78-56", "flowTuples": ["1718452800,10.5.16.4,192.0.2.53,50001,53,U,O,A"]}
                ],
            }
        ],
    },
}
VNET: dict[str, Any] = {
    "time": "2024-06-15T12:01:00Z",
    "flowLogVersion": 4,
    "flowLogGUID": "5e5e5e5e-0000-4000-8000-000000000002",
    "macAddress": "000D3AF87856",
    "category": "FlowLogFlowEvent",
    "flowLogResourceID": f"{UPPER}/MICROSOFT.NETWORK/NETWORKWATCHERS/W/FLOWLOGS/F",
    "targetResourceID": f"{RESOURCES}/Microsoft.Network/virtualNetworks/v1",
    "operationName": "FlowLogFlowEvent",
    "flowRecords": {
        "flows": [
            {
                "aclID": "acl-1",
                "flowGroups": [
                    {
                        "rule": "DefaultRule_AllowInternetOutBound",
                        "flowTuples": [
                            "1718452800123,10.0.0.6,198.51.100.7,23956,443,6,O,B,NX,0,0,0,0",
                            "1718452805123,10.0.0.6,198.51.100.7,23956,443,6,O,E,NX,3,767,2,1580",
                        ],
                    },
                    {
                        "rule": "DefaultRule_DenyAllInBound",
                        "flowTuples": ["1718452800456,2001:db8::9,2001:db8::6,40000,22,6,I,D,NX,0,0,0,0"],
                    },
                ],
            }
        ]
    },
}
CONNECTION: dict[str, Any] = {
    "TimeGenerated": "2024-06-15T12:00:00.868Z",
    "Computer": "web01",
    "Direction": "inbound",
    "ProcessName": "java",
    "SourceIp": "198.51.100.23",
    "DestinationIp": "10.0.0.6",
    "DestinationPort": 8080,
    "Protocol": "tcp",
    "BytesSent": 333,
    "BytesReceived": 137,
    "LinksEstablished": 1,
    "ConnectionId": "0A3C96B5",
    "Machine": "m-1",
    "Process": "p-1",
    "TenantId": TENANT,
    "Type": "VMConnection",
    "_ResourceId": VM.lower(),
}
FLOWS = (NSG, NSG_1, VNET, CONNECTION)

GRAPH_ALERT: dict[str, Any] = {
    "id": "da637472900382838869_1",
    "tenantId": TENANT,
    "incidentId": "28282",
    "title": "Suspicious PowerShell command line",
    "description": "A suspicious command was run.",
    "category": "Execution",
    "severity": "medium",
    "status": "new",
    "serviceSource": "microsoftDefenderForEndpoint",
    "detectionSource": "microsoftDefenderForEndpoint",
    "productName": "Microsoft Defender for Endpoint",
    "detectorId": "e0da400f-0000-4000-8000-000000000001",
    "mitreTechniques": ["T1059.001"],
    "alertWebUrl": "https://security.microsoft.com/alerts/da637472900382838869_1",
    "createdDateTime": "2024-06-15T12:00:00Z",
    "firstActivityDateTime": "2024-06-15T11:58:00Z",
    "lastActivityDateTime": "2024-06-15T11:59:00Z",
    "lastUpdateDateTime": "2024-06-15T12:01:00Z",
    "evidence": [
        {
            "@odata.type": "#microsoft.graph.security.deviceEvidence",
            "mdeDeviceId": "1f1f",
            "azureAdDeviceId": DEVICE_ID,
            "deviceDnsName": "laptop-7.corp.example.com",
            "osPlatform": "Windows10",
        },
        {
            "@odata.type": "#microsoft.graph.security.userEvidence",
            "userAccount": {
                "accountName": "alice",
                "domainName": "CORP",
                "userSid": "S-1-5-21-1-2-3-1104",
                "azureAdUserId": ALICE_ID,
                "userPrincipalName": "alice@example.com",
            },
        },
        {
            "@odata.type": "#microsoft.graph.security.processEvidence",
            "processId": 4780,
            "parentProcessId": 668,
            "processCommandLine": "powershell -enc AAAA",
            "processCreationDateTime": "2024-06-15T11:58:00Z",
            "imageFile": {"sha256": "a" * 64, "fileName": "powershell.exe", "filePath": "C:\\Windows\\System32"},
            "userAccount": {"accountName": "alice", "domainName": "CORP"},
        },
        {
            "@odata.type": "#microsoft.graph.security.ipEvidence",
            "ipAddress": "198.51.100.23",
            "countryLetterCode": "NO",
        },
        {"@odata.type": "#microsoft.graph.security.urlEvidence", "url": "https://evil.example.net/x"},
        {
            "@odata.type": "#microsoft.graph.security.analyzedMessageEvidence",
            "recipientEmailAddress": "alice@example.com",
            "p2Sender": {"emailAddress": "mallory@example.net"},
            "subject": "Invoice",
        },
        {"@odata.type": "#microsoft.graph.security.azureResourceEvidence", "resourceId": VM},
    ],
}
LEGACY_ALERT: dict[str, Any] = {
    "id": "legacy-1",
    "azureTenantId": TENANT,
    "category": "UnfamiliarLocation",
    "title": "Unfamiliar sign-in properties",
    "severity": "low",
    "status": "resolved",
    "createdDateTime": "2024-06-15T12:00:00Z",
    "eventDateTime": "2024-06-15T11:59:00Z",
    "vendorInformation": {"provider": "IPC", "vendor": "Microsoft"},
    "userStates": [{"accountName": "alice", "userPrincipalName": "alice@example.com"}],
    "hostStates": [{"fqdn": "laptop-7.corp.example.com", "os": "Windows"}],
    "networkConnections": [
        {"sourceAddress": "198.51.100.23", "destinationAddress": "10.0.0.6", "destinationPort": "443"}
    ],
    "fileStates": [{"name": "x.exe", "path": "C:\\Temp\\x.exe"}],
}
ENDPOINT_ALERT: dict[str, Any] = {
    "id": "da1",
    "incidentId": 1126093,
    "title": "Low-reputation code executed by signed executable",
    "severity": "High",
    "status": "InProgress",
    "classification": "TruePositive",
    "category": "Execution",
    "detectionSource": "WindowsDefenderAtp",
    "detectorId": "d1",
    "alertCreationTime": "2024-06-15T12:00:00.5Z",
    "firstEventTime": "2024-06-15T11:58:00Z",
    "lastEventTime": "2024-06-15T11:59:00Z",
    "machineId": "1f1f",
    "computerDnsName": "laptop-7.corp.example.com",
    "aadTenantId": TENANT,
    "mitreTechniques": ["T1064", "T1085"],
    "relatedUser": {"userName": "alice", "domainName": "CORP"},
    "evidence": [
        {"entityType": "Process", "processId": 4780, "processCommandLine": "rundll32 x", "fileName": "rundll32.exe"},
        {"entityType": "File", "fileName": "x.dll", "filePath": "C:\\Temp", "sha1": "b" * 40},
        {"entityType": "Ip", "ipAddress": "198.51.100.23"},
    ],
}
INCIDENT: dict[str, Any] = {
    "incidentId": 924565,
    "incidentName": "Multi-stage incident",
    "createdTime": "2024-06-15T12:00:00Z",
    "severity": "High",
    "status": "Active",
    "alerts": [
        {
            "alertId": "fa1",
            "title": "Risky sign-in",
            "severity": "Medium",
            "creationTime": "2024-06-15T12:00:00Z",
            "category": "InitialAccess",
            "mitreTechniques": ["T1078"],
            "devices": [{"mdatpDeviceId": "1f1f", "deviceDnsName": "laptop-7.corp.example.com"}],
            "entities": [{"entityType": "User", "accountName": "alice", "userPrincipalName": "alice@example.com"}],
        }
    ],
}
SENTINEL_ALERT: dict[str, Any] = {
    "TenantId": TENANT,
    "TimeGenerated": "2024-06-15T13:00:00Z",
    "Type": "SecurityAlert",
    "AlertName": "Rare process as a service",
    "DisplayName": "Rare process as a service",
    "AlertSeverity": "Medium",
    "ProviderName": "ASI Scheduled Alerts",
    "ProductName": "Azure Sentinel",
    "AlertType": f"{TENANT}_rule-1",
    "SystemAlertId": "sa-1",
    "StartTime": "2024-06-15T11:00:00Z",
    "EndTime": "2024-06-15T12:00:00Z",
    "Status": "New",
    "Tactics": "Persistence, LateralMovement",
    "Techniques": '["T1543"]',
    "SubTechniques": '["T1543.003"]',
    "CompromisedEntity": "web01",
    "ExtendedProperties": '{"IncidentId": "107"}',
    "Entities": json.dumps(
        [
            {"$id": "1", "Type": "host", "HostName": "web01", "DnsDomain": "corp.example.com", "OSFamily": "Windows"},
            {"$id": "2", "Type": "account", "Name": "alice", "NTDomain": "CORP", "Host": {"$ref": "1"}},
            {"$id": "3", "Type": "ip", "Address": "198.51.100.23"},
            {
                "$id": "4",
                "Type": "process",
                "ProcessId": "0x12ac",
                "CommandLine": "svc -k",
                "ImageFile": {"$ref": "5"},
                "ParentProcess": {"$id": "6", "ProcessId": "668", "Type": "process"},
            },
            {
                "$id": "5",
                "Type": "file",
                "Directory": "C:\\Windows",
                "Name": "svc.exe",
                "FileHashes": [{"$id": "7", "Algorithm": "SHA256", "Value": "c" * 64, "Type": "filehash"}],
            },
        ]
    ),
}
SENTINEL_INCIDENT: dict[str, Any] = {
    "TenantId": TENANT,
    "TimeGenerated": "2024-06-15T12:30:00Z",
    "Type": "SecurityIncident",
    "IncidentName": "in-1",
    "IncidentNumber": 107,
    "Title": "Rare process as a service",
    "Severity": "Medium",
    "Status": "Closed",
    "Classification": "TruePositive",
    "CreatedTime": "2024-06-15T12:00:00Z",
    "AlertIds": '["sa-1", "sa-2"]',
    "AdditionalData": '{"tactics": ["Persistence"], "techniques": ["T1543"]}',
}
ALERT_EVIDENCE: dict[str, Any] = {
    "time": "2024-06-15T12:01:00Z",
    "category": "AdvancedHunting-AlertEvidence",
    "tenantId": TENANT,
    "properties": {
        "Timestamp": "2024-06-15T12:00:00Z",
        "AlertId": "da1",
        "Title": "Suspicious sign-in",
        "Severity": "Medium",
        "ServiceSource": "Microsoft Defender for Identity",
        "EntityType": "Ip",
        "RemoteIP": "198.51.100.23",
        "AccountUpn": "alice@example.com",
        "DeviceName": "laptop-7.corp.example.com",
        "AttackTechniques": '["Brute Force (T1110)"]',
    },
}
ALERTS = (
    GRAPH_ALERT,
    LEGACY_ALERT,
    ENDPOINT_ALERT,
    INCIDENT,
    SENTINEL_ALERT,
    SENTINEL_INCIDENT,
    ALERT_EVIDENCE,
)


def record(source: Source, value: Any, broker_time: int = 0) -> RawRecord:
    """Return a raw record of a source, from bytes or any JSON value."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return RawRecord(source.name, raw, Coordinates(source.topic, 0, 1), broker_time)


def events(source: Source, value: Any, broker_time: int = 0) -> tuple[Event, ...]:
    """Return the events of a record; fails unless it is recognized and all of them are valid."""
    assert source.recognize(b"", value)
    found = source.parse_all(record(source, value, broker_time))
    assert isinstance(found, tuple), found
    for event in found:
        assert validate(event.ocsf) == [], event.ocsf
    return found


def event(source: Source, value: Any, broker_time: int = 0, **changes: Any) -> Event:
    """Return the first event of a record with some of its fields changed."""
    return events(source, value | changes, broker_time)[0]
