"""Keep the board of respond: all of `actions` and `verdicts`, as their records come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Self

from confluent_kafka import Message as KafkaMessage

from models import ocsf
from models.action import Action
from models.action_ocsf import action_from_ocsf
from models.approval import Approval, approval_from_json
from models.errors import InvalidRecord
from models.verdict import Verdict, VerdictClosed
from models.verdict_ocsf import verdict_from_ocsf
from streams.board import Board, Place
from streams.config import Settings
from streams.wire import SOURCE_HEADER, source_of
from streams.workers.clients import Stop, header
from streams.workers.whole import WholeReader, fetch

ACTIONS, VERDICTS, APPROVALS = "actions", "verdicts", "approvals"
OWN: Final = source_of("respond")
MAX_CACHED: Final = 100
MAX_REFUSED: Final = 10_000  # who has the partition takes them from here


class KeptBoard:
    """A board, and who feeds it. For one thread; a context manager."""

    def __init__(self, settings: Settings, stop: Stop) -> None:
        """Prepare; raise KafkaUnavailable when there are no such topics, or no broker answers."""
        self.board = Board()
        self._settings = settings
        self._stop = stop
        self._reader = WholeReader(settings, "respond-board", (ACTIONS, VERDICTS), self._take, stop)
        self.refused: dict[Place, str] = {}
        self._verdicts: dict[Place, Verdict | VerdictClosed] = {}
        self.follow, self.catch_up, self.reach = self._reader.follow, self._reader.catch_up, self._reader.reach

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.__exit__()

    def verdict(self, uid: str) -> Verdict | VerdictClosed | None:
        """Return the last word of a verdict, None where there is none yet."""
        last = self.board.verdicts.get(uid)
        if last is None:
            return None
        if last.place not in self._verdicts:
            if len(self._verdicts) >= MAX_CACHED:
                self._verdicts.clear()
            value = fetch(self._settings, VERDICTS, *last.place)
            self._verdicts[last.place] = verdict_from_ocsf(ocsf.decode(value))
        return self._verdicts[last.place]

    def approvals(self) -> Iterator[tuple[Approval, Place]]:
        """Yield all that is on the topic of approvals by now, what cannot be read left out."""
        found: list[KafkaMessage] = []
        with WholeReader(self._settings, "respond-approvals", (APPROVALS,), found.append, self._stop) as reader:
            reader.catch_up()
        for message in found:
            try:
                yield approval_from_json(message.value() or b""), place_of(message)
            except InvalidRecord:
                continue  # it has been told of, as a dead letter

    def _take(self, message: KafkaMessage) -> None:
        place = place_of(message)
        try:
            if (message.topic() or "").endswith(ACTIONS):
                self._take_action(message, place)
            else:
                self.board.take_verdict(verdict_from_ocsf(ocsf.decode(message.value() or b"")), place)
        except (InvalidRecord, ValueError):
            return  # who has the partition tells of it

    def _take_action(self, message: KafkaMessage, place: Place) -> None:
        why = self.board.take_action(action_of(message), place, message.timestamp()[1], is_own=is_own(message))
        if why:
            self.refused[place] = why
        if len(self.refused) > MAX_REFUSED:
            self.refused.pop(next(iter(self.refused)))


def place_of(message: KafkaMessage) -> Place:
    """Return where a record is."""
    return Place(message.partition() or 0, message.offset() or 0)


def action_of(message: KafkaMessage) -> Action:
    """Read a record of `actions`; raise InvalidRecord or ValueError when it is none."""
    return action_from_ocsf(ocsf.decode(message.value() or b""))


def is_own(message: KafkaMessage) -> bool:
    """Tell whether respond wrote a record, as far as its headers say."""
    return header(message, SOURCE_HEADER) == OWN
