r"""What the messages of Cisco's firewalls say, by message id: a pattern and what it means.

Source: "Cisco Secure Firewall ASA Series Syslog Messages". A pattern is matched from the beginning of the text and need
not reach its end. All repetitions are bounded and end at what the next part begins with, so that no text is read twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

OPEN, CLOSE, RESET, FAIL, REFUSE, TRAFFIC = 1, 2, 3, 4, 5, 6
LOGON, LOGOFF = 1, 2
CREATE, UPDATE, DELETE, LOCK = 1, 3, 6, 9
FLOW, AUTH, TUNNEL, ACCOUNT, COMMAND, ALERT = "flow", "auth", "tunnel", "account", "command", "alert"
OTHER: Final = 99


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a message means.

    Attributes:
        pattern: Reads its parts: `a` and `b` are the ends of a connection (with what stands in parentheses after them),
            and further groups by the names that `streams.sources.cisco.asa` reads.
        kind: FLOW, AUTH, TUNNEL, ACCOUNT, COMMAND or ALERT.
        activity: OCSF activity of the class.
        ok: Whether it succeeded, None where the message does not tell.
        blocked: Whether the firewall refused it.
        word: The activity's name where OCSF has none.
    """

    pattern: re.Pattern[str]
    kind: str
    activity: int
    ok: bool | None = None
    blocked: bool = False
    word: str = ""


def _end(name: str) -> str:
    """Match `interface:address/port`, and what is in parentheses after it: the translated address, the user."""
    return rf"(?P<{name}>[^\s()]{{1,300}})(?: ?\((?P<{name}1>[^()]{{0,300}})\))?(?: ?\((?P<{name}2>[^()]{{0,300}})\))?"


_A, _B = _end("a"), _end("b")
_FROM_TO: Final = rf"from {_A} to {_B}"
_SRC_DST: Final = rf"src {_A} dst {_B}"
_PROTO: Final = r"(?P<proto>[\w-]{1,32})"
_ON: Final = r"(?: flags (?P<flags>[A-Z]{2,8}(?: [A-Z]{2,8}){0,7}))?(?: {1,2}on interface (?P<interface>\S{1,64}))?"
_GROUP: Final = r"Group <?(?P<group>[^<>]{1,256}?)>? User <?(?P<user>[^<>]{1,256}?)>? IP <?(?P<ip>[^\s<>]{1,64})>?,? "
_DURATION: Final = (
    r"(?: duration (?P<duration>\d{1,6}:\d\d:\d\d))?(?: bytes (?P<bytes>\d{1,19}))?(?: (?P<reason>[^()]{1,200}))?"
)
_NAMED: Final = r"[\"'](?P<user>[^\"']{1,256})[\"']"
_AAA: Final = (
    r"(?: ?: reason = (?P<reason>[^:]{1,200}?))?"
    r"(?: ?: (?:server = {1,2}(?P<server>\S{1,64})|local database))"
    r" ?: user = (?P<user>[^\s:]{1,256})(?: ?: user IP = (?P<ip>[^\s]{1,64}))?"
)
_HIT: Final = r"(?P<hits>\d{1,10})"
_ACL: Final = rf"access-list (?P<rule>\S{{1,256}}) (?P<verdict>permitted|denied|est-allowed) {_PROTO} "
_ARROW_END: Final = (
    r"(?P<{0}if>[^\s/]{{1,64}})/(?P<{0}>[^\s()]{{1,64}})\((?P<{0}port>\d{{1,5}})\)(?: ?\((?P<{0}1>[^()]{{0,300}})\))?"
)
_ARROW: Final = f"{_ARROW_END.format('a')} -> {_ARROW_END.format('b')}"


def _all(*rows: tuple[Iterable[str], str, str, int, bool | None, bool, str]) -> Iterator[tuple[str, Meaning]]:
    for message_ids, pattern, kind, activity, ok, blocked, word in rows:
        compiled = re.compile(pattern)
        for message_id in message_ids:
            yield message_id, Meaning(compiled, kind, activity, ok, blocked, word)


def _refused(ids: str, pattern: str) -> tuple[Iterable[str], str, str, int, bool | None, bool, str]:
    return ids.split(), pattern, FLOW, REFUSE, False, True, ""


def _flow(
    ids: str, pattern: str, activity: int, *, ok: bool | None = True, word: str = ""
) -> tuple[Iterable[str], str, str, int, bool | None, bool, str]:
    return ids.split(), pattern, FLOW, activity, ok, False, word


def _says(
    ids: str, pattern: str, kind: str, activity: int, *, ok: bool | None = True, word: str = ""
) -> tuple[Iterable[str], str, str, int, bool | None, bool, str]:
    return ids.split(), pattern, kind, activity, ok, False, word


MEANINGS: Final[Mapping[str, Meaning]] = dict(
    _all(
        # connections that were refused
        _refused("106001", rf"Inbound {_PROTO} connection denied {_FROM_TO}{_ON}"),
        _refused("106002", rf"{_PROTO} Connection denied by outbound list (?P<rule>\S{{1,64}}) {_SRC_DST}"),
        _refused("106006 106007", rf"Deny inbound {_PROTO} {_FROM_TO}{_ON}"),
        _refused("106010 106011 106014", rf"Deny inbound (?:\(No xlate\) )?(?:protocol )?{_PROTO} {_SRC_DST}"),
        _refused("106015", rf"Deny {_PROTO} \(no connection\) {_FROM_TO}{_ON}"),
        _refused("106016", r"Deny (?P<proto>IP) spoof from \((?P<a>[^\s()]{1,64})\) to (?P<b>\S{1,64})" + _ON),
        _refused("106017", rf"Deny (?P<proto>IP) due to Land Attack {_FROM_TO}"),
        _refused("106021 106022", rf"Deny {_PROTO} (?:reverse path check|connection spoof) {_FROM_TO}{_ON}"),
        _refused("106023", rf'Deny (?:protocol )?{_PROTO} {_SRC_DST}(?: by access-group "(?P<rule>[^"]{{1,256}})")?'),
        _refused(
            "313001 313004",
            rf"Denied {_PROTO} type=\d{{1,3}}, (?:code=\d{{1,3}}|from laddr \S{{1,64}}),? ?(?:from {_A})?{_ON}",
        ),
        _refused("710003", rf"{_PROTO} access denied by ACL {_FROM_TO}"),
        _refused("710005 710006", rf"{_PROTO} request discarded {_FROM_TO}"),
        _refused("419002", rf"Duplicate (?P<proto>TCP) SYN {_FROM_TO}"),
        _refused("500004", rf"Invalid transport field for protocol=(?P<proto>\w{{1,32}}), {_FROM_TO}"),
        _refused("733102", r"Threat-detection adds host (?P<a>\S{1,64}) to shun list"),
        _refused("401004", r"Shunned packet: (?P<a>\S{1,64}) ==> (?P<b>\S{1,64})" + _ON),
        # by an access list that logs, both ways
        _flow("106100 106101", rf"{_ACL}{_ARROW}(?: hit-cnt {_HIT})?", TRAFFIC, ok=None),
        _flow("106102 106103", rf"{_ACL}for user {_NAMED} {_ARROW}(?: hit-cnt {_HIT})?", TRAFFIC, ok=None),
        _flow("710001 710002", rf"{_PROTO} access (?:requested|permitted) {_FROM_TO}", OPEN),
        # connections and translations
        _flow(
            "302013 302015 302017 302303 302305",
            rf"Built (?P<direction>inbound|outbound) (?:Probe )?{_PROTO} (?:state-bypass )?connection "
            rf"(?P<uid>\d{{1,20}}) for {_A} to {_B}",
            OPEN,
        ),
        _flow(
            "302014 302016 302018 302304 302306",
            rf"Teardown (?:Probe )?{_PROTO} (?:state-bypass )?connection "
            rf"(?P<uid>\d{{1,20}}) for {_A} to {_B}{_DURATION}",
            CLOSE,
        ),
        _flow(
            "302020",
            rf"Built (?P<direction>inbound|outbound) {_PROTO} connection for faddr {_A} gaddr \S{{1,64}} laddr {_B}",
            OPEN,
        ),
        _flow("302021", rf"Teardown {_PROTO} connection for faddr {_A} gaddr \S{{1,64}} laddr {_B}", CLOSE),
        _flow("305009 305011", rf"Built (?P<how>\w{{1,16}}) (?:{_PROTO} )?translation {_FROM_TO}", OPEN),
        _flow("305010 305012", rf"Teardown (?P<how>\w{{1,16}}) (?:{_PROTO} )?translation {_FROM_TO}{_DURATION}", CLOSE),
        _flow(
            "305005 305006",
            rf"(?:No translation group found|[\w ]{{1,64}} translation creation failed) "
            rf"for (?:protocol )?{_PROTO} {_SRC_DST}",
            FAIL,
            ok=False,
        ),
        _flow(
            "303002",
            rf"(?P<proto>FTP) connection {_FROM_TO}, user (?P<user>\S{{1,256}}) "
            rf"(?P<word>Retrieved|Stored) file (?P<file>.{{1,1024}})",
            TRAFFIC,
        ),
        _flow(
            "304001",
            r"(?:(?P<user>\S{1,128})@)?(?P<a>[^\s@]{1,64}) "
            r"Accessed (?:JAVA )?URL (?P<b>[^\s:]{1,64}):(?P<url>\S{1,2048})",
            TRAFFIC,
        ),
        _flow(
            "725001 725002 725003 725007",
            rf"(?:Starting|Device completed|SSL client request|SSL session)[\w ]{{0,64}}?"
            rf"(?:with )?(?:client|server|peer) {_A} to {_B}",
            TRAFFIC,
            ok=None,
            word="SSL",
        ),
        # who signs in to the device, or through it
        _says("113004", rf"AAA user (?P<word>authentication|authorization|accounting) Successful{_AAA}", AUTH, LOGON),
        _says("113012", rf"AAA user authentication Successful{_AAA}", AUTH, LOGON),
        _says(
            "113005 113015 113016 113017",
            rf"AAA (?:user|credentials) (?:authentication )?[Rr]ejected{_AAA}",
            AUTH,
            LOGON,
            ok=False,
        ),
        _says("113006", r"User (?P<user>\S{1,256}) locked out on exceeding", ACCOUNT, LOCK),
        _says("113007", r"User (?P<user>\S{1,256}) unlocked by (?P<by>\S{1,256})", ACCOUNT, 12),
        _says(
            "113019",
            r"Group = (?P<group>[^,]{0,256}), Username = (?P<user>[^,]{1,256}), IP = (?P<ip>[^\s,]{1,64}), "
            r"Session disconnected\."
            r"(?: Session Type: (?P<how>[^,]{1,64}), Duration: (?P<spent>[\w:]{1,32}), "
            r"Bytes xmt: (?P<sent>\d{1,19}), Bytes rcv: (?P<received>\d{1,19}),"
            r" Reason: (?P<reason>.{1,200}))?",
            AUTH,
            LOGOFF,
        ),
        _says("113039", rf"{_GROUP}AnyConnect parent session started", AUTH, LOGON),
        _says("716001", rf"{_GROUP}WebVPN session started", AUTH, LOGON),
        _says("716002", rf"{_GROUP}WebVPN session terminated:? ?(?P<reason>.{{0,200}})", AUTH, LOGOFF),
        _says("716038", rf"{_GROUP}Authentication: successful", AUTH, LOGON),
        _says("716039", rf"{_GROUP}Authentication: rejected", AUTH, LOGON, ok=False),
        _says("109005", rf"Authentication succeeded for user {_NAMED} {_FROM_TO}", AUTH, LOGON),
        _says("109006", rf"Authentication failed for user {_NAMED} {_FROM_TO}", AUTH, LOGON, ok=False),
        _says("605004", rf"Login denied {_FROM_TO} for user {_NAMED}", AUTH, LOGON, ok=False),
        _says("605005", rf"Login permitted {_FROM_TO} for user {_NAMED}", AUTH, LOGON),
        _says(
            "611101",
            r"User authentication succeeded: (?:IP address: (?P<ip>[^\s,]{1,64}), )?Uname: (?P<user>\S{1,256})",
            AUTH,
            LOGON,
        ),
        _says(
            "611102",
            r"User authentication failed: (?:IP = |IP address: )?(?:(?P<ip>[^\s,]{1,64}), )?Uname: (?P<user>\S{1,256})",
            AUTH,
            LOGON,
            ok=False,
        ),
        _says("611103", r"User logged out: Uname: (?P<user>\S{1,256})", AUTH, LOGOFF),
        _says(
            "315011",
            rf"SSH session from (?P<ip>\S{{1,64}}) on interface (?P<interface>\S{{1,64}}) "
            rf"for user {_NAMED} (?:disconnected|terminated)",
            AUTH,
            LOGOFF,
        ),
        # tunnels of who signed in
        _says(
            "722022 722028 722033 722034",
            rf"{_GROUP}(?P<proto>TCP|UDP)? ?[\w ]{{0,64}}?(?:established|connection)",
            TUNNEL,
            OPEN,
        ),
        _says("722023 722036", rf"{_GROUP}(?P<proto>TCP|UDP)? ?[\w ]{{0,64}}?terminated", TUNNEL, CLOSE),
        _says(
            "722051",
            rf"{_GROUP}IPv4 Address <?(?P<assigned>[^\s<>]{{1,64}})>? "
            rf"IPv6 address <?[^\s<>]{{1,64}}>? assigned to session",
            TUNNEL,
            OPEN,
        ),
        _says(
            "722041 722053 722055 722037 722012 722010 722032",
            rf"{_GROUP}(?P<reason>.{{1,300}})",
            TUNNEL,
            OTHER,
            ok=None,
            word="VPN Session",
        ),
        # accounts of the device, and what is done with them
        _says("502101", r"New user added to local dbase: Uname: (?P<user>\S{1,256})", ACCOUNT, CREATE),
        _says("502102", r"User deleted from local dbase: Uname: (?P<user>\S{1,256})", ACCOUNT, DELETE),
        _says(
            "502103",
            r"User priv level changed: Uname: (?P<user>\S{1,256}) From: (?P<before>\d{1,2}) To: (?P<after>\d{1,2})",
            ACCOUNT,
            OTHER,
            word="Privilege Level Changed",
        ),
        _says("111008", rf"User {_NAMED} executed the '(?P<command>.{{1,4096}}?)' command", COMMAND, OTHER),
        _says("111009", rf"User {_NAMED} executed cmd: (?P<command>.{{1,4096}})", COMMAND, OTHER),
        _says(
            "111010",
            rf"User {_NAMED}, running '(?P<app>[^']{{1,64}})' "
            rf"from IP (?P<ip>\S{{1,64}}), executed '(?P<command>.{{1,4096}})'",
            COMMAND,
            OTHER,
        ),
        # what the device itself takes for an attack
        _says(
            "733100",
            r"\[ ?(?P<object>[^\]]{1,128})\] drop rate-(?P<rate>\d) exceeded",
            ALERT,
            CREATE,
            ok=None,
            word="Drop rate exceeded",
        ),
        _says(
            "733101",
            r"(?P<object>\S{1,64}) (?P<ip>\S{1,64}) (?:is|has been) (?P<word>attacking|targeted)",
            ALERT,
            CREATE,
            ok=None,
            word="Scanning threat",
        ),
        _says(
            " ".join(f"4000{number:02}" for number in range(51)),
            r"IDS:(?P<sid>\d{1,6}) (?P<object>.{1,256}?) " + _FROM_TO + r"(?: on interface (?P<interface>\S{1,64}))?",
            ALERT,
            CREATE,
            ok=None,
        ),
    )
)
# Of a message that has no pattern: who it is from and to, where it says so in these words.
ANY_FROM: Final = re.compile(r"\b(?:from|src|faddr) (?:IP )?(?P<a>[^\s(),]{2,300})")
ANY_TO: Final = re.compile(r"\b(?:to|dst|laddr) (?P<b>[^\s(),]{2,300})")
