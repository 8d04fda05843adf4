"""Chats over the wire: what every tab is told, in which order, and what is left when one is deleted."""

import asyncio
from pathlib import Path

from tests.fake_anthropic import FakeAnthropic, long_answer
from tests.system.server import ServerProcess
from tests.wire import Frame, Tab, opened, question, text_of

LONG = {"tokens": 2_000, "pace": 200}


def told(tab: Tab, chat_id: str) -> list[str]:
    """What a tab was told of a chat, in order: the names of events, and the type of other frames."""
    names = []
    for frame in tab.frames:
        if frame["type"] == "event" and frame["data"].get("chatId") == chat_id:
            names.append(frame["name"])
        elif frame["type"] == "stream.end" and frame["chatId"] == chat_id:
            names.append("stream.end")
    return names


async def test_g23_every_tab_is_told_and_the_origin_knows_its_own(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        steps: list[tuple[str, str, Frame]] = [
            ("chat.create", "chat.created", {"title": "One"}),
            ("chat.update", "chat.updated", {"title": "Two", "pinned": True}),
            ("chat.delete", "chat.deleted", {}),
        ]
        for kind, name, fields in steps:
            ack = await tab.command(kind, chatId="chat", **fields)
            for one in (tab, other):
                event = await one.event(name, chatId="chat")
                data = event["data"]
                assert event["sourceClientId"] == tab.client_id
                assert data.get("chat", data)["version"] == ack["result"]["version"]
                assert fields.items() <= data.get("chat", fields).items()
        assert told(tab, "chat") == told(other, "chat") == [name for _, name, _ in steps]


async def test_g12_a_deleted_chat_ends_its_answer_first_and_then_is_not_found(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        running = await tab.ask("chat", options=LONG)
        await other.follow(running["streamId"])
        await other.reached(running["streamId"], 5)
        waiting = await tab.ask("chat", options=LONG, ifActive="queue")
        await other.follow(waiting["streamId"])
        ack = await tab.command("chat.delete", chatId="chat")
        for one in (tab, other):
            deleted = await one.event("chat.deleted", chatId="chat")
            assert deleted["data"] == {"chatId": "chat", "version": ack["result"]["version"]}
            last = told(one, "chat")[-5:]
            assert sorted(last[:-1]) == ["stream.end", "stream.end", "stream.ended", "stream.ended"]
            assert last[-1] == "chat.deleted"
            assert {frame["status"] for frame in one.of_type("stream.end")} == {"stopped"}
        for stream_id in (running["streamId"], waiting["streamId"]):
            assert (await tab.refused("stream.subscribe", streamId=stream_id, after=0))["code"] == "not_found"
            assert (await tab.refused("stream.stop", streamId=stream_id))["code"] == "not_found"
        assert (await tab.refused("chat.get", chatId="chat"))["code"] == "not_found"
        assert (await tab.refused("message.send", chatId="chat", message=question()))["code"] == "not_found"
        snapshot = (await tab.command("dashboard.get"))["result"]
        assert snapshot["chats"] == []


async def test_a_resume_of_a_deleted_chats_answer_fails_alone(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        gone, kept = await tab.ask("gone", options=LONG), await tab.ask("kept", options={"tokens": 3})
        await tab.ended(kept["streamId"])
        await tab.command("chat.delete", chatId="gone")
        async with Tab(shared_server.url, tab.token) as back:
            positions = [{"streamId": result["streamId"], "after": 0} for result in (gone, kept)]
            welcome = await back.hello(streams=positions)
            assert welcome["activeStreams"] == []
            first, second = welcome["streams"]
            assert first["error"]["code"] == "not_found"
            assert second["status"] == "completed"
            assert [chat["chatId"] for chat in welcome["snapshot"]["chats"]] == ["kept"]


async def test_g03_a_delete_repeated_after_a_restart_has_the_same_result(server: ServerProcess) -> None:
    async with opened(server.url) as tab:
        running = await tab.ask("chat", options=LONG)
        first = await tab.command("chat.delete", id="once", chatId="chat")
        token = tab.token
    server.kill()
    server.start()
    async with opened(server.url, token) as tab:
        assert await tab.command("chat.delete", id="once", chatId="chat") == first | {"duplicate": True}
        assert (await tab.refused("chat.delete", chatId="chat"))["code"] == "not_found"
        assert (await tab.refused("stream.subscribe", streamId=running["streamId"], after=0))["code"] == "not_found"
        assert (await tab.refused("chat.create", chatId="chat"))["code"] == "not_found"


async def test_a_send_repeated_after_its_chat_was_deleted_has_its_result_and_no_stream(
    shared_server: ServerProcess,
) -> None:
    async with opened(shared_server.url) as tab:
        message = question()
        first = await tab.command("message.send", id="send_1", chatId="chat", message=message, options=LONG)
        await tab.command("chat.delete", chatId="chat")
        again = await tab.command("message.send", id="send_1", chatId="chat", message=message, options=LONG)
        assert again == first | {"duplicate": True}
        assert (await tab.command("dashboard.get"))["result"]["chats"] == []


async def test_deleting_a_chat_closes_the_providers_connection(tmp_path: Path) -> None:
    async with FakeAnthropic(long_answer(5_000, 200)) as provider:
        settings = {"ANTHROPIC_API_KEY": "test", "ANTHROPIC_BASE_URL": provider.url}
        with ServerProcess(tmp_path / "data", **settings) as server:
            async with opened(server.url) as tab:
                running = await tab.ask("chat")
                request = await provider.arrived(1)
                await tab.reached(running["streamId"], 4)
                await tab.command("chat.delete", chatId="chat")
                await asyncio.wait_for(request.closed.wait(), 3)


async def test_g04_chat_commands_of_one_connection_run_in_their_order(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab:
        frames: list[Frame] = [{"type": "chat.create", "id": "first", "chatId": "chat"}]
        frames += [{"type": "chat.update", "id": f"u{n}", "chatId": "chat", "title": str(n)} for n in range(12)]
        frames += [{"type": "chat.delete", "id": "last", "chatId": "chat"}]
        for frame in frames:
            await tab.send(frame)
        acks = [await tab.answer(frame["id"]) for frame in frames]
        versions = [ack["result"]["version"] for ack in acks]
        assert versions == list(range(versions[0], versions[0] + len(frames)))


async def test_g32_a_foreign_chat_looks_like_an_unknown_one(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as owner, opened(shared_server.url) as stranger:
        await owner.command("chat.create", chatId="chat", title="Mine")
        for kind, fields in (("chat.update", {"title": "x"}), ("chat.delete", {}), ("chat.get", {})):
            foreign = await stranger.refused(kind, chatId="chat", **fields)
            unknown = await stranger.refused(kind, chatId="unknown", **fields)
            assert foreign == unknown
            assert foreign["code"] == "not_found"
        assert (await owner.command("chat.get", chatId="chat"))["result"]["chat"]["title"] == "Mine"


async def test_g23_every_tab_is_told_of_projects_and_of_the_chats_that_leave_one(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as other:
        await tab.command("project.create", projectId="p", title="Ours", instructions="Be brief.")
        for chat_id in ("a", "b"):
            await tab.command("chat.create", chatId=chat_id, projectId="p")
        await tab.command("project.update", projectId="p", title="Theirs")
        ack = await tab.command("project.delete", projectId="p")
        for one in (tab, other):
            deleted = await one.event("project.deleted", projectId="p")
            assert deleted["data"]["version"] == ack["result"]["version"]
            assert deleted["sourceClientId"] == tab.client_id
            events = [frame for frame in one.frames if frame["type"] == "event"]
            assert [frame["name"] for frame in events] == [
                *("project.created", "chat.created", "chat.created", "project.updated"),
                *("chat.updated", "chat.updated", "project.deleted"),
            ]
            assert [frame["data"]["chat"].get("projectId") for frame in events[4:6]] == [None, None]
        snapshot = (await tab.command("dashboard.get"))["result"]
        assert snapshot["projects"] == []
        assert {chat["chatId"] for chat in snapshot["chats"]} == {"a", "b"}


async def test_a_projects_instructions_reach_the_provider(tmp_path: Path) -> None:
    async with FakeAnthropic() as provider:
        settings = {"ANTHROPIC_API_KEY": "test", "ANTHROPIC_BASE_URL": provider.url}
        with ServerProcess(tmp_path / "data", **settings) as server:
            async with opened(server.url) as tab:
                await tab.command("project.create", projectId="p", instructions="Be brief.")
                await tab.ended((await tab.ask("chat", projectId="p"))["streamId"])
                assert "Be brief." in str((await provider.arrived(1)).body["system"])


async def test_a_search_finds_questions_and_answers_of_this_user_page_by_page(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url) as stranger:
        for n in range(5):
            await tab.command("chat.create", chatId=f"chat_{n}", title=f"Ebbe und Flut Nr. {n}")
        result = await tab.ask("asked", "Wann kommt die Flüt?", options={"tokens": 5})
        await tab.ended(result["streamId"])
        answer = text_of((await tab.history("asked"))[-1]).split()[0]
        first = (await tab.command("dashboard.get", query="FLUT", limit=4))["result"]
        rest = (await tab.command("dashboard.get", query="FLUT", limit=4, cursor=first["nextCursor"]))["result"]
        both = [chat["chatId"] for chat in first["chats"] + rest["chats"]]
        assert sorted(both) == ["asked", *(f"chat_{n}" for n in range(5))]
        assert "nextCursor" not in rest
        by_answer = (await tab.command("dashboard.get", query=answer))["result"]["chats"]
        assert [chat["chatId"] for chat in by_answer] == ["asked"]
        assert (await stranger.command("dashboard.get", query="flut"))["result"]["chats"] == []
        await tab.command("chat.delete", chatId="asked")
        found = (await tab.command("dashboard.get", query="Wann"))["result"]["chats"]
        assert found == []
