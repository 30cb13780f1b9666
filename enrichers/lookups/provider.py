"""What there is to say of a service: where to ask, how often, and how to read its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from enrichers.lookups.gate import Question
from enrichers.lookups.limits import Rate
from enrichers.lookups.reputation import HASH, Reputation
from enrichers.secrets import Secret
from enrichers.web import Request

HOUR_S: Final = 3600
DAY_S: Final = 86_400
_HERE: Final = "{value}"
_ALGORITHM: Final = "{algorithm}"
_ALGORITHMS: Final[Mapping[int, str]] = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}  # by digits


@dataclass(frozen=True, slots=True)
class Call:
    """How one kind of observable is asked about; `{value}` stands for it, `{algorithm}` for that of a hash.

    Attributes:
        path: Path and query.
        form: What is posted instead, by field.
    """

    path: str
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Provider:
    """A service.

    Attributes:
        name: Short name, by which settings and answers name it.
        base: Where it is, without a slash at the end.
        calls: How each kind of observable that it knows is asked about.
        read: Reads an answer of status 200: name of the service, kind, and the JSON. Raises nothing for any JSON.
        key_header: The header its key goes into; empty when it wants none.
        rates: How often it may be asked.
        ttl_s: How long an answer holds.
        unknown: Statuses by which it says that it does not know the observable.
    """

    name: str
    base: str
    calls: Mapping[str, Call]
    read: Callable[[str, str, Any], Reputation]
    key_header: str = ""
    rates: tuple[Rate, ...] = (Rate(60, 60),)
    ttl_s: int = DAY_S
    unknown: frozenset[int] = frozenset({404})

    def request(self, question: Question, key: Secret) -> Request:
        """Make the request of a question that the gate let through, of a kind that the service knows."""
        call = self.calls[question.kind]
        return Request(
            url=self.base + call.path.replace(_HERE, quote(question.value, safe=":")),
            headers={"accept": "application/json"},
            secrets={self.key_header: key} if self.key_header else {},
            form={_filled(name, question): _filled(value, question) for name, value in call.form.items()},
        )


def _filled(text: str, question: Question) -> str:
    algorithm = _ALGORITHMS.get(len(question.value), "") if question.kind == HASH else ""
    return text.replace(_ALGORITHM, algorithm).replace(_HERE, question.value)
