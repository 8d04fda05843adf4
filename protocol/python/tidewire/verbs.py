"""The verbs of the product, each as a method with typed arguments."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import msgspec

from protocol.client import Dashboard
from protocol.frames.client import IfActive
from protocol.frames.objects import ActiveStream, DashboardChat, DashboardSnapshot, StreamStatus, WireObject
from tidewire.answer import Answer
from tidewire.upload import UploadedFile

Content = str | list[dict[str, Any]]
_PAGE = 100


class ChatPage(WireObject, frozen=True, kw_only=True):
    """A page of a chat: committed messages of the shown branch, newest page first, each page in reading order."""

    chat: DashboardChat
    messages: list[dict[str, Any]]
    active_stream: ActiveStream | None = None
    next_cursor: str | None = None


class Verbs(ABC):
    """What one can ask of a server. Every method raises `CommandRefused` when the server says no."""

    dashboard: Dashboard

    @abstractmethod
    async def command(self, command: str, /, **fields: Any) -> dict[str, Any]:
        """Send any command of the protocol and return the `result` of its ack."""

    @abstractmethod
    def new_id(self) -> str:
        """A fresh id."""

    @abstractmethod
    async def _generate(self, command: str, fields: dict[str, Any]) -> Answer: ...

    async def send(
        self,
        chat_id: str,
        content: Content = "",
        *,
        files: Sequence[UploadedFile] = (),
        model: str | None = None,
        options: dict[str, Any] | None = None,
        project_id: str | None = None,
        if_active: IfActive | None = None,
        message_id: str | None = None,
        command_id: str | None = None,
    ) -> Answer:
        """Ask a question; returns the answer to follow as soon as the server has accepted it.

        Args:
            chat_id: the chat; created when it is new.
            content: the question, as text or as the parts of a `UIMessage`; with files it may be empty.
            files: what `upload` returned.
            model: a model id of `dashboard.models`; the server's default when left out.
            options: what the model understands; `{"tokens": 200, "pace": 50}` for the demo model.
            project_id: the project of a new chat.
            if_active: when an answer is being written in the chat already: `reject` the question (the default), `stop`
                that answer, or `queue` behind it.
            message_id: of the question, when the application has shown it already.
            command_id: of the command; sending twice under one id has one effect, and `stop` takes it before the ack.
        """
        message = {"id": message_id or self.new_id(), "role": "user", "parts": _parts(content, files)}
        fields = _some(chatId=chat_id, message=message, model=model, options=options, projectId=project_id,
                       ifActive=if_active, id=command_id)  # fmt: skip
        return await self._generate("message.send", fields)

    async def edit(
        self,
        chat_id: str,
        message_id: str,
        content: Content = "",
        *,
        files: Sequence[UploadedFile] = (),
        model: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> Answer:
        """Ask a question anew beside the old one, which is kept.

        Args:
            message_id: the question to replace; the arguments after it are those of `send`.
        """
        message = {"id": self.new_id(), "role": "user", "parts": _parts(content, files)}
        fields = _some(chatId=chat_id, messageId=message_id, message=message, model=model, options=options)
        return await self._generate("message.edit", fields)

    async def regenerate(
        self,
        chat_id: str,
        message_id: str | None = None,
        *,
        model: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> Answer:
        """Write another version of an answer, by default of the last one; the old one is kept."""
        fields = _some(chatId=chat_id, messageId=message_id, model=model, options=options)
        return await self._generate("message.regenerate", fields)

    async def retry(self, chat_id: str, message_id: str | None = None) -> Answer:
        """Try an answer again that failed, was stopped or was interrupted; by default the last one."""
        return await self._generate("message.retry", _some(chatId=chat_id, messageId=message_id))

    async def stop(
        self, *, stream_id: str | None = None, command_id: str | None = None, chat_id: str | None = None
    ) -> StreamStatus:
        """Stop an answer by its stream, by the command that asked for it, or whatever is active in a chat.

        Returns `stopping`, or how it had ended already. A command may be named before its `send` has returned.
        """
        result = await self.command("stream.stop", streamId=stream_id, commandId=command_id, chatId=chat_id)
        status: StreamStatus = result["status"]
        return status

    async def select(self, chat_id: str, message_id: str) -> None:
        """Choose which version of a message is shown, on every device."""
        await self.command("message.select", chatId=chat_id, messageId=message_id)

    async def seen(self, chat_id: str, message_id: str) -> None:
        """Say that a person has seen the chat up to this message, the newest answer that was shown whole.

        The chat is unseen no more, on any device, unless another answer has ended behind that message.
        """
        await self.command("chat.seen", chatId=chat_id, messageId=message_id)

    async def chat(self, chat_id: str, *, before: str | None = None, limit: int | None = None) -> ChatPage:
        """Read a page of a chat; the answer being written is not in it but comes from its stream.

        Args:
            before: `next_cursor` of the page after it.
            limit: messages on the page, at most 200.
        """
        return msgspec.convert(await self.command("chat.get", chatId=chat_id, before=before, limit=limit), ChatPage)

    async def message(self, chat_id: str, message_id: str) -> dict[str, Any] | None:
        """One committed message of the shown branch, as a `UIMessage`; None when it is not there."""
        before: str | None = None
        while True:
            page = await self.chat(chat_id, before=before, limit=_PAGE)
            for message in page.messages:
                if message["id"] == message_id:
                    return message
            before = page.next_cursor
            if before is None:
                return None

    async def create_chat(
        self, chat_id: str | None = None, *, title: str | None = None, project_id: str | None = None
    ) -> str:
        """Create an empty chat and return its id."""
        chosen = chat_id or self.new_id()
        await self.command("chat.create", chatId=chosen, title=title, projectId=project_id)
        return chosen

    async def update_chat(
        self,
        chat_id: str,
        *,
        title: str | None = None,
        project_id: str | None = None,
        pinned: bool | None = None,
        archived: bool | None = None,
    ) -> None:
        """Rename, move, pin or archive a chat; an empty `project_id` takes it out of its project."""
        await self.command("chat.update", chatId=chat_id, title=title, projectId=project_id, pinned=pinned,
                           archived=archived)  # fmt: skip

    async def delete_chat(self, chat_id: str) -> None:
        """Delete a chat with everything in it; a running answer is stopped."""
        await self.command("chat.delete", chatId=chat_id)

    async def create_project(self, title: str, *, instructions: str | None = None) -> str:
        """Create a project and return its id; `instructions` are the system prompt of its chats."""
        project_id = self.new_id()
        await self.command("project.create", projectId=project_id, title=title, instructions=instructions)
        return project_id

    async def update_project(
        self, project_id: str, *, title: str | None = None, instructions: str | None = None
    ) -> None:
        """Rename a project or change its instructions."""
        await self.command("project.update", projectId=project_id, title=title, instructions=instructions)

    async def delete_project(self, project_id: str) -> None:
        """Delete a project; its chats stay, without one."""
        await self.command("project.delete", projectId=project_id)

    async def update_queue(
        self,
        chat_id: str,
        *,
        remove: list[str] | None = None,
        order: list[str] | None = None,
        paused: bool | None = None,
    ) -> None:
        """Remove, reorder, pause or continue the questions that wait in a chat, named by command id."""
        await self.command("queue.update", chatId=chat_id, remove=remove, order=order, paused=paused)

    async def approve(self, stream_id: str, approval_id: str, *, reason: str | None = None) -> None:
        """Allow a tool call that waits for a person: a `tool-approval-request` among the chunks of the answer.

        Answers ask for it only when the client was made with the capability `tools`.
        """
        await self.command("tool.approval", streamId=stream_id, approvalId=approval_id, approved=True,
                           reason=reason)  # fmt: skip

    async def deny(self, stream_id: str, approval_id: str, *, reason: str | None = None) -> None:
        """Deny a tool call that waits for a person; the model is told the reason, and goes on without it."""
        await self.command("tool.approval", streamId=stream_id, approvalId=approval_id, approved=False,
                           reason=reason)  # fmt: skip

    async def tool_output(
        self, stream_id: str, tool_call_id: str, output: Any = None, *, error_text: str | None = None
    ) -> None:
        """Deliver the output of a tool that the client runs, as `ask_person`; or why there is none."""
        await self.command("tool.output", streamId=stream_id, toolCallId=tool_call_id, output=output,
                           errorText=error_text)  # fmt: skip

    async def search(self, query: str, *, limit: int | None = None) -> DashboardSnapshot:
        """Find chats; the answer is a page beside the dashboard and does not change it."""
        return msgspec.convert(await self.command("dashboard.get", query=query, limit=limit), DashboardSnapshot)

    async def more_chats(self, *, limit: int | None = None) -> bool:
        """Read the next page of chats into `dashboard`; returns whether there are more after it."""
        cursor = self.dashboard.cursor
        if cursor is not None:
            page = msgspec.convert(await self.command("dashboard.get", cursor=cursor, limit=limit), DashboardSnapshot)
            # A reset in the meantime has started the list anew; this page then belongs to the old one.
            if self.dashboard.cursor == cursor:
                self.dashboard.extend(page)
        return self.dashboard.more


def _parts(content: Content, files: Sequence[UploadedFile]) -> list[dict[str, Any]]:
    parts = [file.part for file in files]
    if not isinstance(content, str):
        return parts + content
    return [*parts, {"type": "text", "text": content}] if content or not files else parts


def _some(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
