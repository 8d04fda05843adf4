"""Somebody who names what is another's, in every place where an id may stand."""

import copy
import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from itertools import count, pairwise
from typing import Any

from msgspec import inspect

from protocol.frames.client import CLIENT_FRAMES, ClientFrame
from tests.wire import Frame, Tab, question

Place = tuple[str | int, ...]
COMMANDS: Mapping[str, type[ClientFrame]] = {str(frame.__struct_config__.tag): frame for frame in CLIENT_FRAMES}
# These have no answer.
SILENT = frozenset({"presence.update", "pong"})
# What they answer is asked by these tools.
ASKS = {"tool.approval": "search_chats", "tool.output": "ask_person"}
# Of these fields a frame names only one.
_ALTERNATIVES = {"stream.stop": ("streamId", "commandId", "chatId")}
_QUICK = {"tokens": 1, "pace": 0}
# What a server mints, and what a stranger does.
_MINTED = re.compile(r"\b(?:[a-z]{2,5}_[a-z0-9]{16,}|own_(?:command_)?\d+)\b")


class Stranger:
    """A tab of another user, with something of each kind of its own, so that only the id under test is wrong."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.own: dict[str, str] = {}
        self.numbers = count(1)
        self._asking: dict[str, Frame] = {}  # what waits for an answer of theirs, by the command that gives it

    async def live(self) -> None:
        """Make what the frames below name."""
        welcome = self.tab.of_type("welcome")[0]
        await self.tab.command("project.create", projectId="own_project", title="Mine")
        done = await self.tab.ask("own", "Mine", id="own_send", options=_QUICK)
        await self.tab.ended(done["streamId"])
        failed = await self.tab.ask("own_failed", "Mine", options={"fault": "error"})
        await self.tab.ended(failed["streamId"])
        self.own = {
            "epoch": welcome["events"]["epoch"],
            "token": str(self.tab.token),
            "stream": done["streamId"],
            "question": done["userMessageId"],
            "answer": done["messageId"],
            "failed": failed["messageId"],
        }

    async def frame(self, kind: str) -> Frame:
        """A frame of this type that is carried out, with nothing in it that is another's."""
        number = next(self.numbers)
        if kind == "chat.delete":
            await self.tab.command("chat.create", chatId=f"own_{number}")
        if kind == "project.delete":
            await self.tab.command("project.create", projectId=f"own_{number}", title="Mine")
        good = FRAMES[kind](self.own, f"own_{number}")
        if kind in ASKS:
            good |= self._asking.get(kind) or await self._ask_back(kind, f"own_{number}")
        return {"type": kind, "id": f"own_command_{number}"} | good

    async def _ask_back(self, kind: str, chat_id: str) -> Frame:
        """Let a tool call wait for what a command of this type says."""
        stream_id = (await self.tab.ask(chat_id, "Mine", options={"tool": ASKS[kind]}))["streamId"]
        await self.tab.event("chat.updated", chatId=chat_id)
        if kind == "tool.approval":
            names = {"approvalId": (await self.tab.asked(stream_id))[0]["approvalId"]}
        else:
            [call] = [part for part in self.tab.streams[stream_id].fold.parts if part["type"].startswith("tool-")]
            names = {"toolCallId": call["toolCallId"]}
        self._asking[kind] = {"streamId": stream_id} | names
        return self._asking[kind]

    async def answer(self, frame: Frame) -> Frame:
        """Send a frame; return what it is answered, once everything that it began is over."""
        seen = len(self.tab.frames)
        await self.tab.send(frame)
        if frame["type"] in SILENT:
            await self.tab.settled()
            return {}
        answer = await self.tab.until(lambda got: got.get("id") == frame["id"], since=seen)
        if answer["type"] == "ack":
            self._asking.pop(frame["type"], None)
        if "streamId" in answer.get("result", {}) and frame["type"].startswith("message."):
            await self.tab.ended(answer["result"]["streamId"])
        return answer


FRAMES: Mapping[str, Callable[[Mapping[str, str], str], Frame]] = {
    "hello": lambda own, new: {
        "clientId": new,
        "token": own["token"],
        "events": {"epoch": own["epoch"], "offset": 0},
        "streams": [{"streamId": own["stream"], "after": 0}],
    },
    "auth.refresh": lambda own, new: {"token": own["token"]},
    "message.send": lambda own, new: {"chatId": "own", "message": question() | {"id": new}, "options": _QUICK},
    "message.edit": lambda own, new: {
        "chatId": "own",
        "messageId": own["question"],
        "message": question() | {"id": new},
        "options": _QUICK,
    },
    "message.regenerate": lambda own, new: {"chatId": "own", "messageId": own["answer"], "options": _QUICK},
    "message.retry": lambda own, new: {"chatId": "own_failed", "messageId": own["failed"], "options": _QUICK},
    "message.select": lambda own, new: {"chatId": "own", "messageId": own["answer"]},
    "stream.subscribe": lambda own, new: {"streamId": own["stream"], "after": 0},
    "stream.unsubscribe": lambda own, new: {"streamId": own["stream"]},
    "stream.stop": lambda own, new: {"streamId": own["stream"]},
    "chat.create": lambda own, new: {"chatId": new},
    "chat.update": lambda own, new: {"chatId": "own", "title": new},
    "chat.delete": lambda own, new: {"chatId": new},
    "project.create": lambda own, new: {"projectId": new, "title": "Mine"},
    "project.update": lambda own, new: {"projectId": "own_project", "title": new},
    "project.delete": lambda own, new: {"projectId": new},
    "chat.get": lambda own, new: {"chatId": "own"},
    "chat.seen": lambda own, new: {"chatId": "own", "messageId": own["answer"]},
    "dashboard.get": lambda own, new: {},
    "events.resume": lambda own, new: {"epoch": own["epoch"], "offset": 0},
    "presence.update": lambda own, new: {"visibility": "visible", "chatId": "own"},
    "queue.update": lambda own, new: {"chatId": "own", "paused": False},
    "tool.approval": lambda own, new: {"streamId": own["stream"], "approvalId": new, "approved": True},
    "tool.output": lambda own, new: {"streamId": own["stream"], "toolCallId": new, "output": 1},
    "ping": lambda own, new: {},
    "pong": lambda own, new: {},
}


def places(kind: type[ClientFrame]) -> Iterator[Place]:
    """Every place of a frame where an id may stand, as the keys that lead to it."""
    yield from _places(inspect.type_info(kind), ())


def _places(found: inspect.Type, path: Place) -> Iterator[Place]:
    if isinstance(found, inspect.Metadata):
        yield from _places(found.type, path)
    elif isinstance(found, inspect.StrType):
        if found.pattern is not None:
            yield path
    elif isinstance(found, inspect.UnionType):
        for each in found.types:
            yield from _places(each, path)
    elif isinstance(found, inspect.ListType):
        yield from _places(found.item_type, (*path, 0))
    elif isinstance(found, inspect.StructType):
        for field in found.fields:
            yield from _places(field.type, (*path, field.encode_name))


def placing(frame: Frame, place: Place, value: Any) -> Frame:
    """The frame with this value in this place."""
    changed = copy.deepcopy(frame)
    alternatives = _ALTERNATIVES.get(frame["type"], ())
    for other in alternatives if place[0] in alternatives else ():
        changed.pop(other, None)
    at: Any = changed
    for key, below in pairwise(place):
        if key == 0:
            at[:] = at or [{}]
            at = at[0]
        else:
            at = at.setdefault(key, [] if below == 0 else {})
    if isinstance(at, list):
        at[:] = [value]
    else:
        at[place[-1]] = value
    return changed


def stranger_to(name: str) -> str:
    """An id that looks like this one and that nobody ever had."""
    prefix, _, _ = name.rpartition("_")
    return f"{prefix or name}_{secrets.token_hex(10)}"


def shape(answer: Any, name: str) -> Any:
    """What an answer says, apart from the id it was asked for, ids that are new each time, and numbers."""
    text = json.dumps(answer, sort_keys=True).replace(name, "that id")
    return json.loads(_MINTED.sub("minted", text), parse_int=lambda _: 0)
