"""One small protocol for everything that adds to an event, and what it adds.

An enricher is asked of the subjects of an event, one by one, and says what it would add; it touches nothing. What it
says holds for every event with that subject, so events share it. One that fails has added nothing, and what the source
itself said always stays. `enrichers.chain` asks them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

from enrichers.subjects import EVENT, Subject
from models.event import Event
from models.finding import Signal

MAX_REASON: Final = 300
EVERY_RULE: Final = "*"
NOTHING_QUIET: Final[frozenset[str]] = frozenset()
Path = tuple[str, ...]
ALWAYS: Final = 1 << 62  # ms: later than any event


class Additions(NamedTuple):
    """What one enricher adds to an event. Never changed once it is made: events share it.

    Attributes:
        attributes: Paths of objects of the event, such as `("actor", "user")`, and the OCSF attributes to add there. An
            attribute is added whole and only where the object has none of its name; an empty path is the event itself.
        enrichments: OCSF `enrichment` objects, for what has no attribute. `name` is the dotted path of the attribute
            that was looked up and `value` its value; `data` nests what was found under the path of the object it is
            about (`{"src_endpoint": {"is_tor": true}}`), so that a rule can say
            `enrichments.data.src_endpoint.is_tor: true`.
        hits: Signals of their own, such as a match of threat intelligence.
        missing: What could not be told, a sentence each; recorded as failures beside what could.
        quiet: Uids of the rules whose matches on this event do not fire; EVERY_RULE for all of them.
    """

    attributes: tuple[tuple[Path, Mapping[str, Any]], ...] = ()
    enrichments: tuple[Mapping[str, Any], ...] = ()
    hits: tuple[Signal, ...] = ()
    missing: tuple[str, ...] = ()
    quiet: frozenset[str] = NOTHING_QUIET


class Told(NamedTuple):
    """What an enricher says of one subject.

    Attributes:
        additions: What it adds to every event with that subject; None for nothing.
        from_ms: First event time for which that is so.
        to_ms: First event time for which it is so no longer.
        ask: Whether more than the subject matters: then `enrich` is asked of the event.
    """

    additions: Additions | None = None
    from_ms: int = -ALWAYS
    to_ms: int = ALWAYS
    ask: bool = False


NOTHING: Final = Told()


class Enricher(Protocol):
    """Know something of subjects from outside of the events. For one thread."""

    @property
    def name(self) -> str:
        """Return the short name under which failures are recorded and counted."""

    @property
    def kinds(self) -> frozenset[str]:
        """Return the kinds of subjects that it is asked of."""

    def about(self, subject: Subject, time_ms: int) -> Told:
        """Return what to add to events with a subject; raise EnrichmentFailed when it cannot be known.

        Sees what the source told, without what other enrichers add. Reads no clock, file or network. Whoever asks
        remembers the answer. Of the kind `EVENT` it is asked once, for what is said of every event.

        Args:
            subject: What is asked.
            time_ms: Time of the event; an answer that depends on it says for how long it holds.
        """


@runtime_checkable
class EventEnricher(Enricher, Protocol):
    """Know something that takes the whole event."""

    def enrich(self, event: Event) -> Additions | None:
        """Return what to add beside what was told of its subjects; raise EnrichmentFailed when it cannot be known.

        Asked only of events of which a subject said so (`Told.ask`).
        """


class Enriched(NamedTuple):
    """An event with all that the enrichers know of it.

    Attributes:
        event: The event; the very same one when there was nothing to add.
        hits: The signals of the enrichers, in their order.
        quiet: Uids of the rules whose matches on it do not fire; EVERY_RULE for all of them.
        failed: Names of the enrichers that failed, once for each failure that stands on the event.
    """

    event: Event
    hits: tuple[Signal, ...] = ()
    quiet: frozenset[str] = NOTHING_QUIET
    failed: tuple[str, ...] = ()

    def silences(self, rule: str) -> bool:
        """Tell whether the matches of a rule on this event do not fire."""
        return rule in self.quiet or EVERY_RULE in self.quiet


class Unavailable:
    """Stand in for an enricher that could not be made: every event says what it lacks, and why."""

    __slots__ = ("_told", "kinds", "name")

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.kinds = frozenset({EVENT})
        self._told = Told(Additions(missing=(reason,)))

    def about(self, subject: Subject, time_ms: int) -> Told:  # noqa: ARG002  # the protocol's
        """Say that it is missing."""
        return self._told
