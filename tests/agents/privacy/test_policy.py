"""The policy file: what it says, what it refuses, and how several endpoints are served at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.privacy.policy import CLASSES, DROP, MASK, PASS
from agents.privacy.policy_file import default_policy, load_policy, read_policy
from models.errors import ConfigError

POLICY = """
name: ours
version: 7
own:
  domains: [Example.com]
  networks: [203.0.113.0/24]
  windows_domains: [EXAMPLE]
fields:
  hash: mask
paths:
  http_request.user_agent: drop
endpoints:
  - region: on-premises
    fields: {internal_host: pass, person: pass}
    paths: {device.ip: pass}
  - name: small
    fields: {person: drop}
residency:
  eu: [eu, on-premises]
"""


def test_the_default_masks_all_that_is_ones_own() -> None:
    policy = default_policy()
    handling = policy.handling([("small", "eu")])
    assert policy.title == handling.policy == "default 1"
    assert {name for name in CLASSES if handling.of(name) == PASS} == {"external_address", "external_domain", "hash"}
    assert policy.refusal("small", "anywhere", "eu") == ""


def test_a_file_is_read() -> None:
    policy = read_policy(POLICY, "p.yml")
    assert policy.title == "ours 7"
    assert policy.own.has_name("www.EXAMPLE.com.")
    assert policy.own.has_address("203.0.113.9")
    assert policy.own.has_windows_domain("Example")
    assert policy.handling([]).of("hash") == MASK


def test_endpoints_have_rules_of_their_own() -> None:
    policy = read_policy(POLICY, "p.yml")
    inside = policy.handling([("large", "on-premises")])
    assert (inside.of("internal_host"), inside.of("person"), inside.paths["device.ip"]) == (PASS, PASS, PASS)
    assert policy.handling([("small", "on-premises")]).of("person") == DROP
    assert policy.handling([("large", "eu")]).of("internal_host") == MASK


def test_a_case_for_several_endpoints_is_shown_as_the_strictest_asks() -> None:
    policy = read_policy(POLICY, "p.yml")
    both = policy.handling([("large", "on-premises"), ("large", "eu")])
    assert both.of("internal_host") == MASK
    assert "device.ip" not in both.paths
    assert both.paths["http_request.user_agent"] == DROP
    assert policy.handling([("large", "on-premises"), ("small", "eu")]).of("person") == DROP


def test_records_stay_where_they_may_be() -> None:
    policy = read_policy(POLICY, "p.yml")
    assert policy.refusal("large", "on-premises", "eu") == ""
    assert "region us" in policy.refusal("large", "us", "eu")
    assert "region unknown" in policy.refusal("large", "", "eu")
    assert "region mars" in policy.refusal("large", "eu", "mars")


def test_all_that_is_wrong_is_told_at_once_by_line() -> None:
    wrong = """name: ours
colour: red
own: {domains: ['a b'], networks: [300.0.0.0/8, 10.0.0.1/8], windows_domains: [x.y], hosts: []}
fields:
  person: hide
  secret: pass
  persons: mask
  person: mask
paths: {Device IP: mask, device.ip: [mask]}
endpoints: [{fields: {}}, small, {name: x, regions: y}]
residency: {eu: eu}
"""
    with pytest.raises(ConfigError) as error:
        read_policy(wrong, "p.yml")
    told = [line.partition(": ")[0::2] for line in str(error.value).splitlines()]
    assert {(place, message.partition(":")[0]) for place, message in told} == {
        ("p.yml:1", "version"),
        ("p.yml:2", "colour"),
        ("p.yml:3", "own.domains[0]"),
        ("p.yml:3", "own.networks[0]"),
        ("p.yml:3", "own.networks[1]"),
        ("p.yml:3", "own.windows_domains[0]"),
        ("p.yml:3", "own.hosts"),
        ("p.yml:5", "fields.person"),
        ("p.yml:6", "fields.secret"),
        ("p.yml:7", "fields.persons"),
        ("p.yml:8", "fields.person"),
        ("p.yml:9", "paths.Device IP"),
        ("p.yml:9", "paths.device.ip"),
        ("p.yml:10", "endpoints[0]"),
        ("p.yml:10", "endpoints[1]"),
        ("p.yml:10", "endpoints[2].regions"),
        ("p.yml:11", "residency.eu"),
    }


@pytest.mark.parametrize(
    "text", ["", "[]", "a: [", "- x", "&a [*a]", "!!python/object:os.system {}", "\x00", "a: " * 9]
)
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        read_policy(text, "p.yml")


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe")
    (tmp_path / "big.yml").write_bytes(b"#" * (1 << 21))
    for name in ("missing.yml", "binary.yml", "big.yml"):
        with pytest.raises(ConfigError, match=name):
            load_policy(tmp_path / name)


def test_a_file_says_the_same_wherever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "p.yml"
    path.write_text(POLICY)
    assert load_policy(path) == read_policy(POLICY, "elsewhere")
