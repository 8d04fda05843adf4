"""Guarantees 7 to 14 and 19: what a stream is, however and whenever it is read."""

import asyncio
import itertools
import random
from collections.abc import Sequence
from typing import Any

import pytest

from protocol.parts.chunks import MERGEABLE, Chunk
from protocol.parts.coalesce import coalesce, merge_key
from protocol.parts.fold import fold
from tests.system.server import ServerProcess
from tests.wire import Followed, Frame, Tab, opened, text_of

RICH: dict[str, Any] = {"tokens": 30, "thinking": 10, "tool": True, "sources": True, "pace": 300}


async def answered(tab: Tab, chat_id: str = "chat", **options: Any) -> tuple[str, Frame, Frame]:
    """Ask and wait; return the stream's id, its end and the stored answer."""
    stream_id = (await tab.ask(chat_id, "What is a stream?", options=options))["streamId"]
    end = await tab.ended(stream_id)
    return stream_id, end, (await tab.history(chat_id))[-1]


async def replay(tab: Tab, stream_id: str, after: int) -> list[Frame]:
    """Subscribe to an ended stream and return its chunk frames, with the end."""
    since = len(tab.frames)
    tab.folds = False
    await tab.command("stream.subscribe", streamId=stream_id, after=after)
    await tab.until(lambda got: got["type"] == "stream.end" and got["streamId"] == stream_id, since=since)
    return [frame for frame in tab.frames[since:] if frame.get("streamId") == stream_id]


def chunks_of(frames: Sequence[Frame]) -> list[Chunk]:
    """The chunks of several frames in one list, merged where they meet."""
    return coalesce(chunk for frame in frames if frame["type"] == "stream.chunk" for chunk in frame["chunks"])


def first_raw(rest: list[Chunk], later: list[Chunk]) -> Chunk:
    """The first chunk of a log, unmerged: `rest` is the merged log from there, `later` from one chunk further."""
    first, key = rest[0], merge_key(rest[0])
    if key is None or not later or merge_key(later[0]) != key:
        return first
    field = MERGEABLE[first["type"]].text_field
    assert first[field].endswith(later[0][field])
    return first | {field: first[field].removesuffix(later[0][field])}


async def raw_log(tab: Tab, stream_id: str, size: int) -> list[Chunk]:
    """Every chunk of a log, unmerged: what a replay after k has and one after k+1 has not."""
    replays = [chunks_of(await replay(tab, stream_id, after)) for after in range(size + 1)]
    assert replays[-1] == []
    return [first_raw(rest, later) for rest, later in itertools.pairwise(replays)]


async def test_g07_numbers_have_no_gap_and_never_change_their_content(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab, opened(roomy_server.url, tab.token) as other:
        asked = await tab.ask("chat", "What is a stream?", options=RICH)
        stream_id = asked["streamId"]
        await tab.reached(stream_id, 10)
        await other.follow(stream_id)
        end = await tab.ended(stream_id)
        await other.ended(stream_id)
        raw = await raw_log(tab, stream_id, end["seq"])
        assert len(raw) == end["seq"] > 60
        for seen in (tab, other):
            for frame in seen.of_type("stream.chunk"):
                assert coalesce(frame["chunks"]) == coalesce(raw[frame["prev"] : frame["seq"]])
        assert coalesce(other.streams[stream_id].frames[0]["chunks"]) == coalesce(
            raw[: other.streams[stream_id].frames[0]["seq"]]
        )


async def test_g08_each_frame_follows_the_one_before_it(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab:
        asked = [await tab.ask(f"chat_{n}", options={"tokens": 60, "pace": 500, "seed": n}) for n in range(5)]
        for result in asked:
            end = await tab.ended(result["streamId"])
            frames = [
                frame for frame in tab.of_type("stream.chunk") if frame["streamId"] == result["streamId"]
            ]  # Tab checks that each `prev` follows; here: from 0 to N, and each frame has something
            assert frames[0]["prev"] == 0
            assert frames[-1]["seq"] == end["seq"]
            assert all(frame["prev"] < frame["seq"] and frame["chunks"] for frame in frames)


async def test_g09_every_socket_folds_the_same_message_from_other_frames(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as origin:
        stream_id = (await origin.ask("chat", options=RICH))["streamId"]
        await origin.reached(stream_id, 30)
        async with opened(roomy_server.url, origin.token) as late:
            await late.follow(stream_id)
            await asyncio.gather(origin.ended(stream_id), late.ended(stream_id))
            ours, theirs = origin.streams[stream_id], late.streams[stream_id]
            assert len(theirs.frames) < len(ours.frames)
            assert theirs.fold.message() == ours.fold.message()


async def test_g10_the_ack_of_a_subscription_is_a_barrier(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url, folds=False) as tab:
        stream_id = (await tab.ask("chat", options={"tokens": 1_500, "pace": 1_500}))["streamId"]
        await tab.until(lambda got: got["type"] == "stream.chunk" and got["seq"] >= 50)
        generator = random.Random(7)
        positions = {f"sub_{n}": generator.randrange(50) for n in range(60)}
        for command_id, after in positions.items():
            await tab.send({"type": "stream.subscribe", "id": command_id, "streamId": stream_id, "after": after})
            await tab.settled()  # lets tokens flow between two subscriptions
        await tab.command("stream.stop", streamId=stream_id)
        await tab.ended(stream_id)
        last, acked = None, 0
        for frame in tab.frames:
            if frame.get("id") in positions:
                last, acked = positions[frame["id"]], acked + 1
                assert frame["result"]["seq"] >= last
            elif frame["type"] == "stream.chunk" and last is not None:
                assert frame["prev"] == last, "a chunk of an older subscription came after the ack"
                last = frame["seq"]
        assert acked == len(positions)


async def test_g10_the_welcome_is_a_barrier(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as origin:
        stream_id = (await origin.ask("chat", options={"tokens": 300, "pace": 600}))["streamId"]
        await origin.reached(stream_id, 30)
        for after in (0, 1, 29):
            async with Tab(roomy_server.url, origin.token, folds=False) as tab:
                welcome = await tab.hello(streams=[{"streamId": stream_id, "after": after}])
                (resumed,) = welcome["streams"]
                assert (resumed["streamId"], resumed["status"]) == (stream_id, "streaming")
                assert resumed["seq"] >= 30
                first = await tab.until(lambda got: got["type"] == "stream.chunk")
                assert first["prev"] == after
                assert tab.frames[0] is welcome
        await origin.command("stream.stop", streamId=stream_id)


async def test_g10_nothing_follows_an_unsubscribe(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab:
        stream_id = (await tab.ask("chat", options={"tokens": 300, "pace": 1_000}))["streamId"]
        await tab.reached(stream_id, 20)
        ack = await tab.command("stream.unsubscribe", streamId=stream_id)
        await tab.event("stream.ended", streamId=stream_id)
        await tab.settled()
        behind = tab.frames[tab.frames.index(ack) + 1 :]
        assert not [frame for frame in behind if frame.get("streamId") == stream_id]


async def test_g11_a_position_beyond_the_end_is_refused(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab:
        stream_id, end, _ = await answered(tab, tokens=5, pace=0)
        error = await tab.refused("stream.subscribe", streamId=stream_id, after=end["seq"] + 1)
        assert error["code"] == "position_invalid"
        assert (await tab.refused("stream.subscribe", streamId="str_unknown", after=0))["code"] == "not_found"
        async with Tab(roomy_server.url, tab.token) as other:
            other.streams[stream_id] = Followed(end["seq"])
            positions = [(stream_id, end["seq"] + 1), ("str_unknown", 0), (stream_id, end["seq"])]
            welcome = await other.hello(streams=[{"streamId": name, "after": after} for name, after in positions])
            codes = [answer.get("error", {}).get("code") for answer in welcome["streams"]]
            assert codes == ["position_invalid", "not_found", None]
            assert welcome["streams"][2] == {"streamId": stream_id, "status": "completed", "seq": end["seq"]}
            await other.ended(stream_id)


@pytest.mark.parametrize("options", [RICH, {"tokens": 10, "fault": "midway"}, {"tokens": 0}])
async def test_g12_the_end_is_last_and_comes_once(roomy_server: ServerProcess, options: dict[str, Any]) -> None:
    async with opened(roomy_server.url) as tab:
        stream_id, end, _ = await answered(tab, **options)
        for after in (0, end["seq"] // 2, end["seq"]):
            frames = await replay(tab, stream_id, after)
            assert frames[-1] == end
        await tab.settled()
        frames = [frame for frame in tab.frames if frame.get("streamId") == stream_id]
        assert len([frame for frame in frames if frame["type"] == "stream.end"]) == 4
        first = next(n for n, frame in enumerate(frames) if frame["type"] == "stream.end")
        assert frames[first - 1]["seq"] == end["seq"]


ENDINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "completed": (RICH, {"status": "completed", "finishReason": "length"}),
    "whole": ({"pace": 0}, {"status": "completed", "finishReason": "stop"}),
    "filtered": ({"fault": "filtered", "pace": 0}, {"status": "completed", "finishReason": "content-filter"}),
    "midway": ({"fault": "midway", "pace": 0, "thinking": 5}, {"status": "failed"}),
    "at once": ({"fault": "overloaded"}, {"status": "failed"}),
    "empty": ({"tokens": 0}, {"status": "completed"}),
}


@pytest.mark.parametrize("name", ENDINGS)
async def test_g13_what_is_stored_is_what_was_shown(roomy_server: ServerProcess, name: str) -> None:
    options, expected = ENDINGS[name]
    async with opened(roomy_server.url) as tab:
        stream_id, end, stored = await answered(tab, **options)
        shown = tab.streams[stream_id].fold
        assert expected.items() <= end.items()
        assert stored["parts"] == shown.parts
        assert stored["id"] == shown.message_id == end["messageId"]
        assert stored["metadata"] == shown.metadata
        for field in ("status", "finishReason", "usage", "error"):
            assert stored["metadata"].get(field) == end.get(field)
        assert shown.last is not None
        assert shown.last["type"] == ("error" if end["status"] == "failed" else "finish")
        assert not shown.open
        if end["status"] == "failed":
            assert shown.last["errorText"] == end["error"]["message"]
            assert end["error"]["code"].startswith("model_")


async def test_g13_the_message_is_committed_before_its_end_is_told(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab, opened(roomy_server.url, tab.token) as reader:
        for number in range(15):
            chat_id = f"chat_{number}"
            stream_id = (await tab.ask(chat_id, options={"tokens": 5, "pace": 0}, subscribe=number % 2 == 0))[
                "streamId"
            ]
            if number % 2 == 0:
                await tab.ended(stream_id)
            else:
                await tab.event("stream.ended", streamId=stream_id)
            got = (await reader.command("chat.get", chatId=chat_id))["result"]
            assert got["messages"][-1]["metadata"]["status"] == "completed"
            assert "activeStream" not in got
            assert "activeStreamId" not in got["chat"]


async def test_g14_an_answer_without_readers_goes_on_to_its_end(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab:
        stream_id = (await tab.ask("chat", options={"tokens": 100, "pace": 400}))["streamId"]
        await tab.reached(stream_id, 10)
        await tab.cut()
    async with Tab(roomy_server.url, tab.token) as again:
        welcome = await again.hello()
        (active,) = welcome["activeStreams"]
        assert (active["streamId"], active["status"]) == (stream_id, "streaming")
        await again.event("stream.ended", streamId=stream_id, status="completed")
        await again.follow(stream_id)
        await again.ended(stream_id)
        assert text_of((await again.history("chat"))[-1]).startswith(tab.streams[stream_id].text)


async def test_g19_everybody_ends_with_the_same_message(roomy_server: ServerProcess) -> None:
    async with (
        opened(roomy_server.url) as origin,
        opened(roomy_server.url, origin.token) as device,
        opened(roomy_server.url, origin.token, answers_pings=False) as slow,
    ):
        asked = await origin.ask("chat", options=RICH | {"tokens": 100})
        stream_id = asked["streamId"]
        for tab in (device, slow):
            started = await tab.event("stream.started", streamId=stream_id)
            await tab.follow(started["data"]["streamId"])
        async with opened(roomy_server.url, origin.token) as refreshed:
            await refreshed.follow(stream_id)
            await refreshed.reached(stream_id, 20)
            await refreshed.cut()
        async with (
            Tab(roomy_server.url, origin.token) as refreshed_again,
            opened(roomy_server.url, origin.token) as late,
        ):
            known = refreshed_again.streams[stream_id] = refreshed.streams[stream_id]
            await refreshed_again.hello(streams=[{"streamId": stream_id, "after": known.last}])
            await origin.reached(stream_id, 60)
            assert (await late.command("chat.get", chatId="chat"))["result"]["activeStream"]["streamId"] == stream_id
            await late.follow(stream_id)
            await slow.caught_up()
            tabs = {"origin": origin, "device": device, "slow": slow, "refreshed": refreshed_again, "late": late}
            for tab in tabs.values():
                await tab.ended(stream_id)
            stored = (await origin.history("chat"))[-1]
            for name, tab in tabs.items():
                assert tab.streams[stream_id].fold.message() == stored, name


async def test_g19_a_resume_from_every_cut_gives_the_same_message(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab:
        stream_id, end, stored = await answered(tab, **RICH)
        kinds = {part["type"] for part in stored["parts"]}
        assert kinds >= {"text", "reasoning", "tool-search_documentation"}
        raw = await raw_log(tab, stream_id, end["seq"])
        for after in range(end["seq"] + 1):
            rest = await replay(tab, stream_id, after)
            resumed = fold(raw[:after]).extend(chunk for frame in rest[:-1] for chunk in frame["chunks"])
            assert resumed.message() == stored, f"resumed after {after}"
            assert len(rest) <= 2


async def test_g19_a_socket_lost_at_any_frame_resumes_live(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as origin:
        stream_id = (await origin.ask("chat", options=RICH | {"pace": 100}))["streamId"]
        known = Followed(0)
        cuts = 0
        while known.end is None:
            async with Tab(roomy_server.url, origin.token) as tab:
                tab.streams[stream_id] = known
                await tab.hello(streams=[{"streamId": stream_id, "after": known.last}])
                await tab.until(lambda got: got["type"] in ("stream.chunk", "stream.end"))
                await tab.cut()
                cuts += 1
        assert cuts > 5
        assert known.fold.message() == (await origin.history("chat"))[-1]
