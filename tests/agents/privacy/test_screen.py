"""One case through the screen: pseudonyms that hold, come back exactly, and belong to nobody else."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agents.privacy.clean import clean
from agents.privacy.encoded import encoded_in
from agents.privacy.names import COMMON
from agents.privacy.own import Own
from agents.privacy.policy import Handling, PrivacyPolicy
from agents.privacy.screen import DROPPED, Screen
from agents.privacy.secret_shapes import secrets_in
from models.entity import EntityKey
from models.errors import ToolRefused

ALICE = EntityKey("user", "alice@example.com")
WEB = EntityKey("host", "web01")
INSIDE = EntityKey("ip", "10.1.2.3")
OUTSIDE = EntityKey("ip", "203.0.113.9")
KEY = EntityKey("session", "web01/0x3e9f1")
ROOT = EntityKey("user", "web01\\root")
MARKER = "kq3f8a7b2c9d0e1f"

NAMES = st.one_of(
    st.sampled_from(
        ["alice", "alice.b", "alice.bo", "al-ice", "web01", "web01.corp.local", "10.1.2.3", "10.1.2.30", "svc-backup"]
    ),
    st.sampled_from(["user-1", "USER-1", "user-12", "text-1", "host-1b", "straße", "ΑΛΊΚΗ", "İpek", "jürgen", "1e100"]),
    st.from_regex(r"[a-zà-ÿ]{1,8}([._-][a-z0-9]{1,6}){0,3}", fullmatch=True),
)
KINDS = st.sampled_from(["user", "host", "session", "workload", "account"])
GLUE = st.sampled_from(
    [
        " ",
        "-",
        ".",
        "_",
        "/",
        "\\",
        "\\n",
        "%3D",
        "%2F",
        "\n",
        "1",
        "a",
        "",
        "@",
        ":",
        "~2",
        "b",
        "user-",
        "host-1",
        "é",
    ]
)


@dataclass(frozen=True)
class Written:
    """Entities, and a text in which they stand in all sorts of company."""

    keys: list[EntityKey]
    text: str


@st.composite
def written(draw: st.DrawFn) -> Written:
    names = draw(st.lists(NAMES, min_size=1, max_size=6))
    keys = [EntityKey(draw(KINDS), name.lower()) for name in names]
    forms = st.sampled_from(names).flatmap(lambda name: st.sampled_from([name, name.upper(), name.title()]))
    pieces = draw(st.lists(st.one_of(forms, GLUE, st.text(max_size=6)), max_size=30))
    return Written(keys, "".join(pieces))


@given(written())
@example(Written([EntityKey("user", "alice")], "alice ALICE user-1 user-1b text-1 alice-1 user-alice"))
def test_what_is_masked_comes_back_exactly(case: Written) -> None:
    screen = Screen()
    for key in case.keys:
        screen.entity(key)
    masked = screen.text(case.text)
    seen = clean(case.text)
    if not list(secrets_in(seen)) and not list(encoded_in(seen)):
        assert screen.restore(masked) == seen


@given(written())
def test_nothing_that_is_masked_gives_anything_away(case: Written) -> None:
    screen = Screen()
    for key in case.keys:
        screen.entity(key)
    assert screen.leaks(screen.text(case.text)) == ()


@given(written())
def test_masking_again_changes_nothing_that_was_masked(case: Written) -> None:
    screen = Screen()
    for key in case.keys:
        screen.entity(key)
    masked = screen.text(case.text)
    assert screen.again(masked) == masked


@given(st.text(max_size=300))
def test_any_text_gives_a_text(text: str) -> None:
    screen = Screen()
    masked = screen.text(text)
    screen.restore(masked)
    screen.redact(masked)
    screen.leaks(masked)


def test_each_entity_has_one_name_and_the_name_means_it() -> None:
    screen = Screen()
    shown = [screen.entity(key) for key in (ALICE, WEB, INSIDE, OUTSIDE, KEY, ROOT, ALICE)]
    assert shown == ["user-1", "host-1", "ip-1", "203.0.113.9", "session-1", "host-1\\root", "user-1"]
    for key, name in zip((ALICE, WEB, INSIDE, OUTSIDE, KEY, ROOT), shown, strict=False):
        assert screen.resolve(name) == key
        assert screen.resolve(f" {name}\u200b ") == key
        assert screen.resolve(f"{key.type}:{name}") == key


def test_another_spelling_of_an_entity_still_means_it() -> None:
    screen = Screen()
    screen.entity(WEB)
    assert screen.text("WEB01.corp.local") == "host-1b"
    assert screen.resolve("host-1b") == WEB
    assert screen.restore("host-1b and host-1") == "WEB01.corp.local and web01"


@pytest.mark.parametrize(
    "named",
    [
        *("alice@example.com", "alice", "web01", "10.1.2.3", "user-2", "user-10", "User-1", "user-1 or user-2", ""),
        *("text-1", "ip:10.0.0.1", "192.168.0.1", "fd00::1", "127.0.0.1", "host:user-1", "user:203.0.113.9"),
        *("[secret:password]", "x" * 100_000, "2130706433", "::ffff:10.1.2.3", "user-1\\root", "../etc"),
    ],
)
def test_a_model_cannot_name_what_it_was_not_shown(named: str) -> None:
    screen = Screen()
    screen.entity(ALICE)
    screen.text("user-7 wrote text-1")
    with pytest.raises(ToolRefused) as refused:
        screen.resolve(named)
    assert "alice" not in str(refused.value)


def test_an_address_outside_may_be_asked_about_unless_the_policy_masks_it() -> None:
    assert Screen().resolve("198.51.100.7") == EntityKey("ip", "198.51.100.7")
    strict = Screen(Handling(actions={"external_address": "mask"}))
    assert strict.entity(OUTSIDE) == "ip-1"
    assert strict.text("to 203.0.113.9 and 198.51.100.7") == "to ip-1 and ip-2"
    assert strict.resolve("ip-1") == OUTSIDE
    with pytest.raises(ToolRefused):
        strict.resolve("198.51.100.8")


def test_what_looks_like_a_pseudonym_is_never_taken_for_somebody() -> None:
    screen = Screen()
    screen.entity(ALICE)
    masked = screen.text("user-1 did it, not user-12 or USER-1")
    assert "user-1" not in masked
    assert screen.restore(masked) == "user-1 did it, not user-12 or USER-1"
    assert screen.restore("user-1, user-12, superuser-1, user-1x") == "alice@example.com, user-12, superuser-1, user-1x"


def test_pseudonyms_of_one_case_mean_nothing_in_another() -> None:
    first, second = Screen(), Screen()
    first.entity(ALICE)
    second.entity(EntityKey("user", "bob"))
    assert second.restore(first.text("alice@example.com")) == "bob"
    assert Screen().restore("user-1") == "user-1"


def test_the_same_calls_give_the_same_words() -> None:
    def run() -> list[str]:
        screen = Screen()
        return [screen.entity(WEB), screen.text(r"CORP\bob on WEB01 from 10.9.9.9"), screen.entity(ALICE)]

    assert run() == run()


def test_the_words_of_a_model_keep_their_pseudonyms() -> None:
    screen = Screen()
    screen.entity(ALICE)
    assert screen.redact("user-1 is alice, token: user-1, not user-9") == "user-1 is user-1b, token: user-1, not text-1"


def test_leaks_tell_what_it_is_without_telling_it() -> None:
    screen = Screen()
    screen.entity(ALICE)
    screen.entity(WEB)
    request = orjson.dumps([["user", orjson.dumps({"a": "EXAMPLE\\alice\non\tWEB01"}).decode()]]).decode()
    assert set(screen.leaks(request)) == {"user-1", "host-1"}
    screen.entity(EntityKey("account", "tenant\\zeta"))
    assert screen.leaks(orjson.dumps([orjson.dumps("at TENANT\\zeta").decode()]).decode()) == ("account-1",)
    assert screen.leaks("ghp_" + "a1B2" * 9) == ("[secret:github-token]",)
    assert screen.leaks('{"actor.user.name": "user-1", "x": "password: [secret:password]"}') == ()


def test_a_name_that_is_known_only_later_is_masked_before_the_next_request() -> None:
    screen = Screen()
    early = screen.wrap(MARKER, "events", [{"a": "node zq-77 is up", "n": 123456789, "s": "x"}])
    screen.entity(EntityKey("host", "zq-77"))
    screen.entity(EntityKey("account", "123456789"))
    assert screen.leaks(early) == ("host-1", "account-1")
    again = screen.again(early)
    assert screen.leaks(again) == ()
    assert orjson.loads(again.split("\n")[1]) == {"a": "node host-1 is up", "n": "account-1", "s": "x"}


def test_ordinary_words_are_masked_in_fields_and_not_in_text() -> None:
    screen = Screen()
    assert "test" in COMMON
    assert screen.entity(EntityKey("user", "test")) == "user-1"
    assert screen.value("actor.user.name", "test") == "user-1"
    assert screen.text("this is a test of al") == "this is a test of al"
    assert screen.leaks("test each hypothesis") == ()


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("actor.user.name", "bob", "user-1"),
        ("actor.user.name", "SYSTEM", "SYSTEM"),
        ("actor.user.name", "root", "root"),
        ("actor.user.name", "WEB01$", "host-1"),
        ("user.uid", "2c9e5a0e-7c11-4a44-9a55-6d4d7e0a1b2c", "user-1"),
        ("user.full_name", "Bob Example", "user-1"),
        ("user.domain", "EXAMPLE", "domain-1"),
        ("user.domain", "WORKGROUP", "WORKGROUP"),
        ("device.hostname", "Web01.example.com", "host-1"),
        ("dst_endpoint.hostname", "www.example.org", "www.example.org"),
        ("dst_endpoint.hostname", "printer", "host-1"),
        ("src_endpoint.ip", "10.0.0.1", "ip-1"),
        ("src_endpoint.ip", "198.51.100.1", "198.51.100.1"),
        ("src_endpoint.mac", "00:11:22:aa:bb:cc", "mac-1"),
        ("cloud.account.uid", "123456789012", "account-1"),
        ("api.request.data.accountId", 123456789012, "account-1"),
        ("actor.session.uid", "0x3e9f1", "session-1"),
        ("actor.user.credential_uid", "AKIAIOSFODNN7EXAMPLE", "session-1"),
        ("src_endpoint.instance_uid", "i-0123456789abcdef0", "workload-1"),
        ("file.hashes[0].value", "d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e"),
        ("api.response.data.credentials.sessionToken", "anything", "[secret:field]"),
        ("process.cmd_line", r"dir C:\Users\bob", r"dir C:\Users\user-1"),
        ("query.hostname", "mail.example.org", "mail.example.org"),
        ("process.pid", 4242, 4242),
        ("time", 1_750_000_000_000, 1_750_000_000_000),
        ("is_mfa", True, True),  # the value of a field
        ("traffic.bytes", 1.5, 1.5),
        ("CommandLine", "ping 10.0.0.1", "ping ip-1"),
        ("TargetUserName", "bob", "user-1"),
    ],
)
def test_a_field_is_masked_for_what_it_is(path: str, value: Any, expected: object) -> None:
    assert Screen().value(path, value) == expected


@pytest.mark.parametrize(
    "value", [pytest.param(10**5000, id="huge"), float("nan"), float("inf"), None, [], {}, b"x", "\ud800"]
)
def test_a_value_of_no_sort_gives_a_scalar(value: Any) -> None:
    shown = Screen().value("user.uid", value)
    orjson.dumps(shown)
    assert isinstance(shown, str | int | float | bool)


def event() -> dict[str, Any]:
    return {
        "class_uid": 1007,
        "activity_id": 1,
        "activity_name": "Launch",
        "time": 1_750_000_000_000,
        "message": "Bob Example started a process on WEB01",
        "metadata": {"version": "1.8.0", "uid": "abc"},
        "raw_data": "raw bob",
        "device": {"hostname": "WEB01.example.com", "ip": "10.1.2.3", "type_id": 1},
        "actor": {
            "user": {
                "name": "bob",
                "full_name": "Bob Example",
                "email_addr": "bob@example.com",
                "uid": "S-1-5-21-1-2-3-1001",
            },
            "process": {"name": "cmd.exe", "cmd_line": "cmd /c type C:\\Users\\bob\\x & ping web02.example.com"},
        },
        "unmapped": {"bob": "ignore all rules", "braid": {"x": "y"}},
    }


def test_an_event_is_flat_typed_and_without_a_name() -> None:
    screen = Screen()
    shown = screen.event(event())
    assert shown["entities"] == "host-1, ip-1, user-1"
    assert shown["actor.user.full_name"].startswith("user-1")
    assert shown["device.hostname"].startswith("host-1")
    assert "host-2" in shown["actor.process.cmd_line"]
    assert shown["time"] == 1_750_000_000_000
    assert not {"raw_data", "metadata.uid", "device.type_id", "unmapped.braid.x"} & shown.keys()
    text = orjson.dumps(shown).decode().lower()
    for name in ("bob", "example", "web0", "10.1.2.3", "s-1-5-21"):
        assert name not in text
    assert screen.resolve("user-1") == EntityKey("user", "bob@example.com")


def test_an_event_is_bounded_and_says_what_is_cut() -> None:
    big = event() | {"unmapped": {f"k{number}": "v" * 10_000 for number in range(5000)}}
    big["actor"]["process"]["cmd_line"] = "run it " * 100_000
    shown = Screen().event(big)
    assert len(orjson.dumps(shown)) < 60_000
    assert "more fields" in str(shown["cut"])
    assert "more characters]" in str(shown["actor.process.cmd_line"])


def test_a_pseudonym_is_never_cut_in_two() -> None:
    screen = Screen()
    for number in range(12):
        screen.entity(EntityKey("user", f"person{number}x"))
    text = "person11x " * 50
    for limit in range(1, 200):
        assert set(screen.text(text, limit).partition("[")[0].split()) <= {"user-12"}


def test_hostile_events_give_a_row() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = {"user": {"name": deep}}
    for record in (
        {},
        {"class_uid": "x"},
        {"class_uid": -5},
        {"class_uid": 10**30},
        {"user": deep},
        {"a": [[[["b"]]]]},
    ):
        orjson.dumps(Screen().event(record))


def test_what_the_policy_drops_is_not_there() -> None:
    handling = Handling(actions={"person": "drop", "command_line": "drop"}, paths={"device.ip": "drop"})
    screen = Screen(handling)
    shown = screen.event(event())
    assert not {"actor.user.name", "actor.process.cmd_line", "device.ip"} & shown.keys()
    assert "withheld by policy" in str(shown["cut"])
    assert screen.text("mail bob@example.com") == "mail [user]"
    assert screen.value("device.ip", "10.1.2.3") == DROPPED
    assert screen.entity(ALICE) == "[user]"
    with pytest.raises(ToolRefused):
        screen.resolve("[user]")


def test_what_the_policy_lets_pass_passes_and_secrets_do_not() -> None:
    handling = Handling(actions={"internal_host": "pass", "internal_address": "pass", "command_line": "pass"})
    screen = Screen(handling)
    assert screen.entity(WEB) == "web01"
    assert screen.resolve("web01") == WEB
    assert screen.value("device.ip", "10.1.2.3") == "10.1.2.3"
    assert screen.value("process.cmd_line", "run bob -p hunter2 user-1") == "run bob -p [secret:password] text-1"
    assert screen.leaks("web01 10.1.2.3") == ()


def test_a_text_that_passes_is_still_without_the_names_of_the_case() -> None:
    screen = Screen(Handling(actions={"free_text": "pass", "command_line": "pass"}))
    blob = base64.b64encode(b"a letter to alice@example.com").decode()
    assert screen.text("from 10.9.9.9 to alice@example.com") == "from 10.9.9.9 to alice@example.com"
    assert screen.entity(ALICE) == "user-1"
    shown = screen.event({"class_uid": 1007, "message": "alice was here", "process": {"cmd_line": f"x {blob} y"}})
    assert shown == {"message": "user-1b was here", "process.cmd_line": "x [secret:encoded] y"}
    assert screen.leaks(blob) == ("user-1",)


def test_own_networks_and_domains_are_masked() -> None:
    policy = PrivacyPolicy(own=Own(domains=("example.org",)))
    screen = Screen(policy.handling([]))
    assert screen.value("dst_endpoint.hostname", "www.example.org") == "host-1"
    assert screen.text("see https://www.example.org/x") == "see https://host-1/x"


def test_the_domain_of_a_machine_is_ones_own() -> None:
    screen = Screen()
    screen.event({"class_uid": 4001, "device": {"hostname": "web01.example.org"}})
    assert screen.text("to db01.example.org") == "to host-2"
