"""A tab that speaks the wire by hand, for tests that look at single frames.

It is strict on purpose: it checks with every chunk that `prev` follows (guarantee 8), folds what it gets, and
answers pings unless a test wants it slow. It knows nothing of reconnecting; the SDK does that.
"""

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import quote

from protocol.parts.fold import Fold
from tests.listening import Frame as Frame
from tests.listening import Listening

_ids = count(1)


def post(url: str, path: str, body: object = None, **headers: str) -> Frame:
    """POST JSON and return the JSON that comes back."""
    request = urllib.request.Request(
        url + path, data=json.dumps(body or {}).encode(), headers={"content-type": "application/json"} | headers
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: Frame = json.load(response)
    return answer


def call(url: str, method: str, path: str, token: str, body: object = None) -> tuple[int, str]:
    """Call any route with a bearer token and a JSON body, or whatever bytes; return its status and its text."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url + path, data, headers, method=method), timeout=10
        ) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def upload(url: str, token: str, body: bytes, media_type: str = "", filename: str = "") -> tuple[int, Frame]:
    """Upload a file; return the status and the answer."""
    said = {"content-type": media_type or "application/octet-stream", "x-filename": quote(filename)}
    headers = {"authorization": f"Bearer {token}"} | said
    try:
        with urllib.request.urlopen(urllib.request.Request(url + "/v1/files", body, headers), timeout=10) as got:
            return got.status, json.load(got)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def guest(url: str) -> str:
    """Make a guest and return its token."""
    return str(post(url, "/v1/auth/guest")["token"])


def devices(url: str) -> dict[str, str]:
    """Register somebody on a phone and sign them in on a desk: a token each."""
    account = {"email": f"{secrets.token_hex(8)}@example.org", "password": secrets.token_hex(8)}
    signed_in = {"phone": "register", "desk": "login"}
    return {device: str(post(url, f"/v1/auth/{verb}", account)["token"]) for device, verb in signed_in.items()}


class Refused(Exception):  # noqa: N818 - it is an answer, not a failure
    """A command was answered with an error."""

    def __init__(self, error: Frame) -> None:
        super().__init__(error["code"], error["message"])
        self.code: str = error["code"]
        self.error = error


@dataclass
class Followed:
    """What a tab has of one stream."""

    last: int
    fold: Fold = field(default_factory=Fold)
    frames: list[Frame] = field(default_factory=list)
    end: Frame | None = None

    @property
    def text(self) -> str:
        """The text shown so far."""
        return "".join(part["text"] for part in self.fold.parts if part["type"] == "text")


class Tab(Listening):
    """One websocket.

    Args:
        url: of the server.
        token: of the user; None lets the handshake prove it, or nothing.
        origin: the Origin header.
        answers_pings: a tab that does not is slow.
        folds: a tab that does not only keeps the frames, for tests that read one stream in many ways.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        origin: str | None = None,
        answers_pings: bool = True,
        folds: bool = True,
        headers: dict[str, str] | None = None,
        subprotocols: tuple[str, ...] = ("tidewire.v1",),
    ) -> None:
        super().__init__(url, "/v1/socket", origin=origin, headers=headers, subprotocols=subprotocols)
        self.token = token
        self.client_id = f"tab_{next(_ids)}"
        self.streams: dict[str, Followed] = {}
        self.answers_pings = answers_pings
        self.folds = folds

    async def send(self, frame: Frame | str | bytes) -> None:
        """Send a frame, or anything else."""
        await self.raw(frame)

    async def hello(self, **fields: Any) -> Frame:
        """Say hello and return the welcome; this tab can allow tools, and run those of a client."""
        frame = {"type": "hello", "id": f"hello_{next(_ids)}", "clientId": self.client_id, "token": self.token}
        frame |= {"capabilities": ["tools"]} | fields
        for position in fields.get("streams", ()):
            self.streams.setdefault(position["streamId"], Followed(position["after"])).last = position["after"]
        await self.send(frame)
        return await self.until(lambda got: got["type"] == "welcome")

    async def command(self, kind: str, *, id: str | None = None, **fields: Any) -> Frame:  # noqa: A002 - the wire's name
        """Send a command and return its ack; raise `Refused` on an error."""
        frame = {"type": kind, "id": id or f"cmd_{next(_ids)}_{self.client_id}"} | fields
        seen = len(self.frames)
        await self.send(frame)
        answer = await self.until(
            lambda got: got["type"] in ("ack", "error") and got.get("id") == frame["id"], since=seen
        )
        if answer["type"] == "error":
            raise Refused(answer["error"])
        return answer

    async def shows(self, chat_id: str | None, visibility: str = "visible") -> None:
        """Say what this tab shows, and wait until the server has read it."""
        await self.send({"type": "presence.update", "visibility": visibility, "chatId": chat_id})
        await self.settled()

    async def ask(self, chat_id: str, text: str = "Hello?", *, id: str | None = None, **fields: Any) -> Frame:  # noqa: A002
        """Send a question; return the `GenerationResult`."""
        message = {"id": f"q_{next(_ids)}_{self.client_id}", "role": "user", "parts": [{"type": "text", "text": text}]}
        ack = await self.command("message.send", id=id, **({"chatId": chat_id, "message": message} | fields))
        result: Frame = ack["result"]
        return result

    async def refused(self, kind: str, **fields: Any) -> Frame:
        """Send a command that must be refused; return its error."""
        try:
            await self.command(kind, **fields)
        except Refused as refusal:
            return refusal.error
        raise AssertionError(f"{kind} was carried out")

    async def answer(self, command_id: str) -> Frame:
        """Wait for the ack or error of a command that was sent before."""
        return await self.until(lambda got: got["type"] in ("ack", "error") and got.get("id") == command_id)

    async def event(self, name: str, *, since: int = 0, **data: Any) -> Frame:
        """Wait for an event of this name whose data has these fields."""

        def wanted(got: Frame) -> bool:
            is_named = got["type"] == "event" and got["name"] == name
            return is_named and all(got["data"].get(field) == value for field, value in data.items())

        return await self.until(wanted, since=since)

    async def asked(self, stream_id: str, count: int = 1) -> list[Frame]:
        """Wait until an answer has asked so often whether a tool may run; return the chunks that ask."""

        def requests() -> list[Frame]:
            frames = self.streams[stream_id].frames if stream_id in self.streams else []
            chunks = [chunk for frame in frames for chunk in frame["chunks"]]
            return [chunk for chunk in chunks if chunk["type"] == "tool-approval-request"]

        await self.until(lambda _: len(requests()) >= count)
        return requests()

    async def settled(self) -> None:
        """Wait until everything the server wrote so far has come."""
        ping = f"ping_{next(_ids)}"
        await self.send({"type": "ping", "id": ping})
        await self.until(lambda got: got["type"] == "pong" and got["id"] == ping)

    async def follow(self, stream_id: str, after: int = 0) -> Frame:
        """Subscribe after a position; what the tab has of the stream starts anew when that is 0."""
        if after == 0:
            self.streams[stream_id] = Followed(0)
        ack = await self.command("stream.subscribe", streamId=stream_id, after=after)
        result: Frame = ack["result"]
        return result

    async def ended(self, stream_id: str) -> Frame:
        """Wait for the end of a stream."""
        return await self.until(lambda got: got["type"] == "stream.end" and got["streamId"] == stream_id)

    async def history(self, chat_id: str) -> list[Frame]:
        """Read the stored messages of a chat."""
        messages: list[Frame] = (await self.command("chat.get", chatId=chat_id))["result"]["messages"]
        return messages

    async def reached(self, stream_id: str, seq: int) -> None:
        """Wait until the stream is known up to this number."""
        await self.until(lambda _: stream_id in self.streams and self.streams[stream_id].last >= seq)

    async def closed(self, within: float = 20.0) -> int:
        """Wait until the server has closed the socket; return the close code."""
        return await self._over(within)

    async def caught_up(self) -> None:
        """Answer the ping that waits, and every later one: a slow tab becomes a quick one."""
        self.answers_pings = True
        pings = self.of_type("ping")
        if pings:
            await self.send({"type": "pong", "id": pings[-1]["id"]})

    async def fatal(self) -> tuple[str, int]:
        """The code of the fatal error that ends this connection, its last frame, and the close code."""
        close = await self.closed()
        assert self.frames[-1]["fatal"] is True
        code: str = self.frames[-1]["error"]["code"]
        return code, close

    def of_type(self, kind: str) -> list[Frame]:
        """All frames of one type so far."""
        return [frame for frame in self.frames if frame["type"] == kind]

    async def _take(self, frame: Frame) -> None:
        if frame["type"] == "stream.chunk" and self.folds:
            self._fold(frame)
        elif frame["type"] == "stream.end":
            self.streams.setdefault(frame["streamId"], Followed(0)).end = frame
        await super()._take(frame)
        if frame["type"] == "ping" and self.answers_pings:
            await self.send({"type": "pong", "id": frame["id"]})

    def _fold(self, frame: Frame) -> None:
        followed = self.streams.setdefault(frame["streamId"], Followed(0))
        if frame["prev"] == 0:
            followed.last, followed.fold = 0, Fold()
        assert frame["prev"] == followed.last, f"a gap: {frame['prev']} after {followed.last} (guarantee 8)"
        followed.last = frame["seq"]
        followed.frames.append(frame)
        for chunk in frame["chunks"]:
            followed.fold.apply(chunk)


@asynccontextmanager
async def opened(url: str, token: str | None = None, **options: Any) -> AsyncIterator[Tab]:
    """A tab that has said hello; of a new guest when there is no token."""
    async with Tab(url, token or guest(url), **options) as tab:
        await tab.hello()
        yield tab


def question(text: str = "Hello?") -> Frame:
    """A user's message."""
    return {"id": f"q_{next(_ids)}", "role": "user", "parts": [{"type": "text", "text": text}]}


def text_of(message: Frame) -> str:
    """The text of a stored message."""
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")
