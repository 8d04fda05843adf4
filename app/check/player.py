"""Plays the steps of a check on real sockets; `protocol/vectors/README.md` describes each."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from websockets.exceptions import WebSocketException

from app.check.failure import Failure
from app.check.hand import Hand
from app.check.matching import Names
from app.check.reading import Reading
from app.check.socket import Socket
from app.check.verbs import VERBS
from app.check.world import World, mint, question

Json = dict[str, Any]

_GENERATING = ("message.send", "message.edit", "message.regenerate", "message.retry")
_ANSWERS = ("welcome", "ack", "error")


class Player:
    """One check being played."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.names = Names(mint, token=world.token, otherToken=world.other or "")
        self.hand = Hand(world)
        self.sockets: dict[int, Socket] = {}
        self._newest = 0
        self._seen: dict[tuple[int, str], int] = {}
        self._chats: set[str] = set()
        self._verbs: dict[str, Callable[[Json], Awaitable[None]]] = {
            "connect": self._connect, "open": self._open, "leave": self._leave, "cut": self._cut, "close": self._close,
            "deaf": self._deaf, "send": self._send, "text": self._text, "binary": self._binary,
            "oversize": self._oversize, "ask": self._ask, "stage": self._stage, "receive": self._receive,
            "lose": self._lose, "never": self._never, "fence": self._fence, "chunks": self._chunks,
        }  # fmt: skip
        self._verbs |= {name: partial(verb, self) for name, verb in VERBS.items()}

    async def play(self, steps: tuple[Json, ...]) -> None:
        """Play every step, then tidy up.

        Raises:
            Failure: the server did something else.
        """
        try:
            for step in steps:
                await self._verbs[next(iter(step))](step)
            for socket in self.sockets.values():
                socket.check()
                if socket.close_code is None:
                    await socket.settled()
        finally:
            await self._tidy()

    def socket(self, step: Json) -> Socket:
        """The socket that a step is about: the newest, when it does not say."""
        return self.sockets[step.get("socket", self._newest)]

    async def _tidy(self) -> None:
        for socket in self.sockets.values():
            await socket.leave()
        # What is wrong with the server was said before; that it cannot be tidied up either is no news.
        with suppress(Failure, OSError, WebSocketException):
            await self.hand.clear(self._chats)
        await self.hand.leave()

    # Sockets.

    async def _connect(self, step: Json) -> None:
        self._newest = step["connect"]
        offered = step.get("protocols", ["tidewire.v1"])
        self.sockets[self._newest] = await Socket.open(self.world.socket_url, self.world.patience, offered)

    async def _open(self, step: Json) -> None:
        number = step["open"]
        await self._connect({"connect": number})
        token = "$otherToken" if step.get("as") == "other" else "$token"
        hello = {"type": "hello", "id": mint(), "clientId": f"$tab{number}", "token": token} | step.get("hello", {})
        await self._send({"send": hello, "socket": number})
        welcome = {"type": "welcome", "id": hello["id"]} | step.get("welcome", {})
        await self._receive({"receive": welcome, "socket": number})

    async def _leave(self, step: Json) -> None:
        await self.sockets[step["leave"]].leave()

    async def _cut(self, step: Json) -> None:
        # A command that was sent has arrived and was carried out: what is lost is its answer.
        await self.sockets[step["cut"]].settled()
        await self.sockets[step["cut"]].cut()

    async def _close(self, step: Json) -> None:
        code = await self.socket(step).closed(self._within(step))
        if code != step["close"]:
            raise Failure("The socket closed with another code.", f"a close with {step['close']}", f"one with {code}")

    async def _deaf(self, step: Json) -> None:
        self.socket(step).answers_pings = not step["deaf"]

    # What is sent.

    async def _send(self, step: Json) -> None:
        socket = self.socket(step)
        pattern = dict(step["send"])
        if pattern["type"] in _GENERATING:
            pattern = self.world.asking(step.get("length", "short")) | pattern
        elif pattern["type"] == "hello":
            pattern = {"token": "$token"} | pattern
        frame = self.names.fill(self._positions(pattern, socket))
        if isinstance(frame.get("chatId"), str) and frame["type"] != "presence.update":
            self._chats.add(frame["chatId"])
        await socket.send({key: value for key, value in frame.items() if value is not None})

    async def _text(self, step: Json) -> None:
        """Anything that is no frame, or one in words of its own: `sent` says what may be answered."""
        await self.socket(step).send_raw(step["text"], step.get("sent"))

    async def _binary(self, step: Json) -> None:
        await self.socket(step).send_raw(bytes.fromhex(step["binary"]))

    async def _oversize(self, step: Json) -> None:
        """A legal ping, larger than any frame may be."""
        most = (self.world.limits or {}).get("frameBytes", 262_144)
        await self.socket(step).send_raw(f'{{"type":"ping","id":"p","padding":"{"x" * most}"}}')

    def _positions(self, pattern: Any, socket: Socket) -> Any:
        """Put in the positions `@n`: as far as socket n has come."""
        if isinstance(pattern, list):
            return [self._positions(item, socket) for item in pattern]
        if not isinstance(pattern, dict):
            return pattern
        return {key: self._position(key, value, pattern, socket) for key, value in pattern.items()}

    def _position(self, key: str, value: Any, around: Json, socket: Socket) -> Any:
        if not (isinstance(value, str) and value.startswith("@")):
            return self._positions(value, socket)
        source = self.sockets[int(value[1:])]
        if key == "epoch":
            return source.epoch
        if key == "offset":
            return source.offset
        stream_id = self.names.fill(around["streamId"])
        reading = source.readings.get(stream_id) or Reading(stream_id)
        socket.readings[stream_id] = Reading(stream_id).extend(reading.frames)
        return reading.last

    # What must come.

    async def _receive(self, step: Json) -> None:
        await self._take(step["receive"], step)

    async def _lose(self, step: Json) -> None:
        """An event comes, and the client does not see it."""
        frame = await self._take(step["lose"], step)
        self.socket(step).offset = frame["offset"] - 1

    async def _take(self, pattern: Json, step: Json) -> Json:
        socket, taken = self.socket(step), list[Json]()

        def comes() -> bool:
            for arrival in socket.arrivals:
                if arrival.taken:
                    continue
                if self.names.match(pattern, arrival.frame):
                    socket.take(arrival)
                    taken.append(arrival.frame)
                    return True
                if _stands_for(self.names.known(pattern), arrival.frame):
                    raise Failure("Another frame came in its place.", self.names.known(pattern), arrival.frame)
            return False

        await socket.until(comes, self.names.known(pattern), self._within(step))
        return taken[0]

    async def _never(self, step: Json) -> None:
        pattern = step["never"]
        for arrival in self.socket(step).arrivals:
            if self.names.match(pattern, arrival.frame):
                raise Failure("This must not come.", f"no {self.names.known(pattern)}", arrival.frame)

    async def _fence(self, step: Json) -> None:
        """Everything the server wrote so far has come when the pong has."""
        ping = mint()
        await self.socket(step).send({"type": "ping", "id": ping})
        await self._take({"type": "pong", "id": ping}, step)

    async def _ask(self, step: Json) -> None:
        """A question whose ack must say that it is being answered, or waits."""
        stream, length = step["ask"], step.get("length", "short")
        text = {"type": "text", "text": question(length)}
        message = {"id": f"{stream}_question", "role": "user", "parts": [text]}
        fields = step.get("with", {})
        command = {"type": "message.send", "id": mint(), "chatId": step["chat"], "message": message} | fields
        await self._send(step | {"send": command, "length": length})
        status = {"oneOf": ["streaming", "queued"]}
        result = {"chatId": step["chat"], "streamId": stream, "messageId": f"{stream}_answer", "status": status}
        await self._take({"type": "ack", "id": command["id"], "result": result, "duplicate": None}, step)

    async def _chunks(self, step: Json) -> None:
        """More of an answer: its end, a chunk of some kind, up to a number, or just more than before."""
        socket, stream_id = self.socket(step), self.names.fill(step["chunks"])
        key = (id(socket), stream_id)
        before = self._seen.get(key, 0)

        def comes() -> bool:
            reading = socket.readings.get(stream_id)
            if reading is None:
                return False
            self._seen[key] = reading.last
            if step.get("mayBeEmpty") and reading.end is not None and reading.end["seq"] == 0:
                return True
            if "chunk" in step:
                chunks = [chunk for frame in reading.frames for chunk in frame["chunks"]]
                return any(self.names.match(step["chunk"], chunk) for chunk in chunks)
            if step.get("until") == "end":
                return reading.end is not None
            return bool(reading.last >= max(before + 1, step.get("until", 0)))

        wanted = step.get("chunk", step.get("until", "any"))
        await socket.until(comes, f"stream.chunk of {stream_id}: {wanted}", step.get("within"))

    async def _stage(self, step: Json) -> None:
        """A stage hand does something elsewhere."""
        chat_id = self.names.fill(step["chat"])
        self._chats.add(chat_id)
        if step["stage"] == "chat":
            await self.hand.command("chat.create", chatId=chat_id)
        elif step["stage"] == "title":
            await self.hand.command("chat.update", chatId=chat_id, title=step["title"])
        else:
            result = await self.hand.ask(chat_id, "steady", step.get("chunk"), **step.get("with", {}))
            names = {"streamId": step["stream"], "messageId": step["answer"]}
            self.names.bound |= {name: result[field] for field, name in names.items()}

    def _within(self, step: Json) -> float | None:
        """Seconds to wait: as many as the step says, or as the limit of the server that it names, and our patience."""
        within = step.get("within")
        limits = self.world.limits or {}
        return limits[within] / 1000 + self.world.patience if isinstance(within, str) else within


def _stands_for(pattern: Json, frame: Json) -> bool:
    """Whether a frame stands where the pattern's should: the answer to that command, the end of that stream."""
    kind = pattern["type"]
    if kind in _ANSWERS:
        return frame["type"] in _ANSWERS and frame.get("id") == pattern.get("id", "")
    return bool(kind == frame["type"] == "stream.end" and frame["streamId"] == pattern.get("streamId"))
