"""Find keys, tokens and passwords in text: by their own shape, or by the words in front of them.

Every pattern is linear in the length of the text: what repeats without bound is possessive or followed by nothing that
could fail.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

MIN_ENTROPY_BITS: Final = 3.0  # per character
MIN_KEY_CHARS: Final = 16
TOOL_WINDOW: Final = 200  # characters in front of a flag in which the tool is named that it is a password for
_I: Final = re.IGNORECASE


class Found(NamedTuple):
    """A secret: `text[start:end]`, and what kind of one."""

    start: int
    end: int
    kind: str


_PRIVATE: Final = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
# What is a secret wherever it stands; the whole match is.
_SHAPES: Final[tuple[tuple[str, str], ...]] = (
    (
        "private-key",
        rf"-----BEGIN {_PRIVATE}(?s:.*?)(?:-----END {_PRIVATE}|\Z)",
    ),
    ("jwt", r"\beyJ[\w-]{8,}+(?:\.[\w-]*+){1,4}"),
    ("github-token", r"\b(?:gh[pousr]_\w{20,}+|github_pat_\w{20,}+)"),
    ("gitlab-token", r"\bgl(?:pat|ptt|dt|rt|cbt|soat|ft|imt|agent|oas)-[\w-]{16,}+"),
    ("slack-token", r"\bxox[a-z](?:\.xox[a-z])?-[\w.-]{8,}+|\bxapp-\d-[\w-]{8,}+"),
    ("webhook", r"\bhooks\.slack\.com/(?:services|workflows|triggers)/[\w/-]++"),
    ("webhook", r"\b(?:discord(?:app)?\.com/api/webhooks|[\w-]{1,60}\.webhook\.office\.com/webhookb2)/[\w/@-]++"),
    ("okta-token", r"(?<![\w-])00[\w-]{40}(?![\w-])"),
    ("gcp-key", r"\bAIza[\w-]{35}|\bya29\.[\w.-]{16,}+|\bGOCSPX-[\w-]{20,}+"),
    ("azure-key", r"(?<![\w~.-])[\w~.-]{3}[78]Q~[\w~.-]{31,34}(?![\w~.-])"),
    ("api-key", r"\bsk-(?:ant-|proj-|or-|live-|test-)?[\w-]{16,}+|\b[sr]k_(?:live|test)_\w{10,}+"),
    ("api-key", r"\bSG\.[\w-]{16,}+\.[\w-]{16,}+|\bnpm_\w{30,}+|\bpypi-[\w-]{16,}+|\bhf_\w{20,}+"),
    ("api-key", r"\bdop_v1_\w{32,}+|\bhv[sbr]\.[\w-]{20,}+|\bdapi[0-9a-f]{32}\b|\bglsa_\w{20,}+|\bshpat_\w{20,}+"),
    ("aws-token", r"\b(?:IQoJ|FwoG|FQoG)[\w+/%-]{60,}+={0,2}"),
    ("ntlm-hash", r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{32}:[0-9A-Fa-f]{32}(?![0-9A-Fa-f])"),
    ("password-hash", r"\$(?:1|2[abxy]?|5|6|7|y|gy|sha1|argon2id?|scrypt|krb5\w{1,12})\$[^\s:\"'<>]{8,}+"),
)

_WORDS: Final = (
    r"pass(?:word|wd|phrase|code)s?|(?<![a-z])pass|pwd|pswd|passw|"
    r"secret|(?:access|auth|api|session|security|refresh|bearer|id|csrf|xsrf|bot|client|user|oauth)[_ .-]?token|token|"
    r"(?:api|access|account|secret|private|encryption|master|shared[_ -]?access|storage|app|client|subscription)"
    r"[_ .-]?key|credentials?|(?:shared[_ -]?access[_ -]?)?signature|client[_ -]?secret|"
    r"connection[_ -]?string|(?<![a-z])(?:sig|hmac|otp|pin|pat|sas|passin|passout|ntlm|rc4|aes128|aes256|dcc2?)"
)
_VALUE: Final = r"(?:\\?\"[^\"\n]*+\"?|\\?'[^'\n]*+'?|`[^`\n]*+`?|[^\s\"'&;,|<>)\]}`]++)"
_NET: Final = r"\bnet1?(?:\.exe)?\"?"
_SHARE: Final = r"\"?\\\\[^\s\"]++\"?"
# What a word, a header or an option says is a secret; the group `it` is.
_TOLD: Final[tuple[tuple[str, str, int], ...]] = (
    (
        "authorization",
        r"\b(?:proxy-)?authorization\\?[\"']?\s{0,3}[:=]\s{0,3}(?P<it>\\?[\"']?[^\s\"'][^\"'\n]*+)",
        _I,
    ),
    ("cookie", r"\b(?:set-)?cookie\\?[\"']?\s{0,3}:\s{0,3}(?P<it>\\?[\"']?[^\s\"'][^\"'\n]*+)", _I),
    ("bearer", r"\b(?:bearer|ssws)\s{1,3}(?P<it>[\w.~+/-]{8,}+=*+)", _I),
    ("basic", r"\bbasic\s{1,3}(?P<it>[A-Za-z0-9+/]{8,}+={0,2})(?![\w])", _I),
    (
        "password",
        rf"(?:{_WORDS})\\?[\"'\]]{{0,2}}\s{{0,3}}(?::=|=>|==?|:(?!//)|%3d)\s{{0,3}}(?P<it>{_VALUE})",
        _I,
    ),
    ("password", rf"(?<![\w-])--?[\w-]{{0,30}}?(?:{_WORDS})\s{{1,3}}(?P<it>(?![-/]\w){_VALUE})", _I),
    (
        "password",
        rf"(?<![\w/:.])/(?:p|pw|pass|pwd|password|rp|pin|ticket)(?::|\s{{1,3}})\s{{0,3}}(?P<it>(?!/){_VALUE})",
        _I,
    ),
    (
        "password",
        rf"(?<!\S)-(?:p|pw|rp|P)(?:\s{{1,3}}|[=:])(?P<it>(?![-/~.]|[A-Za-z]:\\|\d{{1,5}}(?:[:/-]\d+)*(?:\s|$)){_VALUE})",
        0,
    ),
    (
        "password",
        r"(?<!\S)(?:-u|-U|--user|--proxy-user|--proxy-creds)[ =]?[\"']?[^\s:%\"']{1,128}[:%](?P<it>[^\s\"']++)",
        0,
    ),
    ("password", r"://[^\s/:@\"'<>]*+:(?P<it>[^\s/\"'<>]*)@", 0),
    (
        "password",
        rf"{_NET}\s{{1,3}}use\s{{1,3}}(?:(?:[a-z]:|\*)\s{{1,3}})?{_SHARE}\s{{1,3}}(?:/user:\S++\s{{1,3}})?(?P<it>(?![/*]){_VALUE})",
        _I,
    ),
    ("password", rf"{_NET}\s{{1,3}}user\s{{1,3}}[^\s/]\S{{0,128}}\s{{1,3}}(?P<it>(?![/*]){_VALUE})", _I),
    ("password", rf"\bidentified\s{{1,3}}(?:with\s{{1,3}}\w{{1,40}}\s{{1,3}})?by\s{{1,3}}(?P<it>{_VALUE})", _I),
    ("password", rf"\bconvertto-securestring\s{{1,3}}(?:-string\s{{1,3}})?(?P<it>(?!-){_VALUE})", _I),
    ("password", rf"\becho\s{{1,3}}(?P<it>(?!-){_VALUE})\s{{0,3}}\|\s{{0,3}}(?:sudo\s|passwd|chpasswd|base64)", _I),
)
# `-pSECRET`, `-w SECRET`, `-a SECRET`: of these tools only.
_FLAG: Final = re.compile(rf"(?<!\S)-(?:h?p(?=\S)|[wa]\s{{1,3}})(?P<it>(?!-){_VALUE})")
_TOOL: Final = re.compile(
    r"\b(?:mysql\w*|mariadb\w*|sshpass|7z[ar]?|rar|winrar|ldap\w{3,8}|redis-cli|xfreerdp|rdesktop|plink|pscp|psexec\w*)\b",
    _I,
)
# Behind these words only what looks random is one.
_PERHAPS: Final = re.compile(
    r"(?:token|secret|key|credential|auth|apikey|nonce|assertion|bearer)\\?[\"'\]]{0,2}(?:\s{1,3}(?:is|was))?[\s:=>,]{1,4}\\?[\"']?"
    r"(?!A(?:KIA|SIA|ROA|IDA)[A-Z0-9]{12,}+\b)"
    rf"(?P<it>[A-Za-z0-9+/_=.~%-]{{{MIN_KEY_CHARS},}}+)",
    _I,
)
ENCODED: Final = "encoded"  # Base64 with a name in it
KINDS: Final = frozenset((*(kind for kind, _ in _SHAPES), *(kind for kind, _, _ in _TOLD), "key", "field", ENCODED))
PLACEHOLDER: Final = re.compile(rf"\[secret:(?:{'|'.join(sorted(KINDS))})\]")
_ANY_SHAPE: Final = tuple((kind, re.compile(shape)) for kind, shape in _SHAPES)
_ANY_TOLD: Final = tuple((kind, re.compile(shape, flags)) for kind, shape, flags in _TOLD)
_QUOTES: Final = "\"'`\\"
_NO_SECRETS: Final = re.compile(
    r"\[secret:[a-z-]{2,20}\]?.{0,3}|\*+|x{3,}|null|none|true|false|\$\{?\w*\}?|%\w*%|\{+\w*\}+|<\w*>|\(?hidden.{0,40}",
    re.IGNORECASE,
)


def secrets_in(text: str) -> Iterator[Found]:
    """Yield the secrets in a text, those of a shape of their own first; they may overlap."""
    yield from shaped_in(text)
    for kind, pattern in _ANY_TOLD:
        for match in pattern.finditer(text):
            yield from _found(match, kind)
    for match in _FLAG.finditer(text):
        if _TOOL.search(text, max(0, match.start() - TOOL_WINDOW), match.start()):
            yield from _found(match, "password")
    for match in _PERHAPS.finditer(text):
        if looks_random(match["it"]):
            yield from _found(match, "key")


def shaped_in(text: str) -> Iterator[Found]:
    """Yield what is a secret wherever it stands."""
    for kind, pattern in _ANY_SHAPE:
        for match in pattern.finditer(text):
            yield Found(match.start(), match.end(), kind)


def _found(match: re.Match[str], kind: str) -> Iterator[Found]:
    start, end = match.span("it")
    text = match["it"]
    start += len(text) - len(text.lstrip(_QUOTES))
    end -= len(text) - len(text.rstrip(_QUOTES))
    spoken_for = PLACEHOLDER.match(match.string, max(0, match.start() - 1))
    if start < end and not spoken_for and not _NO_SECRETS.fullmatch(match.string, start, end):
        yield Found(start, end, kind)


def looks_random(text: str) -> bool:
    """Tell whether a text has letters and digits in the disorder of a key."""
    if not any(map(str.isdigit, text)) or not any(map(str.isalpha, text)):
        return False
    return entropy_bits(text) >= MIN_ENTROPY_BITS


def entropy_bits(text: str) -> float:
    """Return Shannon's entropy of the characters of a text, in bits per character."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
