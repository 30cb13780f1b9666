"""A process with its parents and children, from the events of launches on one host.

A process is known by its uid where sensors give one. A number is used again by others, so by number a process is its
parent's child only until the next launch with that number. Several sensors may tell of one launch, each at its own
moment and some without a uid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from agents.evidence.query import Attribute, Query, attribute
from agents.evidence.store import StoredEvent
from agents.tools.answers import Note, ToolAnswer, answer
from agents.tools.arguments import ProcessTree
from agents.tools.bench import MAX_TEXT_WINDOW_MS, Bench
from models.entity import EntityKey
from models.errors import InvalidRecord, ToolRefused
from models.ocsf_classes import PROCESS_ACTIVITY

HOST: Final = "host"
MAX_PARENTS: Final = 5
MAX_GENERATIONS: Final = 3
MAX_PROCESSES: Final = 40
MAX_LAUNCHES: Final = 100  # that one question answers with
SAME_MS: Final = 2000  # launches with one number that are no further apart are one launch, told of by several sensors
LAUNCH: Final[Attribute] = (("activity_id",), ("1",))
OWN: Final = ("process.uid", "process.pid")
PARENT: Final = ("process.parent_process.uid", "process.parent_process.pid", "actor.process.uid", "actor.process.pid")
NOBODY: Final = ""


@dataclass(frozen=True, slots=True)
class Launched:
    """One process, as the event of its launch tells of it; NOBODY where that does not say."""

    event: StoredEvent
    uid: str
    pid: str
    parent_uid: str
    parent_pid: str

    @property
    def keys(self) -> tuple[str, ...]:
        """Return what it is known by."""
        return tuple(filter(None, (self.uid, self.pid)))

    @property
    def parent_keys(self) -> tuple[str, ...]:
        """Return what its parent is known by."""
        return tuple(filter(None, (self.parent_uid, self.parent_pid)))

    def is_child_of(self, other: Launched, until: int) -> bool:
        """Tell whether it was started by another, whose number is its own up to a time (ms)."""
        if self.event.uid == other.event.uid or self.event.time < other.event.time:
            return False
        if self.parent_uid and other.uid:
            return self.parent_uid == other.uid
        return bool(other.pid) and self.parent_pid == other.pid and self.event.time <= until


@dataclass(slots=True)
class Tree:
    """What was found, the process that was asked for first.

    Attributes:
        depth: Generations below that process, negative above it, by the uid of the launch's event.
        parent: The uid of the parent's event, by the uid of the launch's event.
        found: The launches, in the order in which they were found.
        more: Whether the bounds left any out.
    """

    depth: dict[str, int] = field(default_factory=dict)
    parent: dict[str, str] = field(default_factory=dict)
    found: list[Launched] = field(default_factory=list)
    more: bool = False

    def add(self, one: Launched, depth: int) -> bool:
        """Add a launch; tell whether it is new and there was room."""
        if one.event.uid in self.depth:
            return False
        if len(self.found) >= MAX_PROCESSES:
            self.more = True
            return False
        self.depth[one.event.uid] = depth
        self.found.append(one)
        return True

    def notes(self) -> Iterator[Note]:
        """Yield where each stands in the tree."""
        for one in self.found:
            uid = one.event.uid
            yield Note("process", {"event": uid, "depth": self.depth[uid], "parent_event": self.parent.get(uid)})


@dataclass(frozen=True, slots=True)
class _Host:
    """Ask for launches on one host in one window."""

    bench: Bench
    host: EntityKey
    start: int
    end: int

    def launches(self, wanted: Attribute, start: int, end: int, *, latest: bool = False) -> tuple[list[Launched], bool]:
        query = Query(start, end, self.host, (PROCESS_ACTIVITY,), attributes=(LAUNCH, wanted), latest=latest)
        found = self.bench.tools.search_events(query, MAX_LAUNCHES)
        return list(_launched(found.rows)), found.more


def process_tree(bench: Bench, asked: ProcessTree) -> ToolAnswer:
    """Answer with the launches of a process, its parents and its children, and where each stands."""
    host = bench.entity(asked.host)
    if host.type != HOST:
        raise ToolRefused(f"this is a {host.type} and no host: processes are looked for on a host")
    place = _Host(bench, host, *bench.window(asked, most_ms=MAX_TEXT_WINDOW_MS))
    wanted = (OWN, (bench.restore(asked.process),))
    found, more = place.launches(wanted, place.start, place.end, latest=True)
    if not found:
        return answer(notes=("no launch of this process was seen on this host in the window",))
    roots = _told_apart(found)
    root, tree = roots[-1], Tree(more=more)
    tree.add(root, 0)
    _upwards(place, tree, root)
    _downwards(place, tree, [root])
    said = f"{len(roots)} processes had this number: the last is shown" if len(roots) > 1 else ""
    rows = sorted((one.event for one in tree.found), key=lambda event: (event.time, event.uid))
    return answer(rows, tree.notes(), more=tree.more, notes=(said,) if said else ())


def _upwards(place: _Host, tree: Tree, child: Launched) -> None:
    for generation in range(1, MAX_PARENTS + 1):
        if not child.parent_keys:
            return
        found, _ = place.launches((OWN, child.parent_keys), place.start, child.event.time, latest=True)
        parents = _told_apart(one for one in found if child.is_child_of(one, place.end))
        if not parents or not tree.add(parents[-1], -generation):
            return
        tree.parent[child.event.uid] = parents[-1].event.uid
        child = parents[-1]


def _downwards(place: _Host, tree: Tree, parents: Sequence[Launched]) -> None:
    for generation in range(1, MAX_GENERATIONS + 1):
        keys = tuple(dict.fromkeys(key for one in parents for key in one.keys))
        if not keys:
            return
        found, more = place.launches((PARENT, keys), parents[0].event.time, place.end)
        tree.more |= more
        parents = list(_adopted(place, tree, parents, found, generation))
    tree.more |= bool(parents)  # whose own children were not asked for


def _adopted(
    place: _Host, tree: Tree, parents: Sequence[Launched], found: Iterable[Launched], generation: int
) -> Iterator[Launched]:
    """Put children under the last of their parents, and yield those that are new, earliest first."""
    until = _until(place, parents)
    for child in found:
        own = [one for one in parents if child.is_child_of(one, until.get(one.event.uid, place.end))]
        if own and tree.add(child, generation):
            tree.parent[child.event.uid] = own[-1].event.uid
            yield child


def _until(place: _Host, parents: Sequence[Launched]) -> Mapping[str, int]:
    """Return until when (ms) the number of each is its own, by the uid of the launch's event."""
    numbers = tuple(dict.fromkeys(one.pid for one in parents if one.pid))
    again, _ = place.launches((OWN, numbers), parents[0].event.time, place.end)
    return {
        one.event.uid: min(
            (o.event.time - 1 for o in again if o.pid == one.pid and o.event.time > one.event.time + SAME_MS),
            default=place.end,
        )
        for one in parents
    }


def _told_apart(launches: Iterable[Launched]) -> list[Launched]:
    """Return one launch for each process, earliest first: of several sensors' that with a uid, or else the last."""
    kept: list[Launched] = []
    for one in launches:
        is_same = bool(kept) and one.event.time - kept[-1].event.time <= SAME_MS
        if not is_same:
            kept.append(one)
        elif one.uid or not kept[-1].uid:
            kept[-1] = one
    return kept


def _launched(events: Iterable[StoredEvent]) -> Iterator[Launched]:
    for event in events:
        try:
            record = event.ocsf
        except InvalidRecord:
            continue
        yield Launched(event, *_keys(record, "process"), *_parent(record))


def _parent(record: Mapping[str, Any]) -> tuple[str, str]:
    """Return uid and number of the parent, or else of who acted: at a launch that is the parent."""
    stated = _keys(record, "process.parent_process")
    return stated if any(stated) else _keys(record, "actor.process")


def _keys(record: Mapping[str, Any], path: str) -> tuple[str, str]:
    return attribute(record, f"{path}.uid") or NOBODY, attribute(record, f"{path}.pid") or NOBODY
