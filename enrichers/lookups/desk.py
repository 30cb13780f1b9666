"""Ask services from any thread: several questions at once, and no longer than somebody can wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from enrichers.background import Background
from enrichers.lookups.cache import ReputationCache
from enrichers.lookups.client import LIMITS, Clocks, Lookups, Tally
from enrichers.lookups.gate import Gate, Question
from enrichers.lookups.provider import Provider
from enrichers.lookups.told import Said, Told, Word
from enrichers.secrets import Secret
from enrichers.web import Jitter, Web, new_client

GLANCE_S: Final = 0.1  # how often a waiting desk looks whether it is to end

Task = asyncio.Task[Said]


class Desk:
    """Ask, and wait a bounded time. For any threads in which no event loop runs."""

    def __init__(
        self, lookups: Lookups, background: Background, clocks: Clocks, is_ending: Callable[[], bool] = lambda: False
    ) -> None:
        """Prepare.

        Args:
            lookups: Asks.
            background: Its event loop: connections last from one question to the next.
            clocks: The times.
            is_ending: Whoever waits is called away when it tells so.
        """
        self._lookups = lookups
        self._background = background
        self._clocks = clocks
        self._is_ending = is_ending

    @property
    def tallies(self) -> Mapping[str, Tally]:
        """Return how each service did, by name."""
        return self._lookups.tallies

    def ask(self, observables: Iterable[tuple[str, str]], most: int, seconds: float) -> Told:
        """Return what all services say of observables; one of one's own, or that none of them knows, is left out.

        Args:
            observables: Kind (`reputation.ADDRESS`, `DOMAIN` or `HASH`) and value of each, what matters most first.
            most: How many are asked about.
            seconds: How long to wait. Whoever has not answered by then is missing.
        """
        admitted = dict.fromkeys(self._lookups.admit(kind, value) for kind, value in observables)
        asked = [one for one in admitted if isinstance(one, Question) and self._lookups.services_for(one)]
        if not asked:
            return Told()
        began = self._clocks.monotonic()
        words = self._background.submit(self._ask(asked[:most], seconds)).result()
        return Told(words, len(asked[most:]), self._clocks.monotonic() - began)

    async def _ask(self, questions: Iterable[Question], seconds: float) -> tuple[Word, ...]:
        asking = [
            (question, service, asyncio.create_task(self._lookups.ask_one(service, question)))
            for question in questions
            for service in self._lookups.services_for(question)
        ]
        late = await self._wait([task for *_, task in asking], seconds)
        why = "whoever asked is ending" if self._is_ending() else f"no answer within {seconds:.3g} s"
        return tuple(
            Word(question, service.failed(why) if task in late else task.result()) for question, service, task in asking
        )

    async def _wait(self, tasks: Iterable[Task], seconds: float) -> frozenset[Task]:
        """Wait for tasks; cancel and return those that do not end in time."""
        left, pending = seconds, set(tasks)
        while pending and left > 0 and not self._is_ending():
            glance = min(left, GLANCE_S)
            _, pending = await asyncio.wait(pending, timeout=glance)
            left -= glance
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending)
        return frozenset(task for task in pending if task.cancelled())


@contextmanager
def open_desk(
    providers: Iterable[tuple[Provider, Secret]],
    gate: Gate,
    cache: Path | None,
    clocks: Clocks,
    jitter: Jitter,
    is_ending: Callable[[], bool] = lambda: False,
) -> Iterator[Desk]:
    """Open a desk, with its cache and its connections, for as long as the context lasts.

    Args:
        providers: The services, each with its key.
        gate: Decides what may be asked at all.
        cache: The file that remembers answers, None to remember them in memory only.
        clocks: The times.
        jitter: Returns numbers from 0 to 1 that spread the tries of many.
        is_ending: Whoever waits is called away when it tells so.

    Raises:
        ConfigError: The cache cannot be opened.
    """
    with ReputationCache(cache) as kept, Background() as background:
        client = background.enter(new_client(LIMITS))
        lookups = Lookups(providers, gate, kept, Web(client, LIMITS, jitter), clocks)
        yield Desk(lookups, background, clocks, is_ending)
