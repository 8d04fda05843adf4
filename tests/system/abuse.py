"""What the tests of bad input share: somebody who means no good, and what they send."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.system.server import ServerProcess
from tests.wire import Frame, Tab, opened, question

# In every text that is sent here; no log line may hold it, nor the beginning of a token.
SECRET = "abracadabra"
KIB = 1024


@asynccontextmanager
async def attacker(abused: ServerProcess) -> AsyncIterator[Tab]:
    """Somebody who is signed in and means no good; whatever happens, a later hello of the same user works."""
    async with opened(abused.url) as tab:
        yield tab
    async with opened(abused.url, tab.token) as again:
        await again.settled()


def send(**fields: Any) -> Frame:
    return {"type": "message.send", "id": "c", "chatId": "chat", "message": question(SECRET)} | fields


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth
