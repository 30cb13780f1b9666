"""Ask services about an observable: through the gate, the cache, the rate and the breaker of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

import orjson

from enrichers.lookups.cache import ReputationCache
from enrichers.lookups.gate import Gate, Question
from enrichers.lookups.limits import Breaker, TokenBuckets
from enrichers.lookups.provider import Provider
from enrichers.lookups.reputation import NoReputation, Reputation
from enrichers.secrets import Secret
from enrichers.web import OK, Answer, Limits, Sleep, Unanswered, Web

# A lookup is one small document, and somebody waits for it.
LIMITS: Final = Limits(
    connect_s=2.0, read_s=4.0, total_s=8.0, max_bytes=1024 * 1024, tries=2, backoff_s=0.25, longest_wait_s=2.0
)
PATIENCE_S: Final = 2.0  # what a question may wait for its turn
SLOTS: Final = 2  # questions to one service at a time: with LIMITS they bound memory, and no service holds up another
NO_KEY: Final = Secret("")
RESTING: Final = "it failed time after time, or asked for it, and is left alone for a while"
_BARRED: Final = frozenset({401, 402, 403})


class Clocks(NamedTuple):
    """Where the time comes from: only whoever runs all this reads a clock.

    Attributes:
        now: The time, ms: for what is kept on disk.
        monotonic: Seconds that never jump: for rates and breakers.
    """

    now: Callable[[], int]
    monotonic: Callable[[], float]


@dataclass(slots=True)
class Tally:
    """How a service did.

    Attributes:
        answered: Questions that it answered.
        remembered: Questions that the cache answered for it.
        failed: Questions without an answer.
        why: Why the last of these had none; empty when the last question had one.
    """

    answered: int = 0
    remembered: int = 0
    failed: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A provider, and the state of asking it."""

    provider: Provider
    key: Secret
    buckets: TokenBuckets
    breaker: Breaker = field(default_factory=Breaker)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SLOTS))
    tally: Tally = field(default_factory=Tally)

    @property
    def name(self) -> str:
        """Return the name of the provider."""
        return self.provider.name

    def failed(self, why: str) -> NoReputation:
        """Note a question without an answer, and return why it has none."""
        self.tally.failed, self.tally.why = self.tally.failed + 1, why
        return NoReputation(self.name, why)


class Lookups:
    """Ask all configured services. For one event loop; never for the stream."""

    def __init__(
        self,
        providers: Iterable[tuple[Provider, Secret]],
        gate: Gate,
        cache: ReputationCache,
        web: Web,
        clocks: Clocks,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Prepare.

        Args:
            providers: The services, each with its key; NO_KEY where none is needed.
            gate: Decides what may be asked at all.
            cache: Remembers answers.
            web: Asks over HTTP.
            clocks: The times.
            sleep: Waits for seconds.
        """
        self._services = [Service(provider, key, TokenBuckets(provider.rates)) for provider, key in providers]
        self._gate = gate
        self._cache = cache
        self._web = web
        self._clocks = clocks
        self._sleep = sleep
        self._turns: WeakValueDictionary[tuple[str, Question], asyncio.Lock] = WeakValueDictionary()

    @property
    def tallies(self) -> Mapping[str, Tally]:
        """Return how each service did, by name."""
        return {service.name: service.tally for service in self._services}

    def admit(self, kind: str, value: str) -> Question | NoReputation:
        """Return the question that may be asked about an observable, or why none may."""
        return self._gate.admit(kind, value)

    def services_for(self, question: Question) -> list[Service]:
        """Return the services that know such observables."""
        return [service for service in self._services if question.kind in service.provider.calls]

    async def ask(self, kind: str, value: str) -> tuple[Reputation | NoReputation, ...]:
        """Return what each service that knows such observables says, or why its word is missing.

        Args:
            kind: `reputation.ADDRESS`, `DOMAIN` or `HASH`.
            value: The observable. One of one's own is asked about nowhere: one NoReputation says so.
        """
        question = self.admit(kind, value)
        if isinstance(question, NoReputation):
            return (question,)
        services = self.services_for(question)
        return tuple(await asyncio.gather(*(self.ask_one(service, question) for service in services)))

    async def ask_one(self, service: Service, question: Question) -> Reputation | NoReputation:
        """Return what one service says; cancelling it counts as a failure of the service that was too slow.

        Of several who ask the same at a time, one asks and the others find what it was told.
        """
        turn = self._turns.setdefault((service.name, question), asyncio.Lock())
        async with turn:
            return await self._ask_one(service, question)

    async def _ask_one(self, service: Service, question: Question) -> Reputation | NoReputation:
        known = self._cache.get(service.name, question, self._clocks.now())
        if known is not None:
            service.tally.remembered += 1
            return known
        if service.provider.key_header and not service.key:
            return service.failed("no key is configured")
        async with service.slots:
            if not service.breaker.allows(self._clocks.monotonic()):
                return service.failed(RESTING)
            if not await self._turn(service):
                return service.failed("its rate is used up")
            found = await self._fetched(service, question)
        if isinstance(found, Reputation):
            service.tally.answered, service.tally.why = service.tally.answered + 1, ""
            self._cache.put(found, question, found.asked + service.provider.ttl_s * 1000)
        return found

    async def _turn(self, service: Service) -> bool:
        """Wait for a question within the rate; tell whether there was one before patience ended."""
        until = self._clocks.monotonic() + PATIENCE_S
        while wait := service.buckets.take(now := self._clocks.monotonic()):
            if now + wait > until:
                return False
            await self._sleep(wait)
        return True

    async def _fetched(self, service: Service, question: Question) -> Reputation | NoReputation:
        try:
            answer = await self._web.get(service.provider.request(question, service.key))
        except asyncio.CancelledError:
            service.breaker.failed(self._clocks.monotonic())
            raise
        if isinstance(answer, Unanswered):
            service.breaker.failed(self._clocks.monotonic(), answer.retry_after_s)
            return service.failed(answer.reason)
        return self._read(service, question, answer)

    def _read(self, service: Service, question: Question, answer: Answer) -> Reputation | NoReputation:
        provider, now = service.provider, self._clocks.now()
        if answer.status in provider.unknown:
            service.breaker.succeeded()
            return Reputation(provider.name, asked=now)
        if answer.status != OK:
            if answer.status in _BARRED:  # any other status is about this question, not about the service
                service.breaker.failed(self._clocks.monotonic())
            return service.failed(f"it answered {answer.status}")
        try:
            told = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            service.breaker.failed(self._clocks.monotonic())
            return service.failed("its answer is not JSON")
        service.breaker.succeeded()
        return replace(provider.read(provider.name, question.kind, told), asked=now)
