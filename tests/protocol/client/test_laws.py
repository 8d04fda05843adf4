"""Whatever the network does, every stream folds to its message and the dashboard to a fresh one."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.client import Dashboard
from protocol.frames.client import ChatUpdate, MessageSend
from protocol.frames.objects import Question
from protocol.frames.server import Goodbye
from protocol.parts.fold import fold
from tests.protocol.client.pair import Pair

STEPS = (
    "say", "say", "say", "end", "chat", "chat", "delete", "up", "up", "up", "down", "down", "down", "down", "drop",
    "double", "swap", "cut", "goodbye", "accept", "accept", "wait", "trim", "epoch", "send", "rename", "foreground",
)  # fmt: skip
DATA = (b'{"type":"stream.chunk"', b'{"type":"event"', b'{"type":"stream.end"')


class Chaos:
    """Interprets steps; every choice comes from one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.pair = Pair(random=self.rng.random)
        self.pair.cut = lambda at, head: self.rng.randint(at + 1, head)
        self.words = 0
        self.sent: list[str] = []
        for stream in ("str_a", "str_b"):
            self.pair.world.log(stream)
            self.pair.do(self.pair.core.subscribe(stream, 0, self.pair.now))
        self.pair.connected()

    def step(self, name: str) -> None:
        getattr(self, name)()

    def _link(self) -> int | None:
        return self.rng.choice(list(self.pair.links)) if self.pair.links else None

    def say(self) -> None:
        running = [log for log in self.pair.world.logs.values() if log.status == "streaming"]
        if running:
            self.words += 1
            self.rng.choice(running).say(f"{self.words} ")

    def end(self) -> None:
        running = [log for log in self.pair.world.logs.values() if log.status == "streaming"]
        if running and self.rng.random() < 0.3:
            self.rng.choice(running).finish()

    def chat(self) -> None:
        self.words += 1
        self.pair.world.chat(f"chat_{self.rng.randint(1, 4)}", title=f"t{self.words}")
        self.pair.world.project("prj_1", f"p{self.words}")

    def delete(self) -> None:
        if self.pair.world.chats:
            self.pair.world.delete_chat(self.rng.choice(list(self.pair.world.chats)))

    def up(self) -> None:
        number = self._link()
        if number and self.pair.links[number].up:
            self.pair.up(number)

    def down(self) -> None:
        number = self._link()
        if number is None:
            return
        link = self.pair.links[number]
        link.down += link.peer.pump()
        if link.down:
            self.pair.down(number)

    def drop(self) -> None:
        number = self._link()
        if number and (down := self.pair.links[number].down) and down[0].startswith(DATA):
            down.popleft()

    def double(self) -> None:
        number = self._link()
        if number and (down := self.pair.links[number].down) and down[0].startswith(DATA):
            down.appendleft(down[0])

    def swap(self) -> None:
        number = self._link()
        down = self.pair.links[number].down if number else None
        if down and len(down) > 1 and down[0].startswith(DATA) and down[1].startswith(DATA):
            down[0], down[1] = down[1], down[0]

    def cut(self) -> None:
        number = self._link()
        if number:
            self.pair.break_link(number)

    def goodbye(self) -> None:
        if self.pair.core.state == "ready":
            frame = Goodbye(reason="draining", reconnect_after_ms=(0, 200), close_after_ms=5000)
            main = self.pair.core._main
            assert main is not None
            self.pair.send(main.number, frame)

    def accept(self) -> None:
        self.pair.accept()

    def wait(self) -> None:
        self.pair.wait(self.rng.choice((0.01, 0.3, 3.0, 12.0)))

    def foreground(self) -> None:
        self.pair.do(self.pair.core.foreground(self.pair.now))

    def trim(self) -> None:
        self.pair.world.trimmed = len(self.pair.world.events)

    def epoch(self) -> None:
        if self.rng.random() < 0.2:
            self.pair.world.epoch += "x"

    def send(self) -> None:
        if len(self.sent) < 4:
            command = f"send_{len(self.sent)}"
            question = Question(id=f"q_{command}", role="user", parts=[])
            self.sent.append(command)
            frame = MessageSend(id=command, chat_id="chat_9", message=question)
            self.pair.do(self.pair.core.command(frame, self.pair.now))

    def rename(self) -> None:
        command = f"ren_{self.words}_{len(self.pair.notices)}_{self.rng.random()}".replace(".", "_")
        self.sent.append(command)
        self.pair.do(self.pair.core.command(ChatUpdate(id=command, chat_id="chat_1", title="r"), self.pair.now))


@settings(max_examples=250, deadline=None)
@given(st.lists(st.sampled_from(STEPS), min_size=10, max_size=120), st.integers(0, 2**32))
def test_g19_g22_every_interleaving_ends_with_the_same_fold_and_dashboard(steps: list[str], seed: int) -> None:
    chaos = Chaos(seed)
    for step in steps:
        chaos.step(step)
    pair = chaos.pair
    pair.heal()
    for log in pair.world.logs.values():
        if log.status == "streaming":
            log.finish()
    pair.cut = lambda _at, head: head
    pair.heal()

    assert pair.lost() == []
    answers = pair.answers()
    assert set(answers) == set(chaos.sent)
    assert len(pair.world.effects) == len(set(pair.world.effects)), "guarantee 3: one effect per command id"
    for stream_id, log in pair.world.logs.items():
        if stream_id in ("str_a", "str_b") or log.chat_id == "chat_9":
            assert pair.folds[stream_id].message() == fold(log.chunks).message()
            assert pair.ended[stream_id].seq == log.head
    fresh = Dashboard()
    fresh.replace(pair.world.snapshot())
    assert pair.dashboard.chats == fresh.chats
    assert pair.dashboard.projects == fresh.projects
