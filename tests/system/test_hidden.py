"""A hidden tab over a real socket: few writes, the same words, and everything at once when somebody looks."""

from tests.system.server import ServerProcess
from tests.wire import Frame, Tab, opened

ENDLESS = {"tokens": 100_000, "pace": 100}


async def both_end(stream_id: str, *tabs: Tab) -> None:
    """Stop an answer; both tabs have the same words of it, and its end behind them."""
    await tabs[0].command("stream.stop", streamId=stream_id)
    ends = [await tab.ended(stream_id) for tab in tabs]
    assert ends[0] == ends[1]
    assert {tab.streams[stream_id].last for tab in tabs} == {ends[0]["seq"]}
    assert len({tab.streams[stream_id].text for tab in tabs}) == 1


def chunks(tab: Tab, stream_id: str) -> list[Frame]:
    return [] if stream_id not in tab.streams else tab.streams[stream_id].frames


async def test_g09_a_hidden_tab_gets_few_frames_and_all_of_the_words(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, opened(shared_server.url, tab.token) as hidden:
        await hidden.shows(None, "hidden")
        stream_id = (await tab.ask("chat", options=ENDLESS))["streamId"]
        await hidden.follow(stream_id)
        await hidden.reached(stream_id, 200)
        assert 2 < len(chunks(hidden, stream_id)) < len(chunks(tab, stream_id)) / 3
        await both_end(stream_id, tab, hidden)


async def test_g12_a_tab_that_wants_the_status_gets_its_words_in_front_of_the_end(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, Tab(shared_server.url, tab.token) as hidden:
        assert (await hidden.hello(capabilities=["status", "telepathy"]))["capabilities"] == ["status"]
        await hidden.shows(None, "hidden")
        stream_id = (await tab.ask("chat", options=ENDLESS))["streamId"]
        await hidden.follow(stream_id)
        await tab.reached(stream_id, 60)
        assert chunks(hidden, stream_id) == []
        await hidden.event("stream.started", streamId=stream_id)
        await both_end(stream_id, tab, hidden)
        assert chunks(hidden, stream_id)[0]["seq"] >= 60


async def test_g19_a_tab_that_is_looked_at_again_has_everything_at_once(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab, Tab(shared_server.url, tab.token) as hidden:
        await hidden.hello(capabilities=["status"])
        await hidden.shows("chat", "hidden")
        stream_id = (await tab.ask("chat", options=ENDLESS))["streamId"]
        await hidden.follow(stream_id)
        await tab.reached(stream_id, 60)
        await hidden.shows("chat")
        await hidden.reached(stream_id, 60)
        assert chunks(hidden, stream_id)[0]["seq"] >= 60, "in one piece"
        await hidden.reached(stream_id, tab.streams[stream_id].last + 5)
        await both_end(stream_id, tab, hidden)
