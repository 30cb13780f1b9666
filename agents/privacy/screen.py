"""What a model is shown of one case, and what its words mean to us: pseudonyms out, names back."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from agents.privacy import policy
from agents.privacy.clean import clean, wrap
from agents.privacy.encoded import encoded_in
from agents.privacy.fields import bare_path, class_of_path
from agents.privacy.names import MIN_DIGITS, SECRET, TOKEN, Owner, core_of
from agents.privacy.own import canonical_address
from agents.privacy.policy import DROP, MASK, PASS, Handling
from agents.privacy.recognize import EXTERNAL
from agents.privacy.render import LARGEST, MAX_FIELDS, Scalar, render, users_of
from agents.privacy.secret_shapes import PLACEHOLDER, shaped_in
from agents.privacy.texts import MAX_CHARS, OUTSIDE_NAME, Texts, cut_whole
from enrichers.entities import child, entities_of, host_of
from enrichers.names import dns_domain, host_name, is_everywhere, user_name
from models.entity import ENTITY_TYPES, EntityKey
from models.errors import ToolRefused

MAX_NAMED: Final = 400  # characters of what a model may name an entity by
MAX_PATH: Final = 120
DROPPED: Final = "[withheld]"
OWN_PLACES: Final = ("device.", "network_observation_point.")
LEAST_NUMBER: Final = 10 ** (MIN_DIGITS - 1)
NUMBERED: Final = (policy.PERSON, policy.ACCOUNT, policy.SESSION, policy.SECRET)  # classes whose values may be numbers
USER_ATTRIBUTES: Final = ("name", "uid", "uid_alt", "email_addr", "full_name", "display_name")
_BACKSLASHES: Final = re.compile(r"\\+")
_SAFE_PATH: Final = re.compile(r"[a-z_]{1,40}(?:\.[a-z_0-9]{1,40}|\[(?:\d{1,4}|more)\]){0,12}")
_NO_DOMAINS: Final = frozenset(("workgroup", "builtin", "nt authority", "nt service", "window manager", ".", "-", ""))
_KIND_OF: Final[Mapping[str, str]] = {
    policy.PERSON: "user",
    policy.HOST: "host",
    policy.ADDRESS: "ip",
    policy.DOMAIN: "domain",
    policy.WORKLOAD: "workload",
    policy.SESSION: "session",
    policy.ACCOUNT: "account",
    policy.HASH: "hash",
}


@dataclass(slots=True)
class Screen:
    """Mask what goes to a model, and read what comes back from it, for one case.

    The same calls in the same order give the same pseudonyms, so an investigation that begins again from its journal
    says the same again. Name the case's entities first (`entity`), then show evidence.
    """

    handling: Handling = field(default_factory=Handling)
    _texts: Texts = field(init=False)
    _entities: dict[str, EntityKey] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with no names."""
        self._texts = Texts(self.handling)

    def entity(self, key: EntityKey) -> str:
        r"""Return the name of an entity for the model: a pseudonym, or itself where the policy lets it pass.

        An account that every machine has keeps its name behind the host's: `host-1\root`.
        """
        shown = self._entity(key)
        if self._texts.action(Owner(key.type, key.value)) != DROP:
            self._entities[shown] = key
        return shown

    def resolve(self, text: str) -> EntityKey:
        """Return the entity that a model means: a pseudonym that it was given, or an address that is nobody's secret.

        Raises:
            ToolRefused: It names something else. A model cannot name what it was not shown.
        """
        named = clean(text[:MAX_NAMED]).strip()
        kind, colon, rest = named.partition(":")
        found = self._resolve(rest if colon and kind in ENTITY_TYPES else named)
        if found is None or (colon and kind in ENTITY_TYPES and kind != found.type):
            raise ToolRefused("no entity of that name was shown: use the names in the data, such as user-1 or host-2")
        return found

    def value(self, path: str, value: Any) -> Scalar:
        """Return one OCSF value as the model may see it.

        Args:
            path: Dotted path of the attribute, with or without indices.
            value: Its value; what is no text, number or boolean becomes a text.
        """
        action, name = self._rule(path)
        if action == DROP:
            return DROPPED
        if isinstance(value, bool) or (isinstance(value, int | float) and not _may_name(value, name)):
            return value
        text = _as_text(value)
        return self._shown(text, name, bare_path(path)) if action == MASK else self._texts.opened(text)

    def text(self, text: str, limit: int = MAX_CHARS) -> str:
        """Return free text as the model may see it: masked, cleaned, of at most `limit` characters."""
        action = self.handling.of(policy.TEXT)
        if action == DROP:
            return DROPPED
        return cut_whole(self._texts.opened(text), limit) if action == PASS else self._texts.masked(text, limit)

    def redact(self, text: str, limit: int = MAX_CHARS) -> str:
        """Return text that holds pseudonyms already (a model's own words, notes about them), masked where it does not.

        Pseudonyms that were given out stay what they are, so never call this with what came from a log.
        """
        return self._texts.masked(text, limit, keep=True)

    def event(self, record: Mapping[str, Any]) -> dict[str, Scalar]:
        """Return an OCSF event as the model may see it: flat, typed, bounded, what was left out counted in `cut`."""
        self._texts.learn_domain(dns_domain(child(record, "device").get("hostname")))
        entities = entities_of(record)
        for user in users_of(record):
            self._introduce(user, host_of(record))
        shown: dict[str, Scalar] = {"entities": ", ".join(map(self.entity, entities))} if entities else {}
        left = dropped = 0
        for path, value, limit in render(record):
            if self._rule(path)[0] == DROP:
                dropped += 1
            elif len(shown) >= MAX_FIELDS:
                left += 1
            else:
                name = self._path(path)
                found = self.value(path, value)
                shown[name] = cut_whole(found, limit) if isinstance(found, str) else found
        if left or dropped:
            shown["cut"] = f"{left} more fields, {dropped} withheld by policy"
        return {name: self.again(found) if isinstance(found, str) else found for name, found in shown.items()}

    def again(self, text: str) -> str:
        """Return text that was masked before, or that a model said, without what has become known as a name since.

        To be called with every turn of a conversation before each request: then `leaks` has nothing to say of it.
        Costs no more than a search for the known names.
        """
        return self._texts.masked_again(text)

    def restore(self, text: str) -> str:
        """Return a text with the pseudonyms that were given out replaced by what they stand for.

        Only for our own output. What only looks like a pseudonym stays as it is; secrets do not come back.
        """
        return TOKEN.sub(self._restored, text)

    def leaks(self, text: str) -> tuple[str, ...]:
        """Return what a text about to be sent gives away, nothing when it may go.

        Identifiers are told by their pseudonyms and secrets by their kind, so that the answer may be logged. For the
        turns of a conversation; instructions of our own hold nothing of a case.
        """
        found: dict[str, None] = {}
        for seen in dict.fromkeys((text, _unescaped(text))):
            hidden = PLACEHOLDER.sub(" ", TOKEN.sub(self._blanked, seen))
            hidden += "".join(f" {says}" for _, _, says, _ in encoded_in(hidden) if says)
            found |= {f"[{SECRET}:{secret.kind}]": None for secret in shaped_in(hidden)}
            found |= {self._texts.names.base(span.owner): None for span in self._texts.names.find(hidden)}
        return tuple(found)

    @staticmethod
    def wrap(marker: str, kind: str, rows: Iterable[Mapping[str, Any]]) -> str:
        """Return rows of masked data between lines that only who knows the marker can write: see `clean.wrap`."""
        return wrap(marker, kind, rows)

    # -- entities

    def _entity(self, key: EntityKey) -> str:
        host, slash, name = key.value.partition("\\")
        if key.type == "user" and slash and is_everywhere(name):
            return f"{self.entity(EntityKey('host', host))}\\{self._texts.opened(name)}"
        owner = Owner(key.type, key.value)
        action = self._texts.action(owner)
        if action == PASS:
            return self._texts.opened(key.value)
        if action == DROP:
            return f"[{key.type}]"
        self._texts.learn(owner, key.value)
        return self._texts.names.token(owner, key.value)

    def _resolve(self, named: str) -> EntityKey | None:
        if named in self._entities:
            return self._entities[named]
        told = self._texts.names.told(named)
        if told and told[1].kind in ENTITY_TYPES:
            return EntityKey(*told[1])
        restored = self.restore(named)
        if restored != named:
            return self._by_value(restored)
        address = canonical_address(named)
        outside = address is not None and not self._texts.own.has_address(address)
        passes = self.handling.of(policy.EXTERNAL_ADDRESS) == PASS
        return EntityKey("ip", address) if address and outside and passes else None

    def _by_value(self, restored: str) -> EntityKey | None:
        folded = restored.lower()
        return next((key for key in self._entities.values() if key.value == folded), None)

    def _introduce(self, user: Mapping[str, Any], host: str | None) -> None:
        """Take the names of one user for those of one person."""
        found = user_name(user, host)
        if found is None or self.handling.of(policy.PERSON) != MASK:
            return
        owner = Owner("user", found)
        for attribute in USER_ATTRIBUTES:
            text = user.get(attribute)
            if isinstance(text, str) and 0 < len(text) <= MAX_NAMED and not is_everywhere(text):
                self._texts.learn(owner, clean(text))

    # -- values

    def _rule(self, path: str) -> tuple[policy.Action, str]:
        bare = bare_path(path)
        name = class_of_path(bare)
        return self.handling.paths.get(bare) or self.handling.of(name), name

    def _path(self, path: str) -> str:
        """Return a path as it may be shown: in `unmapped` and under `data` an attacker may have chosen it."""
        return path if _SAFE_PATH.fullmatch(path) and not path.startswith("unmapped") else self.text(path, MAX_PATH)

    def _shown(self, text: str, name: str, path: str) -> str:
        if name == policy.SECRET:
            self._texts.remember(text[:MAX_NAMED], "field")
            return "[secret:field]"
        if name in policy.WHOLE_TEXTS or len(text) > MAX_NAMED:
            return self._texts.masked(text)
        seen = clean(text)
        owner = self._owner(seen, name, path)
        action = self._texts.action(owner) if owner else PASS
        if owner is None or action == PASS:
            return self._texts.masked(seen)
        if seen.lower().startswith("arn:") and (structured := self._texts.masked(seen)) != seen:
            return structured
        if action == MASK:
            self._texts.learn(owner, seen)
        return self._texts.stand_in(owner, seen)

    def _owner(self, text: str, name: str, path: str) -> Owner | None:
        """Return whose name a field's value is, None when it is nobody's or is to be read as text."""
        known = self._texts.names.owner_of(text)
        address = canonical_address(text)
        if known and known.kind == _KIND_OF.get(name):
            return known
        if name == policy.PERSON:
            return _person(text)
        if address:
            return Owner("ip" if self._texts.own.has_address(address) else EXTERNAL, address)
        if name == policy.HOST:
            return self._host(text, path)
        nobody = name == policy.ADDRESS or not core_of(text) or (name == policy.DOMAIN and text.lower() in _NO_DOMAINS)
        return None if nobody else Owner(_KIND_OF[name], text.lower())

    def _host(self, text: str, path: str) -> Owner | None:
        label = host_name(text.rstrip("."))
        if label is None:
            return None
        theirs = "." in text.rstrip(".") and not path.startswith(OWN_PLACES) and not self._texts.own.has_name(text)
        return Owner(OUTSIDE_NAME, text.lower()) if theirs and dns_domain(text) else Owner("host", label)

    def _restored(self, match: re.Match[str]) -> str:
        told = self._texts.names.told(match[0])
        return told[0] if told else match[0]

    def _blanked(self, match: re.Match[str]) -> str:
        return " " if self._texts.names.told(match[0]) else match[0]


def _person(text: str) -> Owner | None:
    """Return the owner of the value of a field that names a person, None for what every machine has."""
    bare = text.rpartition("\\")[2]
    if bare.endswith("$") and host_name(bare[:-1]):
        return Owner("host", bare[:-1].lower())
    found = user_name({"name": text}, None)
    return Owner("user", found) if found and not is_everywhere(bare) and core_of(text) else None


def _as_text(value: Any) -> str:
    return f"{value:x}" if isinstance(value, int) and abs(value) >= LARGEST else str(value)


def _may_name(value: float, name: str) -> bool:
    """Tell whether a number may be somebody's: long enough, in a field of such a class; or no number for JSON."""
    return abs(value) >= LARGEST or math.isnan(value) or (name in NUMBERED and abs(value) >= LEAST_NUMBER)


def _unescaped(text: str) -> str:
    """Return a text as it was before it became JSON, once or twice, as far as names go."""
    return _BACKSLASHES.sub(r"\\", text) if "\\" in text else text
