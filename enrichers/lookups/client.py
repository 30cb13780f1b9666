"""Ask services about an observable: through the gate, the cache, the rate and the breaker of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

import orjson

from enrichers.lookups.cache import ReputationCache
from enrichers.lookups.gate import Gate, Question
from enrichers.lookups.limits import Breaker, TokenBuckets
from enrichers.lookups.provider import Provider
from enrichers.lookups.reputation import NoReputation, Reputation
from enrichers.secrets import Secret
from enrichers.web import OK, Limits, Sleep, Unanswered, Web

# A lookup is one small document, and somebody waits for it.
LIMITS: Final = Limits(connect_s=3.0, read_s=5.0, total_s=10.0, max_bytes=4 * 1024 * 1024, longest_wait_s=10.0)
PATIENCE_S: Final = 15.0  # what a question may wait for its turn
NO_KEY: Final = Secret("")
_BARRED: Final = frozenset({401, 402, 403})


class Clocks(NamedTuple):
    """Where the time comes from: only whoever runs all this reads a clock.

    Attributes:
        now: The time, ms: for what is kept on disk.
        monotonic: Seconds that never jump: for rates and breakers.
    """

    now: Callable[[], int]
    monotonic: Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Service:
    provider: Provider
    key: Secret
    buckets: TokenBuckets
    breaker: Breaker


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
        self._services = [
            _Service(provider, key, TokenBuckets(provider.rates), Breaker()) for provider, key in providers
        ]
        self._gate = gate
        self._cache = cache
        self._web = web
        self._clocks = clocks
        self._sleep = sleep

    async def ask(self, kind: str, value: str) -> tuple[Reputation | NoReputation, ...]:
        """Return what each service that knows such observables says, or why its word is missing.

        Args:
            kind: `reputation.ADDRESS`, `DOMAIN` or `HASH`.
            value: The observable. One of one's own is asked about nowhere: one NoReputation says so.
        """
        question = self._gate.admit(kind, value)
        if isinstance(question, NoReputation):
            return (question,)
        services = [service for service in self._services if kind in service.provider.calls]
        return tuple(await asyncio.gather(*(self._of(service, question) for service in services)))

    async def _of(self, service: _Service, question: Question) -> Reputation | NoReputation:
        name = service.provider.name
        known = self._cache.get(name, question, self._clocks.now())
        if known is not None:
            return known
        if service.provider.key_header and not service.key:
            return NoReputation(name, "no key is configured")
        if not service.breaker.allows(self._clocks.monotonic()):
            return NoReputation(name, "it failed time after time and is left alone for a while")
        if not await self._turn(service):
            return NoReputation(name, "its rate is used up")
        found = await self._fetched(service, question)
        if isinstance(found, Reputation):
            self._cache.put(found, question, self._clocks.now() + service.provider.ttl_s * 1000)
        return found

    async def _turn(self, service: _Service) -> bool:
        """Wait for a question within the rate; tell whether there was one before patience ended."""
        until = self._clocks.monotonic() + PATIENCE_S
        while wait := service.buckets.take(now := self._clocks.monotonic()):
            if now + wait > until:
                return False
            await self._sleep(wait)
        return True

    async def _fetched(self, service: _Service, question: Question) -> Reputation | NoReputation:
        provider = service.provider
        answer = await self._web.get(provider.request(question, service.key))
        if isinstance(answer, Unanswered):
            service.breaker.failed(self._clocks.monotonic())
            return NoReputation(provider.name, answer.reason)
        if answer.status in provider.unknown:
            service.breaker.succeeded()
            return Reputation(provider.name)
        if answer.status != OK:
            if answer.status in _BARRED:  # any other status is about this question, not about the service
                service.breaker.failed(self._clocks.monotonic())
            return NoReputation(provider.name, f"it answered {answer.status}")
        try:
            told = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            service.breaker.failed(self._clocks.monotonic())
            return NoReputation(provider.name, "its answer is not JSON")
        service.breaker.succeeded()
        return provider.read(provider.name, question.kind, told)
