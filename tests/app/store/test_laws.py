"""The laws of the dashboard plane, on a real store, under whatever a user's tabs do at once."""

import asyncio
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.commands.reply import Caller
from app.models.interface import FinishReason, ModelFailure, Prompt, Sink
from app.realtime.feed import Feed, frame_of
from app.store import events
from app.store.engine import Database
from app.tools.interface import Arguments, Scope, Tool
from protocol.client.dashboard import Dashboard
from protocol.codec import decode_server
from protocol.errors import Refusal
from protocol.frames.client import DashboardGet
from protocol.frames.objects import DashboardSnapshot
from protocol.frames.server import Event
from protocol.parts.chunks import tool_input_available
from tests.app.fakes import Tab, say
from tests.app.world import World, opened, until

Step = tuple[str, str]
Steps = list[list[Step]]

CHATS = ["a", "b", "c", "d"]
PROJECTS = ["p", "q"]
STEP = st.one_of(
    st.tuples(st.sampled_from(["send", "queue", "replace", "stop", "early"]), st.sampled_from(CHATS)),
    st.tuples(st.sampled_from(["ask back", "allow", "deny"]), st.sampled_from(CHATS)),
    st.tuples(st.sampled_from(["create", "name", "enter p", "enter q", "leave", "delete"]), st.sampled_from(CHATS)),
    st.tuples(st.sampled_from(["found", "instruct", "dissolve"]), st.sampled_from(PROJECTS)),
    st.tuples(st.sampled_from(["see", "look"]), st.sampled_from(CHATS)),
    st.tuples(st.sampled_from(["finish", "fail", "later"]), st.just("")),
)


class Nothing(Arguments, frozen=True, kw_only=True):
    """What the tool of these tests takes."""


async def secret(_arguments: Nothing, _scope: Scope) -> str:
    return "done"


SECRET = Tool("secret", "Needs leave.", Nothing, secret, needs_approval=True)
STEPS = st.lists(st.lists(STEP, min_size=1, max_size=4), max_size=8)


_FILING: dict[str, tuple[str, dict[str, str]]] = {
    "create": ("chat.create", {}),
    "name": ("chat.update", {"title": "Mine"}),
    "enter p": ("chat.update", {"projectId": "p"}),
    "enter q": ("chat.update", {"projectId": "q"}),
    "leave": ("chat.update", {"projectId": ""}),
    "delete": ("chat.delete", {}),
    "found": ("project.create", {}),
    "instruct": ("project.update", {"instructions": "Be brief."}),
    "dissolve": ("project.delete", {}),
}


class Life:
    """A user whose tabs do things: each step is one list of commands that are sent at once."""

    def __init__(self, world: World, caller: Caller) -> None:
        self.world = world
        self.caller = caller
        self.tab = Tab()
        self._gate = asyncio.Event()
        self._fails = False
        world.model.script = self._script

    async def _script(self, prompt: Prompt, sink: Sink) -> FinishReason:
        if prompt.options and prompt.messages[-1]["role"] == "user":
            sink.chunk(tool_input_available("call", "secret", {}))
            return "tool-calls"
        say(sink, "x")
        await self._gate.wait()
        if self._fails:
            raise ModelFailure("model_error", "It failed.")
        return "stop"

    async def live(self, steps: Steps) -> None:
        await self.world.hub.join(self.caller.user_id, self.tab)
        for step in steps:
            await asyncio.gather(*(self._do(verb, chat_id) for verb, chat_id in step))

    async def settle(self) -> None:
        """Let everything end, the queue included."""
        self._gate.set()
        async with asyncio.timeout(10):
            while bool(self.world.supervisor.running) | await self._go_on():  # noqa: ASYNC110 - no event is set for it
                await asyncio.sleep(0.001)
        await self.world.quiet()

    async def _go_on(self) -> bool:
        """Let paused queues have their turn, and allow what waits; say whether there was anything."""
        chats = (await self.page()).chats
        paused = [chat.chat_id for chat in chats if chat.queue_paused]
        for chat_id in paused:
            await self.world.run(self.caller, "queue.update", chatId=chat_id, paused=False)
        waiting = [chat.chat_id for chat in chats if chat.awaiting_approval]
        for chat_id in waiting:
            with suppress(Refusal):
                await self._answer(chat_id, approved=True)
        return bool(paused or waiting)

    async def _answer(self, chat_id: str, *, approved: bool) -> None:
        rows = await self.world.store.fetch_all(
            """
            SELECT r.stream_id, r.request_id FROM tool_requests r JOIN streams s ON s.stream_id = r.stream_id
            WHERE s.user_id = :user_id AND s.chat_id = :chat_id
            """,
            {"user_id": self.caller.user_id, "chat_id": chat_id},
        )
        for row in rows:
            names = {"streamId": row["stream_id"], "approvalId": row["request_id"]}
            with suppress(Refusal):
                await self.world.run(self.caller, "tool.approval", **names, approved=approved)

    async def _do(self, verb: str, chat_id: str) -> None:
        if verb in ("finish", "fail"):
            self._fails = verb == "fail"
            self._gate.set()
            self._gate = asyncio.Event()
        elif verb == "later":
            self.world.pass_ms(7)
        elif verb == "look":
            self.tab.shows = chat_id
        else:
            with suppress(Refusal):
                await (self._file(verb, chat_id) if verb in _FILING else self._command(verb, chat_id))

    async def _file(self, verb: str, name: str) -> None:
        kind, fields = _FILING[verb]
        key = "projectId" if kind.startswith("project.") else "chatId"
        await self.world.run(self.caller, kind, **{key: name}, **fields)

    async def _command(self, verb: str, chat_id: str) -> None:
        if verb == "stop":
            await self.world.run(self.caller, "stream.stop", chatId=chat_id)
        elif verb == "see":
            chat = (await self.world.run(self.caller, "chat.get", chatId=chat_id)).result["chat"]
            await self.world.run(self.caller, "chat.seen", chatId=chat_id, messageId=chat.get("leafId", "none"))
        elif verb == "early":
            await self.world.run(self.caller, "stream.stop", commandId=f"early_{chat_id}")
            await self.world.ask(self.caller, chat_id, id=f"early_{chat_id}", ifActive="queue")
        elif verb in ("allow", "deny"):
            await self._answer(chat_id, approved=verb == "allow")
        elif verb == "ask back":
            await self.world.ask(self.caller, chat_id, ifActive="queue", options={"asks": True})
        else:
            if_active = {"send": "reject", "queue": "queue", "replace": "stop"}[verb]
            await self.world.ask(self.caller, chat_id, ifActive=if_active)

    async def page(self, limit: int = 200) -> DashboardSnapshot:
        return await self.world.dashboard.snapshot(self.caller.user_id, DashboardGet(id="get", limit=limit))

    async def told(self, after: int) -> list[Event]:
        stored = await events.after(self.world.store, self.caller.user_id, after, limit=10_000)
        frames = [decode_server(frame_of(event)) for event in stored]
        return [frame for frame in frames if isinstance(frame, Event)]


law = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@law
@given(STEPS, STEPS, st.integers(1, 4))
async def test_g22_snapshot_and_later_events_equal_a_fresh_snapshot(
    store: Database, before: Steps, after: Steps, size: int
) -> None:
    async with opened(World(store, tools=[SECRET])) as world:
        life = Life(world, await world.guest())
        await life.live(before)
        whole, page = Dashboard(), Dashboard()
        living = asyncio.create_task(life.live(after))
        first = await life.page()
        whole.replace(first)
        paged = await life.page(size)
        page.replace(paged)
        await living
        await life.settle()
        for event in await life.told(first.offset):
            whole.apply(event)
            whole.apply(event)
        for event in await life.told(paged.offset):
            page.apply(event)
        snapshot = await life.page()
        fresh = snapshot.chats
        assert whole.chats == fresh
        assert whole.projects == page.projects == sorted(snapshot.projects, key=lambda project: project.project_id)
        known = {project.project_id for project in snapshot.projects}
        assert {chat.project_id for chat in fresh} <= known | {None}, "no chat is in a project that is not there"
        shown = page.chats[:size]
        assert shown == fresh[: len(shown)], "the law for pages"
        deleted = sum(event.name == "chat.deleted" for event in await life.told(paged.offset))
        assert len(shown) >= min(size, len(fresh)) - deleted, "a page is shorter only by what was deleted"
        assert not any(chat.active_stream_id or chat.queue or chat.awaiting_approval for chat in fresh)


@law
@given(STEPS)
async def test_g20_offsets_have_no_gap_and_versions_rise_with_them(store: Database, steps: Steps) -> None:
    async with opened(World(store, tools=[SECRET])) as world:
        life = Life(world, await world.guest())
        feed = await world.hub.join(life.caller.user_id, Tab())
        await life.live(steps)
        await life.settle()
        told = await life.told(0)
        assert [event.offset for event in told] == list(range(1, len(told) + 1))
        versions: dict[str, int] = {}
        for event in told:
            key = event.data.get("chatId") or event.data["projectId"]
            about = event.data.get("chat") or event.data.get("project") or event.data
            assert about["version"] >= versions.get(key, 1)
            versions[key] = about["version"]
        await until(lambda: feed.head == len(told))
        live = Feed(feed.epoch, 0)
        live.follow(await events.after(store, life.caller.user_id, 0, limit=10_000))
        assert [feed.read(after) for after in range(len(told))] == [live.read(after) for after in range(len(told))]


@law
@given(STEPS)
async def test_g17_at_most_one_stream_of_a_chat_runs_and_each_one_ends_once(store: Database, steps: Steps) -> None:
    async with opened(World(store, tools=[SECRET])) as world:
        life = Life(world, await world.guest())
        await life.live(steps)
        await life.settle()
        active: dict[str, str] = {}
        ended: list[str] = []
        for event in await life.told(0):
            chat_id, stream_id = event.data.get("chatId", ""), str(event.data.get("streamId"))
            if event.name == "stream.started":
                assert chat_id not in active
                active[chat_id] = stream_id
            elif event.name == "stream.ended":
                if active.get(chat_id) == stream_id:  # else it was withdrawn from the queue
                    del active[chat_id]
                ended.append(stream_id)
        assert not active
        assert len(ended) == len(set(ended))
        rows = await store.fetch_all("SELECT stream_id FROM streams WHERE user_id = :u", {"u": life.caller.user_id})
        gone = {event.data["chatId"] for event in await life.told(0) if event.name == "chat.deleted"}
        of_gone = {event.data["streamId"] for event in await life.told(0) if event.name == "stream.ended"
                   and event.data["chatId"] in gone}  # fmt: skip
        assert {row["stream_id"] for row in rows} == set(ended) - of_gone


@law
@given(STEPS)
async def test_g26_a_chat_is_unseen_from_one_event_to_the_other_and_never_else(store: Database, steps: Steps) -> None:
    async with opened(World(store)) as world:
        life = Life(world, await world.guest())
        await life.live(steps)
        await life.settle()
        unseen: dict[str, bool] = {}
        changes: dict[tuple[str, int], list[Event]] = {}
        for event in await life.told(0):
            if "chat" in event.data:
                changes.setdefault((event.data["chatId"], event.data["chat"]["version"]), []).append(event)
        for (chat_id, _), told in changes.items():
            names = [event.name for event in told]
            if "chat.created" in names:
                unseen[chat_id] = False
            if "chat.seen" in names:
                assert unseen[chat_id], "what is seen already is not seen again"
                unseen[chat_id] = False
            if "chat.unseen" in names:
                ended = [event.data["status"] for event in told if event.name == "stream.ended"]
                assert ended, "only the end of an answer makes a chat unseen"
                assert "stopped" not in ended
                unseen[chat_id] = True
            assert {event.data["chat"]["unseen"] for event in told} == {unseen[chat_id]}
