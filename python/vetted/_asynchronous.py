"""asyncio twins: the work is done on a thread, and it is stopped when the task is cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from vetted._vetted import Cancellation

T = TypeVar("T")


async def on_a_thread(work: Callable[[Cancellation], T]) -> T:
    """Awaits what the work returns, which it is to do until it is cancelled."""
    import asyncio

    cancellation = Cancellation()
    try:
        return await asyncio.get_running_loop().run_in_executor(None, work, cancellation)
    except asyncio.CancelledError:
        cancellation.cancel()
        raise
