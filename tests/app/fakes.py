"""Stand-ins for what a stream needs around it: a journal in memory, a model that plays a script, readers that note."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from app.backplane.interface import Held, JournalConflict, JournalRange, JournalUnavailable, StreamKey
from app.models.interface import FinishReason, ModelInfo, Prompt, Sink
from app.store.tool_requests import Answer, Request
from app.streams.generation import Generation
from app.streams.log import StreamLog
from app.streams.stream import Stream
from protocol.parts import chunks
from protocol.parts.chunks import Chunk


class MemoryJournal:
    """A journal that can be away (`away`), stand still (`gate`), or lose everything (`logs.clear()`)."""

    partitions = 1

    def __init__(self) -> None:
        self.logs: dict[str, list[Chunk]] = {}
        self.ends: dict[str, bytes] = {}
        self.claimed: set[str] = set()  # by another process
        self.away = False
        self.gate: asyncio.Event | None = None
        self.read_gate: asyncio.Event | None = None
        self.reads = 0
        self.fails_with: Exception | None = None
        self.calls: list[list[JournalRange]] = []
        self._users: dict[str, str] = {}

    def partition(self, user_id: str) -> int:
        return 0

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def append(self, ranges: Sequence[JournalRange]) -> None:
        self.calls.append(list(ranges))
        if self.gate is not None:
            await self.gate.wait()
        self._check()
        refused: dict[StreamKey, int] = {}
        for part in ranges:
            log = self.log(part.key)
            if part.key.stream_id in self.ends or part.prev != len(log):
                refused |= {part.key: len(log)} if part.seq > len(log) else {}
            else:
                log.extend(map(orjson.loads, part.chunks))
        if refused:
            raise JournalConflict(refused, frozenset(key for key in refused if key.stream_id in self.ends))

    async def read(self, key: StreamKey, after: int = 0) -> list[Chunk]:
        self._check()
        self.reads += 1
        if self.read_gate is not None:
            found = self.logs.get(key.stream_id, [])[after:]
            await self.read_gate.wait()
            return found
        return self.logs.get(key.stream_id, [])[after:]

    async def claim(self, key: StreamKey) -> None:
        self._check()

    async def close_stream(self, key: StreamKey, end: bytes) -> None:
        self._check()
        self.log(key)
        self.ends.setdefault(key.stream_id, end)

    async def end_of(self, key: StreamKey) -> bytes | None:
        self._check()
        return self.ends.get(key.stream_id)

    async def held(self, key: StreamKey) -> Held | None:
        log = self.logs.get(key.stream_id)
        return None if log is None else Held(len(log), 1 if key.stream_id in self.ends else None)

    async def held_of(self, keys: Iterable[StreamKey]) -> dict[StreamKey, Held]:
        found = {key: await self.held(key) for key in keys}
        return {key: held for key, held in found.items() if held is not None}

    async def streams(self) -> dict[StreamKey, Held]:
        return {
            StreamKey(self._users.get(name, "nobody"), name): Held(len(log), 1 if name in self.ends else None)
            for name, log in self.logs.items()
        }

    def log(self, key: StreamKey) -> list[Chunk]:
        self._users[key.stream_id] = key.user_id
        return self.logs.setdefault(key.stream_id, [])

    async def retire(self, now_ms: int) -> None:
        self._check()

    def _check(self) -> None:
        if self.fails_with is not None:
            raise self.fails_with
        if self.away:
            raise JournalUnavailable("The journal is away.")


def raw(log: StreamLog) -> list[Chunk]:
    """All chunks of a log, one by one."""
    return [orjson.loads(text) for text in log.raw(0, log.tail)]


class Nobody:
    """People of whom nobody is there: whoever asks them waits for ever, unless the test answers (`answers`)."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.answers: dict[str, asyncio.Future[Answer]] = {}

    async def ask(self, generation: Generation, request: Request, show: Callable[[], None]) -> Answer:
        self.asked.append(request)
        self.answers[request.request_id] = asyncio.get_running_loop().create_future()
        show()
        return await self.answers[request.request_id]


class Noting:
    """A reader that follows one stream and notes what it may see, each time it is flushed."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.heads: list[int] = []
        self.touched = 0
        self.lost = 0
        stream.readers.add(self)

    def touch(self, stream_id: str) -> None:
        assert stream_id == self.stream.stream_id
        self.touched += 1

    def flush(self) -> None:
        self.heads.append(self.stream.head)

    def lose(self, stream_id: str) -> None:
        assert stream_id == self.stream.stream_id
        self.lost += 1


class Tab:
    """A socket that is written nothing; a person looks at `shows` there."""

    def __init__(self, shows: str | None = None) -> None:
        self.shows = shows

    def flush(self) -> None: ...

    def has_events(self, _offset: int) -> bool:
        return False

    def watches(self, chat_id: str) -> bool:
        return chat_id == self.shows


Script = Callable[[Prompt, Sink], Awaitable[FinishReason]]


async def answer_hello(_prompt: Prompt, sink: Sink) -> FinishReason:
    """Write one short text."""
    say(sink, "Hello", "!")
    return "stop"


def say(sink: Sink, *pieces: str) -> None:
    """Write one whole text part."""
    sink.chunk(chunks.text_start("t"))
    for piece in pieces:
        sink.chunk(chunks.text_delta("t", piece))
    sink.chunk(chunks.text_end("t"))


class ScriptedModel:
    """A model that does what the test says."""

    def __init__(self, script: Script = answer_hello, *, name: str = "scripted", title: str = "") -> None:
        self.info = ModelInfo(name, name.title())
        self.script = script
        self.prompts: list[Prompt] = []
        self.titles: list[tuple[str, str]] = []
        self.closed = False
        self._title = title

    def check_options(self, options: Mapping[str, Any]) -> None: ...

    async def generate(self, prompt: Prompt, sink: Sink) -> FinishReason:
        self.prompts.append(prompt)
        return await self.script(prompt, sink)

    async def title(self, question: str, answer: str) -> str:
        self.titles.append((question, answer))
        return self._title

    async def warm(self) -> None: ...

    async def close(self) -> None:
        self.closed = True
