"""Everything of a client that waits for the server: commands, answers, readers of events.

The parser of a socket stands behind every call here, so nothing blocks and nothing is queued without a bound.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from protocol.client import Answered, Dashboard, Lost, Notice, Refreshed, Refused, Reset, Subscribed
from protocol.frames.client import Command
from protocol.frames.server import Event, StreamChunk, StreamEnd, StreamStatusFrame
from tidewire.answer import Answer
from tidewire.errors import ClientClosed, CommandRefused, StreamLost
from tidewire.inbox import Change, Inbox

Result = TypeVar("Result")
Build = Callable[[dict[str, Any]], Any]


@dataclass(slots=True)
class _Command:
    """A command that waits for its answer, and everybody who waits for it: it may be asked for twice under one id."""

    frame: Command
    waiting: list[tuple[Build, asyncio.Future[Any]]] = field(default_factory=list)


class OpenWork:
    """Tables of what is open, and what each notice does to them.

    Args:
        dashboard: kept true by the events that come.
    """

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard
        self._commands: dict[str, _Command] = {}
        self._answers: dict[str, Answer] = {}
        self._inboxes: list[Inbox] = []
        self._handlers: dict[type[Any], Callable[[Any, int], None]] = {
            StreamChunk: self._chunk,
            StreamEnd: self._end,
            StreamStatusFrame: self._status,
            Subscribed: self._subscribed,
            Lost: self._lost,
            Answered: self._answered,
            Refused: self._refused,
            Event: self._event,
            Refreshed: self._refreshed,
            Reset: self._changed,
        }

    def __repr__(self) -> str:
        return f"<OpenWork commands={len(self._commands)} answers={len(self._answers)} readers={len(self._inboxes)}>"

    def take(self, notice: Notice, size: int) -> None:
        """Do what a notice says; `size` is that of its frame in bytes."""
        handler = self._handlers.get(type(notice))
        if handler is not None:
            handler(notice, size)

    def waits_for(self, frame: Command) -> bool:
        """Whether this very command waits for its answer already.

        Raises:
            ValueError: another one does, under the same id.
        """
        known = self._commands.get(frame.id)
        if known is not None and known.frame != frame:
            raise ValueError(f"Another command waits under the id {frame.id}; every command needs one of its own.")
        return known is not None

    def wait_for(self, frame: Command, build: Callable[[dict[str, Any]], Result]) -> asyncio.Future[Result]:
        """Wait for the answer to a command; `build` makes the value before any later frame is looked at."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._commands.setdefault(frame.id, _Command(frame)).waiting.append((build, future))
        return future

    def give_up(self, command_id: str) -> None:
        """Forget a command that could not be sent."""
        self._commands.pop(command_id, None)

    def answer(self, stream_id: str) -> Answer | None:
        """The answer of a stream, if it is followed."""
        return self._answers.get(stream_id)

    def follow(self, answer: Answer) -> Answer:
        """Hand the chunks of a stream to this answer from now on."""
        self._answers[answer.stream_id] = answer
        return answer

    def drop(self, answer: Answer, failure: Exception) -> bool:
        """Follow an answer no longer; returns whether it was followed."""
        if self._answers.pop(answer.stream_id, None) is None:
            return False
        answer.fail(failure)
        return True

    @contextmanager
    def inbox(self) -> Iterator[Inbox]:
        """A queue of every change of the dashboard while it is open."""
        inbox = Inbox()
        self._inboxes.append(inbox)
        try:
            yield inbox
        finally:
            self._inboxes.remove(inbox)

    def fail(self, failure: Exception) -> None:
        """End everything that waits."""
        for command in self._commands.values():
            _refuse(command, failure)
        self._commands.clear()
        for answer in self._answers.values():
            answer.fail(failure)
        self._answers.clear()
        for inbox in self._inboxes:
            inbox.close(None if isinstance(failure, ClientClosed) else failure)

    def _chunk(self, notice: StreamChunk, _size: int) -> None:
        answer = self._answers.get(notice.stream_id)
        if answer is not None:
            answer.take(notice)

    def _end(self, notice: StreamEnd, _size: int) -> None:
        answer = self._answers.pop(notice.stream_id, None)
        if answer is not None:
            answer.end(notice)

    def _status(self, notice: StreamStatusFrame, _size: int) -> None:
        answer = self._answers.get(notice.stream_id)
        if answer is not None:
            answer.status, answer.label = notice.status, notice.label

    def _subscribed(self, notice: Subscribed, _size: int) -> None:
        answer = self._answers.get(notice.stream_id)
        if answer is not None:
            answer.chat_id, answer.message_id, answer.status = notice.chat_id, notice.message_id, notice.status

    def _lost(self, notice: Lost, _size: int) -> None:
        answer = self._answers.pop(notice.stream_id, None)
        if answer is not None:
            answer.fail(StreamLost(notice.stream_id, notice.error))

    def _answered(self, notice: Answered, _size: int) -> None:
        command = self._commands.pop(notice.id, None)
        for build, future in command.waiting if command is not None else ():
            # Built even when nobody waits any more: the answer to a send that was cancelled is followed all the same.
            value = build(notice.result)
            if not future.done():
                future.set_result(value)

    def _refused(self, notice: Refused, _size: int) -> None:
        command = self._commands.pop(notice.id, None)
        if command is not None:
            _refuse(command, CommandRefused(str(command.frame.__struct_config__.tag), notice.error))

    def _event(self, notice: Event, size: int) -> None:
        self._dashboard.apply(notice)
        self._changed(notice, size)

    def _refreshed(self, notice: Refreshed, size: int) -> None:
        self._dashboard.replace(notice.snapshot)
        self._changed(notice, size)

    def _changed(self, notice: Change, size: int) -> None:
        for inbox in self._inboxes:
            inbox.put(notice, size)


def _refuse(command: _Command, failure: Exception) -> None:
    for _, future in command.waiting:
        if not future.done():
            future.set_exception(failure)
