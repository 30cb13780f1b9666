"""A rule's condition as a tree of predicates over one record. Immutable, total, and open to inspection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, cast

from streams.detect.record import EVERYWHERE, Record, text_of

MAX_EVIDENCE: Final = 16
MAX_TEXT_CHARS: Final = 256
MAX_REFERENCED: Final = 64  # values of an array field that a field reference compares with each other
Pairs = Iterator[tuple[str, str]]


class Evidence(NamedTuple):
    """One reason why a rule fired.

    Attributes:
        selection: Name of the detection in the rule, empty for one without a name.
        field: Field, or dotted path of the value in a keyword search.
        value: What stood there.
    """

    selection: str
    field: str
    value: str


class Predicate(Protocol):
    """Something that is true or false of a record."""

    def matches(self, record: Record) -> bool:
        """Decide."""
        ...


class Leaf(Predicate, Protocol):
    """A test at the end of the tree."""

    def evidence(self, record: Record) -> Pairs:
        """Yield the field and value pairs that made it true of a record of which it is true."""
        ...


class TextTest(Protocol):
    """A test of one text."""

    def accepts(self, text: str) -> bool:
        """Decide."""
        ...


class ValueTest(Protocol):
    """A test of one value as it stands in the record."""

    def accepts(self, value: Any) -> bool:
        """Decide."""
        ...


@dataclass(frozen=True, slots=True)
class Every:
    """All of the predicates hold."""

    predicates: tuple[Predicate, ...]

    def matches(self, record: Record) -> bool:
        """Decide, at the first that fails."""
        for predicate in self.predicates:  # noqa: SIM110  # hot: a generator costs more than the tests
            if not predicate.matches(record):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of the predicates holds."""

    predicates: tuple[Predicate, ...]

    def matches(self, record: Record) -> bool:
        """Decide, at the first that holds."""
        for predicate in self.predicates:  # noqa: SIM110  # hot: a generator costs more than the tests
            if predicate.matches(record):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Not:
    """The predicate does not hold. What is absent is no evidence."""

    predicate: Predicate

    def matches(self, record: Record) -> bool:
        """Decide."""
        return not self.predicate.matches(record)


@dataclass(frozen=True, slots=True)
class Selection:
    """A detection of the rule under its name."""

    name: str
    predicate: Predicate

    def matches(self, record: Record) -> bool:
        """Decide."""
        return self.predicate.matches(record)


@dataclass(frozen=True, slots=True)
class FoldedText:
    """A value of the field passes the test once case is taken out."""

    field: str
    test: TextTest

    def matches(self, record: Record) -> bool:
        """Decide, at the first value that passes."""
        for text in record.folded(self.field):  # noqa: SIM110  # hot: a generator costs more than the tests
            if self.test.accepts(text):
                return True
        return False

    def evidence(self, record: Record) -> Pairs:
        """Yield the values that pass."""
        return ((name, text) for name, text in record.pairs(self.field) if self.test.accepts(text.casefold()))


@dataclass(frozen=True, slots=True)
class Text:
    """A value of the field passes the test as it is written."""

    field: str
    test: TextTest

    def matches(self, record: Record) -> bool:
        """Decide, at the first value that passes."""
        return any(self.test.accepts(text) for text in record.texts(self.field))

    def evidence(self, record: Record) -> Pairs:
        """Yield the values that pass."""
        return ((name, text) for name, text in record.pairs(self.field) if self.test.accepts(text))


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the field passes a test that wants its type too."""

    field: str
    test: ValueTest

    def matches(self, record: Record) -> bool:
        """Decide, at the first value that passes."""
        return any(self.test.accepts(value) for value in record.values(self.field))

    def evidence(self, record: Record) -> Pairs:
        """Yield the values that pass."""
        return ((self.field, text_of(value) or "") for value in record.values(self.field) if self.test.accepts(value))


@dataclass(frozen=True, slots=True)
class Keywords:
    """One of the case-folded words stands somewhere in the values of the record."""

    words: tuple[str, ...]

    def matches(self, record: Record) -> bool:
        """Decide, at the first word found."""
        haystack = record.haystack()
        return any(word in haystack for word in self.words)

    def evidence(self, record: Record) -> Pairs:
        """Yield the values that hold a word, with their paths."""
        for name, text in record.pairs(EVERYWHERE):
            folded = text.casefold()
            if any(word in folded for word in self.words):
                yield name, text


@dataclass(frozen=True, slots=True)
class Null:
    """The field is not there, is an empty list, or has null among its values."""

    field: str

    def matches(self, record: Record) -> bool:
        """Decide."""
        values = record.values(self.field)
        return not values or None in values

    def evidence(self, record: Record) -> Pairs:  # noqa: ARG002  # the protocol's signature
        """Yield nothing."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Exists:
    """The field is there, whatever its value; or, with `expected` false, it is not."""

    field: str
    expected: bool

    def matches(self, record: Record) -> bool:
        """Decide."""
        return record.has(self.field) is self.expected

    def evidence(self, record: Record) -> Pairs:
        """Yield what stands in the field."""
        return record.pairs(self.field)


@dataclass(frozen=True, slots=True)
class SameAs:
    """A value of the field relates to a value of another field of the same record: equals, or begins with it ..."""

    field: str
    other: str
    relation: Callable[[str, str], bool]
    cased: bool = False

    def matches(self, record: Record) -> bool:
        """Decide. Missing on either side is false, not equal."""
        read = record.texts if self.cased else record.folded
        others = read(self.other)[:MAX_REFERENCED]
        return any(self.relation(text, other) for text in read(self.field)[:MAX_REFERENCED] for other in others)

    def evidence(self, record: Record) -> Pairs:
        """Yield both sides."""
        yield from record.pairs(self.field)
        yield from record.pairs(self.other)


def every(predicates: Iterable[Predicate]) -> Predicate:
    """Join with AND; nested ANDs become one, a single predicate stays itself."""
    flat = [part for item in predicates for part in (item.predicates if isinstance(item, Every) else (item,))]
    return flat[0] if len(flat) == 1 else Every(tuple(flat))


def some(predicates: Iterable[Predicate]) -> Predicate:
    """Join with OR; nested ORs become one, a single predicate stays itself."""
    flat = [part for item in predicates for part in (item.predicates if isinstance(item, Some) else (item,))]
    return flat[0] if len(flat) == 1 else Some(tuple(flat))


def leaves(predicate: Predicate) -> Iterator[Leaf]:
    """Yield the tests at the ends of the tree."""
    stack = [predicate]
    while stack:
        node = stack.pop()
        if isinstance(node, Every | Some):
            stack.extend(reversed(node.predicates))
        elif isinstance(node, Not | Selection):
            stack.append(node.predicate)
        else:
            yield cast("Leaf", node)


def reasons(predicate: Predicate, holds: Callable[[Leaf], bool], selection: str = "") -> Iterator[tuple[str, Leaf]]:
    """Yield the tests that make a tree true, each with the selection it stands in. What is absent is no reason.

    Args:
        predicate: A tree that is true.
        holds: Tells which of its tests are.
        selection: Name of the selection around it.
    """
    match predicate:
        case Every():
            for part in predicate.predicates:
                yield from reasons(part, holds, selection)
        case Some():
            for part in predicate.predicates:
                if is_true(part, holds):
                    yield from reasons(part, holds, selection)
        case Selection():
            yield from reasons(predicate.predicate, holds, predicate.name)
        case Not():
            return
        case _:
            yield selection, cast("Leaf", predicate)


def is_true(predicate: Predicate, holds: Callable[[Leaf], bool]) -> bool:
    """Decide a tree whose tests somebody else decides."""
    match predicate:
        case Every():
            return all(is_true(part, holds) for part in predicate.predicates)
        case Some():
            return any(is_true(part, holds) for part in predicate.predicates)
        case Not():
            return not is_true(predicate.predicate, holds)
        case Selection():
            return is_true(predicate.predicate, holds)
    return holds(cast("Leaf", predicate))


def evaluate(predicate: Predicate, record: Record) -> tuple[Evidence, ...] | None:
    """Decide, and say why.

    Returns:
        None when it does not hold. Else up to MAX_EVIDENCE reasons, one per field, each text cut to MAX_TEXT_CHARS
        characters; empty when it holds by absence alone.
    """
    if not predicate.matches(record):
        return None
    found: dict[str, Evidence] = {}
    for selection, leaf in reasons(predicate, lambda test: test.matches(record)):
        gather(found, selection, leaf.evidence(record))
        if len(found) == MAX_EVIDENCE:
            break
    return tuple(found.values())


def gather(found: dict[str, Evidence], selection: str, pairs: Iterable[tuple[str, str]]) -> None:
    """Add evidence: the first value of each field that is not there yet, until there is MAX_EVIDENCE."""
    for field, text in pairs:
        name = field[:MAX_TEXT_CHARS]
        if name not in found:
            if len(found) == MAX_EVIDENCE:
                return
            found[name] = Evidence(selection, name, text[:MAX_TEXT_CHARS])
