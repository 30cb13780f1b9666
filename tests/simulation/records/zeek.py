"""Records of Zeek: connections, names, TLS handshakes, leases."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv4Address, ip_address
from random import Random
from typing import Any, Final

from tests.simulation.machines import RESOLVER
from tests.simulation.records.record import ZEEK, Record

HEADER_BYTES: Final = 40
PACKET_BYTES: Final = 1380
WORLD: Final = int(ip_address("198.19.0.0"))  # where the sites of the world are
REFUSED, ESTABLISHED, UNANSWERED = "REJ", "SF", "S0"
_HISTORY: Final = {ESTABLISHED: "ShADadFf", REFUSED: "Sr", UNANSWERED: "S"}
_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Transfer:
    """What one connection carries.

    Attributes:
        sent: Bytes from who opened it.
        received: Bytes from the other side.
        duration_ms: How long it lasted.
        state: How it ended, as Zeek writes it.
    """

    sent: int
    received: int
    duration_ms: int = 400
    state: str = ESTABLISHED


@lru_cache(maxsize=65_536)
def address_of(site: str) -> str:
    """Return the address that a name of the world has."""
    if site.endswith((".corp.example.com", ".example.com")):
        return "10.0.0.80"
    number = int.from_bytes(blake2b(site.encode(), digest_size=2).digest(), "big")
    return str(IPv4Address(WORLD + number))


def _uid(rng: Random) -> str:
    bits = rng.getrandbits(96)
    letters = []
    for _ in range(16):
        bits, index = divmod(bits, 62)
        letters.append(_LETTERS[index])
    return "C" + "".join(letters)


def _ends(rng: Random, origin: str, target: str, port: int) -> dict[str, Any]:
    return {
        "id.orig_h": origin,
        "id.orig_p": rng.randrange(49_152, 65_535),
        "id.resp_h": target,
        "id.resp_p": port,
    }


def conn(
    rng: Random,
    time: int,
    origin: str,
    target: str,
    port: int,
    moved: Transfer,
    *,
    proto: str = "tcp",
    service: str = "",
) -> Record:
    """Write a connection; its time is that of its start, as Zeek's is."""
    fields = {
        "_path": "conn",
        "ts": time / 1000,
        "uid": _uid(rng),
        **_ends(rng, origin, target, port),
        "proto": proto,
        "duration": moved.duration_ms / 1000,
        "orig_bytes": moved.sent,
        "resp_bytes": moved.received,
        "conn_state": moved.state,
        "local_orig": origin.startswith("10."),
        "local_resp": target.startswith("10."),
        "missed_bytes": 0,
        "history": _HISTORY[moved.state] if proto == "tcp" else "Dd",
        **_packets("orig", moved.sent),
        **_packets("resp", moved.received if moved.state == ESTABLISHED else 0),
    }
    if service:
        fields["service"] = service
    return Record.of(time, ZEEK, fields)


def _packets(side: str, size: int) -> dict[str, int]:
    packets = 3 + size // PACKET_BYTES
    return {f"{side}_pkts": packets, f"{side}_ip_bytes": size + packets * HEADER_BYTES}


def lookup(rng: Random, time: int, origin: str, name: str, *, qtype: str = "A", found: bool = True) -> Record:
    """Write a question to the name server, and whether there is such a name."""
    fields = {
        "_path": "dns",
        "ts": time / 1000,
        "uid": _uid(rng),
        **_ends(rng, origin, RESOLVER, 53),
        "proto": "udp",
        "trans_id": rng.randrange(65_536),
        "query": name,
        "qclass": 1,
        "qclass_name": "C_INTERNET",
        "qtype": {"A": 1, "TXT": 16, "AAAA": 28}[qtype],
        "qtype_name": qtype,
        "rcode": 0 if found else 3,
        "rcode_name": "NOERROR" if found else "NXDOMAIN",
        "AA": False,
        "TC": False,
        "RD": True,
        "RA": True,
        "Z": 0,
        "rejected": False,
    }
    if found:
        fields |= {"answers": [address_of(name) if qtype == "A" else "TXT 4 more"], "TTLs": [300.0]}
    return Record.of(time, ZEEK, fields)


def handshake(rng: Random, time: int, origin: str, site: str, fingerprint: str) -> Record:
    """Write a TLS handshake with a site."""
    fields = {
        "_path": "ssl",
        "ts": time / 1000,
        "uid": _uid(rng),
        **_ends(rng, origin, address_of(site), 443),
        "version": "TLSv13",
        "cipher": "TLS_AES_128_GCM_SHA256",
        "curve": "x25519",
        "server_name": site,
        "resumed": False,
        "established": True,
        "ssl_history": "CsiI",
        "ja3": fingerprint,
    }
    return Record.of(time, ZEEK, fields)


def lease(rng: Random, time: int, ip: str, host: str) -> Record:
    """Write the lease of an address for a working day."""
    fields = {
        "_path": "dhcp",
        "ts": time / 1000,
        "uids": [_uid(rng)],
        "client_addr": ip,
        "server_addr": RESOLVER,
        "mac": "02:00:5e:" + ":".join(f"{int(part):02x}" for part in ip.split(".")[1:]),
        "host_name": host,
        "client_fqdn": f"{host}.corp.example.com",
        "domain": "corp.example.com",
        "requested_addr": ip,
        "assigned_addr": ip,
        "lease_time": 36_000.0,
        "msg_types": ["REQUEST", "ACK"],
        "duration": 0.02,
    }
    return Record.of(time, ZEEK, fields)
