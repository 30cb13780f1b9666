"""What the sources produce for rules: log sources, and the native field names that events of each may have.

It stands beside the sources as facts: `native.yml` in every package, and `taxonomy.yml` for names that several share.
An entry is

```yaml
- source: windows                  # or a list of sources
  products: [windows]              # one log source for each product, service and category
  services: [sysmon]               # "" or nothing: none; "*": further ones, which nobody can list
  categories: [image_load, a+b]    # `a+b`: both on one event
  fields: +log ImageLoaded trees.* # `+log` is a list under `shared`; `x.*`: anything below x; `*`: anything at all
```
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import product
from typing import Any, Final

import yaml

from models.event import LogSource

ANY: Final = "*"
TREE: Final = ".*"
_SHARED: Final = "taxonomy.yml"
_FILE: Final = "native.yml"


@dataclass(frozen=True, slots=True)
class Fields:
    """Names that the fields of an event may have.

    Attributes:
        names: Whole names, dotted where they are nested.
        trees: Names below which anything may stand.
        open: Whether there may be any further name.
    """

    names: frozenset[str]
    trees: frozenset[str] = frozenset()
    open: bool = False

    def has(self, field: str) -> bool:
        """Tell whether the field is listed: by name, as a part of a tree, or as an object around listed names."""
        parts = [part for part in field.split(".") if not part.isdecimal()]
        plain = ".".join(parts)
        ancestors = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
        return plain in _with_parents(self.names | self.trees) or any(above in self.trees for above in ancestors)

    def __or__(self, other: Fields) -> Fields:
        """Join two sets of names."""
        return Fields(self.names | other.names, self.trees | other.trees, self.open or other.open)


NO_FIELDS: Final = Fields(frozenset())


@cache
def _with_parents(names: frozenset[str]) -> frozenset[str]:
    """Add the objects around nested names: a rule may look at one as a whole."""
    parts = (name.split(".") for name in names)
    return frozenset(".".join(part[:end]) for part in parts for end in range(1, len(part) + 1))


@dataclass(frozen=True, slots=True)
class Produced:
    """One log source that a source produces.

    Attributes:
        source: Name of the source.
        logsource: Product, service and categories of the events.
        fields: Names that their fields may have.
    """

    source: str
    logsource: LogSource
    fields: Fields

    @property
    def any_service(self) -> bool:
        """Tell whether the service may be one that nobody can list."""
        return self.logsource.service == ANY


@cache
def inventory() -> tuple[Produced, ...]:
    """Return everything that the sources produce."""
    root = files("streams.sources")
    shared = _read(root / _SHARED)["shared"]
    packages = sorted((entry for entry in root.iterdir() if entry.is_dir()), key=lambda entry: entry.name)
    found = [entry / _FILE for entry in packages if (entry / _FILE).is_file()]
    return tuple(one for file in found for one in _produced(_read(file), shared))


def _read(file: Traversable) -> dict[str, Any]:
    content: dict[str, Any] = yaml.load(file.read_bytes(), yaml.CSafeLoader)
    return content


def _produced(content: Mapping[str, Any], shared: Mapping[str, str]) -> Iterator[Produced]:
    lists = {**shared, **content.get("shared", {})}
    for entry in content["produced"]:
        sources = entry["source"] if isinstance(entry["source"], list) else [entry["source"]]
        found = _fields(entry["fields"], lists)
        combinations = product(sources, entry["products"], entry.get("services", [""]), entry.get("categories", [""]))
        for source, made_by, service, categories in combinations:
            kinds = tuple(categories.split("+")) if categories else ()
            yield Produced(source, LogSource(made_by, service, kinds), found)


def _fields(text: str, lists: Mapping[str, str]) -> Fields:
    words = set(_words(text, lists))
    trees = {word for word in words if word.endswith(TREE)}
    return Fields(frozenset(words - trees - {ANY}), frozenset(tree.removesuffix(TREE) for tree in trees), ANY in words)


def _words(text: str, lists: Mapping[str, str]) -> Iterator[str]:
    for word in text.split():
        if word.startswith("+"):
            yield from _words(lists[word[1:]], lists)
        else:
            yield word


def joined(produced: Iterable[Produced]) -> Fields:
    """Return the fields that any of these may have."""
    found = NO_FIELDS
    for one in produced:
        found |= one.fields
    return found
