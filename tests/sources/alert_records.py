"""Alerts of Falco, Wazuh, Splunk Enterprise Security and Upwind, in the forms their documentation shows."""

from __future__ import annotations

from typing import Any

import orjson

POD_UID = "3f0c9a52-1f4e-4b9a-8d56-5b6f3f4f6b11"
CONTAINER = "8a1b2c3d4e5f"
FALCO: dict[str, Any] = {
    "uuid": "ec834826-90c1-458a-8eec-a014e7266754",
    "hostname": "node-3",
    "output": "12:00:00.500 Warning Shell in a container (user=root command=sh -i)",
    "output_fields": {
        "container.id": CONTAINER,
        "container.name": "api",
        "container.image.repository": "registry.example.com/shop/api",
        "container.image.tag": "1.4.2",
        "evt.time": 1_718_452_800_500_000_000,
        "evt.type": "execve",
        "fd.name": "10.1.0.7:40000->198.51.100.9:4444",
        "k8s.ns.name": "shop",
        "k8s.pod.name": "api-7d9f-abcde",
        "k8s.pod.uid": POD_UID,
        "proc.cmdline": "sh -i",
        "proc.exepath": "/bin/sh",
        "proc.name": "sh",
        "proc.pid": 4711,
        "proc.pname": "nginx",
        "proc.ppid": 1,
        "proc.tty": 34816,
        "user.loginuid": -1,
        "user.name": "www-data",
        "user.uid": 33,
    },
    "priority": "Warning",
    "rule": "Terminal shell in container",
    "source": "syscall",
    "tags": ["container", "shell", "mitre_execution", "mitre_credential_access", "T1059"],
    "time": "2024-06-15T12:00:00.500000000Z",
}
FALCO_AUDIT: dict[str, Any] = {
    "output": "K8s exec by alice",
    "priority": "Notice",
    "rule": "Attach/Exec Pod",
    "source": "k8s_audit",
    "time": "2024-06-15T12:00:00Z",
    "output_fields": {
        "ka.user.name": "alice@example.com",
        "ka.target.name": "api-7d9f-abcde",
        "ka.target.namespace": "shop",
        "ka.target.resource": "pods",
    },
    "tags": ["k8s"],
}
FALCO_CLOUD: dict[str, Any] = {
    "output": "Console login without MFA",
    "priority": "Critical",
    "rule": "Console Login Without MFA",
    "source": "aws_cloudtrail",
    "time": "2024-06-15T12:00:00Z",
    "output_fields": {
        "ct.user": "alice",
        "ct.user.arn": "arn:aws:iam::111122223333:user/alice",
        "ct.user.accountid": "111122223333",
        "ct.srcip": "203.0.113.50",
        "ct.region": "eu-west-1",
    },
}
FALCOS = (FALCO, FALCO_AUDIT, FALCO_CLOUD)

WAZUH_SSH: dict[str, Any] = {
    "timestamp": "2024-06-15T12:00:00.123+0000",
    "rule": {
        "level": 10,
        "description": "sshd: brute force trying to get access to the system.",
        "id": "5763",
        "mitre": {"id": ["T1110"], "tactic": ["Credential Access"], "technique": ["Brute Force"]},
        "firedtimes": 3,
        "groups": ["syslog", "sshd", "authentication_failures"],
    },
    "agent": {"id": "001", "name": "web-1", "ip": "10.0.0.21"},
    "manager": {"name": "wazuh-manager"},
    "id": "1718452800.12345",
    "full_log": "Jun 15 12:00:00 web-1 sshd[900]: Failed password for alice from 203.0.113.50 port 40000 ssh2",
    "predecoder": {"program_name": "sshd", "hostname": "web-1"},
    "decoder": {"parent": "sshd", "name": "sshd"},
    "data": {"srcip": "203.0.113.50", "srcport": "40000", "dstuser": "alice", "custom": "x"},
    "location": "/var/log/auth.log",
}
WAZUH_WINDOWS: dict[str, Any] = {
    "timestamp": "2024-06-15T14:00:00.000+0200",
    "rule": {"level": 12, "description": "Suspicious process.", "id": "92000", "groups": ["sysmon", "windows"]},
    "agent": {"id": "002", "name": "WS-12", "ip": "10.0.0.12"},
    "manager": {"name": "wazuh-manager"},
    "id": "1718452800.12346",
    "decoder": {"name": "windows_eventchannel"},
    "data": {
        "win": {
            "system": {"eventID": "1", "channel": "Microsoft-Windows-Sysmon/Operational"},
            "eventdata": {
                "image": "C:\\Windows\\System32\\cmd.exe",
                "processId": "4711",
                "processGuid": "{0A0B0C0D-0000-0000-0000-000000000001}",
                "commandLine": "cmd.exe /c whoami",
                "parentImage": "C:\\Program Files\\Office\\winword.exe",
                "parentProcessId": "900",
                "user": "CORP\\alice",
                "logonId": "0x47AFC",
                "targetLogonId": "0x47AFC",
            },
        }
    },
    "location": "EventChannel",
}
WAZUH_FILE: dict[str, Any] = {
    "timestamp": "2024-06-15T12:00:00.000Z",
    "rule": {"level": 7, "description": "Integrity checksum changed.", "id": "550", "groups": ["ossec", "syscheck"]},
    "agent": {"id": "001", "name": "web-1"},
    "manager": {"name": "wazuh-manager"},
    "id": "1718452800.12347",
    "syscheck": {
        "path": "/etc/passwd",
        "event": "modified",
        "sha256_after": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "audit": {"process": {"id": "812", "name": "/usr/bin/vim"}, "user": {"id": "0", "name": "root"}},
    },
    "location": "syscheck",
}
WAZUHS = (WAZUH_SSH, WAZUH_WINDOWS, WAZUH_FILE)

NOTABLE: dict[str, Any] = {
    "search_name": "Access - Brute Force Access Behavior Detected - Rule",
    "rule_name": "Brute Force Access Behavior Detected",
    "rule_title": "Brute force against srv-1",
    "rule_description": "Many failures, then a success.",
    "event_id": "0A0B0C0D@@notable@@0123456789abcdef0123456789abcdef",
    "_time": "2024-06-15T12:00:00.000+00:00",
    "security_domain": "access",
    "severity": "medium",
    "urgency": "high",
    "status": "1",
    "src": ["203.0.113.50", "203.0.113.51"],
    "dest": "srv-1.corp.example.com",
    "user": ["alice", "svc-backup"],
    "annotations.mitre_attack": ["T1110", "T1078.002"],
    "annotations": orjson.dumps({"mitre_attack": ["T1110"], "cis20": ["CIS 16"]}).decode(),
    "orig_sid": "scheduler__admin__1",
    "custom": "kept",
}
RISK_NOTABLE: dict[str, Any] = {
    "search_name": "Risk - 24 Hour Risk Threshold Exceeded - Rule",
    "_time": "1718452800",
    "notable_type": "risk_event",
    "risk_object": "alice",
    "risk_object_type": "user",
    "risk_score": "120",
    "severity": "critical",
    "security_domain": "threat",
    "annotations": {"mitre_attack.mitre_tactic": ["credential-access", "lateral-movement"]},
}
WEBHOOK: dict[str, Any] = {
    "sid": "scheduler__admin__2",
    "search_name": "Endpoint - Suspicious Process - Rule",
    "results_link": "https://splunk.example.com/app/search/1",
    "result": {
        "_time": "1718452800.250",
        "event_hash": "0a0b",
        "security_domain": "endpoint",
        "urgency": "low",
        "dest": "10.0.0.12",
        "user": "CORP\\alice",
        "process_id": "4711",
        "process_name": "cmd.exe",
        "process_path": "C:\\Windows\\System32\\cmd.exe",
        "process": "cmd.exe /c whoami",
        "file_path": "C:\\Users\\Public\\a.exe",
    },
}
NOTABLES = (NOTABLE, RISK_NOTABLE, WEBHOOK)

UPWIND: dict[str, Any] = {
    "id": "det-1",
    "title": "Reverse shell in a pod",
    "category": "Process Threat",
    "type": "process_threat",
    "description": "A shell was connected to an address outside.",
    "severity": "CRITICAL",
    "status": "open",
    "first_seen_time": "2024-06-15T11:50:00Z",
    "last_seen_time": "2024-06-15T12:00:00Z",
    "occurrence_count": 7,
    "upwind_console_link": "https://console.example.com/detections/det-1",
    "resource": {
        "cloud_account_id": "111122223333",
        "cloud_provider": "AWS",
        "name": "i-host-1",
        "external_id": "i-0123456789abcdef0",
        "region": "eu-west-1",
        "type": "EC2 Instance",
        "upwind_asset_id": "asset-1",
    },
    "mitre_attacks": [{"tactic_name": "Execution", "technique_id": "T1059"}],
    "triggers": [
        {
            "policy_id": "pol-1",
            "policy_name": "Reverse shells",
            "events": [
                {
                    "initiator": {
                        "arn": "arn:aws:iam::111122223333:user/alice",
                        "userName": "alice",
                        "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
                    }
                }
            ],
        }
    ],
    "tenant": "t-1",
}
