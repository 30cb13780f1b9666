"""The table gives the answers of whoever reads every indicator, one after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.intel.builder import Builder
from enrichers.intel.indicator import KINDS, NETWORK, Indicator, Revoked
from enrichers.intel.networks import Networks, columns_of
from enrichers.intel.table import IntelTable
from enrichers.intel.urls import host_of_key, url_key
from enrichers.intel.values import canonical
from enrichers.reserved import reserved_block
from models.errors import ConfigError


def table_of(path: Path, *said: Indicator | Revoked) -> IntelTable:
    builder = Builder()
    for each in said:
        if isinstance(each, Indicator):
            builder.add(each)
        else:
            builder.take_back(each)
    builder.write(path, {})
    return IntelTable(path)


def naive(said: Iterable[Indicator | Revoked], kind: str, value: str) -> set[tuple[str, str, str, int]]:
    """Return kind, value, source and confidence of what stands and meets an observable."""
    return {
        (one.kind, one.value, one.source, one.confidence) for one in _standing(list(said)) if _meets(one, kind, value)
    }


def _standing(said: list[Indicator | Revoked]) -> list[Indicator]:
    made = [each for each in said if isinstance(each, Indicator)]
    versions = [one for one in made if not one.id or _is_latest(one, said)]
    return [
        one
        for at, one in enumerate(versions)
        if not any(
            (other.kind, other.value, other.source) == (one.kind, one.value, one.source)
            and (other.modified, later) > (one.modified, at)
            for later, other in enumerate(versions)
        )
    ]


def _is_latest(one: Indicator, said: list[Indicator | Revoked]) -> bool:
    same = [other for other in said if (other.source, other.id) == (one.source, one.id)]
    return not any(
        other.modified > one.modified or (isinstance(other, Revoked) and other.modified == one.modified)
        for other in same
    )


def _meets(one: Indicator, kind: str, value: str) -> bool:
    if kind == "url":
        host = host_of_key(value)
        named = "ip" if ":" in host or host.rpartition(".")[2].isdigit() else "domain"
        path = value.partition("?")[0]
        folder = one.value.endswith("/") and path.startswith(one.value)
        return (one.kind == "url" and (one.value in {value, path} or folder)) or _meets(one, named, host)
    if kind == "ip" and one.kind == NETWORK:
        return ip_address(value) in ip_network(one.value)
    return one.kind == kind and (one.value == value or (kind == "domain" and value.endswith(f".{one.value}")))


_addresses = st.one_of(
    st.sampled_from(["198.51.100.7", "198.51.100.8", "2001:db8::7", "2001:db9::7", "255.255.255.255", "8.0.0.0"]),
    st.ip_addresses(v=4).map(str).filter(lambda text: reserved_block(text) is None),
)
_networks = st.builds(
    lambda address, length: str(ip_network(f"{address}/{length + (24 if ':' in address else 0)}", strict=False)),
    _addresses,
    st.integers(8, 31),
)
_domains = st.lists(st.sampled_from(["a", "b", "evil"]), min_size=1, max_size=4).map(
    lambda labels: ".".join([*labels, "org"])
)
_urls = st.builds(
    lambda host, path, query: url_key(f"http://{host}/{path}{query}"),
    st.sampled_from(["evil.org", "a.evil.org", "198.51.100.7", "[2001:db8::7]:81"]),
    st.sampled_from(["", "a", "a/", "a/b/", "a/b/c"]),
    st.sampled_from(["", "?x"]),
)
_hashes = st.sampled_from(["a" * 32, "b" * 32])
_values = {
    "ip": _addresses,
    NETWORK: _networks,
    "domain": _domains,
    "url": _urls,
    "hash": _hashes,
    "ja3": _hashes,
    "email": st.sampled_from(["a@evil.org", "b@evil.org"]),
}
_said = st.sampled_from(KINDS).flatmap(
    lambda kind: st.builds(
        Indicator,
        st.just(kind),
        _values[kind],
        st.sampled_from(["one", "two"]),
        confidence=st.integers(0, 100),
        id=st.sampled_from(["", "x", "y"]),
        modified=st.integers(0, 2),
    )
)
_back = st.builds(Revoked, st.sampled_from(["one", "two"]), st.sampled_from(["x", "y"]), st.integers(0, 2))
_asked = st.sampled_from([kind for kind in KINDS if kind != NETWORK]).flatmap(
    lambda kind: st.tuples(st.just(kind), _values[kind])
)


@given(st.lists(_said | _back, max_size=12), st.lists(_asked, min_size=1, max_size=6))
def test_the_table_answers_as_the_lists_do(said: list[Indicator | Revoked], asked: list[tuple[str, str]]) -> None:
    said = [one if isinstance(one, Revoked) else _plain(one) for one in said]
    with tempfile.TemporaryDirectory() as folder:
        table = table_of(Path(folder, "t"), *said)
        known = [(one.kind, one.value) for one in said if isinstance(one, Indicator) and one.kind != NETWORK]
        for kind, value in [*asked, *known]:
            found = {(one.kind, one.value, one.source, one.confidence) for one in table.find(kind, value)}
            assert found == naive(said, kind, value)


def _plain(one: Indicator) -> Indicator:
    kind, value = canonical(one.kind, one.value) if one.kind in {NETWORK, "ip"} else (one.kind, one.value)
    return Indicator(kind, value, one.source, confidence=one.confidence, id=one.id, modified=one.modified)


_NEAR = st.integers(0, 63)
_BASES = st.sampled_from(["198.51.100.0", "2001:db8::", "2001:db8:0:0:8000::", "::ffff:ffff:0:0", "::"])


@given(
    st.lists(st.tuples(_BASES, _NEAR, st.integers(0, 6)), max_size=8),
    st.lists(st.tuples(_BASES, _NEAR), min_size=1, max_size=8),
)
def test_every_network_around_an_address_is_found(
    listed: list[tuple[str, int, int]], asked: list[tuple[str, int]]
) -> None:
    networks = {
        ip_network((int(ip_address(base)) + at, (128 if ":" in base else 32) - wide), strict=False)
        for base, at, wide in listed
    }
    found = Networks(_columns(sorted(networks, key=str)))
    for base, at in asked:
        address = ip_address(base) + at
        around = [net for net in networks if net.version == address.version and address in net]
        around.sort(key=lambda net: -net.prefixlen)
        assert found.around(str(address)) == [str(net) for net in around]


def _columns(networks: Iterable[IPv4Network | IPv6Network]) -> dict[str, list[int]]:
    return {name: column.to_pylist() for name, column in columns_of(map(str, networks)).items()}


def test_each_source_has_its_own_latest_word(tmp_path: Path) -> None:
    said = [
        Indicator("ip", "198.51.100.7", source, confidence=10 * at, modified=at)
        for at, source in enumerate(["one", "two", "one", "two", "one"])
    ]
    for order in (said, said[::-1]):
        found = table_of(tmp_path / "t", *order).find("ip", "198.51.100.7")
        assert sorted((known.source, known.confidence) for known in found) == [("one", 40), ("two", 30)]


def test_the_narrowest_comes_first_and_says_how_it_meets(tmp_path: Path) -> None:
    table = table_of(
        tmp_path / "t",
        Indicator(NETWORK, "198.51.0.0/16", "l"),
        Indicator(NETWORK, "198.51.100.0/24", "l"),
        Indicator("ip", "198.51.100.7", "l"),
        Indicator("domain", "evil.org", "l"),
        Indicator("url", "a.evil.org/x/", "l"),
    )
    assert [(one.value, one.how) for one in table.find("ip", "198.51.100.7")] == [
        ("198.51.100.7", "exact"),
        ("198.51.100.0/24", "network"),
        ("198.51.0.0/16", "network"),
    ]
    assert [(one.value, one.how) for one in table.find("url", "a.evil.org/x/y?z")] == [
        ("a.evil.org/x/", "shorter URL"),
        ("evil.org", "parent domain"),
    ]


def test_a_private_address_matches_only_where_it_is_meant(tmp_path: Path) -> None:
    listed = ["10.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12", "10.1.2.0/24", "169.254.0.0/16", "100.64.0.0/10"]
    networks = [Indicator(NETWORK, network, "bogons") for network in listed]
    table = table_of(tmp_path / "t", *networks, Indicator("ip", "192.168.7.7", "mine"))
    for address in ("10.9.9.9", "192.168.1.1", "172.16.0.1", "169.254.1.1", "100.64.0.1"):
        assert table.find("ip", address) == ()
    assert [one.value for one in table.find("ip", "10.1.2.3")] == ["10.1.2.0/24"]
    assert [one.value for one in table.find("ip", "192.168.7.7")] == ["192.168.7.7"]


def test_what_is_said_of_an_indicator_comes_back_whole(tmp_path: Path) -> None:
    one = Indicator("hash", "a" * 64, "list ü", 5, 9, 77, "id-1", "Näme", ("a", "b"), 3)
    (known,) = table_of(tmp_path / "t", one).find("hash", "a" * 64)
    assert (known.source, known.valid_from, known.valid_until, known.confidence) == ("list ü", 5, 9, 77)
    assert (known.id, known.name, known.labels) == ("id-1", "Näme", ("a", "b"))
    assert [known.holds_at(time) for time in (4, 5, 8, 9)] == [False, True, True, False]


def test_many_indicators_come_back(tmp_path: Path) -> None:
    said = [Indicator("domain", f"h{number}.example", f"l{number % 3}", id=str(number)) for number in range(70_000)]
    table = table_of(tmp_path / "t", *said)
    assert len(table) == 70_000
    for number in range(0, 70_000, 701):
        (known,) = table.find("domain", f"h{number}.example")
        assert (known.id, known.source) == (str(number), f"l{number % 3}")
        assert table.find("domain", f"no{number}.example") == ()


def test_an_empty_table_knows_nothing(tmp_path: Path) -> None:
    table = table_of(tmp_path / "t")
    assert len(table) == 0
    for kind, value in (("ip", "198.51.100.7"), ("domain", "a.b.org"), ("url", "a.org/b/"), ("hash", "a" * 32)):
        assert table.find(kind, value) == ()


def test_who_has_the_old_file_open_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "t"
    old = table_of(path, Indicator("domain", "old.org", "l"))
    new = table_of(path, Indicator("domain", "new.org", "l"))
    assert [bool(table.find("domain", "old.org")) for table in (old, new)] == [True, False]
    assert [file.name for file in tmp_path.iterdir()] == ["t"]


@pytest.mark.parametrize("spoil", [b"", b"not a table", b"ARROW1\0\0" + b"\0" * 100])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, spoil: bytes) -> None:
    path = tmp_path / "t"
    path.write_bytes(spoil)
    with pytest.raises(ConfigError, match="not an indicator table"):
        IntelTable(path)


def test_a_table_that_was_cut_off_or_is_of_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t"
    table_of(path, Indicator("domain", "old.org", "l"))
    whole = path.read_bytes()
    for length in range(0, len(whole), 997):
        path.write_bytes(whole[:length])
        with pytest.raises(ConfigError, match="not an indicator table"):
            IntelTable(path)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, pa.schema([("a", pa.int8())])) as writer:
        writer.write_batch(pa.record_batch({"a": pa.array([1], pa.int8())}))
    with pytest.raises(ConfigError, match="build it again"):
        IntelTable(path)


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none"):
        IntelTable(tmp_path / "none")
