"""Read the file of executors: YAML; everything wrong with it is told at once, by line and field."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import yaml

from agents.executors.aws_iam import EVERYTHING, OLDER_SESSIONS
from enrichers.context.fields import read_text, read_texts
from enrichers.context.loading import TableErrors
from enrichers.secrets import PLACES
from models.action import KINDS, Action

MAX_BYTES: Final = 1 << 20
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
    """Read the file; raise TableErrors with all that is wrong with it."""
    try:
        entries = list(_entries(path))
    except OSError as error:
        raise TableErrors([f"{path}: {error.strerror or error}"]) from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise TableErrors([f"{path}: not a file of executors: {error}"]) from error
    problems: list[str] = []
    found: dict[str, Setting] = {}
    for lines, entry in entries:
        setting, wrong = _read(entry, f"{path}:{lines['']}")
        if setting and setting.name in found:
            wrong["name"] = f"{setting.name!r} is at {found[setting.name].place} already"
        told = sorted((lines.get(name, lines[""]), name, message) for name, message in wrong.items())
        problems += [f"{path}:{line}: {name}: {message}" for line, name, message in told]
        if setting:
            found.setdefault(setting.name, setting)
    if problems:
        raise TableErrors(problems)
    return tuple(found.values())


def _entries(path: Path) -> Iterator[tuple[dict[str, int], Any]]:
    """Yield each entry with its lines: of its fields, and its own under the empty name."""
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"has more than {MAX_BYTES} bytes")
    loader = yaml.CSafeLoader(path.read_text("utf-8"))
    try:
        node = loader.get_single_node()
        document = loader.construct_document(node) if node else None
        if not isinstance(document, dict) or set(document) != {"executors"}:
            raise ValueError("must be a map with one key, executors")
        if node is None or not isinstance(document["executors"], list):
            raise ValueError("executors must be a list")
        items = node.value[0][1]
        for child, entry in zip(items.value, document["executors"], strict=True):
            lines = {"": child.start_mark.line + 1}
            if isinstance(child, yaml.MappingNode):
                lines |= {str(key.value): key.start_mark.line + 1 for key, _ in child.value}
            yield lines, entry
    finally:
        loader.dispose()


def _read(entry: Any, place: str) -> tuple[Setting | None, dict[str, str]]:
    if not isinstance(entry, dict):
        return None, {"entry": "must be a map"}
    kind = entry.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        return None, {"type": f"must be one of {', '.join(TYPES)}"}
    known = TYPES[kind]
    readers = {**_COMMON, "kinds": _kinds(known), **known.fields}
    wrong = {str(name): f"unknown; known are {', '.join(readers)}" for name in entry if name not in readers}
    wrong |= {name: "must be given" for name in ("name", "kinds", *sorted(known.needed)) if not entry.get(name)}
    values: dict[str, Any] = {}
    for name in entry.keys() & readers.keys() - wrong.keys():
        try:
            values[name] = readers[name](entry[name])
        except (TypeError, ValueError) as error:
            wrong[name] = str(error)
    wrong |= _pairs(kind, values) if not wrong else {}
    if wrong:
        return None, wrong
    rest = {name: value for name, value in values.items() if name in known.fields or name in {"ca", "proxy"}}
    return Setting(values["name"], kind, values["kinds"], values.get("targets", (ANYTHING,)), place, rest), {}


def _pairs(kind: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with fields that come together or not at all, and with fields that stand for each other."""
    together, instead = _PAIRS.get(kind, (("", ""), ""))
    one, other = together
    if (one in values) != (other in values):
        return {one: f"comes with {other}, or not at all"}
    if instead and (instead in values) == (one in values):
        return {instead: f"give either {instead}, or {one} and {other}"}
    return {}


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


def _place(value: Any) -> str:
    text = _given(value)
    if not text.startswith(PLACES) or text in PLACES:
        raise ValueError("must say where the secret is, env:NAME or file:PATH; it does not stand here itself")
    return text


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


def _one_of(*words: str) -> Read:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return str(value)

    return read


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
        {"url": _url, "verify_url": _url, "rollback_url": _url, "key": _place},
        frozenset({"url", "key"}),
    ),
    "okta": Type(
        frozenset({"disable_user", "revoke_sessions", "reset_factors"}),
        {"url": _url, "token": _place, "client_id": _given, "private_key": _file, "scopes": _given, "domain": _given},
        frozenset({"url"}),
    ),
    "aws": Type(
        frozenset({"deactivate_access_key", "disable_user", "revoke_sessions", "restrict_role"}),
        {
            "region": _given,
            "access_key": _place,
            "secret_key": _place,
            "role": _given,
            "external_id": _given,
            "endpoint": _url,
            "restrict": _one_of(OLDER_SESSIONS, EVERYTHING),
        },
    ),
    "edr": Type(_HOSTS, {"url": _url, "token": _place}, frozenset({"url", "token"})),
    "falcon": Type(
        _HOSTS,
        {"url": _url, "client_id": _place, "client_secret": _place},
        frozenset({"url", "client_id", "client_secret"}),
    ),
    "defender": Type(
        _HOSTS,
        {"url": _url, "login_url": _url, "tenant": _word, "client_id": _place, "client_secret": _place},
        frozenset({"tenant", "client_id", "client_secret"}),
    ),
    "jira": Type(
        ABOUT,
        {
            "url": _url,
            "user": _user,
            "token": _place,
            "project": _word,
            "issue_type": _given,
            "deployment": _one_of(CLOUD, DATA_CENTER),
        },
        frozenset({"url", "token", "project"}),
    ),
    "servicenow": Type(
        ABOUT,
        {"url": _url, "user": _user, "password": _place, "token": _place, "table": _word},
        frozenset({"url"}),
    ),
    "slack": Type(ABOUT, {"url": _place}, frozenset({"url"})),
    "teams": Type(ABOUT, {"url": _place}, frozenset({"url"})),
}
