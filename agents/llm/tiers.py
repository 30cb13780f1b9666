"""The models that there are: a small one for the first pass, and maybe a large one for what is unsure or grave."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agents.llm.budget import Charge, Ledger, Purse
from agents.llm.client import Endpoint
from agents.llm.connection import Connection, Health
from agents.llm.models_file import ModelsFile
from agents.llm.talk import Model
from enrichers.lookups.client import Clocks
from enrichers.web import Jitter, Sleep


@dataclass(frozen=True, slots=True)
class Tiers:
    """The models as one investigation asks them; which of them when, the investigation decides.

    Attributes:
        first: Asked first.
        second: Asked when the first is unsure or the risk is high; None when there is none.
    """

    first: Model
    second: Model | None = None

    @property
    def all(self) -> tuple[Model, ...]:
        """Return them, in the order in which they are asked."""
        return (self.first,) if self.second is None else (self.first, self.second)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the endpoints, each once."""
        return tuple(dict.fromkeys(model.name for model in (self.first, self.second) if model))


class Models:
    """All endpoints of a file and the ledger they share, for one event loop. Close it after use."""

    def __init__(
        self,
        file: ModelsFile,
        environment: Mapping[str, str],
        clocks: Clocks,
        jitter: Jitter,
        sleep: Sleep = asyncio.sleep,
        charges: Iterable[Charge] = (),
    ) -> None:
        """Prepare the endpoints of the tiers.

        Args:
            file: What is configured.
            environment: The variables of the process, where keys may be.
            clocks: The times.
            jitter: Returns numbers from 0 to 1.
            sleep: Waits for seconds.
            charges: What was taken before a restart, as the journal tells it.

        Raises:
            ConfigError: A certificate cannot be read, or a key is missing.
        """
        self._file = file
        self._clocks = clocks
        self.ledger = Ledger(file.budgets, charges)
        self._connections = {
            name: Connection(file.endpoints[name], environment, clocks, jitter, sleep)
            for name in dict.fromkeys(filter(None, (file.first, file.second)))
        }

    def purse(self, case: str) -> Purse:
        """Return the ledger as the investigation of a sequence sees it."""
        return Purse(self.ledger, case, self._clocks.now)

    def tiers(self, case: str) -> Tiers:
        """Return the models as the investigation of a sequence asks them."""
        purse, second = self.purse(case), self._file.second
        first = Endpoint(self._connections[self._file.first], purse)
        return Tiers(first, Endpoint(self._connections[second], purse) if second else None)

    @property
    def health(self) -> tuple[Health, ...]:
        """Return how the endpoints are."""
        return tuple(connection.health for connection in self._connections.values())

    async def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            await connection.close()
