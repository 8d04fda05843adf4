"""A client's place in the event log: gaps, resets, and snapshots that events overtake."""

from protocol.client import Reset
from protocol.frames.client import (
    DashboardGet,
    EventsResume,
)
from protocol.frames.server import Event, EventsReset
from tests.protocol.client.pair import Pair


def test_g21_event_gap_is_resumed() -> None:
    pair = Pair().connected()
    pair.world.chat("c1")
    pair.world.chat("c2")
    pair.links[1].peer.offset = 1  # the first was lost
    pair.settle()
    assert [f.offset for f in pair.heard() if isinstance(f, EventsResume)] == [0]
    assert len(pair.dashboard.chats) == 2


def test_events_reset_reads_the_dashboard_again() -> None:
    pair = Pair().connected()
    pair.world.chat("c1")
    pair.links[1].peer.offset = 1
    pair.send(1, EventsReset(epoch="e1", offset=1, reason="slow_consumer"))
    pair.settle()
    assert any(isinstance(n, Reset) for n in pair.notices)
    assert any(isinstance(f, DashboardGet) for f in pair.heard())
    assert len(pair.dashboard.chats) == 1


def test_event_that_overtakes_the_snapshot_is_asked_for_again() -> None:
    pair = Pair().connected()
    pair.send(1, EventsReset(epoch="e1", offset=0, reason="slow_consumer"))
    pair.up(1)  # the snapshot is read at 0
    pair.world.chat("c1")
    pair.links[1].down.appendleft(pair.links[1].peer.pump()[0])
    pair.settle()
    assert len(pair.dashboard.chats) == 1


def test_client_without_a_dashboard_jumps_and_says_so() -> None:
    pair = Pair(dashboard=False).connected()
    assert pair.heard()[0].snapshot == "never"
    pair.world.chat("c1")
    pair.settle()
    pair.world.epoch = "e2"
    pair.break_link(1)
    pair.wait_until_due()
    pair.settle()
    assert [n for n in pair.notices if isinstance(n, Reset)] == [Reset("e2", 1, "epoch_changed")]
    pair.world.chat("c2")
    pair.settle()
    assert isinstance(pair.notices[-1], Event)
