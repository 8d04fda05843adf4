"""Both cores joined: wherever the connection is cut, the conversation ends the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.client import Answered, Dashboard
from protocol.frames.client import ChatUpdate, MessageSend, StreamStop
from protocol.frames.objects import Question
from protocol.limits import FlowLimits
from protocol.parts.fold import fold
from tests.protocol.joined import Joined

WIDE = FlowLimits()
NARROW = FlowLimits(start=600, least=500, most=1_200)
CUTS = st.lists(st.integers(1, 120), max_size=4).map(tuple)


def send(command_id: str, chat_id: str) -> MessageSend:
    return MessageSend(
        id=command_id, chat_id=chat_id, message=Question(id=f"q_{command_id}", role="user", parts=[{"type": "text"}])
    )


def conversation(delay: float, flow: FlowLimits, cuts: tuple[int, ...] = ()) -> Joined:
    """Two questions, a rename, a stop, and an answer that is read to its end."""
    joined = Joined(delay, flow, cuts)
    joined.run(0.5)
    joined.send(send("ask_1", "chat_1"))
    joined.run(1)
    joined.send(ChatUpdate(id="name_1", chat_id="chat_1", title="Report"))
    joined.send(send("ask_2", "chat_2"))
    for n in range(12):
        for log in joined.world.logs.values():
            if log.status == "streaming":
                log.say(*(f"{n}.{k} " for k in range(10)))
        joined.run(0.2)
    second = joined.answers.get("ask_2")
    if isinstance(second, Answered):
        joined.send(StreamStop(id="stop_2", stream_id=second.result["streamId"]))
    joined.run(60, until=lambda: {"ask_1", "ask_2", "name_1"} <= joined.answers.keys())
    for log in joined.world.logs.values():
        if log.status == "streaming":
            log.finish()
    joined.run(120, until=lambda: len(joined.ended) == 2)
    joined.run(30, until=lambda: is_quiet(joined))
    return joined


def is_quiet(joined: Joined) -> bool:
    return joined.client.state == "ready" and joined.client._session.events.last == len(joined.world.events)


def check(joined: Joined) -> None:
    world = joined.world
    assert len(world.effects) == len(set(world.effects)), "guarantee 3: one effect for each command id"
    assert {"ask_1", "ask_2", "name_1"} <= joined.answers.keys()
    assert all(isinstance(answer, Answered) for answer in joined.answers.values())
    assert len(world.logs) == 2
    for stream_id, log in world.logs.items():
        assert joined.folds[stream_id].message() == fold(log.chunks).message()
        assert joined.ended[stream_id].seq == log.head
    fresh = Dashboard()
    fresh.replace(world.snapshot())
    assert joined.dashboard.chats == fresh.chats


@pytest.mark.parametrize("flow", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("delay", [0.0, 0.15, 0.4])
def test_g19_a_conversation_without_a_cut(delay: float, flow: FlowLimits) -> None:
    check(conversation(delay, flow))


def test_g05_g19_a_cut_before_any_frame_changes_nothing_in_the_end() -> None:
    frames = conversation(0.1, WIDE).frames
    assert frames > 40
    for cut in range(1, frames + 1):
        check(conversation(0.1, WIDE, (cut,)))


@settings(max_examples=200, deadline=None)
@given(CUTS, st.sampled_from([0.0, 0.1, 0.3]), st.sampled_from([WIDE, NARROW]))
def test_g05_g19_many_cuts_change_nothing_in_the_end(cuts: tuple[int, ...], delay: float, flow: FlowLimits) -> None:
    check(conversation(delay, flow, cuts))


def test_g27_a_slow_link_gets_few_large_frames_and_stays_near_the_head() -> None:
    """A hundred tokens a second over a link whose pong takes 0.8 s: merged, bounded, and never far behind."""
    joined = Joined(0.4, FlowLimits(start=2_000, least=1_000, most=4_000))
    joined.run(2)
    joined.send(send("ask_1", "chat_1"))
    joined.run(2, until=lambda: bool(joined.world.logs))
    (log,) = joined.world.logs.values()
    joined.run(2)
    before = joined.frames
    for n in range(200):
        log.say(*(f"{n}.{k} " for k in range(5)))
        joined.run(0.05)
    applied = next(iter(joined.client._session.streams)).last
    assert log.head - applied <= 4 * 100
    assert joined.frames - before < 200
