"""The canonical form of observables: what feeds write in many ways is compared in one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from enrichers.intel import indicator
from enrichers.intel.urls import MAX_URL, url_key
from enrichers.reserved import ipv4_number

MAX_VALUE: Final = MAX_URL
MAX_DOMAIN: Final = 253
HASH_LENGTHS: Final = frozenset({32, 40, 64, 128})  # MD5, SHA-1, SHA-256, SHA-512
MD5_HEX: Final = 32
WIDEST: Final = {4: 8, 6: 16}  # a wider network by IP version is a mistake of the feed: it would match half the world

_HEX: Final = re.compile(r"[0-9a-f]+", re.ASCII)
_LABELS: Final = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII
)
_FANGLESS: Final = re.compile(r"[\[({\\]|\s|^(?:hxxp|htxp|hxtp|fxp)", re.IGNORECASE)
_SCHEME: Final = re.compile(r"^(?:h[tx]{2}p|(f)xp)(s?)(?=:|[\[({]:)", re.IGNORECASE)
_DOT: Final = re.compile(r"[\[({]\s?(?:\.|dot)\s?[\])}]|\sdot\s|\\\.", re.IGNORECASE)
_AT: Final = re.compile(r"[\[({]\s?(?:@|at)\s?[\])}]|\sat\s", re.IGNORECASE)
_COLON: Final = re.compile(r"[\[({](:(?://)?)[\])}]")
_CIDR: Final = re.compile(r"[0-9a-f.:]+/\d{1,3}", re.ASCII | re.IGNORECASE)
_PORT: Final = re.compile(r"^([^:|/]+)[:|]\d{1,5}$")


def refang(text: str) -> str:
    """Undo how people make observables harmless: `hxxp://`, `[.]`, `(dot)`, `[@]`, `[:]`."""
    text = text.strip()
    if len(text) > MAX_VALUE or not _FANGLESS.search(text):
        return text
    text = _SCHEME.sub(lambda found: f"{'ftp' if found[1] else 'http'}{found[2].lower()}", text)
    return _COLON.sub(r"\1", _AT.sub("@", _DOT.sub(".", text)))


def canonical(kind: str, text: str) -> tuple[str, str]:
    """Return kind and value of an observable in canonical form.

    A network of one address is an address, an address with a prefix a network.

    Args:
        kind: One of `indicator.KINDS`.
        text: The observable, refanged or not.

    Raises:
        ValueError: The text is no such observable; the message says why.
    """
    return plain(kind, refang(text))


def plain(kind: str, text: str) -> tuple[str, str]:
    """Do what `canonical` does with a text that nobody made harmless, as those of events are."""
    if len(text) > MAX_VALUE:
        raise ValueError(f"longer than {MAX_VALUE} characters")
    return _READERS[kind](text)


def guess(text: str) -> tuple[str, str]:
    """Return kind and canonical value of an observable of which a list does not say what it is; raise ValueError."""
    text = refang(text)
    for kind in _guesses(text):
        try:
            return canonical(kind, text)
        except ValueError:
            continue
    raise ValueError("neither an address, network, domain, URL, hash nor e-mail address")


def _guesses(text: str) -> tuple[str, ...]:
    if "://" in text:
        return (indicator.URL,)
    if "@" in text:
        return (indicator.EMAIL,)
    if "/" in text:
        return (indicator.IP,) if _CIDR.fullmatch(text) else (indicator.URL,)
    return indicator.IP, indicator.HASH, indicator.DOMAIN


def _address(text: str) -> tuple[str, str]:
    if ipv4_number(text) is not None:
        return indicator.IP, text
    if "/" in text:
        return _network(text)
    port = _PORT.match(text)
    found = ip_address(port[1] if port else text.strip("[]"))
    if isinstance(found, IPv6Address):
        if found.scope_id:
            raise ValueError("an address of one link only")
        found = found.ipv4_mapped or found
    return indicator.IP, str(found)


def _network(text: str) -> tuple[str, str]:
    found = ip_network(text, strict=False)
    if found.num_addresses == 1:
        return _address(str(found.network_address))
    if found.prefixlen < WIDEST[found.version]:
        raise ValueError(f"wider than /{WIDEST[found.version]}")
    return indicator.NETWORK, str(found)


def domain_name(text: str) -> str:
    """Return a domain in canonical form: lower case, in ASCII, without dots or a star at its ends; raise ValueError."""
    name = text.strip().lower().removeprefix("*").strip(".")
    if not name.isascii():
        name = name[: MAX_DOMAIN + 1].encode("idna").decode("ascii")
    if len(name) > MAX_DOMAIN or not _LABELS.fullmatch(name):
        raise ValueError("no domain name" if "." in name else "a single label is a whole top-level domain, or no name")
    return name


def _domain(text: str) -> tuple[str, str]:
    return indicator.DOMAIN, domain_name(text)


def _url(text: str) -> tuple[str, str]:
    found = url_key(text)
    if found is None:
        raise ValueError("no URL with a host")
    return indicator.URL, found


def _hash(text: str) -> tuple[str, str]:
    value = text.lower()
    if len(value) not in HASH_LENGTHS or not _HEX.fullmatch(value):
        raise ValueError("no MD5, SHA-1, SHA-256 or SHA-512 in hexadecimal")
    return indicator.HASH, value


def _ja3(text: str) -> tuple[str, str]:
    kind, value = _hash(text)
    if len(value) != MD5_HEX:
        raise ValueError(f"a JA3 is an MD5, this is a {kind} of {len(value)} digits")
    return indicator.JA3, value


def _email(text: str) -> tuple[str, str]:
    local, at, host = text.lower().rpartition("@")
    if not (at and local) or any(char.isspace() for char in local):
        raise ValueError("no e-mail address")
    return indicator.EMAIL, f"{local}@{domain_name(host)}"


_READERS: Final[Mapping[str, Callable[[str], tuple[str, str]]]] = {
    indicator.IP: _address,
    indicator.NETWORK: _address,
    indicator.DOMAIN: _domain,
    indicator.URL: _url,
    indicator.HASH: _hash,
    indicator.EMAIL: _email,
    indicator.JA3: _ja3,
}
