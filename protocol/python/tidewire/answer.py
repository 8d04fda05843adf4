"""An answer that is being written, as the application holds it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from protocol.frames.objects import ErrorObject, FinishReason, StreamStatus, Usage, WireObject
from protocol.frames.server import StreamChunk, StreamEnd
from protocol.parts.chunks import Chunk
from protocol.parts.fold import fold
from tidewire.backlog import ChunkLog
from tidewire.errors import StreamLost


@dataclass(frozen=True, slots=True)
class Finished:
    """How an answer ended.

    Args:
        status: `completed`, `stopped`, `failed` or `interrupted`.
        finish_reason: why the model ended, as `stop` or `length`.
        usage: tokens in and out.
        error: what went wrong, for `failed` and `interrupted`.
        message: the whole `UIMessage`, equal to the one in the history.
    """

    status: StreamStatus
    finish_reason: FinishReason | None
    usage: Usage | None
    error: ErrorObject | None
    message: dict[str, Any]

    @property
    def text(self) -> str:
        """The text of the message, without reasoning and tools."""
        return text_of(self.message)


class _Ending(WireObject, frozen=True, kw_only=True):
    """What the metadata of a stored answer says about its end."""

    status: StreamStatus
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    error: ErrorObject | None = None


class Answer:
    """One generation: follow it with `text` or `chunks`, end it with `stop`, and wait for it with `finished`.

    It goes on by itself over lost sockets and restarted servers. Reading it slowly, several times, or not at all
    costs its text in memory and nothing else.

    Attributes:
        stream_id: names this generation.
        chat_id, message_id: where it is written; None until the server has said so (`Client.follow` only).
        user_message_id: the question it answers, when this client asked it.
        status: how it stands, updated as it goes.
        label: the same in words for people ("Thinking"), when the server gave any.
        seq: number of the last chunk that came.
        after: the position it is followed from; its first chunk is `after + 1`.
    """

    def __init__(self, stream_id: str, after: int, history: Callable[["Answer"], Awaitable[dict[str, Any] | None]],
                 stop: Callable[["Answer"], Awaitable[StreamStatus]]) -> None:  # fmt: skip
        self.stream_id = stream_id
        self.chat_id: str | None = None
        self.message_id: str | None = None
        self.user_message_id: str | None = None
        self.status: StreamStatus = "queued"
        self.label: str | None = None
        self.seq = after
        self.after = after
        self._log = ChunkLog()
        self._end: StreamEnd | None = None
        self._history = history
        self._stop = stop

    def __repr__(self) -> str:
        return f"<Answer {self.stream_id} {self.status} seq={self.seq}>"

    async def text(self) -> AsyncGenerator[str, None]:
        """The text as it grows, from the start: `async for piece in answer.text()`.

        A slow reader gets larger pieces. Ends with the answer, however that ends.

        Raises:
            StreamLost: the log is gone; `finished` may still find the message in the history.
        """
        async for batch in self._log.read():
            if piece := "".join([chunk["delta"] for chunk in batch if chunk["type"] == "text-delta"]):
                yield piece

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """Every `UIMessageChunk` from the start, neighbouring deltas merged when the reader is slow.

        Raises:
            StreamLost: as for `text`.
        """
        async for batch in self._log.read():
            for chunk in batch:
                yield chunk

    async def finished(self) -> Finished:
        """Wait for the end, and return how it ended with the whole message.

        Raises:
            StreamLost: neither the stream nor the history has the answer.
            ClientClosed: the client was closed before the end.
        """
        await self._log.wait_over()
        if isinstance(self._log.failure, StreamLost):
            return await self._from_history()
        if self._log.failure is not None:
            raise self._log.failure
        end = self._end
        assert end is not None  # noqa: S101 - a log is over by its end or by a failure
        if self.after > 0:
            return await self._from_history()
        message = fold(self._log.all()).message()
        message["id"] = message["id"] or end.message_id
        return Finished(end.status, end.finish_reason, end.usage, end.error, message)

    async def stop(self) -> StreamStatus:
        """Stop the answer and keep what there is; returns `stopping`, or how it had ended already.

        Raises:
            CommandRefused: the stream is not this user's or does not exist.
        """
        return await self._stop(self)

    async def _from_history(self) -> Finished:
        message = await self._history(self)
        ending = None if message is None else msgspec.convert(message.get("metadata", {}), _Ending)
        if message is None or ending is None:
            failure = self._log.failure
            raise failure if failure is not None else LookupError(f"The answer {self.stream_id} is not in its chat.")
        return Finished(ending.status, ending.finish_reason, ending.usage, ending.error, message)

    # What the client tells it.

    def take(self, frame: StreamChunk) -> None:
        """Chunks came, exactly the next ones."""
        self.seq = frame.seq
        if self.status == "queued":
            self.status = "streaming"
        self._log.extend(frame.chunks)

    def end(self, frame: StreamEnd) -> None:
        """The stream ended."""
        self.chat_id, self.message_id = frame.chat_id, frame.message_id
        self.status, self._end = frame.status, frame
        self._log.end()

    def fail(self, failure: Exception) -> None:
        """No more will come, and not because the answer ended."""
        self._log.end(failure)


def text_of(message: dict[str, Any]) -> str:
    """The text of a `UIMessage`, without reasoning and tools."""
    return "".join([part["text"] for part in message["parts"] if part["type"] == "text"])
