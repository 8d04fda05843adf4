"""The bar for bad input: the documented code, a neighbour who loses nothing, and a log without a trace of it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.system.abuse import KIB, SECRET, attacker, nested, send
from tests.system.server import ServerProcess
from tests.system.stranger import COMMANDS
from tests.wire import Frame, Tab


def message(*parts: Any, **fields: Any) -> Frame:
    return {"id": "q", "role": "user", "parts": list(parts)} | fields


def text(value: str) -> Frame:
    return {"type": "text", "text": value}


def file(url: Any) -> Frame:
    return send(message=message({"type": "file", "url": url}))


REFUSED: dict[str, tuple[Frame, str, str | None]] = {
    "a chat id that is a number": (send(chatId=7), "invalid_argument", "$.chatId"),
    "an id with a newline": (send(chatId="chat\n"), "invalid_argument", "$.chatId"),
    "an id with an emoji": (send(chatId="chat😀"), "invalid_argument", "$.chatId"),
    "an id of 65 characters": (send(chatId="x" * 65), "invalid_argument", "$.chatId"),
    "an empty id": (send(chatId=""), "invalid_argument", "$.chatId"),
    "no message": (send(message=None), "invalid_argument", "$.message"),
    "a message that is a text": (send(message=SECRET), "invalid_argument", "$.message"),
    "a message of the assistant": (send(message=message(text("x"), role="assistant")), "invalid_argument", None),
    "a message without id": (send(message=message(text("x"), id=None)), "invalid_argument", "$.message.id"),
    "parts that are no list": (send(message=message() | {"parts": {}}), "invalid_argument", "$.message.parts"),
    "no parts": (send(message=message()), "invalid_argument", "$.message.parts"),
    "an empty text": (send(message=message(text(""))), "invalid_argument", "$.message.parts"),
    "blanks": (send(message=message(text(" \n\t\u00a0"))), "invalid_argument", "$.message.parts"),
    "a part that is a text": (send(message=message(SECRET)), "invalid_argument", "$.message.parts[0]"),
    "a part without type": (send(message=message({"text": "x"})), "invalid_argument", "$.message.parts[0].type"),
    "a part of unknown type": (send(message=message(text("x"), {"type": SECRET})), "invalid_argument", None),
    "a text that is a number": (
        send(message=message(text("x"), {"type": "text", "text": 7})),
        "invalid_argument",
        None,
    ),
    "a file without url": (
        send(message=message(text("x"), {"type": "file"})),
        "invalid_argument",
        "$.message.parts[1].url",
    ),
    "a file of another server": (file("https://example.org/x.png"), "invalid_argument", "$.message.parts[0].url"),
    "a file of a script": (file("javascript:alert(1)"), "invalid_argument", "$.message.parts[0].url"),
    "a way out of the files": (file("/v1/files/../auth/session"), "invalid_argument", "$.message.parts[0].url"),
    "half a data URL": (file("data:image/png;base64"), "invalid_argument", "$.message.parts[0].url"),
    "a data URL of nonsense": (file("data:image/png;base64,!"), "invalid_argument", "$.message.parts[0].url"),
    "an empty file": (file("data:text/plain,"), "invalid_argument", "$.message.parts[0].url"),
    "a text that is called a picture": (file(f"data:image/png,{SECRET}"), "content_refused", "$.message.parts[0].url"),
    "a program": (file("data:application/x-elf,%7fELF"), "content_refused", "$.message.parts[0].url"),
    "an unknown file": (file(f"/v1/files/file_{SECRET}"), "not_found", "$.message.parts[0].url"),
    "21 files": (
        send(message=message(*[{"type": "file", "url": "/v1/files/f"}] * 21)),
        "frame_too_large",
        "$.message.parts",
    ),
    "10,000 parts": (send(message=message(*[text("x")] * 5_000)), "frame_too_large", "$.message.parts"),
    "200 KB of text": (send(message=message(text("x" * 200 * KIB))), "frame_too_large", "$.message.parts"),
    "options that are a list": (send(options=[]), "invalid_argument", "$.options"),
    "an option out of range": (send(options={"tokens": -1}), "invalid_argument", "$.options.tokens"),
    "an option beyond all numbers": (send(options={"tokens": 10**30}), "invalid_argument", "$.options.tokens"),
    "an option that is an object": (send(options={"pace": {"a": []}}), "invalid_argument", "$.options.pace"),
    "a fault that is a list": (send(options={"fault": ["hang"]}), "invalid_argument", "$.options.fault"),
    "a fault that does not exist": (send(options={"fault": SECRET}), "invalid_argument", "$.options.fault"),
    "an unknown model": (send(model="\0" + SECRET), "model_not_available", "$.model"),
    "an unknown project": (send(projectId="nothing"), "not_found", "$.projectId"),
    "an unknown ifActive": (send(ifActive="explode"), "invalid_argument", "$.ifActive"),
    "a text for a truth": (send(subscribe="yes"), "invalid_argument", "$.subscribe"),
    "a negative position": ({"type": "stream.subscribe", "streamId": "s", "after": -1}, "invalid_argument", "$.after"),
    "half a position": ({"type": "stream.subscribe", "streamId": "s", "after": 0.5}, "invalid_argument", "$.after"),
    "a position beyond 2^53": (
        {"type": "stream.subscribe", "streamId": "s", "after": 2**53},
        "invalid_argument",
        "$.after",
    ),
    "a page of 0": ({"type": "chat.get", "chatId": "chat", "limit": 0}, "invalid_argument", "$.limit"),
    "a page of a million": ({"type": "dashboard.get", "limit": 10**6}, "invalid_argument", "$.limit"),
    "a cursor of nonsense": ({"type": "dashboard.get", "cursor": "\0'; --"}, "invalid_argument", "$.cursor"),
    "an epoch with a space": ({"type": "events.resume", "epoch": "e 7", "offset": 0}, "invalid_argument", "$.epoch"),
    "a query that is a list": ({"type": "dashboard.get", "query": []}, "invalid_argument", "$.query"),
    "a query of 201 characters": ({"type": "dashboard.get", "query": "x" * 201}, "invalid_argument", "$.query"),
    "a chat of no name": ({"type": "chat.create", "chatId": "c", "title": " \u2003\n"}, "invalid_argument", "$.title"),
    "a name that is a number": ({"type": "chat.create", "chatId": "c", "title": 7}, "invalid_argument", "$.title"),
    "a name of 201 characters": (
        {"type": "chat.update", "chatId": "c", "title": "x" * 201},
        "invalid_argument",
        "$.title",
    ),
    "a chat in an unknown project": (
        {"type": "chat.create", "chatId": "c", "projectId": "nothing"},
        "not_found",
        "$.projectId",
    ),
    "a project with a space": (
        {"type": "chat.create", "chatId": "c", "projectId": "a b"},
        "invalid_argument",
        "$.projectId",
    ),
    "pinned by a text": ({"type": "chat.update", "chatId": "c", "pinned": "yes"}, "invalid_argument", "$.pinned"),
    "a change of nothing": ({"type": "chat.update", "chatId": "c"}, "invalid_argument", "$"),
    "a change of an unknown chat": (
        {"type": "chat.update", "chatId": "nothing", "title": "x"},
        "not_found",
        "$.chatId",
    ),
    "a deletion of an unknown chat": ({"type": "chat.delete", "chatId": "nothing"}, "not_found", "$.chatId"),
    "a chat without id": ({"type": "chat.delete"}, "invalid_argument", "$.chatId"),
    "a project of no name": (
        {"type": "project.create", "projectId": "p", "title": ""},
        "invalid_argument",
        "$.title",
    ),
    "33 KB of instructions": (
        {"type": "project.create", "projectId": "p", "instructions": "x" * 32_769},
        "invalid_argument",
        "$.instructions",
    ),
    "an unknown project changed": (
        {"type": "project.update", "projectId": "nothing", "title": "x"},
        "not_found",
        "$.projectId",
    ),
    "an unknown project deleted": ({"type": "project.delete", "projectId": "nothing"}, "not_found", "$.projectId"),
    "seen in an unknown chat": (
        {"type": "chat.seen", "chatId": "nothing", "messageId": "m"},
        "not_found",
        "$.chatId",
    ),
    "seen without a message": ({"type": "chat.seen", "chatId": "c"}, "invalid_argument", "$.messageId"),
    "a message with a space seen": (
        {"type": "chat.seen", "chatId": "c", "messageId": "m m"},
        "invalid_argument",
        "$.messageId",
    ),
    "a list of messages seen": (
        {"type": "chat.seen", "chatId": "c", "messageId": ["m"]},
        "invalid_argument",
        "$.messageId",
    ),
    "a screen that is asleep": (
        {"type": "presence.update", "visibility": SECRET},
        "invalid_argument",
        "$.visibility",
    ),
    "a screen without a word": ({"type": "presence.update", "chatId": "c"}, "invalid_argument", "$.visibility"),
    "a screen with a chat that is a number": (
        {"type": "presence.update", "visibility": "visible", "chatId": 7},
        "invalid_argument",
        "$.chatId",
    ),
    "a refresh without a token": ({"type": "auth.refresh"}, "invalid_argument", "$.token"),
    "a token that is a list": ({"type": "auth.refresh", "token": [SECRET]}, "invalid_argument", "$.token"),
    "a token of 8,193 characters": ({"type": "auth.refresh", "token": "x" * 8_193}, "invalid_argument", "$.token"),
    "a ticket of nobody": ({"type": "auth.refresh", "token": f"twt_{SECRET}\0"}, "unauthenticated", None),
    "a stop of nothing": ({"type": "stream.stop"}, "invalid_argument", "$"),
    "an edit without a question": (
        {"type": "message.edit", "chatId": "nothing", "messageId": "m", "message": message(text(" "))},
        "invalid_argument",
        "$.message.parts",
    ),
    "an edit in an unknown chat": (
        {"type": "message.edit", "chatId": "nothing", "messageId": "m", "message": message(text("x"))},
        "not_found",
        "$.chatId",
    ),
    "another version in an unknown chat": (
        {"type": "message.regenerate", "chatId": "nothing"},
        "not_found",
        "$.chatId",
    ),
    "another try in an unknown chat": ({"type": "message.retry", "chatId": "nothing"}, "not_found", "$.chatId"),
    "a choice in an unknown chat": (
        {"type": "message.select", "chatId": "nothing", "messageId": "m"},
        "not_found",
        "$.chatId",
    ),
    "an arrangement of nothing": ({"type": "queue.update", "chatId": "nothing"}, "invalid_argument", "$"),
    "an arrangement in an unknown chat": (
        {"type": "queue.update", "chatId": "nothing", "paused": True},
        "not_found",
        "$.chatId",
    ),
    "an unknown stream left": ({"type": "stream.unsubscribe", "streamId": "nothing"}, "not_found", None),
    "a token of nobody": ({"type": "auth.refresh", "token": f"tws_{SECRET}"}, "unauthenticated", None),
    "an approval without a decision": (
        {"type": "tool.approval", "streamId": "s", "approvalId": "a"},
        "invalid_argument",
        "$.approved",
    ),
    "a decision that is a word": (
        {"type": "tool.approval", "streamId": "s", "approvalId": "a", "approved": SECRET},
        "invalid_argument",
        "$.approved",
    ),
    "a reason of 201 characters": (
        {"type": "tool.approval", "streamId": "s", "approvalId": "a", "approved": False, "reason": "x" * 201},
        "invalid_argument",
        "$.reason",
    ),
    "an approval of nothing": (
        {"type": "tool.approval", "streamId": "s", "approvalId": "a", "approved": True, "reason": SECRET},
        "not_found",
        None,
    ),
    "an output of nothing": (
        {"type": "tool.output", "streamId": "s", "toolCallId": "c", "output": {"choice": SECRET}},
        "not_found",
        None,
    ),
    "an output that is missing": ({"type": "tool.output", "streamId": "s", "toolCallId": "c"}, "invalid_argument", "$"),
    "an output and an error": (
        {"type": "tool.output", "streamId": "s", "toolCallId": "c", "output": 1, "errorText": SECRET},
        "invalid_argument",
        "$",
    ),
    "an error that is a list": (
        {"type": "tool.output", "streamId": "s", "toolCallId": "c", "errorText": [SECRET]},
        "invalid_argument",
        "$.errorText",
    ),
    "an output of 65,537 bytes": (
        {"type": "tool.output", "streamId": "s", "toolCallId": "c", "output": "x" * 65_537},
        "frame_too_large",
        "$.output",
    ),
    "an unknown type": ({"type": f"{SECRET}.{SECRET}"}, "unknown_type", None),
    "a type of another time": ({"type": "x" * 10_000}, "unknown_type", None),
}


def test_every_command_has_a_case() -> None:
    tried = {frame["type"] for frame, _, _ in REFUSED.values()}
    assert COMMANDS.keys() - tried == {"hello", "ping", "pong"}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_bad_field_is_refused_by_name(shared_attacker: Tab, name: str) -> None:
    frame, code, param = REFUSED[name]
    command_id = f"c_{list(REFUSED).index(name)}"
    await shared_attacker.send(frame | {"id": command_id})
    answer = await shared_attacker.answer(command_id)
    assert answer["type"] == "error"
    assert "fatal" not in answer
    assert (answer["error"]["code"], answer["error"]["retryable"]) == (code, False)
    if param is not None:
        assert answer["error"]["param"] == param
    assert answer["error"]["message"].endswith(".")
    await shared_attacker.settled()


@pytest.fixture
async def shared_attacker(abused: ServerProcess, neighbour: Tab) -> AsyncIterator[Tab]:
    async with attacker(abused) as tab:
        yield tab
        assert (await tab.command("dashboard.get"))["result"]["chats"] == []


@pytest.mark.parametrize("bad", ["no id", "", "x" * 65, "id\n", "é", 7, None, {}, ["c"]])
async def test_a_bad_command_id_is_refused_without_an_id(abused: ServerProcess, neighbour: Tab, bad: Any) -> None:
    async with attacker(abused) as tab:
        await tab.send({"type": "dashboard.get", "id": bad})
        error = await tab.until(lambda got: got["type"] == "error")
        assert "id" not in error
        assert (error["error"]["code"], error["error"]["param"]) == ("invalid_argument", "$.id")
        await tab.settled()


@pytest.mark.parametrize("depth", [65, 254, 255, 1_000])
async def test_deep_nesting_is_refused(abused: ServerProcess, neighbour: Tab, depth: int) -> None:
    async with attacker(abused) as tab:
        frame = json.dumps(send(options={"x": "HERE"})).replace('"HERE"', nested(depth))
        await tab.send(frame)
        assert (await tab.answer("c"))["error"]["code"] == "invalid_argument"
        deep_part = json.dumps(send(message=message(text("x") | {"x": "HERE"}))).replace('"HERE"', nested(depth))
        await tab.send(deep_part.replace('"id": "c"', '"id": "d"', 1))
        assert (await tab.answer("d"))["error"]["code"] == "invalid_argument"


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        (r"a\u0000b", "a\ufffdb"),
        (r"half \ud83d of an emoji", "half \ufffd of an emoji"),
        (r"the other \ude00 half", "the other \ufffd half"),
        (r"whole \ud83d\ude00", "whole 😀"),
        (r"\u202e\u2028 \ufffe", "\u202e\u2028 \ufffe"),
        (r"</script><img src=x onerror=alert(1)>", "</script><img src=x onerror=alert(1)>"),
        (r"'; DROP TABLE messages; -- :user_id %s {0}", "'; DROP TABLE messages; -- :user_id %s {0}"),
    ],
)
async def test_strange_text_is_stored_and_answered(
    abused: ServerProcess, neighbour: Tab, written: str, stored: str
) -> None:
    async with attacker(abused) as tab:
        frame = json.dumps(send(message=message(text("HERE")), options={"tokens": 3, "tool": True, "thinking": 3}))
        await tab.send(frame.replace("HERE", written))
        end = await tab.ended((await tab.answer("c"))["result"]["streamId"])
        assert end["status"] == "completed"
        assert (await tab.history("chat"))[0]["parts"] == [text(stored)]
        assert (await tab.command("dashboard.get", query="%_!: xyzzy"))["result"]["chats"] == []


async def test_the_longest_text_is_stored_whole(abused: ServerProcess, neighbour: Tab) -> None:
    async with attacker(abused) as tab:
        longest = SECRET + "x" * (200_000 - len(SECRET))
        stream_id = (await tab.ask("chat", longest, options={"tokens": 3}))["streamId"]
        assert (await tab.ended(stream_id))["status"] == "completed"
        assert (await tab.history("chat"))[0]["parts"] == [text(longest)]
