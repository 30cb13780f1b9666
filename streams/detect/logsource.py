"""Which rules concern an event, by log source.

Source: Sigma taxonomy, appendix of the specification 2.1. A rule concerns an event when each of product, category and
service that it names is the event's. Beyond equality:

- letter case does not count;
- a service may be written with its product before it (`gcp.audit` is `audit` of `gcp`);
- a rule that names a service and no product also means the product of that name (`service: nginx`);
- `category: application` beside a product adds nothing to the product;
- `servicebus-client` is the specification's name for what rules call `microsoft-servicebus-client`;
- an event of `registry_add`, `registry_delete`, `registry_set` or `registry_rename` is one of `registry_event` too.

A rule with `taxonomy: ocsf` looks at the OCSF event: without a log source, or with `product: ocsf`, it concerns the
events of every source, or those of the class that its category or service names (`authentication`,
`process_activity`). With another product it concerns that product's events, by the rules above.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Generic, Protocol, TypeVar

from models import ocsf
from models.event import LogSource
from streams.detect.values import RuleMistake

OCSF: Final = "ocsf"
MAX_LOGSOURCES: Final = 1024  # of events, whose rules are remembered
_RENAMED: Final = {"servicebus-client": "microsoft-servicebus-client"}
_IMPLIED: Final[Mapping[str, str]] = dict.fromkeys(
    ("registry_add", "registry_delete", "registry_set", "registry_rename"), "registry_event"
)


def snake_case(caption: str) -> str:
    """Return an OCSF caption the way rules name it: `API Activity` is `api_activity`."""
    return re.sub(r"[^a-z0-9]+", "_", caption.lower()).strip("_")


CLASS_BY_NAME: Final[Mapping[str, int]] = {snake_case(known.name): uid for uid, known in ocsf.CLASSES.items()}


@dataclass(frozen=True, slots=True)
class RuleLogSource:
    """The log source of a rule, in lower case; what it does not name is empty.

    Attributes:
        product: `windows`, `aws`, ...
        category: `process_creation`, `dns`, ...
        service: `sysmon`, `cloudtrail`, ...
        class_uid: The one OCSF class an OCSF rule concerns, 0 for any.
    """

    product: str = ""
    category: str = ""
    service: str = ""
    class_uid: int = 0

    def concerns(self, logsource: LogSource, class_uid: int) -> bool:
        """Tell whether an event of this log source and OCSF class is one the rule speaks of."""
        if self.class_uid not in {0, class_uid}:
            return False
        product, service = logsource.product.lower(), logsource.service.lower()
        return (
            self.product in {"", product}
            and self.category in {"", *_categories(logsource)}
            and self._serves(product, service)
        )

    def within(self, wider: RuleLogSource) -> bool:
        """Tell whether every event this concerns is one the wider log source names."""
        return all(
            theirs in {own, type(own)()}
            for own, theirs in (
                (self.product, wider.product),
                (self.category, wider.category),
                (self.service, wider.service),
                (self.class_uid, wider.class_uid),
            )
        )

    def _serves(self, product: str, service: str) -> bool:
        names = {"", service, service.removeprefix(f"{product}."), f"{product}.{service}"}
        return self.service in (names if self.product else names | {product})


def _categories(logsource: LogSource) -> set[str]:
    named = {category.lower() for category in logsource.categories}
    return named | {_IMPLIED[category] for category in named & _IMPLIED.keys()}


def compile_logsource(logsource: Mapping[str, Any], taxonomy: str) -> RuleLogSource:
    """Read a rule's log source; raise RuleMistake when an OCSF rule names no class that exists."""
    product, category, service = (
        str(logsource.get(name) or "").strip().lower() for name in ("product", "category", "service")
    )
    if taxonomy == OCSF and product in {"", OCSF}:
        return RuleLogSource(class_uid=_class_uid({category, service} - {""}))
    if category == "application" and product:
        category = ""
    return RuleLogSource(product, category, _RENAMED.get(service, service))


def _class_uid(names: set[str]) -> int:
    if not names:
        return 0
    name = min(names)
    if len(names) > 1 or name not in CLASS_BY_NAME:
        raise RuleMistake(f"{' and '.join(sorted(names))!r} is not one OCSF class; say for example `authentication`")
    return CLASS_BY_NAME[name]


class HasLogSource(Protocol):
    """What the index needs to know of a rule."""

    @property
    def logsource(self) -> RuleLogSource:
        """Return the rule's log source."""
        ...


R = TypeVar("R", bound=HasLogSource)


class ByLogSource(Generic[R]):
    """Rules by their log source: asking which ones concern an event takes no look at the others."""

    __slots__ = ("_known", "_positions", "_rules")

    def __init__(self, rules: Iterable[R]) -> None:
        self._rules = tuple(rules)
        self._positions: dict[RuleLogSource, list[int]] = {}
        self._known: dict[tuple[LogSource, int], tuple[R, ...]] = {}
        for position, rule in enumerate(self._rules):
            self._positions.setdefault(rule.logsource, []).append(position)

    def concerned(self, logsource: LogSource, class_uid: int) -> tuple[R, ...]:
        """Return the rules that concern an event of this log source and class, in their order."""
        key = logsource, class_uid
        chosen = self._known.get(key)
        if chosen is None:
            found = (at for source, at in self._positions.items() if source.concerns(logsource, class_uid))
            chosen = tuple(map(self._rules.__getitem__, sorted(chain.from_iterable(found))))
            if len(self._known) >= MAX_LOGSOURCES:
                self._known.clear()
            self._known[key] = chosen
        return chosen
