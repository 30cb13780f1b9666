"""Read the policy of actions from its file; everything that is wrong with it is told at once, by line and field."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from agents.policy.policy import (
    BEARINGS,
    BLASTS,
    CERTAIN,
    EVIDENCE_KINDS,
    LEVELS,
    MODES,
    NEVER,
    ActionRule,
    Approver,
    Breaker,
    Limits,
    Policy,
    Protected,
    Rollout,
    Thresholds,
)
from agents.policy.signing import PublicKey
from enrichers.yaml_files import file_bytes, read_yaml
from enrichers.yaml_nodes import Value
from models.action import KINDS
from models.entity import ENTITY_TYPES, EntityKey
from models.errors import InvalidRecord
from models.uids import sha256_hex

NEEDED: Final = ("name", "version", "owner", "mode", "thresholds", "criticality", "approvers", "actions")
KNOWN: Final = (*NEEDED, "kill_switch", "protected", "approval", "breaker", "in_flight", "feedback")
ACTION_NEEDED: Final = ("reversible", "blast_radius", "rollback", "if_nothing", "targets", "approver_roles")
ACTION_KNOWN: Final = (*ACTION_NEEDED, "mode", "kill_switch", "approvals", "limits", "rollout")
APPROVER_FIELDS: Final = ("name", "roles", "keys", "accounts")
MINUTE_MS: Final = 60_000
SECOND_MS: Final = 1_000
MAX_APPROVERS: Final = 1000
MAX_KEYS: Final = 4
MAX_STARS: Final = 3
MAX_RUNS: Final = 1000  # of one action in one day: far below what `standing` remembers
MAX_APPROVALS: Final = 2
MAX_MINUTES: Final = 1440
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._@-]{0,62}[a-z0-9])?", re.ASCII)


def default_policy() -> Policy:
    """Return the policy that comes with Braid: mode `shadow`, nobody who may approve."""
    return read_policy(files("agents.policy").joinpath("default.yml").read_bytes(), "default.yml")


def load_policy(path: Path) -> Policy:
    """Load a policy; raise ConfigError with all that is wrong with it."""
    return read_policy(file_bytes(path), str(path))


def read_policy(data: bytes, path: str) -> Policy:
    """Read a policy; raise ConfigError with all that is wrong with it as `file:line: field: message`."""
    root = read_yaml(data, path)
    given = root.fields(KNOWN, NEEDED)
    values: dict[str, Any] = {"sha256": sha256_hex(data), "approvers": {}, "actions": {}}
    for name, read in _READERS.items():
        if name in given:
            values |= read(given[name])
    _check_roles(values["actions"].values(), values["approvers"].values(), given)
    root.problems.raise_any()
    return Policy(**values)


def _thresholds(value: Value) -> dict[str, Any]:
    found = value.fields(EVIDENCE_KINDS, EVIDENCE_KINDS)
    return {"thresholds": {kind: _threshold(entry) for kind, entry in found.items()}}


def _threshold(value: Value) -> Thresholds:
    needed = ("automatic_above", "approval_from")
    given = value.fields(needed, needed)
    if len(given) < len(needed):
        return Thresholds()
    above = given["automatic_above"]
    never = getattr(above.node, "value", None) == "never"
    found = Thresholds(NEVER if never else above.whole(0, NEVER), given["approval_from"].whole(1, CERTAIN))
    if found.automatic_above < found.approval_from:
        above.wrong("must not be below approval_from")
    return found


def _criticality(value: Value) -> dict[str, Any]:
    return {"criticality": {level: entry.one_of(*BEARINGS) for level, entry in value.fields(LEVELS, LEVELS).items()}}


def _protected(value: Value) -> dict[str, Any]:
    return {"protected": tuple(one for item in value.items() if (one := item.read(_pattern)))}


def _pattern(text: str) -> Protected:
    kind, _, pattern = text.partition(":")
    if kind not in ENTITY_TYPES or not pattern:
        raise ValueError(f"must be written type:pattern, with a type of {', '.join(ENTITY_TYPES)}")
    if pattern.count("*") > MAX_STARS:
        raise ValueError(f"has more than {MAX_STARS} stars")
    if kind == "ip" and not set(pattern) & set("*?["):
        pattern = str(ipaddress.ip_network(pattern))
    return Protected(kind, pattern)


def _approval(value: Value) -> dict[str, Any]:
    given = value.fields(("timeout_minutes", "on_timeout", "clock_skew_seconds"))
    found: dict[str, Any] = {}
    if "timeout_minutes" in given:
        found["approval_ms"] = given["timeout_minutes"].whole(1, MAX_MINUTES) * MINUTE_MS
    if "clock_skew_seconds" in given:
        found["clock_skew_ms"] = given["clock_skew_seconds"].whole(0, 600) * SECOND_MS
    if "on_timeout" in given:
        given["on_timeout"].one_of("nothing")  # said in the file for who reads it; there is no other answer
    return found


def _breaker(value: Value) -> dict[str, Any]:
    given = value.fields(("window_minutes", *Breaker.__slots__[1:]))
    found = {name: entry.whole(1, MAX_RUNS) for name, entry in given.items() if name != "window_minutes"}
    if "window_minutes" in given:
        found["window_ms"] = given["window_minutes"].whole(1, MAX_MINUTES) * MINUTE_MS
    return {"breaker": Breaker(**found)}


def _feedback(value: Value) -> dict[str, Any]:
    given = value.fields(("unsigned", "roles"))
    found: dict[str, Any] = {}
    if "unsigned" in given:
        found["unsigned_feedback"] = given["unsigned"].flag()
    if "roles" in given:
        found["feedback_roles"] = given["roles"].texts()
    return found


def _approvers(value: Value) -> dict[str, Any]:
    """Read people: a name, a key and an account are each one person's."""
    found: dict[str, Approver] = {}
    owners: dict[str, str] = {}
    for item in value.items(MAX_APPROVERS):
        one = _approver(item)
        if one is None:
            continue
        for what, known in (("name", one.name), *(("key", key.text) for key in one.keys), *_accounts(one)):
            owner = owners.setdefault(f"{what} {known}", one.name)
            if owner != one.name or (what == "name" and one.name in found):
                item.wrong(f"the {what} {known} is {owner}'s already")
        found[one.name] = one
    return {"approvers": found}


def _accounts(one: Approver) -> Iterable[tuple[str, str]]:
    return (("account", str(account).lower()) for account in one.accounts)


def _approver(value: Value) -> Approver | None:
    given = value.fields(APPROVER_FIELDS, APPROVER_FIELDS)
    if len(given) < len(APPROVER_FIELDS):
        return None
    name = given["name"].read(_name)
    keys = [item.read(PublicKey.read) for item in given["keys"].items(MAX_KEYS)]
    accounts = [item.read(_account) for item in given["accounts"].items(64)]
    for field, some in (("keys", keys), ("accounts", accounts)):
        if not some:
            given[field].wrong("must name at least one")
    roles = frozenset(given["roles"].texts())
    if name is None or None in keys or None in accounts:
        return None
    return Approver(name, roles, tuple(filter(None, keys)), tuple(filter(None, accounts)))


def _name(text: str) -> str:
    """Refuse anything that could look like another name."""
    if not _NAME.fullmatch(text):
        raise ValueError("must be of a-z, 0-9 and . _ @ -, so that no two names look alike")
    return text


def _account(text: str) -> EntityKey:
    try:
        return EntityKey.parse(text.lower())
    except InvalidRecord as error:
        raise ValueError("must be written like user:alice@example.com") from error


def _actions(value: Value) -> dict[str, Any]:
    found: dict[str, ActionRule] = {}
    for kind, entry in value.entries().items():
        if kind not in KINDS:
            entry.wrong(f"no kind of action; there are {', '.join(KINDS)}")
        elif rule := _action(kind, entry):
            found[kind] = rule
    return {"actions": found}


def _action(kind: str, value: Value) -> ActionRule | None:
    given = value.fields(ACTION_KNOWN, ACTION_NEEDED)
    if not given.keys() >= set(ACTION_NEEDED):
        return None
    targets = tuple(item.one_of(*ENTITY_TYPES) for item in given["targets"].items())
    for unfit in sorted(set(targets) - set(KINDS[kind].targets)):
        given["targets"].wrong(f"{kind} is not done to a {unfit}")
    return ActionRule(
        kind=kind,
        mode=given["mode"].one_of(*MODES) if "mode" in given else MODES[0],
        kill_switch=given["kill_switch"].flag() if "kill_switch" in given else False,
        reversible=given["reversible"].flag(),
        blast_radius=given["blast_radius"].one_of(*BLASTS),
        rollback=given["rollback"].text(lines=True),
        if_nothing=given["if_nothing"].text(lines=True),
        targets=targets,
        approvals=given["approvals"].whole(1, MAX_APPROVALS) if "approvals" in given else 1,
        approver_roles=given["approver_roles"].texts(),
        limits=_limits(given["limits"]) if "limits" in given else Limits(),
        rollout=_rollout(given["rollout"]) if "rollout" in given else Rollout(),
    )


def _limits(value: Value) -> Limits:
    given = value.fields(Limits.__slots__)
    return Limits(**{name: entry.whole(0, MAX_RUNS) for name, entry in given.items()})


def _rollout(value: Value) -> Rollout:
    given = value.fields(("percent", "entities"))
    accounts = [item.read(_account) for item in given["entities"].items()] if "entities" in given else []
    percent = given["percent"].whole(0, CERTAIN) if "percent" in given else 0
    return Rollout(percent, frozenset(str(account) for account in accounts if account))


def _check_roles(actions: Iterable[ActionRule], approvers: Iterable[Approver], given: Mapping[str, Value]) -> None:
    """Refuse an action that waits for a role nobody has, once there are approvers at all."""
    people = tuple(approvers)
    if not people:
        return
    for rule in actions:
        able = [one.name for one in people if not one.roles.isdisjoint(rule.approver_roles)]
        if len(able) < rule.approvals:
            roles = ", ".join(rule.approver_roles)
            given["actions"].wrong(f"{rule.kind} needs {rule.approvals} of the roles {roles}, and {len(able)} have one")


_READERS: Final = {
    "name": lambda value: {"name": value.read(_name) or ""},
    "version": lambda value: {"version": value.whole(1, 10**9)},
    "owner": lambda value: {"owner": value.text()},
    "mode": lambda value: {"mode": value.one_of(*MODES)},
    "kill_switch": lambda value: {"kill_switch": value.flag()},
    "thresholds": _thresholds,
    "criticality": _criticality,
    "protected": _protected,
    "approval": _approval,
    "breaker": _breaker,
    "in_flight": lambda value: {"in_flight": value.whole(1, 100)},
    "feedback": _feedback,
    "approvers": _approvers,
    "actions": _actions,
}
