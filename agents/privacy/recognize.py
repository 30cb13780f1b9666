"""Find identifiers in free text by their form or by what stands around them. Every pattern is linear in the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from agents.privacy.names import Owner, Span
from agents.privacy.own import Own, canonical_address
from enrichers.names import host_name, is_everywhere, user_name

MAX_HOST: Final = 253
_I: Final = re.IGNORECASE
_BACK: Final = r"(?:\\{1,4}|/|%5[Cc]|%2[Ff])"  # what divides a path: once, escaped, or in a URL
_HOME_NAME: Final = (
    r"(?P<it>[^\\/:*?\"'<>|\s%,;()]++(?: [^\\/:*?\"'<>|\s%,;()]++){0,3}?(?=[\\/%])|[^\\/:*?\"'<>|\s%,;()]++)"
)
_EMAIL: Final = re.compile(
    r"(?P<user>[\w.+'-]{1,64})(?:@|%40)(?P<domain>(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_][\w-]{1,23})(?![\w-])"
)
_DOMAIN_USER: Final = re.compile(
    r"(?<![\w\\/.%-])(?P<domain>[\w-]{1,32}(?:\.[\w-]{1,63}){0,5})\\{1,2}(?P<user>[\w.$-]{1,64})(?![\w\\/*])"
)
_ACCOUNT: Final = re.compile(
    r"(?:(?<![\w/])/u(?:ser)?[: ]\s{0,2}|(?<!\S)--?user(?:_?name)?[ =]\s{0,2}|(?<!\S)-[uUl](?=[ =])[ =]|"
    r"\b(?:user|username|user_name|login|logonid|uid|acct|account|for user|of user|invalid user|net1? user)"
    r"(?:=|\s?:\s?|\s))[\"']?(?P<it>[^\W\d_][\w.$-]{1,63})(?![\w\\@:=(/.-])",
    _I,
)
_SID: Final = re.compile(r"(?<![\w-])S-1-(?:5-21|12-1)(?:-\d{1,10}){1,8}(?![\w-])", _I)
_IPV4: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)")
_IPV4_IN: Final = re.compile(r"(?<![0-9A-Za-z])(?:\d{1,3}[-_]){3}\d{1,3}(?![0-9A-Za-z])")
_IPV6: Final = re.compile(
    r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?<=:)(?:\d{1,3}\.){3}\d{1,3})?(?:%\w{1,15})?(?![\w:]|\.\d)"
)
_MAC: Final = re.compile(
    r"(?<![\w:.-])(?:(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}|"
    r"(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4})(?![\w:-])"
)
_DNS: Final = re.compile(r"(?<![\w.-])[\w-]++(?:\.[\w-]++)++")
_UNC: Final = re.compile(r"(?<![\w:\\])\\{2,4}(?P<it>[^\W_][\w.-]{0,252})\\")
_SCHEME_HOST: Final = re.compile(
    r"\b(?:file|smb|cifs|ldaps?|ssh|sftp|rdp|nfs|winrm|wsman)://(?:[^\s/@]{1,64}@)?(?P<it>[\w.-]{1,253})", _I
)
_SPN: Final = re.compile(
    r"\b(?:cifs|host|termsrv|wsman|rpcss|ldap|http|mssqlsvc|gc|dns|restrictedkrbhost)/(?P<it>[\w-]{2,63})(?![\w./-])",
    _I,
)
_WINDOWS_HOME: Final = re.compile(
    rf"(?:\b[A-Za-z]:?)?{_BACK}(?:Users|Documents and Settings|Documents%20and%20Settings){_BACK}{_HOME_NAME}", _I
)
_UNIX_HOME: Final = re.compile(
    r"(?<![\w.])(?:/|%2[Ff])(?:home|Users|var/mail|var/spool/mail|var/spool/cron/crontabs|export/home)(?:/|%2[Ff])(?P<it>[\w.-]{1,64})"
)
_TILDE: Final = re.compile(r"(?<![\w/~.])~(?P<it>[^\W\d_][\w.-]{0,63})(?=/)")
_SSH: Final = re.compile(
    r"\b(?:ssh|scp|sftp|rsync|ssh-copy-id|mosh|autossh)\b[^|;\n]{0,160}?\s(?P<user>[\w.-]{1,64})@(?P<it>[\w-]{1,63})(?![\w.-])",
    _I,
)
_ARN: Final = re.compile(
    r"\barn:aws[\w-]{0,12}:[\w-]{0,30}:[\w-]{0,20}:(?P<account>\d{12})?:(?P<resource>[\w+=,.@/:*-]{1,512})"
)
_ACCOUNT_ID: Final = re.compile(
    r"(?:account|acct|owner|registry)[\w ]{0,12}?[\"'\]]?\s{0,2}[:=/\s]\s{0,2}[\"']?(?P<it>\d{12})(?!\d)|"
    r"(?<!\d)(?P<ecr>\d{12})(?=\.dkr\.|-[a-z]{2}-[a-z]{4,9}-\d)",
    _I,
)
_ACCESS_KEY: Final = re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,124}(?![A-Za-z0-9])")
_AWS_ID: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:AROA|AIDA|AGPA|AIPA|ANPA|ANVA|APKA|ASCA)[A-Z0-9]{12,124}(?![A-Za-z0-9])(?::(?P<it>[\w+=,.@-]{2,64}))?"
)
_PHONE: Final = re.compile(
    r"(?<![\w+.])\+\d(?:[ .()-]{0,2}\d){7,14}(?![\w.-]?\d)|(?<![\w.])\(\d{3}\) ?\d{3}[ -]\d{4}(?!\d)"
)
_CARD: Final = re.compile(r"(?<![\w.-])(?=(?P<it>[3-6]\d(?:[ -]?\d){11,17})(?!\d))")
_GROUP_END: Final = re.compile(r"\d(?!\w|\.\d)")
_DN: Final = re.compile(r"\b(?:CN|UID)=(?P<it>[^,=\n\"']{1,64})(?=,\s?(?:OU|CN|DC|O)=)", _I)
_INSTANCE: Final = re.compile(r"(?<![\w-])(?:i|mi)-[0-9a-f]{8,17}(?![\w-])")
_SERVICE_ACCOUNT: Final = re.compile(
    r"\bsystem:(?:serviceaccount:(?P<it>[\w.-]{1,63}:[\w.-]{1,253})|node:(?P<node>[\w.-]{1,253}))"
)

_NO_HOMES: Final = frozenset(
    ("public", "default", "all users", "default user", "shared", "defaultapppool", "desktop.ini", "guest", "..", ".")
)
_NO_DOMAINS: Final = frozenset(
    (
        *("hklm", "hkcu", "hku", "hkcr", "hkcc", "hkey_local_machine", "hkey_current_user", "hkey_users"),
        *("hkey_classes_root", "registry", "machine", "windows", "system32", "syswow64", "software", "system"),
        *("microsoft", "device", "harddiskvolume", "nt", "builtin", "authority", "users", "programdata"),
        *("program", "temp", "desktop", "documents", "downloads", "appdata", "roaming", "pipe", "iis", "apppool"),
        *("sam", "security", "currentversion", "currentcontrolset", "services", "control", "clsid", "root"),
        *("cimv2", "winnt", "global", "globalroot", "font", "manager"),
    )
)
_NO_FILE: Final = re.compile(
    r".*\.(?:exe|dll|sys|ps1|psm1|bat|cmd|vbs|js|txt|log|dat|tmp|ini|xml|json|py|lnk|msi|scr|inf|hta|zip|docx?|xlsx?|pdf)",
    _I,
)
_MIN_CARD: Final = 13
_MIN_PHONE, _MAX_PHONE = 8, 15


def names_in(text: str, own: Own) -> Iterator[Span]:
    """Yield the identifiers in a text, each with its owner; they may overlap.

    Args:
        text: Cleaned text.
        own: What is one's own.
    """
    for find in _FINDERS:
        yield from find(text, own)


def _emails(text: str, _own: Own) -> Iterator[Span]:
    if "@" in text or "%40" in text:
        for match in _EMAIL.finditer(text):
            escape = 2 if text[max(0, match.start() - 1) : match.start()] == "%" else 0  # what is left of %3D
            user = match["user"][escape:].lstrip(".-'")
            start = match.start() + len(match["user"]) - len(user)
            if user:
                yield Span(start, match.end(), Owner("user", f"{user}@{match['domain']}".lower()))


def _windows_accounts(text: str, own: Own) -> Iterator[Span]:
    if "\\" not in text:
        return
    for match in _DOMAIN_USER.finditer(text):
        domain, user = match["domain"], match["user"].rstrip(".-$")
        if domain.lower() in _NO_DOMAINS or not user or _NO_FILE.fullmatch(user):
            continue
        if own.has_windows_domain(domain) or own.has_name(domain):
            yield Span(*match.span("domain"), Owner("domain", domain.lower()))
        elif not domain.isupper():
            continue
        name = user_name({"name": f"{domain}\\{user}"}, None)
        if name and not is_everywhere(user):
            yield Span(match.start(), match.start("user") + len(user), Owner("user", name))
            yield Span(match.start("user"), match.start("user") + len(user), Owner("user", name))
            yield Span(*match.span("domain"), Owner("domain", domain.lower()))


def _accounts(text: str, _own: Own) -> Iterator[Span]:
    for match in _ACCOUNT.finditer(text):
        yield from _user(match.span("it"), match["it"])


def _sids(text: str, _own: Own) -> Iterator[Span]:
    for match in _SID.finditer(text):
        yield Span(*match.span(), Owner("user", match.group().lower()))


def _ipv4(text: str, own: Own) -> Iterator[Span]:
    for match in _IPV4.finditer(text):
        yield from _address(match.span(), match.group(), own)
    for match in _IPV4_IN.finditer(text):
        yield from _address(match.span(), re.sub("[-_]", ".", match.group()), own)


def _ipv6(text: str, own: Own) -> Iterator[Span]:
    if ":" in text:
        for match in _IPV6.finditer(text):
            yield from _address(match.span(), match.group(), own)


def _address(span: tuple[int, int], text: str, own: Own) -> Iterator[Span]:
    found = canonical_address(text)
    if found:
        yield Span(*span, Owner("ip" if own.has_address(found) else EXTERNAL, found))


def _macs(text: str, _own: Own) -> Iterator[Span]:
    for match in _MAC.finditer(text):
        bare = re.sub(r"[:.-]", "", match.group()).lower()
        if len(set(bare)) > 1:
            yield Span(*match.span(), Owner("mac", bare))


def _dns_names(text: str, own: Own) -> Iterator[Span]:
    for match in _DNS.finditer(text):
        name = match.group().rstrip("-_")
        if len(name) <= MAX_HOST and own.has_name(name):
            yield from _host((match.start(), match.start() + len(name)), name, own)


def _named_hosts(text: str, own: Own) -> Iterator[Span]:
    for pattern in (_UNC, _SCHEME_HOST, _SPN, _SSH):
        for match in pattern.finditer(text):
            name = match["it"].rstrip(".-")
            if "." not in name or own.has_name(name):
                yield from _host((match.start("it"), match.start("it") + len(name)), name, own)
            if pattern is _SSH:
                yield from _user(match.span("user"), match["user"])


def _host(span: tuple[int, int], name: str, own: Own) -> Iterator[Span]:
    label = host_name(name)
    if name.lower() in own.domains:
        yield Span(*span, Owner("domain", name.lower()))
    elif label:
        yield Span(*span, Owner("host", label))


def _homes(text: str, _own: Own) -> Iterator[Span]:
    for pattern in (_WINDOWS_HOME, _UNIX_HOME, _TILDE):
        for match in pattern.finditer(text):
            name = match["it"].rstrip(".- ")
            if name.lower() not in _NO_HOMES:
                yield from _user((match.start("it"), match.start("it") + len(name)), name)


def _user(span: tuple[int, int], name: str) -> Iterator[Span]:
    found = user_name({"name": name}, None)
    if found and not is_everywhere(name):
        yield Span(*span, Owner("user", found))


def _arns(text: str, _own: Own) -> Iterator[Span]:
    for match in _ARN.finditer(text):
        if match["account"]:
            yield Span(*match.span("account"), Owner("account", match["account"]))
        kind, _, rest = match["resource"].partition("/")
        person = rest.rpartition("/")[2].rstrip(".-,*:") if kind in {"user", "assumed-role", "federated-user"} else ""
        if person:
            at = match.start("resource") + len(kind) + 1 + rest.rindex(person)
            yield Span(at, at + len(person), Owner("user", person.lower()))


def _cloud_ids(text: str, _own: Own) -> Iterator[Span]:
    for match in _ACCOUNT_ID.finditer(text):
        group = "it" if match["it"] else "ecr"
        yield Span(*match.span(group), Owner("account", match[group]))
    for match in _ACCESS_KEY.finditer(text):
        yield Span(*match.span(), Owner("session", match.group().lower()))
    for match in _AWS_ID.finditer(text):
        end = match.start("it") - 1 if match["it"] else match.end()
        yield Span(match.start(), end, Owner("user", text[match.start() : end].lower()))
        if match["it"]:
            yield Span(*match.span("it"), Owner("user", match["it"].lower()))
    for match in _INSTANCE.finditer(text):
        yield Span(*match.span(), Owner("workload", match.group()))


def _kubernetes(text: str, _own: Own) -> Iterator[Span]:
    for match in _SERVICE_ACCOUNT.finditer(text):
        if match["it"]:
            yield Span(*match.span(), Owner("user", match.group().lower()))
        elif label := host_name(match["node"]):
            yield Span(*match.span("node"), Owner("host", label))


def _numbers(text: str, _own: Own) -> Iterator[Span]:
    cards = list(_cards(text))
    yield from cards
    for match in _PHONE.finditer(text):
        end = next((one.start for one in cards if one.start < match.end() and match.start() < one.end), match.end())
        number = text[match.start() : end].rstrip(" .-(")
        digits = "".join(filter(str.isdigit, number))
        if _MIN_PHONE <= len(digits) <= _MAX_PHONE:
            yield Span(match.start(), match.start() + len(number), Owner("phone", digits))


def _cards(text: str) -> Iterator[Span]:
    at = 0
    for match in _CARD.finditer(text):
        if match.start() < at:
            continue
        for end in (last.end() for last in _GROUP_END.finditer(match["it"])):
            digits = "".join(filter(str.isdigit, match["it"][:end]))
            if len(digits) >= _MIN_CARD and is_luhn(digits):
                at = match.start() + end
                yield Span(match.start(), at, Owner("card", digits))
                break


def _directory_names(text: str, _own: Own) -> Iterator[Span]:
    for match in _DN.finditer(text):
        name = match["it"].strip()
        if name.lower() not in _NO_DIRECTORY:
            yield from _user((match.start("it"), match.start("it") + len(match["it"].rstrip())), name)


def is_luhn(digits: str) -> bool:
    """Tell whether the last digit is the check digit of the others, as on payment cards (ISO/IEC 7812)."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0  # noqa: PLR2004  # of the rule


EXTERNAL: Final = "external"  # the kind of an address that is not one's own: not of KINDS
_NO_DIRECTORY: Final = frozenset(
    (
        "users",
        "computers",
        "builtin",
        "configuration",
        "schema",
        "sites",
        "services",
        "partitions",
        "system",
        "policies",
    )
)
_FINDERS: Final[tuple[Callable[[str, Own], Iterator[Span]], ...]] = (
    *(_emails, _windows_accounts, _accounts, _sids, _ipv4, _ipv6, _macs, _dns_names, _named_hosts, _homes),
    *(_arns, _cloud_ids, _kubernetes, _numbers, _directory_names),
)
