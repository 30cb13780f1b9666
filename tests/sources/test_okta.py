from __future__ import annotations

import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enrichers.entities import entities_of
from models import ocsf
from models.event import Event
from models.ocsf_schema import validate
from models.records import TIME_FROM_BROKER, Coordinates, ParseError, RawRecord
from streams.sources.okta.source import SOURCE

NOON = 1_718_452_800_000  # 2024-06-15T12:00:00Z
ALICE = {"id": "00u1alice", "type": "User", "alternateId": "alice@example.com", "displayName": "Alice A"}
BOB = {"id": "00u2bob", "type": "User", "alternateId": "bob@example.com", "displayName": "Bob B"}
APP = {"id": "0oa1", "type": "AppInstance", "alternateId": "Okta Admin Console", "displayName": "Okta Admin Console"}
GROUP = {"id": "00g1", "type": "UserGroup", "alternateId": "unknown", "displayName": "Wiki Editors"}
LOGIN: dict[str, Any] = {
    "uuid": "5b2c1c0e-2b1e-11ef-9d0a-000000000001",
    "published": "2024-06-15T12:00:00.250Z",
    "eventType": "user.session.start",
    "version": "0",
    "severity": "INFO",
    "legacyEventType": "core.user_auth.login_success",
    "displayMessage": "User login to Okta",
    "actor": ALICE,
    "client": {
        "userAgent": {"rawUserAgent": "Mozilla/5.0 (X11; Linux x86_64)", "os": "Linux", "browser": "FIREFOX"},
        "zone": "null",
        "device": "Computer",
        "id": None,
        "ipAddress": "203.0.113.7",
        "geographicalContext": {
            "city": "Oslo",
            "state": "Oslo",
            "country": "Norway",
            "postalCode": "0150",
            "geolocation": {"lat": 59.91, "lon": 10.75},
        },
    },
    "outcome": {"result": "SUCCESS", "reason": None},
    "target": [APP],
    "transaction": {"type": "WEB", "id": "tx1", "detail": {}},
    "debugContext": {"debugData": {"requestUri": "/idp/idx/identify", "requestId": "r1", "factor": "OKTA_VERIFY_PUSH"}},
    "authenticationContext": {"externalSessionId": "idxAbc123", "rootSessionId": "idxAbc123", "credentialType": None},
    "securityContext": {"asNumber": 64500, "asOrg": "example net", "isp": "example isp", "isProxy": False},
    "request": {"ipChain": [{"ip": "203.0.113.7", "version": "V4"}, {"ip": "198.51.100.9", "version": "V4"}]},
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def record(value: Any, broker_time: int = 0) -> RawRecord:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return RawRecord("okta", raw, Coordinates("raw.okta", 0, 1), broker_time)


def parsed(**changes: Any) -> Event:
    event = SOURCE.parse(record(LOGIN | changes))
    assert isinstance(event, Event), event
    assert validate(event.ocsf) == []
    return event


def of_type(kind: str, *targets: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return parsed(eventType=kind, target=list(targets), **changes).ocsf


def test_login() -> None:
    event = parsed()
    body = event.ocsf
    assert (body["class_uid"], body["activity_id"], body["status_id"]) == (3002, 1, 1)
    assert event.time == body["time"] == NOON + 250
    assert body["user"] == {
        "type": "User",
        "type_id": 1,
        "uid": "00u1alice",
        "name": "alice@example.com",
        "display_name": "Alice A",
        "email_addr": "alice@example.com",
    }
    assert body["service"] == {"name": "Okta Admin Console"}
    assert body["session"] == {"uid": "idxAbc123", "is_mfa": True}
    assert body["auth_factors"] == [{"factor_type": "OKTA_VERIFY_PUSH", "factor_type_id": 5}]
    assert body["is_mfa"] is True
    assert body["metadata"]["original_event_uid"] == LOGIN["uuid"]
    assert body["metadata"]["event_code"] == "user.session.start"
    assert body["unmapped"]["isProxy"] is False


def test_where_the_client_was() -> None:
    endpoint = parsed().ocsf["src_endpoint"]
    assert endpoint["ip"] == "203.0.113.7"
    assert endpoint["intermediate_ips"] == ["198.51.100.9"]
    assert endpoint["location"] == {
        "city": "Oslo",
        "region": "Oslo",
        "country": "Norway",
        "postal_code": "0150",
        "lat": 59.91,
        "long": 10.75,
    }
    assert endpoint["os"] == {"name": "Linux", "type_id": 200}
    assert endpoint["autonomous_system"] == {"number": 64500, "name": "example net"}
    assert "zone" not in endpoint


def test_a_spot_without_a_place_is_no_location() -> None:
    client = LOGIN["client"] | {"geographicalContext": {"geolocation": {"lat": 59.91, "lon": 10.75}}}
    assert "location" not in parsed(client=client).ocsf["src_endpoint"]


@pytest.mark.parametrize(
    ("kind", "class_uid", "activity_id"),
    [
        ("user.session.start", 3002, 1),
        ("user.session.end", 3002, 2),
        ("user.session.impersonation.initiate", 3002, 7),
        ("user.authentication.auth_via_mfa", 3002, 1),
        ("user.authentication.sso", 3002, 1),
        ("user.mfa.okta_verify.deny_push", 3002, 1),
        ("app.oauth2.as.token.grant.access_token", 3002, 3),
        ("policy.evaluate_sign_on", 3003, 1),
        ("user.lifecycle.create", 3001, 1),
        ("user.lifecycle.suspend", 3001, 5),
        ("user.lifecycle.delete.initiated", 3001, 6),
        ("user.account.lock", 3001, 9),
        ("user.account.update_password", 3001, 3),
        ("user.account.report_suspicious_activity_by_enduser", 3001, 99),
        ("user.mfa.factor.reset_all", 3001, 11),
        ("user.mfa.factor.activate", 3001, 10),
        ("user.account.privilege.grant", 3005, 1),
        ("user.account.privilege.revoke", 3005, 2),
        ("application.user_membership.add", 3005, 1),
        ("application.user_membership.change_username", 3005, 99),
        ("group.user_membership.add", 3006, 3),
        ("group.user_membership.remove", 3006, 4),
        ("group.privilege.grant", 3006, 1),
        ("group.lifecycle.delete", 3006, 5),
        ("policy.lifecycle.update", 3004, 3),
        ("zone.deactivate", 3004, 11),
        ("system.api_token.create", 3004, 1),
        ("system.idp.lifecycle.create", 3004, 1),
        ("security.threat.detected", 6003, 99),
        ("system.org.rate_limit.warning", 6003, 99),
        ("something.nobody.has.heard.of", 6003, 99),
    ],
)
def test_class_and_activity_by_event_type(kind: str, class_uid: int, activity_id: int) -> None:
    body = of_type(kind, GROUP, BOB, APP)
    assert (body["class_uid"], body["activity_id"]) == (class_uid, activity_id)
    assert ("activity_name" in body) == (activity_id == 99)


def test_without_the_group_a_group_change_is_an_api_call() -> None:
    body = of_type("group.user_membership.add", BOB)
    assert (body["class_uid"], body["activity_id"]) == (6003, 1)
    assert body["api"]["operation"] == "group.user_membership.add"
    assert body["resources"] == [{"uid": "00u2bob", "name": "Bob B", "type": "User"}]


def test_a_change_is_about_its_target_and_made_by_its_actor() -> None:
    body = of_type("user.lifecycle.deactivate", BOB)
    assert body["user"]["name"] == "bob@example.com"
    assert body["actor"]["user"]["name"] == "alice@example.com"
    assert body["actor"]["session"] == {"uid": "idxAbc123"}


def test_impersonation_is_a_switch_to_the_target() -> None:
    body = of_type("user.session.impersonation.initiate", BOB)
    assert body["user"]["name"] == "bob@example.com"
    assert body["actor"]["user"]["name"] == "alice@example.com"
    assert body["account_switch_type_id"] == 2


def test_sessions_that_an_admin_clears_are_the_target_s() -> None:
    body = of_type("user.session.clear", BOB)
    assert (body["activity_id"], body["user"]["name"]) == (2, "bob@example.com")


def test_an_agent_that_authenticates_somebody_is_not_the_user() -> None:
    agent = {"id": "a1", "type": "SystemPrincipal", "alternateId": "system@okta.com", "displayName": "Okta System"}
    body = of_type("user.authentication.auth_via_AD_agent", BOB, actor=agent)
    assert body["user"]["name"] == "bob@example.com"


def test_membership_names_group_and_member() -> None:
    body = of_type("group.user_membership.add", GROUP, BOB)
    assert body["group"] == {"uid": "00g1", "name": "Wiki Editors", "type": "UserGroup"}
    assert body["user"]["uid"] == "00u2bob"


def test_granted_privileges_are_listed() -> None:
    debug = {"debugData": {"privilegeGranted": "Organization administrator, Help desk administrator"}}
    body = of_type("user.account.privilege.grant", BOB, debugContext=debug)
    assert body["privileges"] == ["Organization administrator", "Help desk administrator"]


@pytest.mark.parametrize(
    ("result", "status_id", "activity_id"), [("ALLOW", 1, 1), ("DENY", 2, 99), ("CHALLENGE", 99, 99)]
)
def test_sign_on_policy_grants_only_what_it_allows(result: str, status_id: int, activity_id: int) -> None:
    body = of_type("policy.evaluate_sign_on", APP, outcome={"result": result, "reason": "rule 1"})
    assert (body["status_id"], body["activity_id"]) == (status_id, activity_id)
    assert body["privileges"] == ["Okta Admin Console"]
    assert body["status_detail"] == "rule 1"


def test_failure() -> None:
    body = parsed(outcome={"result": "FAILURE", "reason": "INVALID_CREDENTIALS"}).ocsf
    assert (body["status_id"], body["status"], body["status_detail"]) == (2, "Failure", "INVALID_CREDENTIALS")


def test_registered_device_uses_the_host_profile() -> None:
    device = {"id": "guo1", "name": "LAPTOP-7", "os_platform": "WINDOWS", "managed": True}
    body = parsed(device=device).ocsf
    assert body["device"]["name"] == "LAPTOP-7"
    assert body["device"]["is_managed"] is True
    assert body["metadata"]["profiles"] == ["host"]


def test_words_for_unknown_are_no_values() -> None:
    nobody = {"id": "unknown", "type": "User", "alternateId": "unknown", "displayName": "unknown"}
    body = parsed(actor=nobody, authenticationContext={"externalSessionId": "unknown"}).ocsf
    assert body["user"] == {"name": "unknown"}
    assert "session" not in body
    assert [str(key) for key in entities_of(body)] == ["ip:203.0.113.7"]


def test_native_has_both_spellings_of_sigma_and_reaches_into_targets() -> None:
    native = parsed(target=[BOB, APP]).native
    assert native["eventType"] == native["eventtype"] == "user.session.start"
    assert native["securitycontext.isproxy"] is False
    assert native["debugcontext.debugdata.requesturi"] == "/idp/idx/identify"
    assert native["target.displayName"] == native["target.displayname"] == ["Bob B", "Okta Admin Console"]
    assert native["actor"] == ALICE


def test_names_that_a_data_lake_lower_cased_get_their_capitals_back() -> None:
    flattened = json.loads(json.dumps(LOGIN))
    for name in ("eventType", "displayMessage", "debugContext", "securityContext", "authenticationContext"):
        flattened[name.lower()] = flattened.pop(name)
    flattened["actor"] = {name.lower(): value for name, value in ALICE.items()}
    event = SOURCE.parse(record(flattened))
    assert isinstance(event, Event)
    assert event.native["debugContext"] == LOGIN["debugContext"]
    assert event.native["actor"] == ALICE
    assert event.ocsf["session"]["uid"] == "idxAbc123"
    assert SOURCE.recognize(b"", flattened)


@pytest.mark.parametrize("envelope", ["event", "detail"])
def test_envelopes_are_opened(envelope: str) -> None:
    wrapped = {"version": "0", "detail-type": "SystemLog", envelope: LOGIN}
    event = SOURCE.parse(record(wrapped))
    assert isinstance(event, Event)
    assert event.ocsf["user"]["uid"] == "00u1alice"
    assert SOURCE.recognize(b"", wrapped)


def test_without_a_time_the_broker_s_counts() -> None:
    event = SOURCE.parse(record(LOGIN | {"published": "yesterday"}, broker_time=NOON))
    assert isinstance(event, Event)
    assert event.time == NOON
    assert event.ocsf["metadata"]["labels"] == [TIME_FROM_BROKER]
    assert SOURCE.parse(record(LOGIN | {"published": None})) == ParseError(
        "no usable event time, and no broker time to fall back on", -1, "time"
    )


@pytest.mark.parametrize("value", [{}, {"eventType": ""}, {"eventType": ["x"]}, {"event": {"a": 1}}])
def test_what_is_no_okta_event_says_so(value: dict[str, Any]) -> None:
    error = SOURCE.parse(record(value))
    assert isinstance(error, ParseError)
    assert error.field == "eventType"


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"eventType": "AwsApiCall", "eventSource": "iam.amazonaws.com", "actor": {}},
        {"eventType": "nodots", "actor": {}},
        {"eventType": "a.b"},
        {"class_uid": 3002, "metadata": {"version": "1.8.0"}},
    ],
)
def test_does_not_recognize_others(value: dict[str, Any] | None) -> None:
    assert not SOURCE.recognize(b"", value)


def test_same_bytes_same_event() -> None:
    assert SOURCE.parse(record(LOGIN)) == SOURCE.parse(record(LOGIN))
    assert parsed().uid != parsed(uuid="another").uid


def test_depth_is_bounded() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = {"a": deep}
    error = SOURCE.parse(record(LOGIN | {"debugContext": {"debugData": deep}}))
    assert isinstance(error, ParseError)
    assert "nested deeper" in error.reason


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for name, item in members for p in [(*path, name), *paths(item, (*path, name))]]


def put(value: Any, path: tuple[Any, ...], replacement: Any) -> None:
    with suppress(KeyError, IndexError, TypeError):  # another replacement may have taken the way there
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = replacement


SAMPLE = LOGIN | {"target": [ALICE, GROUP, APP], "device": {"id": "d", "name": "n", "os_platform": "OSX"}}
PATHS = paths(SAMPLE)
KINDS = ["user.session.start", "policy.evaluate_sign_on", "user.account.privilege.grant", "group.user_membership.add"]
KINDS += ["user.lifecycle.create", "zone.delete", "security.threat.detected"]


@pytest.mark.parametrize(
    "replacement", [None, [], {}, [1], [[]], {"a": []}, True, -1, 2**63, 1e300, "", "-", "x" * 300]
)
def test_every_field_may_hold_anything(replacement: Any) -> None:
    for kind in KINDS:
        for path in PATHS:
            value = copy.deepcopy(SAMPLE | {"eventType": kind})
            put(value, path, replacement)
            result = SOURCE.parse(record(value, NOON))
            assert isinstance(result, ParseError) or validate(result.ocsf) == [], path


@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(PATHS), JSON, max_size=4))
@settings(max_examples=300)
def test_any_value_anywhere_gives_a_valid_event_or_an_error(kind: str, changes: dict[tuple[Any, ...], Any]) -> None:
    value: Any = copy.deepcopy(SAMPLE | {"eventType": kind})
    for path, replacement in changes.items():
        put(value, path, replacement)
    result = SOURCE.parse(record(value, NOON))
    if isinstance(result, Event):
        assert validate(result.ocsf) == []
        assert ocsf.decode(ocsf.encode(result.ocsf)) == result.ocsf
        entities_of(result.ocsf)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_give_an_event_or_an_error(raw: bytes) -> None:
    assert isinstance(SOURCE.parse(record(raw)), Event | ParseError)


def test_recorded_telemetry(shared: Path) -> None:
    lines = (shared / "data/panther/okta.tests.ndjson").read_bytes().splitlines()
    raws = [orjson.dumps(orjson.loads(line)["log"]) for line in lines]
    raws += [path.read_bytes().strip() for path in sorted((shared / "data/ocsf_pairs").glob("*Okta*.raw.txt"))]
    assert len(raws) > len(lines) > 0
    for raw in raws:
        event = SOURCE.parse(record(raw, NOON))
        assert isinstance(event, Event), (event, raw)
        assert SOURCE.recognize(raw, orjson.loads(raw)), raw
        assert validate(event.ocsf) == []
