"""Every exception of Braid, in one tree.

```
BraidError
├── ConfigError           a setting, flag or file that the user can mend (exit 2)
│   ├── FileErrors        everything wrong with some files, all at once
│   └── RuleErrors        everything wrong with a rule directory, all at once
├── Unparseable           a raw record that is not what its source sends (becomes a dead letter)
├── InvalidRecord         a record on one of our own topics that does not decode
├── KafkaUnavailable      no broker answered where one was promised
├── LakeUnreadable        a file of the lake that is not what was written there
├── QueryTooLarge         a question to the lake that would read more than it may
├── EnrichmentFailed      what surrounds an event could not be told (recorded on the event, stops nothing)
├── BudgetExhausted       an investigation asked for more than it was granted
│   └── Exhausted         which budget of models, and when there is enough again (agents.llm.budget)
├── ModelUnavailable      a language model did not answer, or with nothing that can be read
│   └── NoReply           what kind of failure, and what it cost (agents.llm.failures)
└── ToolRefused           a tool call of a model makes no sense (the model is told why)
```

Values that are part of the answer (late signals, evictions, dead letters) are not exceptions: they are returned.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MAX_TOLD: Final = 100


class BraidError(Exception):
    """Anything Braid raises on purpose."""


class ConfigError(BraidError):
    """Report a setting, flag or file that the user can mend."""


class FileErrors(ConfigError):
    """Carry everything wrong with some files, as `file:line: field: message`; of many, it shows the first."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        more = len(self.problems) - MAX_TOLD
        told = (*self.problems[:MAX_TOLD], *((f"and {more} problems more",) if more > 0 else ()))
        super().__init__("\n".join(told))


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """One thing wrong with one rule: where, which rule, what.

    Attributes:
        path: The file as the user named it.
        line: 1-based line in that file, 0 when the parser cannot tell.
        rule: Title or id of the rule, empty when it has none.
        message: What is wrong and how to mend it.
    """

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        """Render as `file:line: rule: message`."""
        name = f" {self.rule}:" if self.rule else ""
        return f"{self.path}:{self.line}:{name} {self.message}"


class RuleErrors(ConfigError):
    """Carry every problem of a rule directory, so that one run tells all."""

    def __init__(self, problems: tuple[RuleProblem, ...]) -> None:
        super().__init__("\n".join(str(p) for p in problems))
        self.problems = problems


class Unparseable(BraidError):
    """Say why a raw record cannot become an event, and where in it the trouble is.

    Attributes:
        reason: One sentence for a person.
        offset: Byte offset in the raw record, -1 when no single byte is to blame.
        field: The field to blame, empty when there is none.
    """

    def __init__(self, reason: str, *, offset: int = -1, field: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset
        self.field = field


class InvalidRecord(BraidError):
    """Refuse a record of one of our own topics; the message names the field."""


class KafkaUnavailable(BraidError):
    """No broker answered in time; the message names the address."""


class LakeUnreadable(BraidError):
    """A file of the lake cannot be read; the message names it."""


class QueryTooLarge(BraidError):
    """A question to the lake would read more than it may, and was not asked."""


class EnrichmentFailed(BraidError):
    """An enricher cannot tell what it is asked for; the message says why."""


class BudgetExhausted(BraidError):
    """A tool call or investigation went past its budget; the message names which."""


class ModelUnavailable(BraidError):
    """A language model gave no usable answer; the message says why, and shows neither key nor prompt."""


class ToolRefused(BraidError):
    """A model called a tool wrongly; the message is what it is told."""
