"""One name for one actor: the forms in which hosts, users, addresses and sessions are written, made comparable.

Everything is lower-cased, hosts are their first DNS label, addresses are canonical. What names nobody in particular
(SYSTEM, a machine's own account, a component of Kubernetes, loopback, a GUID of zeros) is None. A value longer than a
key may be is shortened and keeps its identity through a hash.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from models.entity import MAX_ENTITY_VALUE, EntityKey
from models.uids import sha256_hex

MAX_HOSTNAME: Final = 253
MAX_ADDRESS: Final = 64  # the longest IPv6 form with a zone
HASH_HEX: Final = 32
BROADCAST: Final = "255.255.255.255"
SYSTEM_USER: Final = 3  # OCSF user type
CONTAINER_ID_HEX: Final = 12  # container runtimes print this much of 64, and logs have either
# SIDs of accounts: of a domain or a machine, and of Entra ID. All others stand for what every machine has: SYSTEM,
# services, virtual accounts, logon sessions, built-in groups.
ACCOUNT_SIDS: Final = ("s-1-5-21-", "s-1-12-1-")

_PRIVATE: Final = tuple(  # RFC 1918, RFC 6598, RFC 4193
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)
_LABEL: Final = re.compile(r"\w[\w-]{0,62}")
_SHARED_NAMES: Final = frozenset(
    {
        *("system", "local service", "network service", "anonymous logon", "iusr", "localsystem", "localservice"),
        *("networkservice", "anonymous", "unknown", "n/a", "-", "none", "null", "(unknown user)", "not available"),
        "hidden_due_to_security_reasons",
    }
)
# Window managers and font drivers of every session, mailboxes by which every Exchange server watches itself.
_MADE_BY_SYSTEM: Final = re.compile(r"(?:dwm|umfd)-\d+|healthmailbox[0-9a-f]{7,32}|sm_[0-9a-f]{10,20}", re.ASCII)
_SID: Final = "s-1-"
_COMPONENTS: Final = ("system:", "eks:")  # of the control plane of Kubernetes, the same in every cluster
_ACTORS: Final = ("system:serviceaccount:", "system:node:")  # among them, those that are one account and one machine
_SHARED_DOMAINS: Final = frozenset(
    {
        *("nt authority", "nt service", "iis apppool", "nt virtual machine", "window manager", "font driver host"),
        *("builtin", "autorite nt", "nt-autorität", "nt autoritet"),
    }
)
_NO_DOMAINS: Final = frozenset({"", ".", "-", "workgroup"})
_EVERY_MACHINE: Final = frozenset(
    {
        # Windows has these from its setup on, the first two in the language of the system.
        *("administrator", "administrateur", "administrador", "administratör", "amministratore", "rendszergazda"),
        *("guest", "gast", "invité", "invitado", "defaultaccount", "wdagutilityaccount", "defaultuser0"),
        # Linux has these without being asked: Debian's base-passwd, Red Hat's setup, what systemd and ssh bring along.
        *("root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy", "backup"),
        *("www-data", "list", "irc", "gnats", "nobody", "nfsnobody", "adm", "shutdown", "halt", "operator", "ftp"),
        *("sshd", "messagebus", "dbus", "syslog", "polkitd", "chrony", "ntp", "rpc", "rpcuser", "tss", "tcpdump"),
        *("systemd-network", "systemd-resolve", "systemd-timesync", "systemd-coredump", "systemd-oom", "uuidd"),
        # Packages make these wherever they are installed.
        *("apache", "nginx", "httpd", "tomcat", "mysql", "postgres", "mongodb", "redis", "postfix", "jenkins"),
        # Images of clouds are delivered with these (`admin` is Debian's, and that of most appliances), and agents and
        # tools of theirs make them on every machine that they manage.
        *("ec2-user", "ubuntu", "debian", "admin", "centos", "fedora", "rocky", "almalinux", "cloud-user", "opc"),
        *("azureuser", "bitnami", "core", "vagrant", "pi", "ssm-user", "cloudshell-user", "oslogin"),
    }
)
_DAEMON: Final = "_"  # how the daemons of macOS and BSD, and newer ones of Debian, are called: _www, _apt
_LOCAL: Final = ("@localhost", "@localhost.localdomain", "@localhost.local")  # of any machine
_NO_HOSTS: Final = frozenset({"localhost", "unknown", "none", "null", "broadcasthost"})
_NO_SESSIONS: Final = frozenset(  # the logons of SYSTEM and the services, and what is written where there is none
    {"0x0", "0x3e3", "0x3e4", "0x3e5", "0x3e7", "0", "4294967295", "00000000-0000-0000-0000-000000000000"}
)
_PER_HOST: Final = re.compile(r"0x[0-9a-f]{1,16}|\d{1,20}", re.ASCII)
_CONTAINER_ID: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_INSTANCE: Final = re.compile(r"i-[0-9a-f]{8,17}", re.ASCII)


def key(kind: str, value: str) -> EntityKey:
    """Make a key of a value that is already comparable."""
    if len(value) > MAX_ENTITY_VALUE:
        digest = sha256_hex(value.encode("utf-8", "surrogatepass"))[:HASH_HEX]
        value = f"{value[: MAX_ENTITY_VALUE - HASH_HEX - 1]}#{digest}"
    return EntityKey(kind, value)


def host_name(value: Any) -> str | None:
    """Return the first DNS label of a host name, None for addresses and for what is no host name."""
    return _host_name(value) if isinstance(value, str) and 0 < len(value) <= MAX_HOSTNAME else None


@lru_cache(maxsize=65_536)
def _host_name(value: str) -> str | None:
    name = value.lower()
    label = name.partition(".")[0]
    if not _LABEL.fullmatch(label) or label in _NO_HOSTS or name.replace(".", "").isdigit():
        return None
    return label


def dns_domain(value: Any) -> str:
    """Return what follows the first label of a host name, lower-cased; empty when nothing does."""
    return value.lower().rstrip(".").partition(".")[2] if isinstance(value, str) and len(value) <= MAX_HOSTNAME else ""


def address(value: Any) -> str | None:
    """Return an address in canonical form, None when it names no single host beyond its own link."""
    return _address(value) if isinstance(value, str) and len(value) <= MAX_ADDRESS else None


@lru_cache(maxsize=65_536)
def _address(value: str) -> str | None:
    try:
        parsed = ipaddress.ip_address(value.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    parsed = mapped or parsed
    nobody = parsed.is_unspecified or parsed.is_loopback or parsed.is_multicast or parsed.is_link_local
    return None if nobody or str(parsed) == BROADCAST else str(parsed)


@lru_cache(maxsize=65_536)
def is_private(value: str) -> bool:
    """Tell whether a canonical address belongs to a network of one's own."""
    parsed = ipaddress.ip_address(value)
    return any(parsed in network for network in _PRIVATE)


def user_name(user: Mapping[str, Any], host: str | None) -> str | None:
    r"""Return the one name of a user: its ARN, e-mail address or UPN, `domain\name`, or the bare name.

    A local account has its bare name, so that sources that do not tell the domain mean the same account; but names that
    every machine has (administrator, root, ec2-user, www-data) are told apart by the host in front, and nobody without
    one. A SID in the place of the name is the name, unless it is one that every machine has.

    Args:
        user: OCSF user.
        host: Comparable name of the host the event is from, when it is from one.
    """
    uid, name = _text(user.get("uid")), _text(user.get("name"))
    arn = _arn(_text(user.get("uid_alt"))) or _arn(uid)
    if arn:
        return arn
    if user.get("type_id") == SYSTEM_USER or _is_built_in(uid):
        return None
    domain, slash, bare = name.partition("\\")
    if not slash:
        domain, bare = _text(user.get("domain")), name
    if not bare:
        return uid if uid and not uid.isdigit() and uid not in _SHARED_NAMES else None
    if bare.endswith(_LOCAL):
        bare = bare.partition("@")[0]
    if _is_shared(bare, domain):
        return None
    if bare.startswith(_SID):  # the name could not be told
        return bare
    email = bare if "@" in bare else _text(user.get("email_addr"))
    return email or _qualified(bare, domain.partition(".")[0], host)


def _is_shared(name: str, domain: str) -> bool:
    machine = name.partition("@")[0].endswith("$")
    if machine or not name or name in _SHARED_NAMES or domain in _SHARED_DOMAINS:
        return True
    return _is_built_in(name) or _is_component(name) or _MADE_BY_SYSTEM.fullmatch(name) is not None


def _is_built_in(sid: str) -> bool:
    """Tell whether it is a SID that every machine has, or of no account."""
    return sid.startswith(_SID) and not sid.startswith(ACCOUNT_SIDS)


def _is_component(name: str) -> bool:
    return name.startswith(_COMPONENTS) and not name.startswith(_ACTORS) and "@" not in name


def _qualified(name: str, domain: str, host: str | None) -> str | None:
    if domain not in _NO_DOMAINS and domain != host:
        return f"{domain}\\{name}"
    if name in _EVERY_MACHINE or name.startswith(_DAEMON):
        return f"{host}\\{name}" if host else None
    return name


def _arn(value: str) -> str:
    """Return an ARN; that of a user without its path, which an account's user names are unique without."""
    if not value.startswith("arn:"):
        return ""
    head, user, path = value.partition(":user/")
    return f"{head}{user}{path.rpartition('/')[2]}" if user else value


def is_everywhere(name: str) -> bool:
    """Tell whether a bare account name is one that every machine has, so that it names nobody in particular."""
    folded = name.lower()
    return folded in _EVERY_MACHINE or folded in _SHARED_NAMES or folded.startswith(_DAEMON)


def session_id(value: Any, host: str | None) -> str | None:
    """Return the one name of a session, None for logon ids that every host has or that no host qualifies."""
    name = _text(value)
    if not name or name in _NO_SESSIONS or name in _SHARED_NAMES:
        return None
    if not _PER_HOST.fullmatch(name):
        return name
    return f"{host}/{name}" if host else None


def container_id(value: Any) -> str | None:
    """Return a container id, cut to the length that container runtimes print."""
    name = _text(value)
    return name[:CONTAINER_ID_HEX] if _CONTAINER_ID.fullmatch(name) else name or None


def instance_id(value: Any) -> str | None:
    """Return an EC2 instance id, None for everything else."""
    return value if isinstance(value, str) and _INSTANCE.fullmatch(value) else None


def plain(value: Any) -> str | None:
    """Return a string that needs no more than lower-casing, None when there is none."""
    return _text(value) or None


def _text(value: Any) -> str:
    return value.strip().lower() if isinstance(value, str) else ""
