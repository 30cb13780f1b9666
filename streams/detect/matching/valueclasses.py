"""Sort the values of one field into classes: values of one class get the same answer from every test of a rule set.

There are few classes and many values, and telemetry repeats its values: a value is scanned once, then looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from streams.detect.matching.fieldindex import FieldIndex
from streams.detect.matching.literals import END, START
from streams.detect.matching.memory import Memory
from streams.detect.matching.scanner import json_search
from streams.detect.record import EVERYWHERE, MAX_VALUES, Record, find

MAX_KEPT_CHARS: Final = (
    1024  # longer values are scanned every time: they hardly ever repeat, and crowd out those that do
)
VALUE_BYTES: Final = 160  # what a remembered value costs beside its characters
CLASS_BYTES: Final = 400
NOTHING: Final = 0  # the class of values of which no test can pass
MAX_EXACT: Final = 2**53  # numbers beyond it compare equal across types without being written the same
_ABSENT: Final = object()
FOLDING_TO_ASCII: Final = frozenset(
    "\u00df\u0130\u0149\u017f\u01f0\u1e96\u1e97\u1e98\u1e99\u1e9a\u1e9e\u212a"
) | frozenset(map(chr, range(0xFB00, 0xFB07)))


class ValueClasses:
    """The classes of one field that were met so far.

    Attributes:
        field: The field.
        known: Class by value, for a quick look; what is not there has to be asked for.
        answers: Answers (see `FieldIndex`) by class.
        index: What answers.
    """

    __slots__ = ("_memory", "_numbers", "answers", "field", "index", "known")

    def __init__(self, index: FieldIndex, memory: Memory) -> None:
        self.field = index.field
        self.known: dict[Any, int] = {}
        self.answers = [0]
        self._numbers = {0: NOTHING}
        self.index = index
        self._memory = memory

    def class_of(self, value: Any) -> int:
        """Return the class of a value: a scalar, a list, an object, None for absence."""
        try:
            number = self.known.get(value)
        except TypeError:  # a list or an object
            return self._of_elements(value)
        return self._met(value) if number is None else number

    def empty(self) -> None:
        """Forget everything."""
        self.known.clear()
        self.answers[:] = [0]
        self._numbers = {0: NOTHING}

    def _met(self, value: Any) -> int:
        answer = self.index.answer(value)
        number = self.numbered(answer)
        if isinstance(value, str):
            if len(value) <= MAX_KEPT_CHARS:
                self.known[value] = number
                self._memory.hold(VALUE_BYTES + len(value))
        elif value is None or self._is_alone(value, answer):
            self.known[value] = number
            self._memory.hold(VALUE_BYTES)
        return number

    def _is_alone(self, value: Any, answer: int) -> bool:
        """Tell whether all that a dictionary takes for this number (`1`, `1.0` and `true`) has the same answer."""
        if not isinstance(value, int | float) or not -MAX_EXACT < value < MAX_EXACT:
            return False
        likes = [like for like in (int(value), float(value), bool(value)) if like == value]
        return all(self.index.answer(like) == answer for like in likes)

    def _of_elements(self, value: Any) -> int:
        """Return the class of a list: of texts, which nearly all are, through the classes of its elements."""
        if type(value) is not list or not value or not all(type(item) is str for item in value[:MAX_VALUES]):
            return self.numbered(self.index.answer(value))
        together = 0
        for item in value[:MAX_VALUES]:
            together |= self.answers[self.class_of(item)]
        return self.numbered(together)

    def numbered(self, answer: int) -> int:
        """Return the class of values with this answer."""
        number = self._numbers.get(answer)
        if number is None:
            number = self._numbers[answer] = len(self.answers)
            self.answers.append(answer)
            self._memory.hold(CLASS_BYTES)
        return number


class NestedField:
    """Reach a field with dots in its name, as `Record` does, where it lies in plain objects."""

    __slots__ = ("_steps", "classes", "field")

    def __init__(self, classes: ValueClasses) -> None:
        self.classes = classes
        self.field = classes.field
        names = self.field.split(".")
        self._steps = tuple((name, ".".join(names[index:])) for index, name in enumerate(names))

    def class_in(self, data: Mapping[str, Any]) -> int:
        """Return the class of what stands in the field."""
        return self.classes.class_of(self.value(data))

    def value(self, data: Mapping[str, Any]) -> Any:
        """Return what stands in the field; None when nothing does."""
        node: Any = data
        for name, rest in self._steps:
            if type(node) is not dict:
                return _listed(find(data, self.field)) if isinstance(node, list | Mapping) else None
            value = node.get(rest, _ABSENT)
            if value is not _ABSENT:
                return value
            node = node.get(name, _ABSENT)
            if node is _ABSENT:
                return None
        return node


class WholeRecord:
    """Look for keywords in all values of a record: in its JSON text, in one go.

    What is found there may be a keyword, or the name of a field; the tests themselves decide. What is not found there
    stands in no value, but for two things: letters that fold to ASCII, and numbers that JSON writes in another way than
    rules see them. Where the search meets one of these, it goes through the values instead.
    """

    __slots__ = ("_find", "_hints", "classes", "field")

    def __init__(self, classes: ValueClasses) -> None:
        self.field = EVERYWHERE
        self.classes = classes
        literals = [literal.strip(START + END) for literal in classes.index.literals or ()]
        plain = bool(literals) and all(map(str.isascii, literals))
        written = (orjson.dumps(text)[1:-1].decode() for text in literals)
        self._find = json_search((*written, *FOLDING_TO_ASCII)) if plain else None
        self._hints = classes.index.hints() if plain else []

    def class_in(self, data: Mapping[str, Any]) -> int:
        """Return the class of the record: the answers of its values together."""
        if self._find is None:
            return self._of_values(data)
        try:
            found = self._find(orjson.dumps(data))
        except orjson.JSONEncodeError:  # nested too deeply, or no JSON
            return self._of_values(data)
        return self._of_hits(found, data) if found else NOTHING

    def _of_hits(self, found: Iterable[int], data: Mapping[str, Any]) -> int:
        hints, together = self._hints, 0
        for hit in found:
            if hit >= len(hints):
                return self._of_values(data)
            together |= hints[hit]
        return self.classes.numbered(together)

    def _of_values(self, data: Mapping[str, Any]) -> int:
        answers, class_of = self.classes.answers, self.classes.class_of
        together = 0
        for text in Record(data).texts(EVERYWHERE):
            together |= answers[class_of(text)]
        return self.classes.numbered(together)


def _listed(found: list[Any]) -> Any:
    return found or None
