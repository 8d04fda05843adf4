"""Guarantees 1, 2, 5 and 6: one connection, its first frame, its answers, its end."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.system.server import ServerProcess
from tests.wire import Frame, Tab, guest, opened, question

HELLO = {"type": "hello", "id": "h", "clientId": "tab"}


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ({"type": "ping", "id": "p"}, "hello_required"),
        ({"type": "dashboard.get", "id": "d"}, "hello_required"),
        ({"type": "nothing.known", "id": "n"}, "hello_required"),
        ({"type": "hello", "id": "h"}, "invalid_frame"),
        ({**HELLO, "id": "no id"}, "invalid_frame"),
        ({**HELLO, "streams": [{"streamId": "s", "after": -1}]}, "invalid_frame"),
        ("hello", "invalid_frame"),
    ],
)
async def test_g01_any_other_first_frame_is_refused_and_closed(
    shared_server: ServerProcess, first: Frame | str, code: str
) -> None:
    async with Tab(shared_server.url) as tab:
        await tab.send(first)
        assert await tab.fatal() == (code, 4400)


@pytest.mark.parametrize("token", [None, "tws_nobody", "twt_nobody", "x" * 5_000])
async def test_g01_a_hello_of_nobody_is_refused(shared_server: ServerProcess, token: str | None) -> None:
    async with Tab(shared_server.url) as tab:
        await tab.send({**HELLO, "token": token})
        assert await tab.fatal() == ("unauthenticated", 4401)


async def test_g01_the_first_frame_is_the_welcome_even_when_events_and_answers_are_under_way(
    shared_server: ServerProcess,
) -> None:
    async with opened(shared_server.url) as origin:
        stream_id = (await origin.ask("chat", options={"tokens": 2_000, "pace": 2_000}))["streamId"]
        for number in range(5):
            async with Tab(shared_server.url, origin.token) as tab:
                asking = asyncio.create_task(origin.ask(f"chat_{number}", options={"tokens": 1}))
                welcome = await tab.hello(streams=[{"streamId": stream_id, "after": 0}])
                assert tab.frames[0] is welcome
                await asking
                await tab.reached(stream_id, 1)
        await origin.command("stream.stop", streamId=stream_id)


async def test_g01_a_second_hello_closes(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        await tab.send({**HELLO, "token": tab.token})
        assert await tab.fatal() == ("duplicate_hello", 4400)


async def test_g01_an_unknown_subprotocol_is_accepted_then_refused(shared_server: ServerProcess) -> None:
    async with Tab(shared_server.url, subprotocols=("tidewire.v9", "other")) as tab:
        assert tab.socket.subprotocol == "tidewire.v9"
        assert await tab.fatal() == ("unsupported_protocol", 4406)


async def test_g01_the_known_subprotocol_is_selected_among_others(shared_server: ServerProcess) -> None:
    async with Tab(shared_server.url, guest(shared_server.url), subprotocols=("other", "tidewire.v1")) as tab:
        assert tab.socket.subprotocol == "tidewire.v1"
        assert (await tab.hello())["protocol"] == "tidewire.v1"


async def test_g02_every_command_gets_exactly_one_answer(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab:
        sent = [frame | {"id": f"c{number}"} for number, frame in enumerate(commands() + commands() + commands())]
        await asyncio.gather(*map(tab.send, sent))
        for frame in sent:
            await tab.until(lambda got, frame=frame: got.get("id") == frame["id"])  # type: ignore[misc]  # its default
        await tab.settled()
        answers = Counter(frame["id"] for frame in tab.frames if frame["type"] in ("ack", "error", "pong"))
        assert {frame["id"]: answers[frame["id"]] for frame in sent} == {frame["id"]: 1 for frame in sent}
        refused = {frame["error"]["code"] for frame in tab.of_type("error")}
        assert refused <= {"too_many_in_flight", "not_found", "unknown_type", "invalid_argument", "stream_active"}


def commands() -> list[dict[str, Any]]:
    """One of every kind, some right and some wrong."""
    return [
        {"type": "ping"},
        {"type": "dashboard.get"},
        {"type": "dashboard.get", "limit": 0},
        {"type": "chat.get", "chatId": "nothing"},
        {"type": "message.send", "chatId": "chat", "message": question(), "options": {"tokens": 1}},
        {"type": "message.send", "chatId": "chat"},
        {"type": "stream.subscribe", "streamId": "nothing", "after": 0},
        {"type": "stream.unsubscribe", "streamId": "nothing"},
        {"type": "stream.stop", "streamId": "nothing"},
        {"type": "events.resume", "epoch": "another", "offset": 7},
        {"type": "nothing.known"},
    ]


async def test_g02_a_bad_field_is_refused_and_the_socket_stays(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        error = await tab.refused("stream.subscribe", streamId="s", after="0")
        assert (error["code"], error["param"], error["retryable"]) == ("invalid_argument", "$.after", False)
        await tab.settled()


@pytest.mark.parametrize("broken", ["nonsense", "[]", "null", '"hello"', "{}", '{"type":7}', '{"type":null}', ""])
async def test_g02_a_broken_frame_closes(shared_server: ServerProcess, broken: str) -> None:
    async with opened(shared_server.url) as tab:
        await tab.send(broken)
        assert await tab.fatal() == ("invalid_frame", 4400)


async def test_g02_too_many_commands_are_refused_with_the_time_to_wait(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        for number in range(60):
            await tab.send({"type": "dashboard.get", "id": f"c{number}"})
        answers = [await tab.answer(f"c{number}") for number in range(60)]
        refused = [answer["error"] for answer in answers if answer["type"] == "error"]
        assert {error["code"] for error in refused} >= {"rate_limited"}
        assert all(error["retryable"] and error["retryAfterMs"] > 0 for error in refused)
        await tab.settled()


@pytest.mark.parametrize("end", ["cut", "closed by the client", "a broken frame", "a binary frame", "a second hello"])
async def test_g05_how_a_socket_ended_does_not_matter_for_what_can_be_resumed(
    shared_server: ServerProcess, end: str
) -> None:
    async with opened(shared_server.url) as tab:
        stream_id = (await tab.ask("chat", options={"tokens": 200, "pace": 400}))["streamId"]
        await tab.reached(stream_id, 20)
        if end == "cut":
            await tab.cut()
        elif end == "closed by the client":
            await tab.socket.close(4999)
        elif end == "a broken frame":
            await tab.send("broken")
        elif end == "a binary frame":
            await tab.send(b"binary")
        else:
            await tab.send(HELLO)
        await tab.closed()
    known, events = tab.streams[stream_id], tab.frames[0]["events"]
    offset = max([events["offset"], *(frame["offset"] for frame in tab.of_type("event"))])
    async with Tab(shared_server.url, tab.token) as again:
        again.streams[stream_id] = known
        position = {"epoch": events["epoch"], "offset": offset}
        welcome = await again.hello(streams=[{"streamId": stream_id, "after": known.last}], events=position)
        assert welcome["events"]["recovered"] is True
        assert "snapshot" not in welcome
        await again.ended(stream_id)
        assert known.fold.parts == (await again.history("chat"))[-1]["parts"]


async def test_g06_unknown_types_and_fields_are_as_section_1_says(shared_server: ServerProcess) -> None:
    async with Tab(shared_server.url, guest(shared_server.url)) as tab:
        welcome = await tab.hello(capabilities=["telepathy"], favouriteColour="blue", events=None)
        assert welcome["capabilities"] == []
        assert (await tab.refused("chat.levitate", height=7))["code"] == "unknown_type"
        await tab.send({"type": "chat.levitate"})
        await tab.send({"type": "chat.levitate", "id": "no id"})
        await tab.command("dashboard.get", colour="blue", limit=None, cursor=None)
        await tab.settled()
        assert [frame["error"]["code"] for frame in tab.of_type("error")] == ["unknown_type"]


async def test_one_stream_too_many_is_refused_before_it_has_an_effect(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab:
        most = tab.frames[0]["limits"]["streamsPerConnection"]
        asked = [await tab.ask(f"chat_{n}", options={"fault": "hang"}) for n in range(most)]
        assert [result["status"] for result in asked].count("queued") == most - tab.frames[0]["limits"][
            "generationsAtOnce"
        ]
        error = await tab.refused("message.send", chatId="one_more", message=question())
        assert error["code"] == "quota_exceeded"
        assert (await tab.refused("chat.get", chatId="one_more"))["code"] == "not_found"
        await tab.follow(asked[0]["streamId"])  # again, which is not one more
        other = await tab.ask("unfollowed", options={"fault": "hang"}, subscribe=False)
        assert (await tab.refused("stream.subscribe", streamId=other["streamId"], after=0))["code"] == "quota_exceeded"
        await tab.command("stream.unsubscribe", streamId=asked[0]["streamId"])
        await tab.follow(other["streamId"])
        for result in reversed([*asked, other]):
            await tab.command("stream.stop", streamId=result["streamId"])
