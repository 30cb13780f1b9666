"""URLs as keys: host, path and query in one form, and the shorter keys under which a list may name the same place."""

from __future__ import annotations

import re
from posixpath import normpath
from typing import Final
from urllib.parse import quote, unquote

MAX_URL: Final = 2048
_PARTS: Final = re.compile(
    r"(?:([a-z][a-z0-9+.-]*)://)?(?:[^/?#@]*@)?(\[[0-9a-f:.]+\]|[^/?#:\[\]@]+)(?::(\d{0,5}))?([/?#\\].*)?",
    re.IGNORECASE | re.DOTALL,
)
_WEB_PORTS: Final = frozenset({"", "80", "443"})  # whatever the scheme: a proxy tells of `example.com:443` without one
_SAFE: Final = "/!$&'()*+,;=:@-._~"


def url_key(text: str) -> str | None:
    """Return host, port, path and query of a URL in canonical form, None when it is none.

    The scheme, the user, default ports and the fragment are left out: `https://Example.com:443/a/../b#c` and
    `http://example.com/b` are one place.

    Args:
        text: A URL with or without its scheme; one longer than MAX_URL is none.
    """
    if len(text) > MAX_URL:
        return None
    parts = _PARTS.fullmatch(text.strip())
    if parts is None:
        return None
    scheme, host, port, rest = parts.groups()
    host = _host(host)
    if not host or ("." not in host and host[0] != "["):
        return None
    default = port in _WEB_PORTS or port is None or (port == "21" and (scheme or "").lower() == "ftp")
    return f"{host}{'' if default else f':{int(port)}'}{_path(rest or '')}"


def _host(text: str) -> str:
    name = text.lower().strip(".")
    if name.isascii():
        return "" if any(char.isspace() for char in name) else name
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def _path(rest: str) -> str:
    path, mark, query = rest.partition("#")[0].partition("?")
    path = path.replace("\\", "/") or "/"
    if "%" in path or not path.isascii() or " " in path:
        path = quote(unquote(path, errors="replace"), safe=_SAFE, errors="replace")
    if "/." in path or "//" in path:
        slash = "/" if path.endswith(("/", "/.", "/..")) else ""
        path = normpath(path).rstrip("/").replace("//", "/") + slash or "/"
    return f"{path}{mark}{query}" if query else path


def host_of_key(key: str) -> str:
    """Return the host of a key, without its port or brackets."""
    host = key[: key.index("/")]
    return host[1 : host.index("]")] if host.startswith("[") else host.partition(":")[0]


def shorter_keys(key: str, depth: int) -> list[str]:
    """Return the keys under which a list may name the place of a key: itself, without its query, each folder above.

    Args:
        key: A key that `url_key` made.
        depth: How many slashes a folder of the list has at most: no deeper one is returned.
    """
    path = key.partition("?")[0]
    keys = [key] if path == key else [key, path]
    end = path.find("/")
    folders = list[str]()
    while end >= 0 and len(folders) < depth:
        folders.append(path[: end + 1])
        end = path.find("/", end + 1)
    return keys + [folder for folder in reversed(folders) if folder != path]
