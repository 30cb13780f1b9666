"""What firewalls mean: their names for the same field, what kind of event a line tells of, what was done about it.

Source: the extension dictionaries of CEF and LEEF, FortiOS's log message reference, and the CEF and LEEF forms of
PAN-OS, Check Point, Imperva and Trend Micro.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from streams.sources.objects import FAILURE, SUCCESS, severity_id

ALERT, LOGON, LOGOFF, WEB, FLOW = "alert", "logon", "logoff", "web", "flow"
MAX_WORDS: Final = 512
MAX_WORD: Final = 64

# Our name for a field, and theirs: CEF's short and full names, LEEF's, FortiGate's.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "src": ("src", "sourceAddress", "srcip", "c6a2", "identSrc", "remip"),
    "spt": ("spt", "sourcePort", "srcPort", "srcport"),
    "shost": ("shost", "sourceHostName", "srcname", "identHostName", "srcHostName"),
    "smac": ("smac", "sourceMacAddress", "srcMAC", "srcmac"),
    "dst": ("dst", "destinationAddress", "dstip", "c6a3"),
    "dpt": ("dpt", "destinationPort", "dstPort", "dstport"),
    "dhost": ("dhost", "destinationHostName", "dstname", "dstHostName", "hostname"),
    "dmac": ("dmac", "destinationMacAddress", "dstMAC", "dstmac"),
    "suser": ("suser", "sourceUserName", "usrName", "user", "srcuser", "unauthuser", "accountName"),
    "duser": ("duser", "destinationUserName"),
    "proto": ("proto", "transportProtocol", "protocol"),
    "app": ("app", "applicationProtocol", "service", "application"),
    "act": ("act", "deviceAction", "action", "utmaction"),
    "outcome": ("outcome", "eventOutcome", "status", "result"),
    "request": ("request", "requestUrl", "url", "URL"),
    "method": ("requestMethod", "httpmethod", "method"),
    "agent": ("requestClientApplication", "agent", "userAgent", "useragent"),
    "referrer": ("requestContext", "referralurl", "referer"),
    "in": ("in", "bytesIn", "dstBytes", "rcvdbyte"),
    "out": ("out", "bytesOut", "srcBytes", "sentbyte"),
    "packets_in": ("dstPackets", "rcvdpkt"),
    "packets_out": ("srcPackets", "sentpkt"),
    "uid": ("externalId", "eventId", "fileId", "logId"),
    "session": ("sessionid", "cn1session", "sessionId"),
    "msg": ("msg", "message", "logdesc"),
    "cat": ("cat", "deviceEventCategory"),
    "fname": ("fname", "fileName", "filename"),
    "fpath": ("filePath", "fpath"),
    "fhash": ("fileHash", "filehash"),
    "dvchost": ("dvchost", "deviceHostName"),
    "rule": ("cs1rule", "policyname", "policyid", "policy", "ruleName"),
    "attack": ("attack", "virus"),
}
RULE_LABELS: Final = ("Rule", "Rule Name", "rule", "policy", "Policy", "PolicyName", "RuleName")
_BLOCKED: Final = {"action_id": 2, "action": "Denied", "disposition_id": 2, "disposition": "Blocked"}
_DROPPED: Final = {"action_id": 2, "action": "Denied", "disposition_id": 6, "disposition": "Dropped"}
_REJECTED: Final = {"action_id": 2, "action": "Denied", "disposition_id": 25, "disposition": "Rejected"}
_RESET: Final = {"action_id": 2, "action": "Denied", "disposition_id": 21, "disposition": "Reset"}
_ALLOWED: Final = {"action_id": 1, "action": "Allowed", "disposition_id": 1, "disposition": "Allowed"}
_DETECTED: Final = {"action_id": 3, "action": "Observed", "disposition_id": 15, "disposition": "Detected"}
_QUARANTINED: Final = {"action_id": 2, "action": "Denied", "disposition_id": 3, "disposition": "Quarantined"}
_DELETED: Final = {"action_id": 2, "action": "Denied", "disposition_id": 5, "disposition": "Deleted"}
_VERDICTS: Final = (  # beginnings of words; the first that fits
    (("not block", "not-block", "unblock"), _ALLOWED),
    (("quarantin",), _QUARANTINED),
    (("delet", "clean", "remov"), _DELETED),
    (("reset", "rst", "server-rst", "client-rst"), _RESET),
    (("reject",), _REJECTED),
    (("drop", "discard", "sinkhole"), _DROPPED),
    (("block", "den", "prevent", "refus", "prohibit"), _BLOCKED),
    (("detect", "alert", "monitor", "log", "ids:", "tap"), _DETECTED),
    (("allow", "accept", "permit", "pass", "forward", "close", "start", "end", "continue", "bypass"), _ALLOWED),
)
_ALERT_WORDS: Final = re.compile(
    r"\b(?:virus|malware|spyware|trojan|worm|backdoor|rootkit|webshell|ransom\w*|eicar\w*|botnet|wildfire(?:-virus)?"
    r"|ips|ids|intrusion|attack|exploit|vulnerability|injection|xss|cross[- ]site|phish\w*|command[- ]and[- ]control"
    r"|anti-?(?:virus|malware|spyware|bot)|smartdefense|threat (?:emulation|prevention|extraction)|anomaly|dos|ddos"
    r"|brute[- ]?force|scan|flood|remote code execution|illegal resource access|bad bots?|infected)\b"
)
_ALERT_STARTS: Final = ("eicar", "utm:virus", "utm:ips", "utm:anomaly", "utm:waf")
_OFF_WORDS: Final = re.compile(r"\b(?:log(?:ged)?[- _]?(?:off|out)|sign[- _]?(?:off|out)|tunnel-down|disconnected)\b")
_ON_WORDS: Final = re.compile(
    r"\b(?:log(?:ged)?[- _]?(?:on|in)|sign[- _]?(?:on|in)|authenticat\w*|auth(?:-(?:success|fail\w*|logon))?"
    r"|globalprotect|tunnel-up|ssl-login-fail)\b"
)
_FAILED: Final = re.compile(r"\b(?:fail\w*|den(?:y|ied)|invalid|reject\w*|unsuccessful|block\w*|wrong|error)\b|-fail\b")
_SUCCEEDED: Final = re.compile(r"\b(?:succe\w*|accept\w*|allow\w*|ok|pass\w*|permit\w*|completed)\b")
_ON_HOST: Final = re.compile(r"\b(?:agent|endpoint\w*|apex|officescan|deep security|workload)\b")
_TENTHS: Final = ((9, 5), (7, 4), (4, 3), (1, 2))  # from which of ten, OCSF severity


def kind_of(words: str, *, has_user: bool, has_url: bool, has_threat: bool) -> str:
    """Return what a line tells of, from the device's words for it.

    Args:
        words: Product, event class, name and category, in lower case, MAX_WORDS at most.
        has_user: Whether a user is named, without whom there is no sign-in.
        has_url: Whether a URL was asked for.
        has_threat: Whether a field names a threat.
    """
    alert, logon, logoff = _kinds(words)
    if alert or has_threat:
        return ALERT
    if has_user and (logon or logoff):
        return LOGOFF if logoff else LOGON
    return WEB if has_url else FLOW


@lru_cache(maxsize=4096)
def _kinds(words: str) -> tuple[bool, bool, bool]:
    alert = _ALERT_WORDS.search(words) is not None or any(start in words for start in _ALERT_STARTS)
    return alert, _ON_WORDS.search(words) is not None, _OFF_WORDS.search(words) is not None


@lru_cache(maxsize=4096)
def is_on_host(words: str) -> bool:
    """Tell a product that runs on the host it protects, and so names that host as its own."""
    return _ON_HOST.search(words) is not None


def verdict(word: str | None) -> dict[str, Any]:
    """Return action and disposition for a device's word for what it did, empty for none."""
    return _verdict(word[:MAX_WORD].lower()).copy() if word else {}


@lru_cache(maxsize=1024)
def _verdict(word: str) -> dict[str, Any]:
    for beginnings, known in _VERDICTS:
        if word.startswith(beginnings):
            return known
    return {"action_id": 99, "action": word, "disposition_id": 99, "disposition": word}


def outcome(*words: str | None) -> dict[str, Any]:
    """Return the status of a sign-in from the first of these texts that says how it went."""
    for word in words:
        lowered = word[:MAX_WORDS].lower() if word else ""
        if _FAILED.search(lowered):
            return dict(FAILURE)
        if _SUCCEEDED.search(lowered):
            return dict(SUCCESS)
    return {}


@lru_cache(maxsize=1024)
def severity(word: str) -> int:
    """Return the OCSF severity for a number of ten or a word, MAX_WORD characters at most."""
    if word.isascii() and word.isdigit():
        number = int(word)
        return next((severity for least, severity in _TENTHS if number >= least), 1)
    return severity_id("critical" if word.lower() == "very-high" else word) if word.lower() != "unknown" else 1
