"""Free text of one case, masked: secrets first, then what Base64 hides, then every name that is known or recognized."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import unquote

from agents.privacy import policy
from agents.privacy.clean import clean
from agents.privacy.encoded import MAX_CHARS as ENCODED_CHARS
from agents.privacy.encoded import URL, encoded_in
from agents.privacy.names import LITERAL, SECRET, STARTS, TOKEN, Names, Owner, Span, apart, core_of
from agents.privacy.own import Own, canonical_address
from agents.privacy.policy import CLASS_OF, DROP, MASK, PASS, Action, Handling
from agents.privacy.recognize import EXTERNAL, names_in
from agents.privacy.secret_shapes import ENCODED, PLACEHOLDER, looks_random, secrets_in, shaped_in
from enrichers.names import is_everywhere

MAX_CHARS: Final = 20_000  # of one text
MAX_SCAN: Final = 4 * MAX_CHARS  # of it that are read before it is cut
PLAIN_BELOW: Final = 16  # a single word with fewer characters is a name that is known, or none
MAX_TOKEN: Final = 40  # characters of the longest pseudonym or placeholder
MIN_SECRET: Final = 8  # a shorter one is not looked for elsewhere
MAX_DOMAINS: Final = 100
OUTSIDE_NAME: Final = "outside"  # the kind of a DNS name that is not one's own: not of names.KINDS
_STARTS: Final = re.compile(STARTS)


@dataclass(slots=True)
class Texts:
    """Mask texts of one case.

    Attributes:
        handling: How its fields are shown.
        names: Its names.
        own: What is one's own: what the policy says, and the domains of machines that were met.
    """

    handling: Handling = field(default_factory=Handling)
    names: Names = field(default_factory=Names)
    own: Own = field(init=False)

    def __post_init__(self) -> None:
        """Begin with what the policy calls one's own."""
        self.own = self.handling.own

    def learn_domain(self, domain: str) -> None:
        """Take the domain of a machine that telemetry comes from for one's own; a top-level domain is nobody's."""
        if "." in domain and len(self.own.domains) < MAX_DOMAINS and not self.own.has_name(domain):
            self.own = replace(self.own, domains=(*self.own.domains, domain))

    def masked(self, text: str, limit: int = MAX_CHARS, *, keep: bool = False) -> str:
        """Return a text masked, cleaned and of at most `limit` characters, and how many more there were.

        Args:
            text: Text of any length; what lies far behind the limit is not read.
            limit: Most characters.
            keep: Whether pseudonyms that were given out stay what they are, for text of a model's own.
        """
        if len(text) < min(PLAIN_BELOW, limit) and text.isascii() and text.isalnum():
            owner = self.names.owner_of(text)
            return self.stand_in(owner, text) if owner else text
        scanned = text if len(text) <= MAX_SCAN else text[:MAX_SCAN].rpartition(" ")[0] or text[:MAX_SCAN]
        return cut_whole(self._masked(clean(scanned), keep=keep, inner=False), limit, len(text) - len(scanned))

    def masked_again(self, text: str) -> str:
        """Return masked text without the names that were met since, and without what is a secret by its shape."""
        at, shown = 0, []
        for start, end, owner in self._met_since(text):
            name = self.stand_in(owner, text[start:end])
            shown += [text[at:start], f'"{name}"' if _is_json_number(text, start, end) else name]
            at = end
        return "".join((*shown, text[at:]))

    def _met_since(self, text: str) -> list[Span]:
        kept = [match.span() for match in PLACEHOLDER.finditer(text)]
        kept += [match.span() for match in TOKEN.finditer(text) if self.names.told(match[0])]
        inert = [Span(start, end, Owner(LITERAL, "")) for start, end in kept]
        secret = [Span(start, end, Owner(SECRET, kind)) for start, end, kind in shaped_in(text)]
        hiding = [
            Span(start, end, Owner(SECRET, ENCODED))
            for start, end, says, _ in encoded_in(text)
            if says is None or any(self.names.find(says)) or any(shaped_in(says))
        ]
        return apart(_clear_of(inert, [*secret, *hiding, *self.names.find(text)]))

    def opened(self, text: str) -> str:
        """Return a text that the policy lets pass: without secrets, and nothing in it taken for a pseudonym."""
        shown = clean(text[:MAX_CHARS])
        return "".join(
            part if inert else self.literal(part) for part, inert in self._without_secrets(shown, keep=False)
        )

    def literal(self, text: str) -> str:
        """Return a text in which what looks like a pseudonym is one, for itself."""
        return TOKEN.sub(lambda match: self.names.token(Owner(LITERAL, match[0].lower()), match[0]), text)

    def action(self, owner: Owner) -> Action:
        """Return what the policy says of a name."""
        if owner.kind in {SECRET, LITERAL}:
            return MASK
        if owner.kind == OUTSIDE_NAME:
            return self.handling.of(policy.EXTERNAL_DOMAIN)
        if owner.kind == EXTERNAL or (owner.kind == "ip" and not self._is_own(owner.value)):
            return self.handling.of(policy.EXTERNAL_ADDRESS)
        return self.handling.of(CLASS_OF[owner.kind])

    def _is_own(self, address: str) -> bool:
        found = canonical_address(address)
        return found is None or self.own.has_address(found)

    def stand_in(self, owner: Owner, text: str) -> str:
        """Return what stands for a name in what is shown: its pseudonym, or a placeholder."""
        if owner.kind == SECRET:
            return f"[secret:{owner.value}]"
        inside = inside_kind(owner)
        return f"[{inside.kind}]" if self.action(owner) == DROP else self.names.token(inside, text)

    def learn(self, owner: Owner, text: str) -> None:
        """Look for a name in all that is shown from now on, and for the part of it that is a name by itself."""
        known = inside_kind(owner)
        if not text.lower().startswith("arn:"):
            self.names.learn(known, text)
        part = _part_of(known, text)
        if part and not is_everywhere(part):
            self.names.learn(known, part)

    def remember(self, secret: str, kind: str) -> None:
        """Look for a secret in all that is shown from now on, unless it looks like an ordinary word."""
        for part in dict.fromkeys((secret, secret.rpartition(" ")[2])):  # `Bearer ...` is known without its first word
            if len(part) >= MIN_SECRET and looks_random(part):
                self.names.learn(Owner(SECRET, kind), part)

    def _masked(self, text: str, *, keep: bool, inner: bool) -> str:
        shown: list[str] = []
        for part, inert in self._without_secrets(text, keep=keep):
            shown += [part] if inert else self._without_encoded(part, keep=keep, inner=inner)
        return "".join(shown)

    def _without_secrets(self, text: str, *, keep: bool) -> Iterator[tuple[str, bool]]:
        """Yield the parts of a text, each with whether it stands for a secret."""
        at = 0
        for found in sorted(secrets_in(text)):
            start = max(found.start, at)
            secret = text[start : found.end]
            if not secret or (keep and self.names.told(core_of(secret))):
                continue
            self.remember(secret, found.kind)
            yield text[at:start], False
            yield f"[secret:{found.kind}]", True
            at = found.end
        yield text[at:], False

    def _without_encoded(self, text: str, *, keep: bool, inner: bool) -> Iterator[str]:
        at = 0
        for start, end, says, how in encoded_in(text):
            yield self._without_names(text[at:start], keep=keep)
            seen = self._escaped(text[start:end], keep=keep) if how == URL and not inner else ""
            yield seen or self._decoded(end - start, None if inner else says, how)
            at = end
        yield self._without_names(text[at:], keep=keep)

    def _escaped(self, run: str, *, keep: bool) -> str:
        """Return what is escaped for a URL, masked as it stands; nothing when that would leave something in it."""
        seen = self._without_names(run, keep=keep)
        decoded = clean(unquote(seen))
        return seen if len(run) <= ENCODED_CHARS and self._masked(decoded, keep=True, inner=True) == decoded else ""

    def _decoded(self, length: int, says: str | None, how: str) -> str:
        """Return what stood encoded, masked, or how long it was where it is not decoded."""
        if says is None:
            return f"[{how} of {length} characters]"
        return f"[{how}: {self._masked(clean(says), keep=False, inner=True)}]"

    def _without_names(self, text: str, *, keep: bool) -> str:
        tokens = [Span(*match.span(), Owner(LITERAL, match[0].lower())) for match in TOKEN.finditer(text)]
        given = [span for span in tokens if keep and self.names.told(text[span.start : span.end])]
        found = apart(_clear_of(given, [*self._recognized(text), *self.names.find(text)]))
        literal = _clear_of([*given, *found], tokens)
        shown, at = [], 0
        for start, end, owner in sorted((*found, *literal)):
            shown += [text[at:start], self.stand_in(owner, text[start:end])]
            at = end
        return "".join((*shown, text[at:]))

    def _recognized(self, text: str) -> list[Span]:
        """Return what the recognizers find that the policy does not let pass, and look for it from now on."""
        found = []
        for start, end, owner in names_in(text, self.own):
            if self.action(owner) == PASS or not _is_apart(text, start, end):
                continue
            known = self.names.owner_of(text[start:end])
            holder = known if known and known.kind == inside_kind(owner).kind else owner
            self.learn(holder, text[start:end])
            found.append(Span(start, end, holder))
        return found


def inside_kind(owner: Owner) -> Owner:
    """Return the owner under which a name from outside has its pseudonym."""
    return Owner({EXTERNAL: "ip", OUTSIDE_NAME: "domain"}.get(owner.kind, owner.kind), owner.value)


def cut_whole(text: str, limit: int, more: int = 0) -> str:
    """Return at most `limit` characters of a masked text, no pseudonym or placeholder cut in two, and what is left out.

    Args:
        text: Masked text.
        limit: Most characters.
        more: Characters that were left out before.
    """
    if len(text) <= limit and not more:
        return text
    end = limit
    for pattern in (TOKEN, PLACEHOLDER):
        for match in pattern.finditer(text, max(0, limit - 2 * MAX_TOKEN), limit + MAX_TOKEN):
            if match.start() < end < match.end():
                end = match.start()
    return f"{text[:end]}[{len(text[end:]) + more} more characters]"


def _part_of(owner: Owner, text: str) -> str:
    """Return the part of a name that is a name by itself."""
    if text.lower().startswith("arn:"):
        return text.rpartition("/")[2] if ":user/" in text.lower() or ":assumed-role/" in text.lower() else ""
    if owner.kind == "user" and "\\" in text:
        return text.rpartition("\\")[2]
    if owner.kind == "user" and "@" in text:
        return text.partition("@")[0]
    if owner.kind == "host" and "." in text:
        return text.partition(".")[0]
    return text.rpartition("/")[2] if owner.kind == "session" and "/" in text else ""


def _is_apart(text: str, start: int, end: int) -> bool:
    """Tell whether no letter or digit stands at either end, so that what replaces it is found again."""
    return _STARTS.match(text, start) is not None and not text[end : end + 1].isalnum()


def _is_json_number(text: str, start: int, end: int) -> bool:
    """Tell whether it stands like a number in JSON, where a pseudonym needs quotes."""
    bare = text[start - 1 : start] in {":", "[", ","} and text[end : end + 1] in {",", "]", "}"}
    return bare and text[start:end].isdigit()


def _clear_of(taken: list[Span], spans: list[Span]) -> list[Span]:
    """Return the spans that overlap none of those taken, which do not overlap one another."""
    ordered = sorted(taken)
    starts = [span.start for span in ordered]
    return [span for span in spans if not _touches(span, ordered, starts)]


def _touches(span: Span, ordered: list[Span], starts: list[int]) -> bool:
    before = bisect_left(starts, span.end)
    return before > 0 and ordered[before - 1].end > span.start
