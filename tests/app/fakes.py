"""Stand-ins for what a stream needs around it: a journal in memory, a model that plays a script, readers that note."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from app.backplane.interface import Held, JournalConflict, JournalRange, JournalUnavailable
from app.models.interface import FinishReason, ModelInfo, Prompt, Sink
from app.streams.stream import Stream
from protocol.parts import chunks
from protocol.parts.chunks import Chunk


class MemoryJournal:
    """A journal that can be away (`away`), stand still (`gate`), or lose everything (`logs.clear()`)."""

    def __init__(self) -> None:
        self.logs: dict[str, list[Chunk]] = {}
        self.ends: dict[str, bytes] = {}
        self.away = False
        self.gate: asyncio.Event | None = None
        self.fails_with: Exception | None = None
        self.calls: list[list[JournalRange]] = []

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def append(self, ranges: Sequence[JournalRange]) -> None:
        self.calls.append(list(ranges))
        if self.gate is not None:
            await self.gate.wait()
        self._check()
        refused: dict[str, int] = {}
        for part in ranges:
            log = self.logs.setdefault(part.stream_id, [])
            if part.stream_id in self.ends or part.prev != len(log):
                refused |= {part.stream_id: len(log)} if part.seq > len(log) else {}
            else:
                log.extend(part.chunks)
        if refused:
            raise JournalConflict(refused, frozenset(refused.keys() & self.ends.keys()))

    async def read(self, stream_id: str, after: int = 0) -> list[Chunk]:
        self._check()
        return self.logs.get(stream_id, [])[after:]

    async def close_stream(self, stream_id: str, end: bytes) -> None:
        self._check()
        self.logs.setdefault(stream_id, [])
        self.ends.setdefault(stream_id, end)

    async def end_of(self, stream_id: str) -> bytes | None:
        self._check()
        return self.ends.get(stream_id)

    async def held(self, stream_id: str) -> Held | None:
        return (await self.streams()).get(stream_id)

    async def streams(self) -> dict[str, Held]:
        return {name: Held(len(log), 1 if name in self.ends else None) for name, log in self.logs.items()}

    async def retire(self, now_ms: int) -> None:
        self._check()

    def _check(self) -> None:
        if self.fails_with is not None:
            raise self.fails_with
        if self.away:
            raise JournalUnavailable("The journal is away.")


class Noting:
    """A reader that follows one stream and notes what it may see, each time it is flushed."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.heads: list[int] = []
        self.touched = 0
        stream.readers.add(self)

    def touch(self, stream_id: str) -> None:
        assert stream_id == self.stream.stream_id
        self.touched += 1

    def flush(self) -> None:
        self.heads.append(self.stream.head)


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
