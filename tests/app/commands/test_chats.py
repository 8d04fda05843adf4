from typing import Any

import pytest

from protocol.errors import Refusal
from tests.app.world import Held, World


async def test_history_comes_in_pages_and_before_is_exclusive(world: World) -> None:
    caller = await world.guest()
    for n in range(3):
        await world.answered(caller, text=f"q{n}")
    whole = await world.history(caller)
    assert [message["role"] for message in whole] == ["user", "assistant"] * 3
    for limit in range(1, 8):
        pages: list[list[dict[str, Any]]] = []
        before: dict[str, str] = {}
        while True:
            result = (await world.run(caller, "chat.get", chatId="c", limit=limit, **before)).result
            assert len(result["messages"]) <= limit
            pages.append(result["messages"])
            if "nextCursor" not in result:
                break
            before = {"before": result["nextCursor"]}
        assert [message for page in reversed(pages) for message in page] == whole


async def test_every_message_knows_its_parent_and_its_versions(world: World) -> None:
    caller = await world.guest()
    await world.answered(caller)
    await world.answered(caller)
    messages = await world.history(caller)
    parents = [message["metadata"].get("parentId") for message in messages]
    assert parents == [None, *(message["id"] for message in messages[:-1])]
    for message in messages:
        assert message["metadata"]["versions"] == {"index": 0, "ids": [message["id"]]}


async def test_the_answer_in_flight_comes_from_its_stream(world: World) -> None:
    caller = await world.guest()
    world.model.script = Held()
    sent = await world.ask(caller)
    result = (await world.run(caller, "chat.get", chatId="c")).result
    assert [message["role"] for message in result["messages"]] == ["user"]
    assert result["activeStream"]["streamId"] == sent["streamId"]
    assert result["chat"]["activeStreamId"] == sent["streamId"]
    await world.run(caller, "stream.stop", chatId="c")
    await world.ended(sent["streamId"])
    result = (await world.run(caller, "chat.get", chatId="c")).result
    assert [message["role"] for message in result["messages"]] == ["user", "assistant"]
    assert "activeStream" not in result
    assert result["chat"]["lastStatus"] == "stopped"


async def test_a_chat_whose_only_question_waits_has_no_messages(world: World) -> None:
    caller = await world.guest()
    world.model.script = Held()
    for n in range(world.limits.generations_at_once):
        await world.ask(caller, f"c{n}")
    waiting = await world.ask(caller, "waits", text="Later")
    assert waiting["status"] == "queued"
    result = (await world.run(caller, "chat.get", chatId="waits")).result
    assert result["messages"] == []
    assert [queued["text"] for queued in result["chat"]["queue"]] == ["Later"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"chatId": "none"}, "not_found"), ({"chatId": "c", "before": "none"}, "invalid_argument")],
)
async def test_what_is_not_there_is_refused(world: World, fields: dict[str, str], code: str) -> None:
    caller = await world.guest()
    await world.answered(caller)
    with pytest.raises(Refusal) as refusal:
        await world.run(caller, "chat.get", **fields)
    assert refusal.value.code == code


async def test_g32_the_same_chat_id_of_another_user_is_another_chat(world: World) -> None:
    caller, other = await world.guest(), await world.guest()
    await world.answered(caller, text="mine")
    with pytest.raises(Refusal, match="no such chat"):
        await world.run(other, "chat.get", chatId="c")
    await world.answered(other, text="theirs")
    cursor = (await world.history(other))[1]["id"]
    with pytest.raises(Refusal):
        await world.run(caller, "chat.get", chatId="c", before=cursor)
    assert [message["parts"][-1]["text"] for message in await world.history(caller)] == ["mine", "Hello!"]
