"""Read the file of executors: YAML; everything wrong with it is told at once, by line and field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from agents.executors.aws_iam import EVERYTHING, OLDER_SESSIONS
from enrichers.context.fields import read_text, read_texts
from enrichers.secrets import secret_place
from enrichers.yaml_files import load_yaml
from enrichers.yaml_nodes import Value, one_of
from models.action import KINDS, Action

ANYTHING: Final = "*"
_WORD: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,127}", re.ASCII)
LOOPBACK: Final = ("http://127.0.0.1:", "http://localhost:", "http://[::1]:")
CLOUD, DATA_CENTER = "cloud", "data_center"
ABOUT: Final = frozenset({"open_ticket", "notify"})  # kinds that do nothing to their target
Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """One executor as the file describes it.

    Attributes:
        name: Unique in the file.
        type: A key of TYPES.
        kinds: What it does.
        targets: Patterns with `*` and `?` of the targets it does this to, as `type:value`.
        place: File and line, for messages.
        values: By field, what else the type takes; a field that was left out is left out.
    """

    name: str
    type: str
    kinds: tuple[str, ...]
    targets: tuple[str, ...]
    place: str
    values: Mapping[str, Any]

    def fits(self, action: Action) -> bool:
        """Tell whether it is for an action."""
        target = str(action.target)
        return action.kind in self.kinds and any(fnmatchcase(target, pattern) for pattern in self.targets)


@dataclass(frozen=True, slots=True)
class Type:
    """What a type of executor can do, and takes.

    Attributes:
        kinds: Of actions.
        fields: What it takes, and how each is read.
        needed: Fields that must be given.
    """

    kinds: frozenset[str]
    fields: Mapping[str, Read] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()


def read_executors(path: Path) -> tuple[Setting, ...]:
    """Read the file; raise FileErrors with all that is wrong with it."""
    root = load_yaml(path)
    given = root.fields(("executors",), ("executors",))
    found: dict[str, Setting] = {}
    for item in given["executors"].items(bare="entry") if given else ():
        setting = _read(item, f"{path}:{item.line}")
        if setting and setting.name in found:
            item.about("name", f"{setting.name!r} is at {found[setting.name].place} already")
        elif setting:
            found[setting.name] = setting
    root.problems.raise_any()
    return tuple(found.values())


def _read(item: Value, place: str) -> Setting | None:
    before = len(item.problems.found)
    given = item.entries().get("type")
    if given is None:
        item.about("type", f"must be one of {', '.join(TYPES)}")
        return None
    kind = given.one_of(*TYPES)
    if len(item.problems.found) > before:
        return None
    known = TYPES[kind]
    values = item.values({**_COMMON, "kinds": _kinds(known), **known.fields}, ("name", "kinds", *sorted(known.needed)))
    if len(item.problems.found) == before:
        _check_pairs(kind, values, item)
    if len(item.problems.found) > before:
        return None
    rest = {name: value for name, value in values.items() if name in known.fields or name in {"ca", "proxy"}}
    return Setting(values["name"], kind, values["kinds"], values.get("targets", (ANYTHING,)), place, rest)


def _check_pairs(kind: str, values: Mapping[str, Any], item: Value) -> None:
    """Note fields that come together or not at all, and fields that stand for each other."""
    together, instead = _PAIRS.get(kind, (("", ""), ""))
    one, other = together
    if (one in values) != (other in values):
        item.about(one, f"comes with {other}, or not at all")
    elif instead and (instead in values) == (one in values):
        item.about(instead, f"give either {instead}, or {one} and {other}")


def _kinds(known: Type) -> Read:
    def read(value: Any) -> tuple[str, ...]:
        found = tuple(read_texts(value))
        strange = sorted(set(found) - known.kinds)
        if strange:
            raise ValueError(f"{', '.join(strange)}: not done by this type; it does {', '.join(sorted(known.kinds))}")
        return found

    return read


def _url(value: Any) -> str:
    text = _given(value)
    if not text.startswith(("https://", *LOOPBACK)) or any(sign in text for sign in "?#@\\ "):
        raise ValueError("must be a URL that begins with https://, without user, query and fragment")
    return text.rstrip("/")


def _given(value: Any) -> str:
    text = read_text(value)
    if not text:
        raise ValueError("must not be empty")
    return text


def _word(value: Any) -> str:
    """Read what becomes a part of a path."""
    text = _given(value)
    if not _WORD.fullmatch(text):
        raise ValueError("must be of letters, digits, dots, dashes and underscores")
    return text


def _user(value: Any) -> str:
    text = _given(value)
    if ":" in text or not text.isascii():
        raise ValueError("must be of ASCII characters, and no colon")
    return text


def _file(value: Any) -> str:
    text = _given(value)
    if not Path(text).is_file():
        raise ValueError(f"{text}: no such file")
    return text


def _patterns(value: Any) -> tuple[str, ...]:
    found = tuple(read_texts(value))
    if not found:
        raise ValueError("must not be empty; leave it out for all targets")
    return found


_COMMON: Final[Mapping[str, Read]] = {
    "name": _given,
    "type": _given,
    "targets": _patterns,
    "ca": _file,
    "proxy": _url,
}
_PAIRS: Final[Mapping[str, tuple[tuple[str, str], str]]] = {
    "aws": (("access_key", "secret_key"), ""),
    "okta": (("client_id", "private_key"), "token"),
    "servicenow": (("user", "password"), "token"),
}
_ALL: Final = frozenset(KINDS)
_HOSTS: Final = frozenset({"isolate_host"})
TYPES: Final[Mapping[str, Type]] = {
    "webhook": Type(
        _ALL,
        {"url": _url, "verify_url": _url, "rollback_url": _url, "key": secret_place},
        frozenset({"url", "key"}),
    ),
    "okta": Type(
        frozenset({"disable_user", "revoke_sessions", "reset_factors"}),
        {
            "url": _url,
            "token": secret_place,
            "client_id": _given,
            "private_key": _file,
            "scopes": _given,
            "domain": _given,
        },
        frozenset({"url"}),
    ),
    "aws": Type(
        frozenset({"deactivate_access_key", "disable_user", "revoke_sessions", "restrict_role"}),
        {
            "region": _given,
            "access_key": secret_place,
            "secret_key": secret_place,
            "role": _given,
            "external_id": _given,
            "endpoint": _url,
            "restrict": one_of(OLDER_SESSIONS, EVERYTHING),
        },
    ),
    "edr": Type(_HOSTS, {"url": _url, "token": secret_place}, frozenset({"url", "token"})),
    "falcon": Type(
        _HOSTS,
        {"url": _url, "client_id": secret_place, "client_secret": secret_place},
        frozenset({"url", "client_id", "client_secret"}),
    ),
    "defender": Type(
        _HOSTS,
        {"url": _url, "login_url": _url, "tenant": _word, "client_id": secret_place, "client_secret": secret_place},
        frozenset({"tenant", "client_id", "client_secret"}),
    ),
    "jira": Type(
        ABOUT,
        {
            "url": _url,
            "user": _user,
            "token": secret_place,
            "project": _word,
            "issue_type": _given,
            "deployment": one_of(CLOUD, DATA_CENTER),
        },
        frozenset({"url", "token", "project"}),
    ),
    "servicenow": Type(
        ABOUT,
        {"url": _url, "user": _user, "password": secret_place, "token": secret_place, "table": _word},
        frozenset({"url"}),
    ),
    "slack": Type(ABOUT, {"url": secret_place}, frozenset({"url"})),
    "teams": Type(ABOUT, {"url": secret_place}, frozenset({"url"})),
}
