"""One open chat, as a page shows it: what was read, what events and streams told since."""

from collections.abc import Callable
from typing import Any

import msgspec
import tidewire

from protocol.frames.objects import DashboardChat
from protocol.parts.fold import Fold

Message = dict[str, Any]


class Thread:
    """The shown branch of a chat, kept true by events; read again only where events cannot tell.

    Args:
        client: the tab's.
        spawn: starts what takes time.
    """

    def __init__(self, client: tidewire.Client, chat_id: str, spawn: Callable[[Any], object]) -> None:
        self.chat_id = chat_id
        self.state = "loading"  # loading | loaded | missing
        self.leaf_id: str | None = None
        self.growing: dict[str, tuple[tidewire.Answer, Fold]] = {}  # by message id, until they are known as messages
        self._client = client
        self._spawn = spawn
        self._messages: dict[str, Message] = {}
        self._version = -1
        self._again = False
        self._closed = False

    async def load(self) -> None:
        """Read what is stored, once more when something changed meanwhile: the last word is the server's."""
        self.state = "loading"
        while True:
            self._again = False
            try:
                page = await self._client.chat(self.chat_id, limit=200)
            except tidewire.CommandRefused as refusal:
                if refusal.error.code != "not_found":
                    raise
                self._messages, self.leaf_id = {}, None
                if not self._again:
                    self.state = "missing"
                    return
                continue
            except tidewire.ClientClosed:
                return  # with its tab
            if self._closed:
                return
            self._messages = {message["id"]: message for message in page.messages}
            self._adopt(page.chat)
            if page.active_stream is not None:
                self._join(page.active_stream.stream_id, page.active_stream.message_id)
            if not self._again:
                self.state = "loaded"
                return

    def reload(self) -> None:
        """Read it again in a while."""
        if self.state == "loading":
            self._again = True
        else:
            self.state = "loading"
            self._spawn(self.load())

    def close(self) -> None:
        """Show it no longer."""
        self._closed = True
        for answer, _ in self.growing.values():
            self._client.unfollow(answer)
        self.growing.clear()

    def take(self, change: tidewire.Event | tidewire.Refreshed | tidewire.Reset) -> None:
        """An event came, about whichever chat; or a new snapshot, which says nothing of messages."""
        if not isinstance(change, tidewire.Event):
            self.reload()
        elif change.data.get("chatId") == self.chat_id:
            if self.state == "loading":
                self._again = True
            else:
                self._event(change.name, change.data)

    def _event(self, name: str, data: dict[str, Any]) -> None:
        if name == "chat.deleted":
            self.state, self._messages, self.leaf_id = "missing", {}, None
            return
        before, self.state = self.leaf_id, "loaded"
        self._adopt(msgspec.convert(data["chat"], DashboardChat))
        if name == "message.created":
            self._messages[data["message"]["id"]] = data["message"]  # its answer starts with the next event
            return
        if name == "stream.started":
            self._join(data["streamId"], data["messageId"])
        if name == "chat.updated" and self.leaf_id != before:
            self.reload()  # somebody chose another version; what is known of it may be of another time
        else:
            self._trim()

    def _trim(self) -> None:
        """Keep what is shown. When that is not all known, an answer has begun on another branch."""
        shown = self.shown
        if shown is not None:
            ids = {message["id"] for message in shown}
            self._messages = {name: message for name, message in self._messages.items() if name in ids}
        elif self.leaf_id not in self.growing or self.growing[self.leaf_id][1].metadata:
            self.reload()

    def _adopt(self, chat: DashboardChat) -> None:
        if chat.version > self._version:
            self._version, self.leaf_id = chat.version, chat.leaf_id

    def _join(self, stream_id: str, message_id: str) -> None:
        if message_id not in self.growing:
            answer, fold = self._client.follow(stream_id), Fold()
            self.growing[message_id] = answer, fold
            self._spawn(self._follow(answer, fold, message_id))

    async def _follow(self, answer: tidewire.Answer, fold: Fold, message_id: str) -> None:
        try:
            async for chunk in answer.chunks():
                fold.apply(chunk)
                if chunk["type"] == "start" and self.state == "loaded":
                    self._trim()
            done = await answer.finished()
        except tidewire.ClientClosed:
            return
        except tidewire.StreamLost:
            self.growing.pop(message_id, None)
            self.reload()
            return
        if self._closed:
            return
        del self.growing[message_id]
        if answer.seq == 0:
            self.reload()  # it ended before it began, so the stream says nothing of its place
            return
        assert fold.message() == done.message, (fold.message(), done.message)
        assert fold.message()["metadata"]["status"] == done.status, done
        # What was read since knows versions that came after it began; a hidden tab hears of its end late.
        self._messages.setdefault(message_id, done.message)

    @property
    def waiting(self) -> list[tuple[str, Message]]:
        """The tool calls that wait for a person, each with its stream."""
        parts = [(answer.stream_id, part) for answer, fold in self.growing.values() for part in fold.parts]
        return [
            (stream_id, part)
            for stream_id, part in parts
            if part.get("state") == "approval-requested"
            or (part["type"] == "tool-ask_person" and part["state"] == "input-available")
        ]

    @property
    def shown(self) -> list[Message] | None:
        """The messages of the shown branch, root first; None when a piece of it is not known."""
        found: list[Message] = []
        at = self.leaf_id
        while at is not None:
            message = self._message(at)
            if message is None:
                return None
            found.append(message)
            at = message["metadata"].get("parentId")
        return found[::-1]

    def _message(self, message_id: str) -> Message | None:
        if message_id in self.growing:
            message = self.growing[message_id][1].message()
            return message if message.get("metadata") else None
        return self._messages.get(message_id)
