"""The desk where a model asks: every tool by name, its arguments read strictly, its answers bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from agents.evidence.store import StoredEvent
from agents.evidence.toolbox import Toolbox
from agents.llm.talk import ToolSpec
from agents.text import plain
from agents.tools import history, reference, telemetry
from agents.tools.answers import Row, ToolAnswer, answer
from agents.tools.arguments import (
    Arguments,
    Indicator,
    OfEntity,
    OfRule,
    OfValue,
    Peers,
    ProcessTree,
    RuleId,
    RunbookId,
    SearchEvents,
    Seen,
    SessionTrail,
    Similar,
    TechniqueId,
    Window,
    parse,
    schema,
)
from agents.tools.bench import Bench
from agents.tools.library import Library
from agents.tools.links import linked_entities
from agents.tools.process_tree import process_tree
from models.entity import EntityKey
from models.errors import LakeUnreadable, QueryTooLarge, ToolRefused
from models.finding import Sequence

A = TypeVar("A", bound=Arguments)
UNREADABLE: Final = "this cannot be answered: a part of the store cannot be read"
TOO_LARGE: Final = "too much would have to be read for this: ask for a shorter window, or of one entity"


@dataclass(frozen=True, slots=True)
class Tool(Generic[A]):
    """One tool.

    Attributes:
        description: When to use it and what it answers, for the model.
        arguments: The type of its arguments.
        ask: Answers.
    """

    description: str
    arguments: type[A]
    ask: Callable[[Bench, A], ToolAnswer]


TOOLS: Final[dict[str, Tool[Any]]] = {
    "search_events": Tool(
        "Events by entity, class, domain, source and text. A text without an entity: in seven days at most.",
        SearchEvents,
        telemetry.search_events,
    ),
    "timeline": Tool("Events and signals that name an entity, in the order of time.", OfEntity, telemetry.timeline),
    "process_tree": Tool(
        "Parents and children of a process on a host, from the events of their launches.", ProcessTree, process_tree
    ),
    "session_trail": Tool(
        "What a session, access key or logon did, and whose it is.", SessionTrail, telemetry.session_trail
    ),
    "first_and_last_seen": Tool(
        "Whether an entity or a value is new here: the first and the last event with it, and how often, by source.",
        Seen,
        telemetry.first_and_last_seen,
    ),
    "who_else_touched": Tool(
        "Every entity that was seen together with a value, such as a hash, domain, address, path or resource.",
        OfValue,
        telemetry.who_else_touched,
    ),
    "linked_entities": Tool(
        "Which sessions, addresses, hosts and names were the same actor as an entity, and when.",
        OfEntity,
        linked_entities,
    ),
    "peers_behaviour": Tool(
        "What is unusual about an entity by the models that know it and its peers, and how many others show the same.",
        Peers,
        history.peers_behaviour,
    ),
    "same_rule_before": Tool(
        "Earlier signals of a rule, on whom it fired, and what came of the cases: ask whether a detection is routine.",
        OfRule,
        history.same_rule_before,
    ),
    "similar_cases": Tool(
        "Earlier cases with their verdicts, and runbooks, that are like what you describe.",
        Similar,
        reference.similar_cases,
    ),
    "lookup_indicator": Tool(
        "What intelligence services say of an address, domain or hash that stands in an event you were shown.",
        Indicator,
        reference.lookup_indicator,
    ),
    "technique": Tool(
        "Name and tactics of an ATT&CK technique: ask before you cite one.", TechniqueId, reference.technique
    ),
    "rule": Tool("What a rule finds, what else that may be, what its author wants checked.", RuleId, reference.rule),
    "runbook": Tool("The steps of a runbook.", RunbookId, reference.runbook),
    "coverage": Tool(
        "Which sources sent events when: ask before you conclude from silence.", Window, telemetry.coverage
    ),
}


@dataclass(slots=True)
class Desk:
    """Answer the tool calls of one investigation. Blocks while it reads, so not for an event loop's own thread.

    Attributes:
        tools: Questions to the store, within the investigation's budget.
        library: What is known before.
        sequence: What is investigated.
        resolve: Returns the entity behind what a model was shown for it; raises ToolRefused for anything else.
        restore: Returns a text with what a model was shown put back to what it stands for.
        shown: Events that the model was shown before it asked.
    """

    tools: Toolbox
    library: Library
    sequence: Sequence
    resolve: Callable[[str], EntityKey]
    restore: Callable[[str], str]
    shown: Iterable[StoredEvent] = ()
    _bench: Bench = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make ready what the tools work with."""
        self._bench = Bench(self.tools, self.library, self.sequence, self.resolve, self.restore)
        self._bench.show(self.shown)

    def show(self, rows: Iterable[Row]) -> None:
        """Take note of what else the model was shown, such as answers that a journal kept."""
        self._bench.show(rows)

    def specs(self) -> tuple[ToolSpec, ...]:
        """Return all tools as a model sees them."""
        return tuple(ToolSpec(name, tool.description, self._parameters(tool)) for name, tool in TOOLS.items())

    def call(self, name: str, arguments: str) -> ToolAnswer:
        """Answer one call.

        Args:
            name: The tool, as the model wrote it.
            arguments: JSON text as the model wrote it.

        Raises:
            ToolRefused: There is no such tool or the arguments make no sense; the message is for the model.
            BudgetExhausted: The investigation has asked for all that it was granted.
        """
        tool = TOOLS.get(name)
        if tool is None:
            raise ToolRefused(f"there is no tool {plain(name, 60)}; there are {', '.join(TOOLS)}")
        asked = parse(arguments, tool.arguments)
        try:
            found = tool.ask(self._bench, asked)
        except (LakeUnreadable, QueryTooLarge) as failure:
            self.tools.read(name, type(failure).__name__)  # or a model could ask such questions for ever
            return answer(notes=(UNREADABLE if isinstance(failure, LakeUnreadable) else TOO_LARGE,))
        self._bench.show(found.rows)
        return found

    def _parameters(self, tool: Tool[Any]) -> dict[str, Any]:
        """Return the schema of a tool's arguments; which runbooks there are stands in it."""
        found = schema(tool.arguments)
        runbooks = list(self.library.knowledge.runbooks)
        if tool.arguments is RunbookId and runbooks:
            found["properties"]["runbook"]["enum"] = runbooks
        return found
