"""A real local HTTP server that speaks the Messages API's SSE, faults included.

    async with FakeAnthropic() as server:
        server.script(answer("Hello"), cut(after=3))     # for the next two requests; then `server.default` again
        ...                                              # point an SDK at server.url
        await server.requests[1].closed.wait()           # when did the client let go?

A request that the API itself would refuse is answered with its 400 (`anthropic_rules`), and uses up no script.

Requests for a chat's title (their system prompt begins with TITLE_PROMPT) are answered by `server.title` and recorded
in `server.titles`, so they never use up a script.

Also a program: `python -m tests.fake_anthropic --port 0 --pace 200 --tokens 2000` prints its URL and serves.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Self

from tests.anthropic_rules import SIGNATURE, problem

TITLE_PROMPT = "Name this chat"
_numbers = count(1)
WORDS = ("The", " tide", " comes", " in", " and", " goes", " out", ",", " twice", " a", " day", ".\n")


@dataclass(eq=False)
class Request:
    """One request as it came, and what became of its connection; times are `time.monotonic()` seconds."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    received_at: float = field(default_factory=time.monotonic)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    closed_at: float | None = None
    completed: bool = False  # the whole response was written before the connection closed
    tokens: int = 0  # text deltas written so far

    def _close(self) -> None:
        self.closed_at = time.monotonic()
        self.closed.set()


class Exchange:
    """What a behaviour answers one request with."""

    def __init__(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self.request = request
        self._writer = writer

    async def head(self, status: int, content_type: str, *, length: int | None = None, **headers: str) -> None:
        framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
        lines = [f"HTTP/1.1 {status} Scripted", f"content-type: {content_type}", framing, "request-id: req_fake"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join((*lines, "", "")).encode())
        await self._writer.drain()

    async def whole(self, status: int, content_type: str, body: bytes, **headers: str) -> None:
        await self.head(status, content_type, length=len(body), **headers)
        self._writer.write(body)
        await self._writer.drain()

    async def raw(self, data: bytes) -> None:
        self._writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self._writer.drain()

    async def event(self, kind: str, **fields: Any) -> None:
        await self.raw(encode_event(kind, **fields))

    async def end(self) -> None:
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    def cut(self, announced: bytes = b"") -> None:
        """Reset the connection, after bytes that promise more."""
        if announced:
            self._writer.write(announced)
        self._writer.transport.abort()


Behaviour = Callable[[Exchange], Awaitable[None]]


def encode_event(kind: str, **fields: Any) -> bytes:
    data = json.dumps({"type": kind, **fields}, ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()


@dataclass(frozen=True)
class answer:  # noqa: N801 - reads as a verb where it is scripted
    """A whole answer; `tokens` are its deltas, `pace` how many a second (0 = at once)."""

    tokens: str | Sequence[str] = "Hello from the fake."
    pace: float = 0
    thinking: Sequence[str] = ()
    tools: Sequence[tuple[str, Sequence[str]]] = ()  # of each call its name, and pieces of its input's JSON
    redacted: bool = False  # thinks something that nobody may read
    stop_reason: str = "end_turn"
    between: Sequence[bytes] = ()  # raw SSE bytes after the first delta

    async def __call__(self, exchange: Exchange) -> None:
        await self.begin(exchange)
        await self.blocks(exchange)
        await finish(exchange, self.stop_reason)

    async def begin(self, exchange: Exchange) -> None:
        await exchange.head(200, "text/event-stream; charset=utf-8")
        usage = {"input_tokens": 11, "output_tokens": 1, "cache_read_input_tokens": 5}
        message = {"id": "msg_fake", "type": "message", "role": "assistant", "content": [], "model": "fake"}
        await exchange.event("message_start", message={**message, "stop_reason": None, "usage": usage})
        await exchange.event("ping")

    async def blocks(self, exchange: Exchange) -> None:
        index = 0
        if self.thinking:
            await exchange.event(
                "content_block_start", index=index, content_block={"type": "thinking", "thinking": "", "signature": ""}
            )
            await self.deltas(exchange, index, "thinking_delta", "thinking", self.thinking)
            await exchange.event(
                "content_block_delta", index=index, delta={"type": "signature_delta", "signature": f"{SIGNATURE}1"}
            )
            await exchange.event("content_block_stop", index=index)
            index += 1
        if self.redacted:
            redacted = {"type": "redacted_thinking", "data": "cmVkYWN0ZWQ="}
            await exchange.event("content_block_start", index=index, content_block=redacted)
            await exchange.event("content_block_stop", index=index)
            index += 1
        if self.tokens:
            await exchange.event("content_block_start", index=index, content_block={"type": "text", "text": ""})
            pieces = [self.tokens] if isinstance(self.tokens, str) else self.tokens
            await self.deltas(exchange, index, "text_delta", "text", pieces)
            await exchange.event("content_block_stop", index=index)
            index += 1
        for name, pieces in self.tools:
            block = {"type": "tool_use", "id": f"toolu_{next(_numbers)}", "name": name, "input": {}}
            await exchange.event("content_block_start", index=index, content_block=block)
            await self.deltas(exchange, index, "input_json_delta", "partial_json", pieces)
            await exchange.event("content_block_stop", index=index)
            index += 1

    async def deltas(self, exchange: Exchange, index: int, kind: str, name: str, pieces: Iterable[str]) -> None:
        began = time.monotonic()
        for i, piece in enumerate(pieces):
            if self.pace and (wait := began + i / self.pace - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            await exchange.event("content_block_delta", index=index, delta={"type": kind, name: piece})
            exchange.request.tokens += kind == "text_delta"
            if i == 0:
                for between in self.between:
                    await exchange.raw(between)


async def finish(exchange: Exchange, stop_reason: str) -> None:
    usage = {"output_tokens": max(1, exchange.request.tokens)}
    await exchange.event("message_delta", delta={"stop_reason": stop_reason, "stop_sequence": None}, usage=usage)
    await exchange.event("message_stop")
    await exchange.end()


def long_answer(tokens: int, pace: float) -> Behaviour:
    """As many words as asked for, at most the request's `max_tokens`, at a pace."""

    async def behave(exchange: Exchange) -> None:
        allowed = min(tokens, exchange.request.body["max_tokens"])
        pieces = [WORDS[i % len(WORDS)] for i in range(allowed)]
        await answer(pieces, pace, stop_reason="end_turn" if allowed == tokens else "max_tokens")(exchange)

    return behave


def status(code: int, kind: str = "api_error", message: str = "scripted", **headers: str) -> Behaviour:
    """An error before the stream, as the API words it."""
    body = json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()

    async def behave(exchange: Exchange) -> None:
        await exchange.whole(code, "application/json", body, **headers)

    return behave


def page(body: bytes = b"<html><h1>Welcome to the hotel</h1></html>", content_type: str = "text/html") -> Behaviour:
    """A 200 that is no stream: a captive portal, or a JSON body."""

    async def behave(exchange: Exchange) -> None:
        await exchange.whole(200, content_type, body)

    return behave


def _after(after: int, then: Callable[[Exchange], Awaitable[None]]) -> Behaviour:
    # Begins a text, writes `after` deltas (with 0 nothing but message_start), then goes wrong.
    async def behave(exchange: Exchange) -> None:
        normal = answer()
        await normal.begin(exchange)
        if after:
            await exchange.event("content_block_start", index=0, content_block={"type": "text", "text": ""})
            pieces = [WORDS[i % len(WORDS)] for i in range(after)]
            await normal.deltas(exchange, 0, "text_delta", "text", pieces)
        await then(exchange)

    return behave


def error_event(kind: str = "overloaded_error", after: int = 0, message: str = "scripted") -> Behaviour:
    """An error event in the middle of a stream, where the status is long said."""
    return _after(after, lambda exchange: exchange.event("error", error={"type": kind, "message": message}))


def cut(after: int = 0) -> Behaviour:
    """The connection is reset."""

    async def then(exchange: Exchange) -> None:
        await asyncio.sleep(0.02)  # lets what was written arrive before the reset throws it away
        exchange.cut()

    return _after(after, then)


def half_event(after: int = 0) -> Behaviour:
    """The connection ends within an event, and within a chunk of HTTP."""

    async def then(exchange: Exchange) -> None:
        exchange._writer.write(b'ffff\r\nevent: content_block_delta\ndata: {"type": "content_bl')
        await exchange._writer.drain()
        exchange._writer.close()

    return _after(after, then)


def early_end(after: int = 0) -> Behaviour:
    """HTTP ends cleanly, but the message does not."""
    return _after(after, lambda exchange: exchange.end())


def garbage(data: bytes, after: int = 0) -> Behaviour:
    """Bytes that are no event: broken JSON, broken UTF-8."""

    async def then(exchange: Exchange) -> None:
        await exchange.raw(data)
        await finish(exchange, "end_turn")

    return _after(after, then)


def silent(after: int | None = None) -> Behaviour:
    """Nothing more comes; with `after` None not even the headers."""

    async def for_ever(exchange: Exchange) -> None:
        await asyncio.Event().wait()

    return for_ever if after is None else _after(after, for_ever)


def pings(after: int = 0, every: float = 0.02) -> Behaviour:
    """Nothing but pings comes."""

    async def for_ever(exchange: Exchange) -> None:
        while True:
            await exchange.event("ping")
            await asyncio.sleep(every)

    return _after(after, for_ever)


class FakeAnthropic:
    """Answers `POST /v1/messages` on a port of the system's choice."""

    def __init__(self, default: Behaviour | None = None, *, port: int = 0) -> None:
        self.default: Behaviour = default or answer()
        self.title: Behaviour = answer("A short title")
        self.requests: list[Request] = []
        self.titles: list[Request] = []
        self.refused: list[str] = []
        self._scripts: list[Behaviour] = []
        self._port = port
        self._connections: set[asyncio.Task[None]] = set()
        self._arrived = asyncio.Condition()

    def script(self, *behaviours: Behaviour) -> None:
        """Say how the next requests are answered, one behaviour each."""
        self._scripts.extend(behaviours)

    async def arrived(self, count: int) -> Request:
        """Wait until that many requests (titles not counted) have come; return the last of them."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)
        return self.requests[count - 1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        connection = _Connection(reader, writer)
        try:
            while request := await connection.read():
                await connection.answer(request, await self._choose(request))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client let go, or the test is over: what a fake is for
        finally:
            connection.close()
            self._connections.discard(task)

    async def _choose(self, request: Request) -> Behaviour:
        if request.path != "/v1/messages":
            return status(404, "not_found_error")
        if (refused := problem(request.body)) is not None:
            self.refused.append(refused)
            return status(400, "invalid_request_error", refused)
        if str(request.body.get("system", "")).startswith(TITLE_PROMPT):
            self.titles.append(request)
            return self.title
        async with self._arrived:
            self.requests.append(request)
            self._arrived.notify_all()
        return self._scripts.pop(0) if self._scripts else self.default


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ahead = b""  # a byte of the next request, read while waiting for the end
        self._requests: list[Request] = []

    async def read(self) -> Request | None:
        try:
            head = self._ahead + await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.decode("latin-1").strip().split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        request = Request(method, path, headers, json.loads(body) if body else None)
        self._requests.append(request)
        return request

    async def answer(self, request: Request, behaviour: Behaviour) -> None:
        """Run the behaviour until it is done or the client lets go."""
        answering = asyncio.ensure_future(behaviour(Exchange(request, self._writer)))
        next_byte = asyncio.ensure_future(self._reader.read(1))
        try:
            await asyncio.wait((answering, next_byte), return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                answering.result()
                request.completed = True
            if next_byte.done():
                self._ahead = next_byte.result()
                if not self._ahead:
                    raise ConnectionResetError("the client let go")
        finally:
            for task in (answering, next_byte):
                task.cancel()
            await asyncio.gather(answering, next_byte, return_exceptions=True)

    def close(self) -> None:
        for request in self._requests:
            request._close()
        self._writer.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description="A local server that speaks the Messages API's SSE.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pace", type=float, default=200, help="tokens per second, 0 = as fast as possible")
    parser.add_argument("--tokens", type=int, default=2000, help="length of each answer")
    args = parser.parse_args()
    async with FakeAnthropic(long_answer(args.tokens, args.pace), port=args.port) as server:
        print(server.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        raise SystemExit(0) from None
