from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.chain import Chain
from enrichers.context.allow import Allowed, AllowEnricher
from enrichers.context.allow_file import load_allowed
from enrichers.context.known import Interval
from enrichers.context.loading import TableErrors
from enrichers.names import address, host_name, user_name
from enrichers.subjects import MAX_NAME
from tests.enrichers.events import NOON, connection, enriched, event, sign_in

DAY = 86_400_000
ENTRIES = r"""
- title: Vulnerability scanner
  owner: secops@example.com
  reason: weekly scan
  expires: 2026-12-31
  addresses: [10.0.0.0/29, "2001:db8::17"]
  hosts: [scan01, scan02.example.com]
  rules: [r1, r2]
- title: Backup
  owner: bob
  valid_from: 2026-01-01
  expires: 2027-01-01
  users: ['EXAMPLE\svc-backup', arn:aws:iam::111122223333:user/x/backup]
- title: Maintenance of the database
  owner: bob
  expires: 2026-12-31
  windows: [2026-09-22T11:00:00Z/2026-09-22T13:00:00Z, 2026-09-29/2026-09-29]
  hosts: [db01]
  rules: "*"
- title: Installer
  owner: bob
  expires: 2026-12-31
  hashes: [ABCDEF0123456789ABCDEF0123456789]
"""


@pytest.fixture
def allow(tmp_path: Path) -> AllowEnricher:
    path = tmp_path / "allow.yml"
    path.write_text(ENTRIES)
    return AllowEnricher(load_allowed([path]))


def marks(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(told["name"], told["data"]["allowed"]["title"]) for told in found.get("enrichments", ())]


def test_an_address_is_marked_and_its_rules_are_silent(allow: AllowEnricher) -> None:
    found = enriched(connection(), allow)
    assert found.event.ocsf["enrichments"] == [
        {
            "name": "src_endpoint.ip",
            "value": "10.0.0.5",
            "type": "allowed",
            "data": {
                "allowed": {
                    "title": "Vulnerability scanner",
                    "owner": "secops@example.com",
                    "reason": "weekly scan",
                    "expires": 1_798_675_200_000,
                }
            },
            "provider": "braid",
        }
    ]
    assert [found.silences(rule) for rule in ("r1", "r2", "r3")] == [True, True, False]


def test_entries_end_by_the_time_of_the_event(allow: AllowEnricher) -> None:
    expires = 1_798_675_200_000
    assert marks(enriched(connection(time=expires - 1), allow).event.ocsf)
    given = connection(time=expires)
    assert enriched(given, allow).event is given


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"src_endpoint": {"ip": "::ffff:10.0.0.7"}}, "src_endpoint.ip"),
        ({"dst_endpoint": {"ip": "2001:DB8:0::17"}, "src_endpoint": {"ip": "10.0.0.8"}}, "dst_endpoint.ip"),
        ({"src_endpoint": {"hostname": "SCAN01"}}, "src_endpoint.hostname"),
        ({"src_endpoint": {"hostname": "scan02.example.com."}}, "src_endpoint.hostname"),
        ({"src_endpoint": {"uid": "x"}, "device": {"name": "scan01.lan", "type_id": 1}}, "device.name"),
    ],
)
def test_hosts_and_addresses(allow: AllowEnricher, attributes: dict[str, Any], name: str) -> None:
    found = enriched(connection(**attributes), allow).event.ocsf
    assert marks(found) == [(name, "Vulnerability scanner")]


@pytest.mark.parametrize(
    "source", [{"ip": "10.0.0.8"}, {"hostname": "scan01.example.net"}, {"hostname": "scan02"}, {"ip": "2001:db8::18"}]
)
def test_others_are_not_on_the_list(allow: AllowEnricher, source: dict[str, Any]) -> None:
    given = connection(src_endpoint=source)
    assert enriched(given, allow).event is given


def test_users_and_files(allow: AllowEnricher) -> None:
    found = enriched(sign_in(user={"name": "SVC-backup", "domain": "example.com"}), allow)
    assert marks(found.event.ocsf) == [("user.name", "Backup")]
    assert found.quiet == frozenset()
    arn = "arn:aws:iam::111122223333:user/backup"
    assert marks(enriched(sign_in(user={"uid": arn}), allow).event.ocsf) == [("user.name", "Backup")]
    file = {"name": "x.msi", "type_id": 1, "hashes": [{"algorithm_id": 1, "value": "abcdef0123456789abcdef0123456789"}]}
    body = {
        "device": {"hostname": "ws1", "type_id": 2},
        "actor": {"app_name": "x"},
        "process": {"pid": 1, "file": file},
    }
    assert marks(enriched(event(1007, **body), allow).event.ocsf) == [("process.file.hashes.value", "Installer")]


def test_a_window_of_maintenance_silences_every_rule_while_it_lasts(allow: AllowEnricher) -> None:
    hour, device = DAY // 24, {"hostname": "db01", "type_id": 1}
    for time, holds in ((NOON, True), (NOON - hour - 1, False), (NOON + hour, False), (NOON + 7 * DAY, True)):
        found = enriched(connection(src_endpoint={"uid": "x"}, device=device, time=time), allow)
        assert found.silences("any") is holds
        assert bool(marks(found.event.ocsf)) is holds


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("- 7", ["entry: must be a map"]),
        ("- {title: a, owner: b, expires: 2026-12-31}", ["entry: must name one of"]),
        ("- {hosts: [a], rule: x}", ["rule: unknown", "title: must", "owner: must", "expires: must"]),
        ("- {title: a, owner: b, expires: soon, hosts: [a]}", ["expires: 'soon' is no date"]),
        ("- {title: a, owner: b, expires: 2026-01-01, valid_from: 2026-02-01, hosts: [a]}", ["expires: ends before"]),
        ("- {title: a, owner: b, expires: 2026-01-01, addresses: [10.0.0.1/8]}", ["addresses: '10.0.0.1/8' is no"]),
        ("- {title: a, owner: b, expires: 2026-01-01, users: [root]}", ["users: 'root' is a user that every"]),
        ("- {title: a, owner: b, expires: 2026-01-01, hosts: ['a b']}", ["hosts: 'a b' is no host name"]),
        ("- {title: a, owner: b, expires: 2026-01-01, hashes: [xyz]}", ["hashes: 'xyz' is no hash"]),
        ("- {title: [a], owner: b, expires: 2026-01-01, hosts: [a]}", ["title: must be a text"]),
    ],
)
def test_what_is_wrong_with_an_entry_is_told_by_line_and_field(tmp_path: Path, entry: str, told: list[str]) -> None:
    path = tmp_path / "allow.yml"
    path.write_text(f"# a list\n\n{entry}\n")
    with pytest.raises(TableErrors) as caught:
        load_allowed([path])
    assert len(caught.value.problems) == len(told)
    for problem, words in zip(caught.value.problems, told, strict=True):
        assert problem.startswith(f"{path}:3: {words}")


@pytest.mark.parametrize(
    "text", ["a: b", "- [", "- !!python/object:os.system {}", "- ? {a: b}\n  : c", "\ud800", "- &a [*a]"]
)
def test_files_that_are_no_list(tmp_path: Path, text: str) -> None:
    path = tmp_path / "allow.yml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(TableErrors) as caught:
        load_allowed([path, tmp_path / "gone.yml"])
    assert len(caught.value.problems) == 2
    assert "No such file" in caught.value.problems[1]


def test_an_empty_list(tmp_path: Path) -> None:
    (tmp_path / "allow.yml").write_text("")
    assert load_allowed([tmp_path / "allow.yml"]) == ()


NAMES = st.sampled_from(
    [
        *("alice", "ALICE", r"EXAMPLE\alice", r"OTHER\alice", r"ws1\root", "root", "alice@example.com", "", "x" * 300),
        *("scan01", " scan01.", "scan01.example.com", "scan01.example.net", "10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2"),
        *("arn:aws:iam::1:user/x/a", "arn:aws:iam::1:user/a"),
    ]
)
LISTED = ["alice", r"example\alice", r"ws1\root", "alice@example.com", "arn:aws:iam::1:user/a"]
THINGS = st.none() | NAMES | st.integers() | st.lists(NAMES, max_size=1)


@given(
    st.frozensets(
        st.sampled_from(["alice", r"example\alice", r"ws1\root", "alice@example.com", "arn:aws:iam::1:user/a"])
    ),
    st.lists(st.fixed_dictionaries(dict.fromkeys(("name", "domain", "uid", "uid_alt", "email_addr"), THINGS))),
)
def test_who_was_seen_before_changes_nothing_on_users(listed: frozenset[str], users: list[dict[str, Any]]) -> None:
    entry = Allowed("a", "b", Interval(None, NOON * 2), users=listed)
    kept = Chain([AllowEnricher([entry])])
    for user in users:
        body = {"user": user, "device": {"hostname": "ws1", "type_id": 2}}
        given_event = sign_in()
        given_event.ocsf.update(body)
        names = {by: name for by, name in user.items() if isinstance(name, str) and len(name) <= MAX_NAME}
        expected = user_name(names, "ws1") in listed
        assert (kept.enrich(given_event).event is not given_event) == expected
        assert (Chain([AllowEnricher([entry])]).enrich(given_event).event is not given_event) == expected


@given(
    st.frozensets(st.sampled_from(["scan01", "scan01.example.com"])),
    st.lists(st.fixed_dictionaries(dict.fromkeys(("ip", "hostname", "name"), THINGS))),
)
def test_what_was_seen_before_changes_nothing_on_machines(hosts: frozenset[str], places: list[dict[str, Any]]) -> None:
    entry = Allowed("a", "b", Interval(None, NOON * 2), hosts=hosts, addresses=(ipaddress.IPv4Network("10.0.0.1/32"),))
    kept = Chain([AllowEnricher([entry])])
    for place in places:
        for end in ("device", "src_endpoint"):
            given_event = connection()
            given_event.ocsf.update({"src_endpoint": {}, end: place})
            fresh = Chain([AllowEnricher([entry])]).enrich(given_event)
            assert kept.enrich(given_event) == fresh
            assert (fresh.event is not given_event) == _is_listed(place, hosts, own=end == "device")


def _is_listed(place: dict[str, Any], hosts: frozenset[str], *, own: bool) -> bool:
    if address(place["ip"]) == "10.0.0.1":
        return True
    for name in (place["hostname"], place["name"]):
        if isinstance(name, str):
            full = name.strip().lower().rstrip(".")
            if full in hosts or ((own or "." not in full) and host_name(name) in hosts):
                return True
    return False
