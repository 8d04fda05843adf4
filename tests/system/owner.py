"""Somebody with a full life on a server: everything that has an id, and a look at all of it."""

import json
import secrets
from typing import Any

from tests.wire import Frame, Tab, call, post, question, upload

# In every text of the owner's; nobody else may ever see it.
SECRET = "abracadabra"
# Written so slowly that it neither ends nor grows while a test looks at it.
RUNNING = {"tokens": 100, "pace": 0.1}


class Owner:
    """A registered user with chats, answers, a queue, a project, a file, a session and an API token.

    Attributes:
        tab: open all the time, so that whatever is told to this user is told to it.
        ids: everything of theirs that has one, by what it names.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.email = f"{SECRET}-{secrets.token_hex(8)}@example.org"
        account = {"email": self.email, "password": secrets.token_hex(8), "name": SECRET}
        self.token = str(post(url, "/v1/auth/register", account)["token"])
        self.tab = Tab(url, self.token)
        self.ids: dict[str, str] = {}

    async def live(self) -> None:
        """Make everything there is to make."""
        welcome = await self.tab.hello()
        await self.tab.command("project.create", projectId="owned_project", title=SECRET, instructions=SECRET)
        ended = await self._ask("owned_done", "owned_send", {"tokens": 5, "pace": 0}, projectId="owned_project")
        await self.tab.ended(ended["streamId"])
        running = await self._ask("owned_running", "owned_slow", RUNNING)
        _, file = upload(self.url, self.token, SECRET.encode(), "text/plain", f"{SECRET}.txt")
        with_file = question(SECRET)
        with_file["parts"].append({"type": "file", "url": file["url"]})
        attached = await self._ask("owned_file", "owned_attached", {"tokens": 5, "pace": 0}, message=with_file)
        await self.tab.ended(attached["streamId"])
        waiting = await self._ask("owned_running", "owned_queued", RUNNING, ifActive="queue")
        for chat_id in ("owned_done", "owned_file"):
            await self.tab.event("chat.updated", chatId=chat_id)  # its title
        asking = await self._ask("owned_asking", "owned_question", {"tool": ["search_chats", "ask_person"]})
        [request] = await self.tab.asked(asking["streamId"])
        await self.tab.until(lambda _: self._count("chat.updated", "owned_asking") == 2)
        self.ids = {
            "user": welcome["userId"],
            "client": self.tab.client_id,
            "connection": welcome["connectionId"],
            "epoch": welcome["events"]["epoch"],
            "project": "owned_project",
            "chat": "owned_done",
            "running chat": "owned_running",
            "question": ended["userMessageId"],
            "answer": ended["messageId"],
            "growing answer": running["messageId"],
            "waiting question": waiting["userMessageId"],
            "ended stream": ended["streamId"],
            "running stream": running["streamId"],
            "waiting stream": waiting["streamId"],
            "file": file["fileId"],
            "asking stream": asking["streamId"],
            "approval": request["approvalId"],
            "tool call": request["toolCallId"],
            "command": "owned_send",
            "waiting command": "owned_queued",
            "session": self._read("/v1/auth/sessions")["sessions"][0]["sessionId"],
            "API token": self._made("/v1/auth/tokens", {"name": SECRET})["tokenId"],
        }

    async def _ask(self, chat_id: str, command_id: str, options: Frame, **fields: Any) -> Frame:
        return await self.tab.ask(chat_id, SECRET, id=command_id, options=options, **fields)

    def _count(self, name: str, chat_id: str) -> int:
        """How often this was told of a chat."""
        told = [frame for frame in self.tab.of_type("event") if frame["name"] == name]
        return sum(frame["data"]["chatId"] == chat_id for frame in told)

    async def state(self) -> Frame:
        """Everything as a fresh tab and the routes tell it; what time alone changes left out."""
        async with Tab(self.url, self.token) as fresh:
            welcome = await fresh.hello()
            for stream in welcome["activeStreams"]:
                stream.pop("seq")
            chats = [chat["chatId"] for chat in welcome["snapshot"]["chats"]]
            seen = {name: welcome[name] for name in ("events", "activeStreams", "snapshot")}
            seen["histories"] = {chat_id: await fresh.history(chat_id) for chat_id in chats}
        pages = ("/v1/auth/session", "/v1/auth/sessions", "/v1/auth/tokens", "/v1/usage")
        seen["file"] = call(self.url, "GET", f"/v1/files/{self.ids['file']}", self.token)
        return seen | {path: _lasting(self._read(path)) for path in pages}

    def told(self) -> list[Frame]:
        """What the tab was told, but for the words of its slow answer."""
        return [frame for frame in self.tab.frames if frame["type"] in ("ack", "error", "event", "stream.end")]

    def secrets(self) -> list[str]:
        """What nobody else may be told, whatever they name."""
        return [SECRET, self.email, self.token]

    def _read(self, path: str) -> Frame:
        status, text = call(self.url, "GET", path, self.token)
        assert status == 200, text
        found: Frame = json.loads(text)
        return found

    def _made(self, path: str, body: Frame) -> Frame:
        status, text = call(self.url, "POST", path, self.token, body)
        assert status == 200, text
        found: Frame = json.loads(text)
        return found


def _lasting(value: Any) -> Any:
    """A JSON value without the times that a mere look may change."""
    if isinstance(value, dict):
        return {name: _lasting(each) for name, each in value.items() if name not in ("lastSeenAt", "expiresAt")}
    return [_lasting(each) for each in value] if isinstance(value, list) else value
