"""The vendor's frames in, commands out, and what bad ones are answered."""

import json

import pytest

from protocol.ai_sdk import FRAME_BYTES, Asked
from protocol.limits import Limits
from protocol.server.command_rate import DEAF_AFTER_REFUSALS
from tests.protocol.ai_sdk.world import ANSWER, QUESTION, Json, World, log


def test_a_send_is_the_last_question_of_the_page() -> None:
    world = World()
    later = QUESTION | {"id": "q2", "metadata": {"mine": 1}}
    body = {"model": "demo", "options": {"tokens": 5}, "projectId": "p", "ifActive": "queue", "theirs": [1]}
    [asked] = world.send(messages=[QUESTION, ANSWER, later], body=body, messageId="q2", metadata={"any": 1})
    assert isinstance(asked, Asked)
    assert (asked.request_id, asked.trigger, asked.message_id, asked.has_answer) == ("r", "submit-message", "q2", False)
    command = asked.command
    assert (command.message.id, command.chat_id, command.id) == ("q2", "c", "cmd_1")
    assert (command.model, command.options, command.project_id, command.if_active) == (
        "demo",
        {"tokens": 5},
        "p",
        "queue",
    )


def test_a_page_that_ends_with_an_answer_says_so() -> None:
    [asked] = World().send(messages=[QUESTION, ANSWER], trigger="regenerate-message", messageId=None)
    assert isinstance(asked, Asked)
    assert (asked.has_answer, asked.message_id, asked.trigger) == (True, None, "regenerate-message")


BAD: dict[str, tuple[Json, str]] = {
    "no chat": ({"id": None}, "$.id"),
    "a chat with a space": ({"id": "a b"}, "$.id"),
    "no messages": ({"messages": []}, "$.messages"),
    "only an answer": ({"messages": [ANSWER]}, "$.messages"),
    "messages of numbers": ({"messages": [QUESTION, 1]}, "$.messages[1]"),
    "a message without a role": ({"messages": [QUESTION, {}]}, "$.messages[1].role"),
    "a question of brackets": ({"messages": [QUESTION | {"parts": [[]] * 66_000}]}, "$.message.parts"),
    "messages as an object": ({"messages": {}}, "$.messages"),
    "too many messages": ({"messages": [QUESTION] * 20_001}, "$.messages"),
    "an unknown trigger": ({"trigger": "think"}, "$.trigger"),
    "a number for an answer": ({"messageId": 1}, "$.messageId"),
    "a list for a body": ({"body": []}, "$.body"),
    "a number for a model": ({"body": {"model": 1}}, "$.model"),
    "a word for options": ({"body": {"options": "fast"}}, "$.options"),
    "an unknown wish": ({"body": {"ifActive": "ask"}}, "$.ifActive"),
    "a question without an id": ({"messages": [QUESTION | {"id": None}]}, "$.message.id"),
    "a question without parts": ({"messages": [QUESTION | {"parts": 1}]}, "$.message.parts"),
    "a question nested too deep": ({"messages": [QUESTION | {"parts": [{"x": json.loads("[" * 90 + "]" * 90)}]}]}, "$"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_send_is_told_to_its_request_and_nobody_else(name: str) -> None:
    world = World()
    world.send("other")
    world.core.follow("other", log())
    world.take()
    fields, param = BAD[name]
    assert world.send(**fields) == []
    [error] = world.take()
    assert (error["type"], error["requestId"]) == ("error", "r")
    code = "frame_too_large" if "brackets" in name else "invalid_argument"
    assert (error["error"]["code"], error["error"]["param"]) == (code, param)
    assert error["errorText"] == error["error"]["message"]
    assert error["errorText"].endswith(".")
    assert world.close_code is None
    assert world.core.follows("s")


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "send"},
        {"type": "abort", "requestId": 1},
        {"type": "resume", "requestId": "", "id": "c"},
        {"type": "resume", "requestId": "~events", "id": "c"},
        {"type": "resume", "requestId": "x" * 129, "id": "c"},
        {"type": "think"},
    ],
)
def test_whoever_names_no_request_is_told_on_the_connection(frame: Json) -> None:
    world = World()
    assert world.say(frame) == []
    [error] = world.take()
    assert (error["type"], error["requestId"], world.close_code) == ("error", "~connection", None)


def test_an_unknown_type_is_told_to_its_request() -> None:
    world = World()
    world.say({"type": "think", "requestId": "r"})
    [error] = world.take()
    assert (error["requestId"], error["error"]["code"]) == ("r", "unknown_type")


def test_a_request_id_that_is_in_use_is_refused_and_its_request_goes_on() -> None:
    world = World()
    world.send()
    world.core.follow("r", log())
    world.take()
    assert world.send() == []
    [error] = world.take()
    assert error["requestId"] == "~connection"
    assert world.core.follows("s")


@pytest.mark.parametrize(
    "data", ["", "[]", "1", "null", "{", '{"a":1}', '{"type":1}', '{"type":"send"}{}', "[" * 9_999]
)
def test_what_is_no_frame_closes_4400(data: str) -> None:
    world = World()
    world.say(data)
    assert [frame["error"]["code"] for frame in world.take()] == ["invalid_frame"]
    assert world.close_code == 4400
    assert world.send() == []


def test_a_binary_frame_closes_1003() -> None:
    world = World()
    world.say(b"{}")
    assert world.close_code == 1003


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"a\ud83db\u0000", "a\ufffdb\ufffd"),
        (r"\ud83d\ude00\ude00", "\U0001f600\ufffd"),
        (r"\\ud83d\ude00", "\\ud83d\ufffd"),
        (r"\\\ud83d", "\\\ufffd"),
    ],
)
def test_half_an_emoji_costs_a_character_and_not_the_question(written: str, meant: str) -> None:
    world = World()
    frame = json.dumps(
        {"type": "send", "requestId": "r", "id": "c", "trigger": "submit-message", "messages": [QUESTION]}
    )
    [asked] = world.say(frame.replace("Why?", written))
    assert isinstance(asked, Asked)
    assert asked.command.message.parts[0]["text"] == meant


def test_floods_are_refused_and_whoever_is_deaf_is_closed() -> None:
    world = World()
    world.ponged = False
    for n in range(Limits().command_burst + DEAF_AFTER_REFUSALS + 1):
        world.resume(f"r{n}")
        world.core.nothing(f"r{n}")
        world.take()
    assert world.close_code == 4529


def test_no_more_requests_are_open_than_streams_may_be() -> None:
    world = World(limits=Limits(streams_per_connection=2))
    for n in range(3):
        world.resume(f"r{n}")
    [error] = world.take()
    assert (error["requestId"], error["error"]["code"]) == ("r2", "quota_exceeded")


def test_no_more_requests_wait_than_commands_may() -> None:
    world = World(limits=Limits(commands_in_flight=1))
    world.send("a")
    world.send("b")
    [error] = world.take()
    assert (error["requestId"], error["error"]["code"]) == ("b", "too_many_in_flight")
    world.core.follow("a", log())
    assert len(world.send("c")) == 1


def test_large_frames_are_weighed() -> None:
    world = World()
    long = QUESTION | {"metadata": "x" * (FRAME_BYTES - 65_536)}
    for n in range(4):
        assert len(world.send(f"r{n}", messages=[long, QUESTION])) == 1
    assert world.send("more", messages=[long, QUESTION]) == []
    [error] = world.take()
    assert (error["requestId"], error["error"]["code"]) == ("more", "rate_limited")
    assert len(world.send("small")) == 1
    world.now += error["error"]["retryAfterMs"] / 1000 + 2
    assert len(world.send("later", messages=[long, QUESTION])) == 1
