"""Decode what the audit system encodes: hexadecimal text, argument lists, socket addresses.

Source: the kernel's audit_log_untrustedstring (text with a quote, a blank or a control character is written as
upper-case hexadecimal without quotes), audit_log_execve_info, and struct sockaddr of 64-bit Linux, which is
little-endian.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Final

MAX_ARGUMENTS: Final = 4096
INET, INET6, UNIX, NETLINK = 2, 10, 1, 16
_HEX: Final = "0123456789ABCDEF"
_FAMILIES: Final = {INET: "inet", INET6: "inet6", UNIX: "local", NETLINK: "netlink"}
_SHORTEST: Final = {INET: 8, INET6: 24}  # bytes that hold port and address
# Fields that the kernel and the tools write as text they do not trust.
TEXTS: Final = frozenset(
    {
        *("name", "exe", "comm", "cwd", "proctitle", "cmd", "acct", "data", "path", "key", "grp", "ocomm", "device"),
        *("profile", "dir", "info", "watch", "unit", "sw", "root_dir", "old", "new"),
    }
)


def is_hex(value: str) -> bool:
    """Tell whether a value without quotes is hexadecimal text."""
    return len(value) % 2 == 0 and value != "" and not value.strip(_HEX)


def from_hex(value: str) -> str:
    """Return the text of a hexadecimal value, what is no UTF-8 in it replaced; the value itself when it is none."""
    return bytes.fromhex(value).decode("utf-8", "replace") if is_hex(value) else value


def plain(name: str, value: str) -> Any:
    """Return the value of a field as it is meant: without quotes, decoded; several keys as a list."""
    if value[:1] in {'"', "'"}:
        return value[1:-1] if value[-1:] == value[:1] else value[1:]  # the end may have been cut off
    if name not in TEXTS:
        return value
    decoded = from_hex(value)
    if name == "proctitle":
        return decoded.rstrip("\x00").replace("\x00", " ")
    if name == "key" and "\x01" in decoded:
        return decoded.split("\x01")
    return decoded


def arguments(fields: Mapping[str, str]) -> dict[int, str]:
    """Return the arguments in the raw fields of one EXECVE record by number.

    A long argument comes in pieces `a1[0]`, `a1[1]` ..., in order, perhaps over several records.
    """
    found: dict[int, list[str]] = {}
    for name, value in fields.items():
        if name[:1] == "a" and len(name) < 12:  # noqa: PLR2004  # a, a number, and the number of a piece
            number = name[1:].partition("[")[0]
            if number.isascii() and number.isdigit() and int(number) < MAX_ARGUMENTS:
                found.setdefault(int(number), []).append(value[1:-1] if value[:1] == '"' else from_hex(value))
    return {number: "".join(pieces) for number, pieces in found.items()}


def socket_address(saddr: str) -> dict[str, Any]:
    """Return family, address, port and path of a socket address in hexadecimal, empty when it cannot be read."""
    if not is_hex(saddr):
        return {}
    data = bytes.fromhex(saddr)
    family = int.from_bytes(data[:2], "little")
    found: dict[str, Any] = {"saddr_fam": _FAMILIES.get(family, str(family))}
    if family == UNIX:
        path = data[2:].lstrip(b"\x00").partition(b"\x00")[0]
        return found | {"path": path.decode("utf-8", "replace")}
    if len(data) < _SHORTEST.get(family, len(data) + 1):
        return found
    address = data[4:8] if family == INET else data[8:24]
    return found | {"laddr": str(ipaddress.ip_address(address)), "lport": int.from_bytes(data[2:4], "big")}
