"""Cancellation: letting a step end before the caller's cancellation goes on."""

import asyncio
from typing import Any


async def settle(future: asyncio.Future[Any], *, patience: float | None = None) -> asyncio.CancelledError | None:
    """Wait until `future` is done, though this task be cancelled meanwhile.

    Args:
        future: what to wait for; it is never cancelled from here, and its result stays with the caller.
        patience: seconds after which to give up, leaving it undone.

    Returns:
        The cancellation that arrived, which the caller must raise once it has put things in order.
    """
    clock = asyncio.get_running_loop().time
    end = None if patience is None else clock() + patience
    cancelled = None
    while not future.done():
        left = None if end is None else end - clock()
        if left is not None and left <= 0:
            break
        try:
            await asyncio.wait([future], timeout=left)
        except asyncio.CancelledError as error:
            cancelled = error
    return cancelled
