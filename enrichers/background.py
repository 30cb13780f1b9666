"""An event loop in a thread of its own: for what waits on others, asked for by threads that have none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Final, Self, TypeVar

T = TypeVar("T")
CLOSE_SECONDS: Final = 5.0


class Background:
    """Run coroutines beside the caller; a context manager. What still runs at its end is cancelled."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="background", daemon=True)
        self._stack = AsyncExitStack()

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine; cancelling the future cancels it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def enter(self, manager: AbstractAsyncContextManager[T]) -> T:
        """Enter a manager in the loop; it is left at the end."""
        return self.submit(self._stack.enter_async_context(manager)).result()

    def __exit__(self, *_: object) -> None:
        """Cancel what runs, leave what was entered, end the thread."""
        self.submit(self._finish()).result(CLOSE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_SECONDS)
        self._loop.close()

    async def _finish(self) -> None:
        running = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._stack.aclose()
