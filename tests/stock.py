"""A page of the AI SDK's own class, by hand: for tests that look at single frames of `/v1/ai-sdk`.

It is as strict as the vendor's class: every frame needs a string `requestId`, and the chunks of a request are numbered
from 0 without a gap.
"""

from itertools import count
from typing import Any

from tests.listening import Listening
from tests.wire import Frame, post, question

_ids = count(1)


class StockPage(Listening):
    """One websocket of the vendor's class.

    Args:
        url: of the server.
        token: of the user, for `Authorization`; None lets the rest prove it, or nothing.
        query: of the address.
        origin: the Origin header.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        query: str = "",
        origin: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        signed = {} if token is None else {"authorization": f"Bearer {token}"}
        super().__init__(url, "/v1/ai-sdk" + query, origin=origin, headers=(headers or {}) | signed)
        self._next: dict[str, int] = {}

    async def send(self, chat_id: str, text: str = "Hello?", **fields: Any) -> str:
        """Send a question; return its request id. `options` goes into the body."""
        request_id = f"req_{next(_ids)}"
        body = {"options": fields.pop("options")} if "options" in fields else {}
        frame = {"type": "send", "requestId": request_id, "id": chat_id, "trigger": "submit-message"}
        await self.raw(frame | {"messages": [question(text)], "headers": {}, "body": body} | fields)
        return request_id

    async def resume(self, chat_id: str) -> str:
        """Ask for what is being written; return the request id."""
        request_id = f"req_{next(_ids)}"
        await self.raw({"type": "resume", "requestId": request_id, "id": chat_id, "headers": {}, "body": {}})
        return request_id

    async def abort(self, request_id: str) -> None:
        """Abort a request."""
        await self.raw({"type": "abort", "requestId": request_id})

    async def answered(self, request_id: str) -> Frame:
        """The frame that ends a request."""
        return await self.until(
            lambda got: got["requestId"] == request_id and got["type"] in ("end", "error", "no-active")
        )

    async def reads(self, request_id: str, characters: int = 1) -> None:
        """Wait until so much text of an answer is here."""
        await self.until(lambda _: len(self.text(request_id)) >= characters)

    def chunks(self, request_id: str) -> list[Frame]:
        """The chunks of a request so far."""
        return [got["chunk"] for got in self.frames if got["requestId"] == request_id and got["type"] == "chunk"]

    def text(self, request_id: str) -> str:
        """The text of an answer so far."""
        return "".join(chunk["delta"] for chunk in self.chunks(request_id) if chunk["type"] == "text-delta")

    async def closed(self, within: float = 20.0) -> tuple[int, str]:
        """Wait until the server has closed the socket; return the close code and the reason."""
        return await self._over(within), self.socket.close_reason or ""

    async def _take(self, frame: Frame) -> None:
        assert isinstance(frame["requestId"], str)
        if frame["type"] == "chunk":
            assert frame["sequence"] == self._next.get(frame["requestId"], 0), "a gap closes the vendor's socket"
            self._next[frame["requestId"]] = frame["sequence"] + 1
        await super()._take(frame)


def ticket(url: str, token: str) -> str:
    """Make a ticket."""
    return str(post(url, "/v1/auth/ticket", authorization=f"Bearer {token}")["ticket"])
