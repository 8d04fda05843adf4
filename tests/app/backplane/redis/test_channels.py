"""Which channels are heard, against a server that confirms in order and forgets everything with its connection."""

from collections import deque
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.backplane.redis.channels import Channels, batches

names = st.sampled_from([b"a", b"b", b"c"])
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["want", "unwant"]), names),
        st.tuples(st.sampled_from(["ask", "serve", "answer", "fall_silent"]), st.just(b"")),
    ),
    max_size=60,
)


class Server:
    """Has commands that are under way, channels that are subscribed, and confirmations that are under way."""

    def __init__(self) -> None:
        self.commands: deque[tuple[str, bytes]] = deque()
        self.subscribed: set[bytes] = set()
        self.answers: deque[tuple[str, bytes]] = deque()

    def serve(self) -> None:
        kind, channel = self.commands.popleft()
        self.subscribed.add(channel) if kind == "subscribe" else self.subscribed.discard(channel)
        self.answers.append((kind, channel))


class World:
    """Channels, and the server at the other end."""

    def __init__(self) -> None:
        self.channels = Channels()
        self.server = Server()

    def want(self, channel: bytes) -> None:
        self.channels.wanted.add(channel)

    def unwant(self, channel: bytes) -> None:
        self.channels.wanted.discard(channel)

    def ask(self, _: bytes = b"") -> None:
        more, less = self.channels.due()
        self.server.commands += [("subscribe", name) for name in more] + [("unsubscribe", name) for name in less]

    def serve(self, _: bytes = b"") -> None:
        if self.server.commands:
            self.server.serve()

    def answer(self, _: bytes = b"") -> None:
        if not self.server.answers:
            return
        kind, channel = self.server.answers.popleft()
        if kind == "subscribe":
            self.channels.confirm(channel)
        else:
            assert not self.channels.is_lost(channel), "we asked for this"

    def fall_silent(self, _: bytes) -> None:
        self.channels.reset()
        self.server = Server()

    def heard(self) -> set[bytes]:
        return {name for name in (b"a", b"b", b"c") if self.channels.is_heard(name)}


@given(steps)
def test_what_is_heard_reaches_us_until_it_is_unwanted(steps: list[tuple[str, bytes]]) -> None:
    world = World()
    for step, channel in [*steps, ("ask", b"")]:
        getattr(world, step)(channel)
        for name in world.heard():  # nothing that is under way takes it from us again
            assert name in world.server.subscribed
            assert ("unsubscribe", name) not in world.server.commands
    while world.server.commands or world.server.answers:
        world.serve()
        world.answer()
    assert world.heard() == world.channels.wanted == world.server.subscribed
    assert world.channels.are_heard


def test_an_unsubscription_nobody_asked_for_is_noticed() -> None:
    channels = Channels()
    channels.wanted.add(b"a")
    channels.due()
    channels.confirm(b"a")
    assert channels.is_lost(b"a")
    assert not channels.is_lost(b"b")


def test_many_channels_go_in_several_commands() -> None:
    every: list[Any] = [b"%d" % number for number in range(1_001)]
    assert [len(some) for some in batches(every)] == [500, 500, 1]
    assert [name for some in batches(every) for name in some] == every
    assert batches([]) == []
