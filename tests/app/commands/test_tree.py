"""The laws of a chat's tree and its queue, whatever a user does and whenever the server dies."""

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.models.interface import FinishReason, ModelFailure, Prompt, Sink
from app.realtime.feed import frame_of
from app.store import events
from app.store.engine import Database
from protocol.client.dashboard import Dashboard
from protocol.codec import decode_server
from protocol.errors import Refusal
from protocol.frames.client import DashboardGet
from protocol.frames.objects import DashboardSnapshot
from protocol.frames.server import Event
from protocol.limits import Limits
from tests.app.fakes import MemoryJournal, say
from tests.app.world import World, sending

IF_ACTIVE = st.sampled_from(["reject", "stop", "queue"])
WHICH = st.integers(0, 30)
ROOM = Limits(generations_per_minute=100_000)
REFUSALS = {"stream_active", "not_found", "invalid_argument", "quota_exceeded"}
Message = dict[str, Any]


class Tree(RuleBasedStateMachine):
    """One chat of one user. Answers are written until a rule lets them end."""

    database: Path  # an empty one, to be copied

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.fails = False
        self.asked = 0
        self.runner.run(self.begin())

    async def begin(self) -> None:
        self.path = shutil.copy(self.database, self.database.with_suffix(f".{id(self)}"))
        self.store = Database(f"sqlite:///{self.path}")
        await self.store.connect()
        self.journal = MemoryJournal()
        self.open()
        self.caller = await self.world.guest()
        self.page = Dashboard()
        self.position = (await self.snapshot(self.page)).offset

    def open(self) -> None:
        self.gate = asyncio.Event()
        self.world = World(self.store, self.journal, limits=ROOM)
        self.world.model.script = self.script
        self.world.supervisor.open()

    def teardown(self) -> None:
        self.runner.run(self.close())
        self.runner.close()
        Path(self.path).unlink()

    async def close(self) -> None:
        await self.world.supervisor.close()
        await self.world.hub.close()
        await self.store.close()

    async def script(self, prompt: Prompt, sink: Sink) -> FinishReason:
        await self.check_prompt(prompt)
        if self.asked % 3:
            say(sink, "x")
        await self.gate.wait()
        if self.fails:
            raise ModelFailure("model_refused", "It failed.")
        return "stop"

    # What the user does

    @rule(if_active=IF_ACTIVE)
    def send(self, if_active: str) -> None:
        self.carry_out("message.send", **sending(), ifActive=if_active)

    @rule(which=WHICH, if_active=IF_ACTIVE)
    def edit(self, which: int, if_active: str) -> None:
        if questions := self.ids("user"):
            fields = {**sending(), "messageId": questions[which % len(questions)]}
            self.carry_out("message.edit", **fields, ifActive=if_active)

    @rule(which=WHICH, if_active=IF_ACTIVE, kind=st.sampled_from(["message.regenerate", "message.retry"]))
    def once_more(self, which: int, if_active: str, kind: str) -> None:
        answers = [*self.ids("assistant"), None]
        self.carry_out(kind, chatId="c", messageId=answers[which % len(answers)], ifActive=if_active)

    @rule(which=WHICH)
    def select(self, which: int) -> None:
        if shown := self.ids("user") + self.ids("assistant"):
            self.carry_out("message.select", chatId="c", messageId=shown[which % len(shown)])

    @rule()
    def stop(self) -> None:
        self.carry_out("stream.stop", chatId="c")

    @rule(
        order=st.permutations(range(4)),
        remove=st.sampled_from([0, 0, 1, 4]),
        paused=st.sampled_from([None, True, False, False]),
    )
    def update(self, order: list[int], remove: int, paused: bool | None) -> None:
        waiting = [queued["commandId"] for queued in self.chat().get("queue", [])]
        fields: dict[str, Any] = {"order": [waiting[n] for n in order if n < len(waiting)], "paused": paused}
        fields["remove"] = waiting[:remove]
        self.carry_out("queue.update", chatId="c", **fields)

    @rule(fails=st.booleans())
    def finish(self, fails: bool) -> None:
        self.fails = fails
        self.runner.run(self.end_answer())

    @rule()
    def restart(self) -> None:
        self.runner.run(self.die())

    def carry_out(self, kind: str, **fields: Any) -> None:
        self.asked += 1
        try:
            self.runner.run(self.command(kind, fields))
        except Refusal as refusal:
            assert refusal.code in REFUSALS  # noqa: PT017 - any other refusal is the failure

    async def command(self, kind: str, fields: dict[str, Any]) -> None:
        await self.world.run(self.caller, kind, **fields)
        await self.calm()

    async def end_answer(self) -> None:
        gate, self.gate = self.gate, asyncio.Event()
        active = await self.rows("SELECT stream_id FROM streams WHERE status = 'streaming'")
        gate.set()
        for row in active:
            await self.world.ended(row["stream_id"])

    async def die(self) -> None:
        await self.world.supervisor.close()
        await self.world.hub.close()
        self.open()
        await self.world.recovery.run()

    async def calm(self) -> None:
        """Wait until whatever was stopped has ended."""
        for row in await self.rows("SELECT stream_id FROM streams WHERE status = 'stopping'"):
            await self.world.ended(row["stream_id"])

    # What must hold

    @invariant()
    def questions_and_answers_alternate(self) -> None:
        tree = self.tree()
        for message in tree.values():
            parent = tree.get(message["parent_id"])
            assert (parent is None) == (message["parent_id"] is None)
            expected = "user" if parent is None or parent["role"] == "assistant" else "assistant"
            assert message["role"] == expected

    @invariant()
    def the_shown_branch_is_a_path_from_a_first_question_to_an_answer(self) -> None:
        tree = self.tree()
        child = self.chat().get("leafId")
        assert (child is None) == (not tree)
        if child is None:
            return
        assert tree[child]["role"] == "assistant"
        assert tree[child]["shown_child_id"] is None
        while (parent := tree[child]["parent_id"]) is not None:
            assert tree[parent]["shown_child_id"] == child
            child = parent
        for message in tree.values():
            below: list[str | None] = [
                other for other, its in tree.items() if its["parent_id"] == message["message_id"]
            ]
            assert message["shown_child_id"] in (below or [None])

    @invariant()
    def versions_are_the_siblings_in_the_order_of_their_birth(self) -> None:
        tree = self.tree()
        for shown in self.history():
            versions = shown["metadata"]["versions"]
            assert versions["ids"][versions["index"]] == shown["id"]
            born = [tree[other]["created_at"] for other in versions["ids"]]
            assert born == sorted(set(born))
            assert {tree[other]["parent_id"] for other in versions["ids"]} == {tree[shown["id"]]["parent_id"]}

    @invariant()
    def history_is_what_is_committed_of_the_shown_branch(self) -> None:
        tree, path = self.tree(), []
        message_id = self.chat().get("leafId")
        while message_id is not None:
            path.append(message_id)
            message_id = tree[message_id]["parent_id"]
        assert [message["id"] for message in self.history()] == [one for one in path[::-1] if tree[one]["committed"]]

    @invariant()
    def an_answer_is_committed_when_its_stream_has_ended(self) -> None:
        rows = self.runner.run(self.rows("SELECT message_id, status FROM streams"))
        running = [row["message_id"] for row in rows if row["status"] in ("streaming", "stopping")]
        assert len(running) <= 1
        assert [one for one, message in self.tree().items() if not message["committed"]] == running

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        chat = self.chat()
        if chat.get("queue"):
            assert "activeStreamId" in chat or chat.get("queuePaused")
        else:
            assert not chat.get("queuePaused")

    @invariant()
    def g22_a_page_that_follows_the_events_equals_a_fresh_one(self) -> None:
        self.runner.run(self.check_page())

    async def check_page(self) -> None:
        fresh = Dashboard()
        await self.snapshot(fresh)
        # Titles and ends go on in the background, so both take what was committed since the snapshot was read.
        for stored in await events.after(self.store, self.caller.user_id, self.position, limit=10_000):
            event = decode_server(frame_of(stored))
            assert isinstance(event, Event)
            self.page.apply(event)
            fresh.apply(event)
            self.position = event.offset
        assert self.page.chats == fresh.chats

    async def check_prompt(self, prompt: Prompt) -> None:
        """Only the branch of the question goes to the model."""
        tree = await self.read_tree()
        path = [message["id"] for message in prompt.messages]
        for parent, child in zip([None, *path], path, strict=False):
            assert tree[child]["parent_id"] == parent
        assert tree[path[-1]]["role"] == "user"

    # How it is read

    async def snapshot(self, page: Dashboard) -> DashboardSnapshot:
        read = await self.world.dashboard.snapshot(self.caller.user_id, DashboardGet(id="get"))
        page.replace(read)
        return read

    async def rows(self, sql: str) -> list[Message]:
        return [dict(row) for row in await self.store.fetch_all(sql)]

    async def read_tree(self) -> dict[str, Message]:
        return {row["message_id"]: row for row in await self.rows("SELECT * FROM messages ORDER BY created_at")}

    def tree(self) -> dict[str, Message]:
        return self.runner.run(self.read_tree())

    def ids(self, role: str) -> list[str]:
        return [one for one, message in self.tree().items() if message["role"] == role]

    def chat(self) -> Message:
        with suppress(Refusal):
            chat: Message = self.runner.run(self.world.run(self.caller, "chat.get", chatId="c")).result["chat"]
            return chat
        return {}

    def history(self) -> list[Message]:
        with suppress(Refusal):
            return self.runner.run(self.world.history(self.caller, limit=200))
        return []


def test_g22_a_chat_is_a_tree_of_which_one_path_is_shown(migrated: Path, tmp_path: Path) -> None:
    empty = Path(shutil.copy(migrated, tmp_path / "tidewire.db"))
    machine = type("Tree", (Tree,), {"database": empty})
    run_state_machine_as_test(machine, settings=settings(deadline=None, max_examples=25, stateful_step_count=25))
