"""A connection of the vendor's class with its clock, and the answers it reads."""

import json
from itertools import count
from typing import Any

import orjson

from app.streams.log import StreamLog
from protocol.ai_sdk import Action, StockConnection, Stop
from protocol.ai_sdk.connection import Ping
from protocol.codec import encode
from protocol.frames.server import StreamEnd
from protocol.limits import Limits
from protocol.parts.chunks import text_delta, text_end, text_start

Json = dict[str, Any]
QUESTION = {"id": "q", "role": "user", "parts": [{"type": "text", "text": "Why?"}]}
ANSWER = {"id": "a", "role": "assistant", "parts": []}


class World:
    """A connection with its clock; it answers pings as browsers do, unless told otherwise."""

    def __init__(self, **options: Any) -> None:
        ids = count(1)
        limits = options.pop("limits", Limits())
        self.now = 100.0
        self.core = StockConnection(limits, self.now, 0.5, lambda: f"cmd_{next(ids)}", **options)
        self.ponged = True

    def say(self, frame: Json | str | bytes) -> list[Action]:
        return self.core.receive(json.dumps(frame) if isinstance(frame, dict) else frame, self.now)

    def send(self, request_id: str = "r", chat_id: str = "c", **fields: Any) -> list[Action]:
        frame = {"type": "send", "requestId": request_id, "id": chat_id, "trigger": "submit-message"}
        return self.say(frame | {"messages": [QUESTION], "headers": {}, "body": {}} | fields)

    def resume(self, request_id: str = "r", chat_id: str = "c") -> list[Action]:
        return self.say({"type": "resume", "requestId": request_id, "id": chat_id, "headers": {}, "body": {}})

    def abort(self, request_id: str = "r") -> list[Action]:
        return self.say({"type": "abort", "requestId": request_id})

    @property
    def close_code(self) -> int | None:
        return None if self.core.closing is None else self.core.closing.code

    def later(self, seconds: float) -> list[Action]:
        self.now += seconds
        return self.core.expire(self.now)

    def take(self) -> list[Json]:
        taken: list[Json] = []
        while frames := self.core.take(self.now):
            taken += [orjson.loads(frame) for frame in frames if not isinstance(frame, Ping)]
            pings = [frame for frame in frames if isinstance(frame, Ping)]
            if not self.ponged:
                break
            for ping in pings:
                self.core.ponged(bytes(ping), self.now)
        return taken


class Log(StreamLog):
    """A log without words for people."""

    label: bytes | None = None


def log(stream_id: str = "s", words: int = 3) -> Log:
    made = Log(stream_id)
    made.extend([text_start("t"), *(text_delta("t", f"{n} ") for n in range(words))])
    made.publish(made.tail)
    return made


def finish(made: StreamLog, status: Any = "completed", **fields: Any) -> None:
    made.extend([text_end("t"), {"type": "finish"}] if made.tail else [])
    made.publish(made.tail)
    made.finish(
        encode(
            StreamEnd(
                stream_id=made.stream_id,
                chat_id="c",
                message_id="m",
                seq=made.tail,
                status=status,
                usage=None,
                **fields,
            )
        )
    )


def stop_of(actions: list[Action]) -> dict[str, str]:
    """What the one stop among these names, without its id."""
    [stop] = [action for action in actions if isinstance(action, Stop)]
    named = {"stream": stop.command.stream_id, "command": stop.command.command_id, "chat": stop.command.chat_id}
    return {name: value for name, value in named.items() if value is not None}


def types(frames: list[Json]) -> list[str]:
    return [frame["type"] for frame in frames]
