"""What people do, each as a function of the world, a tab and the numbers of a step.

Most only send a command and do not wait for its answer: the next step may come from another tab at the same moment.
Where there is nothing to do it with, the step makes what would be needed: who has nothing to choose from asks for
another version. Each returns words for the transcript; None when even that was not possible.
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

# So many chats are enough to be in each other's way; more would mean less happens in each.
CHATS = 3
SHORT = {"tokens": 3, "pace": 0}
FAILS = {"fault": "error", "pace": 0}
HANGS = {"tokens": 20, "pace": 500, "fault": "hang", "faultAfter": 7}
OPTIONS: Sequence[dict[str, Any]] = (
    SHORT,
    {"tokens": 40, "pace": 200},
    {"tokens": 40, "pace": 400, "thinking": 10, "tool": True, "sources": True},
    HANGS,
    FAILS,
    {"tokens": 20, "pace": 300, "fault": "midway"},
    {"tokens": 0},
    {"tokens": 60, "pace": 1000, "fault": "filtered", "faultAfter": 30},
    {"tokens": 1_500, "pace": 0},
)
# These wait for a person, so only who can decide asks for them.
ASKS_BACK: Sequence[dict[str, Any]] = (
    {"tokens": 9, "pace": 0, "tool": "search_chats"},
    {"tokens": 9, "pace": 400, "tool": ["ask_person", "calculate", "search_chats", "unheard_of"]},
)
IF_ACTIVE = (None, "queue", "stop", "reject", "queue")


def pick(items: Sequence[Item], number: int) -> Item | None:
    return items[number % len(items)] if items else None


# What a tab knows


def chat_of(world: "World", page: Page, step: Step) -> str | None:
    """The chat this tab shows, mostly; else another one it knows, or one that is gone."""
    if step.target % 3 and page.thread is not None and page.thread.state != "missing":
        return page.thread.chat_id
    known = [chat.chat_id for chat in page.client.dashboard.chats]
    return pick([*known, *world.witness.deleted] if step.target == 9 else known, step.target // 3)


def new_chat(world: "World", page: Page) -> str:
    """The next id that this tab has never heard of: two tabs may choose the same one at the same moment."""
    number = 1
    while page.client.dashboard.chat(f"chat_{number}") or f"chat_{number}" in world.witness.deleted:
        number += 1
    return f"chat_{number}"


def shown(page: Page, role: str, *status: str) -> list[Message]:
    """The messages this tab shows, the newest first; only answers that ended so, if that is said."""
    messages = page.thread.shown if page.thread is not None else None
    found = [message for message in messages or () if message["role"] == role]
    return [each for each in found[::-1] if not status or each["metadata"].get("status") in status]


def generating(step: Step) -> dict[str, Any]:
    return {
        "options": pick(OPTIONS, step.variant * 5 + step.target),
        "ifActive": pick(IF_ACTIVE, step.variant),
        "subscribe": None if step.variant % 3 else False,
    }


def question(world: "World", *, with_file: bool = False) -> dict[str, Any]:
    number = next(world.numbers)
    parts = [{"type": "text", "text": f"What is question {number}?"}]
    return {"id": f"q{number}", "role": "user", "parts": parts + ([world.file] if with_file else [])}


# Questions and answers


async def send(world: "World", page: Page, step: Step, **fields: Any) -> str:
    is_new = len(page.client.dashboard.chats) < CHATS and step.variant < 3
    chat_id = (None if is_new else chat_of(world, page, step)) or new_chat(world, page)
    project = pick(page.client.dashboard.projects, step.target) if step.target == 3 else None
    fields = generating(step) | {"projectId": project and project.project_id} | fields
    message = question(world, with_file=step.target == 5)
    said = world.command(page, "message.send", chatId=chat_id, message=message, **fields)
    if chat_id not in world.witness.deleted:
        page.show(chat_id)
    return said


async def stop(world: "World", page: Page, step: Step) -> str:
    running = [chat for chat in page.client.dashboard.chats if chat.active_stream_id is not None]
    chat = pick(running, step.target)
    asked = [fields["id"] for kind, fields in world.sent[-4:] if kind in ("message.send", "message.regenerate")]
    if step.variant < 5 and chat is not None:
        return world.command(page, "stream.stop", chatId=chat.chat_id)
    if step.variant < 8 and chat is not None:
        return world.command(page, "stream.stop", streamId=chat.active_stream_id)
    if step.variant < 10 and asked:
        return world.command(page, "stream.stop", commandId=pick(asked[::-1], step.target))
    if step.variant < 11:
        return await send(world, page, step, options=HANGS)
    command_id = f"late{next(world.numbers)}"
    said = world.command(page, "stream.stop", commandId=command_id)
    return f"{said}, then {await send(world, page, step, id=command_id)}"


async def regenerate(world: "World", page: Page, step: Step, **fields: Any) -> str | None:
    answers = shown(page, "assistant")
    if page.thread is None or not (answers or step.target == 0):
        return await send(world, page, step)
    message = pick(answers, step.target // 3)
    named = message["id"] if message is not None and step.variant % 2 else None  # without a name: the last one
    fields = {"messageId": named} | generating(step) | fields
    return world.command(page, "message.regenerate", chatId=page.thread.chat_id, **fields)


async def retry(world: "World", page: Page, step: Step) -> str | None:
    failed = shown(page, "assistant", "failed", "stopped", "interrupted")
    if page.thread is None or not (failed or step.target == 0):
        return await send(world, page, step, options=FAILS)
    message = pick(failed, step.target // 3)
    named = message["id"] if message is not None and step.variant % 3 else None
    return world.command(page, "message.retry", chatId=page.thread.chat_id, messageId=named, **generating(step))


async def edit(world: "World", page: Page, step: Step) -> str | None:
    message = pick(shown(page, "user"), step.target // 3)
    if page.thread is None or message is None:
        return await send(world, page, step)
    fields = {"messageId": message["id"], "message": question(world)} | generating(step)
    return world.command(page, "message.edit", chatId=page.thread.chat_id, **fields)


async def select(world: "World", page: Page, step: Step) -> str | None:
    """Choose another version of a message; where there is none, ask for one."""
    messages = shown(page, "assistant") + shown(page, "user")
    others = [other for each in messages for other in each["metadata"]["versions"]["ids"] if other != each["id"]]
    message_id = pick(others, step.target) or (messages[0]["id"] if messages and step.target == 0 else None)
    if page.thread is None or message_id is None:
        return await regenerate(world, page, step, options=SHORT)
    return world.command(page, "message.select", chatId=page.thread.chat_id, messageId=message_id)


async def queue(world: "World", page: Page, step: Step) -> str | None:
    """Arrange what waits somewhere; where nothing does, stand in line."""
    waiting = {chat.chat_id: chat.queue for chat in page.client.dashboard.chats if chat.queue}
    chat_id = pick(list(waiting), step.target)
    if chat_id is None:
        return await send(world, page, step, ifActive="queue", options=pick((HANGS, None), step.target))
    items = [item.command_id for item in waiting[chat_id] or ()]
    item = pick(items, step.target)
    changes: Sequence[dict[str, Any]] = (
        {"paused": False},
        {"paused": True},
        {"remove": [item]},
        {"order": items[::-1]},
        {"order": [item], "paused": False},
        {"paused": False},
    )
    return world.command(page, "queue.update", chatId=chat_id, **changes[step.variant % len(changes)])


async def decide(world: "World", page: Page, step: Step) -> str | None:
    """Allow or deny a tool call, or answer it; where none waits, ask what calls one."""
    waiting = page.thread.waiting if page.thread is not None else []
    found = pick(waiting, step.target)
    if found is None:
        return await send(world, page, step, options=pick(ASKS_BACK, step.target))
    stream_id, part = found
    if part["state"] == "approval-requested":
        decision = {"approvalId": part["approval"]["id"], "approved": bool(step.variant % 3)}
        return world.command(page, "tool.approval", streamId=stream_id, **decision)
    output = {"output": {"choice": "that"}} if step.variant % 3 else {"errorText": "Nobody is here."}
    return world.command(page, "tool.output", streamId=stream_id, toolCallId=part["toolCallId"], **output)


async def repeat(world: "World", page: Page, step: Step) -> str | None:
    """Send what some tab has sent before, under the same id."""
    found = pick(world.sent[-6:][::-1], step.target)
    return None if found is None else world.command(page, found[0], repeatable=False, **found[1])


# Filing


async def create(world: "World", page: Page, step: Step) -> str | None:
    if len(page.client.dashboard.chats) >= CHATS:
        return await rename(world, page, step)
    chat_id = new_chat(world, page)
    project = pick(page.client.dashboard.projects, step.target) if step.variant % 2 else None
    title = None if step.variant % 3 else f"Title {next(world.numbers)}"
    said = world.command(page, "chat.create", chatId=chat_id, title=title, projectId=project and project.project_id)
    page.show(chat_id)
    return said


async def rename(world: "World", page: Page, step: Step) -> str | None:
    chat_id, title = chat_of(world, page, step), f"Title {next(world.numbers)}"
    return None if chat_id is None else world.command(page, "chat.update", chatId=chat_id, title=title)


async def file(world: "World", page: Page, step: Step) -> str | None:
    chat_id, project = chat_of(world, page, step), pick(page.client.dashboard.projects, step.variant)
    changes: Sequence[dict[str, Any]] = (
        {"pinned": True},
        {"pinned": False},
        {"archived": True},
        {"archived": False},
        {"projectId": ""},
        {"projectId": "" if project is None else project.project_id},
        {"projectId": "" if project is None else project.project_id},
    )
    return None if chat_id is None else world.command(page, "chat.update", chatId=chat_id, **changes[step.variant % 7])


async def delete(world: "World", page: Page, step: Step) -> str | None:
    chat_id = chat_of(world, page, step)
    if chat_id is None or len(page.client.dashboard.chats) < 2:
        return await send(world, page, step)
    return world.command(page, "chat.delete", chatId=chat_id)


async def project(world: "World", page: Page, step: Step) -> str:
    known = pick(page.client.dashboard.projects, step.target)
    if known is None or step.variant < 3:
        number = next(world.numbers)
        return world.command(page, "project.create", projectId=f"project_{number}", title=f"Project {number}")
    if step.variant < 8:
        words = f"Answer question {next(world.numbers)} first."
        return world.command(page, "project.update", projectId=known.project_id, instructions=words)
    return world.command(page, "project.delete", projectId=known.project_id)


# Tabs and the server


async def open_chat(world: "World", page: Page, step: Step) -> str | None:
    known = [chat.chat_id for chat in page.client.dashboard.chats]
    chat_id = pick([*known, *world.witness.deleted] if step.target == 0 else known, step.target)
    if chat_id is not None:
        page.show(chat_id)
    return chat_id


async def look(world: "World", page: Page, step: Step) -> str:
    page.look(visible=not page.is_visible)
    return "comes to the front" if page.is_visible else "is hidden"


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
    world.spawn(world.restart(step.target, how))
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
    "decide": decide,
    "repeat": repeat,
    "create": create,
    "rename": rename,
    "file": file,
    "delete": delete,
    "project": project,
    "open": open_chat,
    "look": look,
    "refresh": refresh,
    "drop": drop,
    "restart": restart,
    "settle": settle,
}
