"""What people do, each as a function of the world, a tab and the numbers of a step.

Most only send a command and do not wait for its answer: the next step may come from another tab at the same moment.
Each returns words for the transcript; None when there was nothing to do it with.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from tests.model.page import Page
from tests.model.story import Step
from tests.model.thread import Message

if TYPE_CHECKING:
    from tests.model.world import World

Item = TypeVar("Item")
Action = Callable[["World", Page, Step], Awaitable[str | None]]

_OPTIONS: Sequence[dict[str, Any]] = (
    {"tokens": 3, "pace": 0},
    {"tokens": 40, "pace": 200},
    {"tokens": 40, "pace": 400, "thinking": 10, "tool": True, "sources": True},
    {"tokens": 20, "pace": 500, "fault": "hang", "faultAfter": 7},
    {"fault": "error", "pace": 0},
    {"tokens": 20, "pace": 300, "fault": "midway"},
    {"tokens": 0},
    {"tokens": 60, "pace": 1000, "fault": "filtered", "faultAfter": 30},
    {"tokens": 4_000, "pace": 0},
)
_IF_ACTIVE = (None, "queue", "stop", "reject", "queue")
_FILING: Sequence[dict[str, Any]] = ({"pinned": True}, {"pinned": False}, {"archived": True}, {"archived": False})


def _pick(items: Sequence[Item], number: int) -> Item | None:
    return items[number % len(items)] if items else None


def _chat(world: "World", page: Page, step: Step) -> str | None:
    """The chat this tab shows, mostly; else another one it knows, or one that is gone."""
    if step.target % 2 and page.thread is not None:
        return page.thread.chat_id
    known = [chat.chat_id for chat in page.client.dashboard.chats]
    return _pick([*known, *world.witness.deleted] if step.target == 0 else known, step.target // 2)


def _new_chat(world: "World", page: Page) -> str:
    """The next id that this tab has never heard of: two tabs may choose the same one at the same moment."""
    number = 1
    while page.client.dashboard.chat(f"chat_{number}") or f"chat_{number}" in world.witness.deleted:
        number += 1
    return f"chat_{number}"


def _shown(page: Page, role: str, *status: str) -> list[Message]:
    """The messages this tab shows, the newest first; only answers that ended so, if that is said."""
    shown = page.thread.shown if page.thread is not None else None
    found = [message for message in shown or () if message["role"] == role]
    return [each for each in found[::-1] if not status or each["metadata"].get("status") in status]


def _version(page: Page, role: str, step: Step) -> str | None:
    """Some version of a message this tab shows, mostly of the newest."""
    message = _pick(_shown(page, role)[: 1 + step.target % 3], step.target)
    return None if message is None else _pick(message["metadata"]["versions"]["ids"], step.variant)


def _generating(step: Step) -> dict[str, Any]:
    subscribe = None if step.variant % 3 else False
    return {
        "options": _pick(_OPTIONS, step.variant * 5 + step.target),
        "ifActive": _pick(_IF_ACTIVE, step.variant),
        "subscribe": subscribe,
    }


def _question(world: "World") -> dict[str, Any]:
    number = next(world.numbers)
    return {"id": f"q{number}", "role": "user", "parts": [{"type": "text", "text": f"What is question {number}?"}]}


async def send(world: "World", page: Page, step: Step) -> str:
    known = len(page.client.dashboard.chats)
    chat_id = _chat(world, page, step) if known > step.variant % 3 else None
    chat_id = chat_id or _new_chat(world, page)
    project = _pick(page.client.dashboard.projects, step.target) if step.target == 3 else None
    fields = _generating(step) | {"projectId": project and project.project_id}
    said = world.command(page, "message.send", chatId=chat_id, message=_question(world), **fields)
    if chat_id not in world.witness.deleted:
        page.show(chat_id)
    return said


async def stop(world: "World", page: Page, step: Step) -> str | None:
    if step.variant < 4 and (chat_id := _chat(world, page, step)) is not None:
        return world.command(page, "stream.stop", chatId=chat_id)
    running = [chat.active_stream_id for chat in page.client.dashboard.chats if chat.active_stream_id is not None]
    if step.variant < 8 and (stream_id := _pick(running, step.target)) is not None:
        return world.command(page, "stream.stop", streamId=stream_id)
    asked = [fields["id"] for kind, fields in world.sent[-4:] if kind in ("message.send", "message.regenerate")]
    if step.variant < 11:
        command_id = _pick(asked[::-1], step.target)
        return None if command_id is None else world.command(page, "stream.stop", commandId=command_id)
    # The question comes after its stop.
    command_id = f"late{next(world.numbers)}"
    said = world.command(page, "stream.stop", commandId=command_id)
    chat_id = _chat(world, page, step) or _new_chat(world, page)
    later = _generating(step) | {"id": command_id}
    return f"{said}, then {world.command(page, 'message.send', chatId=chat_id, message=_question(world), **later)}"


async def regenerate(world: "World", page: Page, step: Step) -> str | None:
    return _once_more(world, page, step, "message.regenerate", _version(page, "assistant", step))


async def retry(world: "World", page: Page, step: Step) -> str | None:
    failed = _pick(_shown(page, "assistant", "failed", "stopped", "interrupted"), step.target // 4)
    message_id = failed["id"] if failed is not None else _version(page, "assistant", step)
    return _once_more(world, page, step, "message.retry", message_id)


def _once_more(world: "World", page: Page, step: Step, kind: str, message_id: str | None) -> str | None:
    if page.thread is None or (message_id is None and step.target % 4):
        return None
    named = message_id if step.variant % 2 else None  # without a name it is the last one
    return world.command(page, kind, chatId=page.thread.chat_id, messageId=named, **_generating(step))


async def edit(world: "World", page: Page, step: Step) -> str | None:
    message_id = _version(page, "user", step)
    if page.thread is None or message_id is None:
        return None
    fields = _generating(step) | {"message": _question(world)}
    return world.command(page, "message.edit", chatId=page.thread.chat_id, messageId=message_id, **fields)


async def select(world: "World", page: Page, step: Step) -> str | None:
    message_id = _version(page, "user" if step.variant % 3 == 0 else "assistant", step)
    if page.thread is None or message_id is None:
        return None
    return world.command(page, "message.select", chatId=page.thread.chat_id, messageId=message_id)


async def queue(world: "World", page: Page, step: Step) -> str | None:
    waiting = {chat.chat_id: chat.queue for chat in page.client.dashboard.chats if chat.queue}
    chat_id = _pick(list(waiting), step.target) or _chat(world, page, step)
    if chat_id is None:
        return None
    items = [item.command_id for item in waiting.get(chat_id) or ()]
    item = _pick(items, step.target)
    changes: Sequence[dict[str, Any]] = (
        {"paused": False},
        {"paused": True},
        {"remove": [item] if item else []},
        {"order": items[::-1]},
        {"order": [item] if item else [], "paused": False},
        {"paused": False},
    )
    return world.command(page, "queue.update", chatId=chat_id, **changes[step.variant % len(changes)])


async def delete(world: "World", page: Page, step: Step) -> str | None:
    chat_id = _chat(world, page, step)
    return None if chat_id is None else world.command(page, "chat.delete", chatId=chat_id)


async def rename(world: "World", page: Page, step: Step) -> str | None:
    chat_id = _chat(world, page, step)
    title = f"Title {next(world.numbers)}"
    return None if chat_id is None else world.command(page, "chat.update", chatId=chat_id, title=title)


async def file(world: "World", page: Page, step: Step) -> str | None:
    chat_id = _chat(world, page, step)
    if chat_id is None:
        return None
    project = _pick(page.client.dashboard.projects, step.variant)
    moves = [{"projectId": ""}] if project is None else [{"projectId": ""}, {"projectId": project.project_id}]
    change = _pick([*_FILING, *moves], step.variant)
    return world.command(page, "chat.update", chatId=chat_id, **(change or {}))


async def create(world: "World", page: Page, step: Step) -> str:
    chat_id = _new_chat(world, page)
    project = _pick(page.client.dashboard.projects, step.target) if step.variant % 2 else None
    title = None if step.variant % 3 else f"Title {next(world.numbers)}"
    said = world.command(page, "chat.create", chatId=chat_id, title=title, projectId=project and project.project_id)
    page.show(chat_id)
    return said


async def project(world: "World", page: Page, step: Step) -> str:
    known = _pick(page.client.dashboard.projects, step.target)
    if known is None or step.variant < 4:
        number = next(world.numbers)
        return world.command(page, "project.create", projectId=f"project_{number}", title=f"Project {number}")
    if step.variant < 9:
        words = f"Answer question {next(world.numbers)} first."
        return world.command(page, "project.update", projectId=known.project_id, instructions=words)
    return world.command(page, "project.delete", projectId=known.project_id)


async def open_chat(world: "World", page: Page, step: Step) -> str | None:
    known = [chat.chat_id for chat in page.client.dashboard.chats]
    chat_id = _pick([*known, *world.witness.deleted], step.target)
    if chat_id is None:
        return None
    page.show(chat_id)
    return chat_id


async def repeat(world: "World", page: Page, step: Step) -> str | None:
    """Send what some tab has sent before, under the same id."""
    found = _pick(world.sent[-6:][::-1], step.target)
    return None if found is None else world.command(page, found[0], repeatable=False, **found[1])


async def refresh(world: "World", page: Page, step: Step) -> str:
    await world.refresh(world.pages.index(page))
    return "opened anew"


async def drop(world: "World", page: Page, step: Step) -> str:
    page.cut()
    return "lost its socket"


async def restart(world: "World", page: Page, step: Step) -> str | None:
    if world.restarting.locked():
        return None
    how = signal.SIGKILL if step.variant % 2 else signal.SIGTERM
    world.spawn(world.restart(how))
    await asyncio.sleep(0)
    return how.name


async def settle(world: "World", page: Page, step: Step) -> str:
    await world.settle()
    return "all quiet"


TABLE: Mapping[str, Action] = {
    "send": send,
    "stop": stop,
    "regenerate": regenerate,
    "retry": retry,
    "edit": edit,
    "select": select,
    "queue": queue,
    "open": open_chat,
    "refresh": refresh,
    "drop": drop,
    "delete": delete,
    "rename": rename,
    "file": file,
    "create": create,
    "project": project,
    "repeat": repeat,
    "restart": restart,
    "settle": settle,
}
