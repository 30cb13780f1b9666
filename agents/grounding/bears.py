"""Does the cited evidence hold a value? Each kind is compared as what it is, and always as a whole.

Addresses are compared as addresses, times as moments to the stated precision, numbers as numbers. Everything else has
to stand in a text of the evidence between borders: a domain may be the end of a longer one, a user may stand behind its
domain or before it, a path may go on behind a separator, and no value may be a part of a word. Letters match in either
case but for POSIX paths.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from agents.evidence.store import StoredSignal
from agents.grounding.quantities import Measured, bears_length, bears_number, measured
from agents.grounding.times import POINTS, point_of, weekday_of
from agents.grounding.values import (
    ADDRESS,
    DOMAIN,
    DURATION,
    EMAIL,
    HASH,
    HOST,
    LITERAL,
    LOOKALIKE,
    MAC,
    NAME,
    NUMBER,
    PATH,
    TECHNIQUE,
    TIME,
    TOKEN,
    URL,
    USER,
    WEEKLY,
    WORD,
    Value,
    address_of,
    values_of,
)
from agents.grounding.witness import Witness

_CUT: Final = re.compile(r"(?:\.\.\.|\N{HORIZONTAL ELLIPSIS})\Z")
MIN_CUT: Final = 8  # characters that a value which is cut short has to show
_FIELD: Final = re.compile(r"([A-Za-z][\w.\[\]-]{0,120})\s?[:=]\s?(.+)\Z", re.DOTALL)
_MAC_SIGNS: Final = re.compile(r"[:.-]")
# characters which, between a word character and the value, make it a part of something longer: before it, behind it
JOINTS: Final = {
    LITERAL: ("-", "-"),
    HASH: ("", ""),
    EMAIL: (".+-", ".-"),
    URL: ("", ".-@"),
    DOMAIN: ("-", ".-"),
    PATH: (".-", ".-"),
    TOKEN: (".-", ".-"),
    USER: (".-", ".-"),
    HOST: (".-", "-"),
    NAME: (".-", "-"),
    WORD: ("-", "-"),
    LOOKALIKE: ("-", "-"),
    TECHNIQUE: ("-", "-"),
}


@dataclass(frozen=True)
class Citation:
    """What one statement cites, all of it intact."""

    witnesses: tuple[Witness, ...]

    @cached_property
    def known(self) -> Measured:
        """Return what follows from it alone."""
        return measured(self.witnesses)

    def bears(self, value: Value) -> bool:
        """Tell whether it holds a value."""
        how: dict[str, Callable[[Value], bool]] = {
            LITERAL: self._verbatim,
            ADDRESS: self._address,
            TIME: self._time,
            WEEKLY: self._time,
            DURATION: self._length,
            NUMBER: self._number,
            MAC: self._mac,
            TECHNIQUE: self._technique,
        }
        return how[value.kind](value) if value.kind in how else self._occurs(value.text, value.kind)

    @cached_property
    def techniques(self) -> frozenset[str]:
        """Return the ATT&CK techniques of the cited detections, a sub-technique with the one it belongs to."""
        stored = [one.cited for one in self.witnesses if isinstance(one.cited, StoredSignal)]
        named = {attack.technique for signal in stored for attack in signal.signal.analytic.attacks}
        return frozenset(named | {technique.partition(".")[0] for technique in named}) - {""}

    def _verbatim(self, value: Value) -> bool:
        """Tell whether a quoted value stands in the evidence as it is, or is a value of another kind that does."""
        text = value.text
        if self._occurs(text, LITERAL) or self._occurs(text.replace("\\\\", "\\"), LITERAL):
            return True
        inner = values_of(text)
        if len(inner) == 1 and inner[0].text == text and inner[0].kind in {ADDRESS, TIME, DURATION, NUMBER, MAC}:
            return self.bears(inner[0])
        field = _FIELD.match(text)
        return field is not None and self._field(field[1], field[2].strip())

    def _field(self, name: str, value: str) -> bool:
        """Tell whether a record has a value under a name: `user.name: alice`."""
        last = name.rpartition(".")[2].casefold()
        named = [
            leaf
            for one in self.witnesses
            for leaf in one.leaves
            if leaf.path.rpartition(".")[2].casefold() == last and str(leaf.value).casefold() == value.casefold()
        ]
        return bool(named)

    def _technique(self, value: Value) -> bool:
        return value.text in self.techniques or self._occurs(value.text, TECHNIQUE)

    def _length(self, value: Value) -> bool:
        return bears_length(value, self.witnesses, self.known)

    def _number(self, value: Value) -> bool:
        return bears_number(value, self.witnesses, self.known)

    def _address(self, value: Value) -> bool:
        address = address_of(value.text)
        return any(address in one.addresses for one in self.witnesses)

    def _time(self, value: Value) -> bool:
        if value.kind == WEEKLY:
            points = [weekday_of(value.text)]
        else:
            found = (point_of(match) for form in POINTS if (match := form.fullmatch(value.text)))
            points = [point for point in found if point]
        return any(point.fits(moment) for point in points for one in self.witnesses for moment in one.moments)

    def _mac(self, value: Value) -> bool:
        wanted = _MAC_SIGNS.sub("", value.text).casefold()
        return any(wanted in _MAC_SIGNS.sub("", one.folded) for one in self.witnesses)

    def _occurs(self, text: str, kind: str) -> bool:
        stem = _CUT.sub("", text)
        if stem != text and len(stem) < MIN_CUT:
            return False
        exact = kind == PATH and "\\" not in text
        joints = JOINTS[kind] if stem == text else (JOINTS[kind][0], None)
        wanted = stem if exact else stem.casefold()
        return bool(wanted) and any(
            _stands(wanted, one.text if exact else one.folded, joints, sealed=kind == PATH) for one in self.witnesses
        )


def _stands(wanted: str, text: str, joints: tuple[str, str | None], *, sealed: bool) -> bool:
    """Tell whether a value stands in a text between borders.

    Args:
        wanted: The value.
        text: The text.
        joints: Signs that join a word to the value, before it and behind it; None behind one that is cut short.
        sealed: Whether a value that begins with a sign has to have a border before it too.
    """
    before, behind = joints
    at = text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        left = not (sealed or _is_word(wanted[0])) or not _joined(text[max(0, at - 2) : at][::-1], before)
        if left and (behind is None or not _is_word(wanted[-1]) or not _joined(text[end : end + 2], behind)):
            return True
        at = text.find(wanted, at + 1)
    return False


def _joined(beside: str, joints: str) -> bool:
    """Tell whether what stands beside a value, from the nearest character on, makes it a part of something longer."""
    if not beside:
        return False
    return _is_word(beside[0]) or (beside[0] in joints and _is_word(beside[1:2]))


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
