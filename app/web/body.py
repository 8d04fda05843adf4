"""Reads the body of a request, within bounds of size and time."""

import asyncio
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request

from protocol.errors import Refusal

# A client that is refused while it sends may see a broken connection instead of the reason. So this much is let pass by
# before it is told.
MOST_IGNORED = 32 * 1024 * 1024

# Says why a number of bytes is too many.
TooLarge = Callable[[int], Refusal | None]


class Unread(Refusal):
    """A refusal while more of the body is coming: the connection is closed behind it, or that would go on for ever."""


async def read_body(request: Request, *, too_large: TooLarge, seconds: float) -> bytes:
    """Read a whole body.

    Args:
        too_large: judges what the request announces, and then what has come.
        seconds: whoever takes longer holds a connection on purpose.

    Raises:
        Refusal: `timeout`, or what `too_large` says.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _read(request, too_large)
    except TimeoutError:
        raise Unread("timeout", "The body did not arrive in time.") from None
    except ClientDisconnect:
        raise Unread("timeout", "The body did not arrive.") from None  # said to nobody


async def _read(request: Request, too_large: TooLarge) -> bytes:
    body, ignored = bytearray(), 0
    refusal = too_large(_announced(request))
    async for piece in request.stream():
        refusal = refusal or too_large(len(body) + len(piece))
        if refusal is None:
            body += piece
        elif (ignored := ignored + len(piece)) > MOST_IGNORED:
            raise Unread(refusal.code, str(refusal))
    if refusal is not None:
        raise refusal
    return bytes(body)


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0
