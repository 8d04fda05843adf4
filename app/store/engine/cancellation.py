"""Cancellation: letting a step end before the caller's cancellation goes on."""

import asyncio
from typing import Any


async def settle(future: asyncio.Future[Any]) -> asyncio.CancelledError | None:
    """Wait until `future` is done, though this task be cancelled meanwhile.

    Returns:
        The cancellation that arrived, which the caller must raise once it has put things in order.
    """
    cancelled = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    return cancelled
