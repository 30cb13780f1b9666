"""The policy file: what it says is what holds, and everything wrong with it is told at once."""

from __future__ import annotations

import base64
import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.policy import file, policy
from agents.policy.file import default_policy, load_policy, read_policy
from agents.policy.policy import NEVER, ActionRule, Limits, Policy
from agents.policy.signing import PRIVATE
from models.action import KINDS
from models.entity import EntityKey
from models.errors import ConfigError
from tests.agents.policy.cases import KEYS
from tests.conftest import REPO

DEFAULT = (REPO / "agents" / "policy" / "default.yml").read_text("utf-8")
PERSON = """approvers:
  - name: bob
    roles: [responder, lead, analyst]
    keys: [{bob}]
    accounts: ["user:bob@example.com"]
  - name: carol
    roles: [responder, lead, analyst]
    keys: [{carol}]
    accounts: ["user:carol@example.com"]
""".format(**{name: key.public.text for name, key in KEYS.items()})


def changed(old: str, new: str, text: str = DEFAULT) -> str:
    assert old in text
    return text.replace(old, new, 1)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        read_policy(text.encode(), "p.yml")
    return str(error.value).splitlines()


def test_the_default_does_nothing_and_has_every_action() -> None:
    found = default_policy()
    assert (found.mode, found.approvers, found.kill_switch) == ("shadow", {}, False)
    assert found.actions.keys() == KINDS.keys()
    assert found.thresholds["rules"].automatic_above == 90
    assert found.thresholds["rules"].approval_from == 70
    assert found.thresholds["anomalies"].automatic_above == NEVER
    assert re.fullmatch(r"default/1 [0-9a-f]{12}", found.label)


def test_nothing_irreversible_or_wide_may_run_by_itself_in_the_default() -> None:
    for rule in default_policy().actions.values():
        if rule.mode == "autonomous":
            assert (rule.reversible, rule.blast_radius) == (True, "low"), rule.kind
        if rule.blast_radius == "high" or not rule.reversible:
            assert rule.mode == "supervised", rule.kind


def test_people_are_read(tmp_path: Path) -> None:
    path = tmp_path / "p.yml"
    path.write_text(changed("approvers: []\n", PERSON))
    found = load_policy(path).approvers["bob"]
    assert found.keys == (KEYS["bob"].public,)
    assert found.accounts == (EntityKey("user", "bob@example.com"),)


def test_a_policy_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yml: No such file"):
        load_policy(tmp_path / "nowhere.yml")


PEOPLE = changed("approvers: []\n", PERSON)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (changed("mode: shadow", "mode: shadow\nmode: autonomous"), r"p\.yml:\d+: mode: stands twice"),
        (changed("mode: shadow", "mode: yolo"), r"mode: must be one of shadow, dry_run, supervised, autonomous"),
        (changed("kill_switch: false", "kill_switch: maybe"), "kill_switch: must be true or false"),
        (changed("kill_switch: false", "kil_switch: true"), "kil_switch: unknown; known are"),
        (changed("version: 1", "version: one"), "version: must be a whole number from 1"),
        (changed("owner: security-operations\n", ""), "owner: must be given"),
        (changed("rules: {automatic_above: 90", "rules: {automatic_above: 60"), "must not be below approval_from"),
        (changed("rules: {automatic_above: 90", "rules: {automatic_above: 190"), "from 0 to 100"),
        (changed("approval_from: 70", "approval_from: 0"), "from 1 to 100"),
        (changed("  critical: forbidden\n", ""), "criticality.critical: must be given"),
        (changed("  critical: forbidden\n", "  critical: fine\n"), "criticality.critical: must be one of"),
        (changed("on_timeout: nothing", "on_timeout: approve"), "approval.on_timeout: must be one of nothing"),
        (changed("ip:10.0.0.0/8", "ip:10.0.0.1/8"), "has host bits set"),
        (changed("ip:10.0.0.0/8", "net:10.0.0.0/8"), "must be written type:pattern"),
        (changed("user:break-glass*", "user:*a*b*c*"), "more than 3 stars"),
        (changed("  notify:", "  nuke:"), "actions.nuke: no kind of action"),
        (changed("targets: [ip]", "targets: [host]"), "block_ip is not done to a host"),
        (changed("    reversible: true\n", ""), "actions.notify.reversible: must be given"),
        (changed("blast_radius: low", "blast_radius: tiny"), "must be one of low, medium, high"),
        (changed("per_hour: 30", "per_hour: -1"), "limits.per_hour: must be a whole number"),
        (changed("per_hour: 30", "per_hour: 10000"), "limits.per_hour: must be a whole number"),
        (changed("approvals: 2", "approvals: 0"), "approvals: must be a whole number from 1 to 2"),
        (changed("percent: 10", "percent: 101"), "percent: must be a whole number from 0 to 100"),
        (changed("entities: []", "entities: [web01]"), "must be written like"),
        (changed("burst: 10", "burst: 0"), "breaker.burst"),
        (changed("name: bob", "name: b\u043eb", PEOPLE), "so that no two names look alike"),
        (changed("name: carol", "name: bob", PEOPLE), "the name bob is bob's already"),
        (changed(KEYS["carol"].public.text, KEYS["bob"].public.text, PEOPLE), "is bob's already"),
        (changed("user:carol@", "user:BOB@", PEOPLE), "the account user:bob@example.com is bob's already"),
        (changed(KEYS["bob"].public.text, KEYS["bob"].reveal(), PEOPLE), "is a PRIVATE key"),
        (changed(KEYS["bob"].public.text, "abcd", PEOPLE), "is no public key"),
        (changed(f"keys: [{KEYS['bob'].public.text}]", "keys: []", PEOPLE), "keys: must name at least one"),
        (changed('accounts: ["user:bob@example.com"]', "accounts: []", PEOPLE), "accounts: must name at least one"),
        (changed("roles: [responder, lead, analyst]", "roles: [x]", PEOPLE), "restrict_role needs 2 of the roles"),
        (changed("mode: shadow", "mode: &a shadow"), "aliases, anchors"),
        (DEFAULT + "x: " + "[" * 40 + "]" * 40, "more than 12 levels"),
        ("- a", "must be a map"),
        ("a: [", "not YAML"),
        ("a: \x00", "not YAML"),
    ],
)
def test_what_is_wrong_is_told_by_line_and_field(text: str, told: str) -> None:
    found = problems(text)
    assert all(re.match(r"p\.yml:\d+: [\w.\[\]?]+: ", line) for line in found), found
    assert any(re.search(told, line) for line in found), found
    assert not any(PRIVATE in line or KEYS["bob"].reveal()[-20:] in line for line in found)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    text = changed("mode: shadow", "mode: yolo", changed("version: 1", "version: x", changed("burst: 10", "burst: x")))
    found = problems(text)
    assert [int(line.split(":")[1]) for line in found] == sorted(
        number for number, line in enumerate(text.splitlines(), 1) if line in {"mode: yolo", "version: x", "  burst: x"}
    )


@given(st.binary(max_size=300))
def test_any_bytes_are_a_policy_or_a_refusal(data: bytes) -> None:
    with pytest.raises(ConfigError):
        read_policy(data, "p.yml")


@given(st.text(alphabet="ab:-[]{}&*!|>\n #?,'\"%@`0x.", max_size=80))
def test_any_yaml_is_a_refusal_and_no_error(text: str) -> None:
    with pytest.raises(ConfigError):
        read_policy(text.encode(), "p.yml")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.yml"
    path.write_text("#" * (1 << 20) + DEFAULT)
    with pytest.raises(ConfigError, match=r"p\.yml:1: file: has more than"):
        load_policy(path)


def test_keys_have_one_form() -> None:
    text = KEYS["bob"].public.text
    for other in (
        text[:-2] + ("B=" if text[-2] != "B" else "C="),
        text.rstrip("="),
        text + "\n",
        base64.b64encode(b"x" * 31).decode(),
    ):
        with pytest.raises(ValueError, match="no public key"):
            file.PublicKey.read(other)


def test_the_document_tells_every_field_and_default() -> None:
    document = (REPO / "deploy" / "docs" / "authority.md").read_text("utf-8")
    told = set(re.findall(r"`([a-z_]+)`", document))
    known = {*file.KNOWN, *file.ACTION_KNOWN, *file.APPROVER_FIELDS, *policy.BEARINGS, *policy.MODES, *policy.LEVELS}
    assert known - told == set()
    assert {*KINDS, *policy.EVIDENCE_KINDS, *(one.name for one in fields(Limits))} - told == set()
    assert {one.name for one in (*fields(policy.Breaker)[1:], *fields(policy.Thresholds))} - told == set()


def test_the_document_has_the_default_of_every_action() -> None:
    document = (REPO / "deploy" / "docs" / "authority.md").read_text("utf-8")
    for rule in default_policy().actions.values():
        assert row(rule) in document, row(rule)


def row(rule: ActionRule) -> str:
    limits = f"{rule.limits.per_hour} / {rule.limits.per_day} / {rule.limits.per_target_per_day}"
    reversible = "yes" if rule.reversible else "no"
    return (
        f"| `{rule.kind}` | {', '.join(rule.targets)} | `{rule.mode}` | {reversible} | {rule.blast_radius} | "
        f"{rule.approvals} | {limits} | {rule.rollout.percent} |"
    )


def test_the_document_has_the_default_of_everything_else() -> None:
    document = (REPO / "deploy" / "docs" / "authority.md").read_text("utf-8")
    found: Policy = default_policy()
    for kind, threshold in found.thresholds.items():
        above = "never" if threshold.automatic_above == NEVER else threshold.automatic_above
        assert f"| `{kind}` | {above} | {threshold.approval_from} |" in document
    for level, bearing in found.criticality.items():
        assert f"| `{level}` | `{bearing}` |" in document
    breaker = found.breaker
    for name, value in (
        ("window_minutes", breaker.window_ms // 60_000),
        ("reversals", breaker.reversals),
        ("errors", breaker.errors),
        ("error_percent", breaker.error_percent),
        ("burst", breaker.burst),
        ("in_flight", found.in_flight),
        ("timeout_minutes", found.approval_ms // 60_000),
        ("clock_skew_seconds", found.clock_skew_ms // 1000),
    ):
        assert f"| `{name}` | {value} |" in document, name
    assert all(f"`{one}`" in document for one in found.protected)
