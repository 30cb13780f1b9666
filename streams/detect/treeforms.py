"""The written forms of condition trees: what is read is checked against them as it is decoded (msgspec)."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

MAX_NUMBER_CHARS: Final = 400  # the widest float written out; numbers of rules are far shorter
NumericName = Literal["lt", "lte", "gt", "gte", "eq", "neq"]
TextualName = Literal["equals", "startswith", "endswith", "contains"]
TimePartName = Literal["minute", "hour", "day", "week", "month", "year"]
_Place = Annotated[int, Meta(ge=0)]  # of a node, counted from the first
_Number = Annotated[str, Meta(max_length=MAX_NUMBER_CHARS)]


class Form(Struct, array_like=True, gc=False):
    """Written as a list that begins with its tag."""


class GlobForm(Form, tag="glob"):
    """A Glob."""

    head: str
    middles: tuple[str, ...]
    tail: str


class MaskForm(Form, tag="mask"):
    """A MaskedGlob: the regular expression."""

    pattern: str


class PatternsForm(Form, tag="patterns"):
    """A Patterns."""

    exact: tuple[str, ...]
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]
    parts: tuple[str, ...]
    globs: tuple[GlobForm | MaskForm, ...]


class RegexesForm(Form, tag="regexes"):
    """A Regexes: each pattern, and whether RE2 runs it."""

    regexes: tuple[tuple[str, bool], ...]


class NetworksForm(Form, tag="networks"):
    """A Networks."""

    networks: tuple[str, ...]


class ComparisonForm(Form, tag="compare"):
    """A Comparison."""

    relation: NumericName
    number: _Number


class TimePartForm(Form, tag="time"):
    """A TimePart."""

    part: TimePartName
    relation: NumericName
    number: _Number


TextTestForm = PatternsForm | RegexesForm | NetworksForm
ValueTestForm = ComparisonForm | TimePartForm


class EveryForm(Form, tag="every"):
    """An Every."""

    parts: tuple[_Place, ...]


class SomeForm(Form, tag="some"):
    """A Some."""

    parts: tuple[_Place, ...]


class NotForm(Form, tag="not"):
    """A Not."""

    part: _Place


class SelectionForm(Form, tag="selection"):
    """A Selection."""

    name: str
    part: _Place


class FoldedForm(Form, tag="folded"):
    """A FoldedText."""

    field: str
    test: TextTestForm


class TextForm(Form, tag="text"):
    """A Text."""

    field: str
    test: TextTestForm


class ValueForm(Form, tag="value"):
    """A Value."""

    field: str
    test: ValueTestForm


class KeywordsForm(Form, tag="keywords"):
    """A Keywords."""

    words: tuple[str, ...]


class NullForm(Form, tag="null"):
    """A Null."""

    field: str


class ExistsForm(Form, tag="exists"):
    """An Exists."""

    field: str
    expected: bool


class SameForm(Form, tag="same"):
    """A SameAs."""

    field: str
    other: str
    relation: TextualName
    cased: bool


LeafForm = FoldedForm | TextForm | ValueForm | KeywordsForm | NullForm | ExistsForm | SameForm
NodeForm = EveryForm | SomeForm | NotForm | SelectionForm | LeafForm
