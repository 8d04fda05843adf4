"""The life of a node: its rounds, its readiness, and that everything is closed whatever fails."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from app import node as module
from app.backplane.interface import JournalUnavailable
from app.clock import Clock
from app.node import Node, Parts
from app.rounds import Round
from app.store.engine import Database
from app.store.errors import StoreUnavailable
from app.tasks import Crew
from protocol.limits import Limits
from tests.virtual import loop_clock, run_virtual


class Recorder:
    """Stands for every part of a node: notes what is called, in order, and fails where the test says."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failing: dict[str, Exception] = {}

    def part(self, name: str, **fields: Any) -> Any:
        return type("Part", (), {"__getattr__": lambda _, method: self.method(f"{name}.{method}")} | fields)()

    def method(self, call: str) -> Callable[..., Any]:
        async def method(*_arguments: Any, **_named: Any) -> Any:
            self.calls.append(call)
            if call in self.failing:
                raise self.failing[call]
            return []

        return method


def node_of(recorder: Recorder, clock: Clock, *, rounds: tuple[Round, ...] = (), lease: Any = None) -> Node:
    part = recorder.part
    retired = lambda now: recorder.calls.append("rates.retire")  # noqa: E731 - shorter than a def
    return Node(
        Parts(
            name="n",
            database=part("database", transaction=lambda _: nullcontext(part("transaction"))),
            journal=part("journal"),
            broker=part("broker"),
            listener=part("listener"),
            catalogue=part("catalogue"),
            registry=part(
                "registry",
                following=part("following"),
                retire=lambda _, now: recorder.calls.append("registry.retire"),
            ),
            supervisor=part("supervisor", open=lambda _: None, draining=False, running=0),
            recovery=part("recovery"),
            owners=part("owners"),
            ownership=part("ownership"),
            lease=lease or part("lease", neighbours=()),
            hub=part("hub", open=lambda _: None),
            sockets=part("sockets", stop_admitting=lambda _: recorder.calls.append("sockets.stop_admitting")),
            commands=Crew("commands"),
            wheel=part("wheel"),
            clock=clock,
            limits=Limits(),
            retire=(retired,),
            rounds=rounds,
        )
    )


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def test_what_is_left_is_sealed_before_anything_else_begins(recorder: Recorder) -> None:
    async def main() -> None:
        node = node_of(recorder, loop_clock())
        await node.open()
        assert recorder.calls == ["database.connect", "journal.open", "lease.take", "broker.open", "recovery.run"]
        await node.close()

    run_virtual(main())


@pytest.mark.parametrize("failing", ["supervisor.close", "hub.close", "catalogue.close", "journal.close"])
def test_everything_is_closed_in_the_reverse_order_even_when_some_of_it_fails(recorder: Recorder, failing: str) -> None:
    async def main() -> None:
        node = node_of(recorder, loop_clock())
        recorder.failing[failing] = ExceptionGroup("some models did not close", [ValueError()])
        with pytest.raises(ExceptionGroup):
            await node.close()

    run_virtual(main())
    assert recorder.calls == [
        "supervisor.close",
        "hub.close",
        "catalogue.close",
        "owners.close",
        "following.close",
        "broker.close",
        "journal.close",
        "lease.release",
        "database.close",
    ]


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (JournalUnavailable("away"), logging.WARNING),
        (StoreUnavailable("away"), logging.WARNING),
        (RuntimeError("a bug"), logging.ERROR),
    ],
)
def test_a_round_that_fails_does_not_end_the_rounds(
    recorder: Recorder, error: Exception, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        node = node_of(recorder, loop_clock())
        await node.open()
        recorder.calls.clear()
        recorder.failing["journal.retire"] = error
        await asyncio.sleep(module.CLEANING_EVERY * 2 + 1)
        recorder.failing.clear()
        await asyncio.sleep(module.CLEANING_EVERY)
        await node.close()

    run_virtual(main())
    assert [call for call in recorder.calls if call.endswith("retire")] == [
        "registry.retire",
        "rates.retire",
        "journal.retire",
    ] * 3
    assert [record.levelno for record in caplog.records] == [level] * 2
    assert recorder.calls.count("transaction.fetch_all") >= 5, "the third round sweeps the store"


def test_the_rounds_of_other_parts_go_on_for_as_long_as_the_node_is_open(recorder: Recorder) -> None:
    async def main() -> None:
        tick = Round("ticking", 1.0, recorder.method("tick"))
        node = node_of(recorder, loop_clock(), rounds=(tick,))
        await node.open()
        recorder.failing["tick"] = RuntimeError("a bug")
        await asyncio.sleep(3.5)
        await node.close()
        await asyncio.sleep(10)

    run_virtual(main())
    assert recorder.calls.count("tick") == 3


def test_g30_a_drain_refuses_first_then_waits_then_says_goodbye(recorder: Recorder) -> None:
    async def main() -> None:
        await node_of(recorder, loop_clock()).drain(5)

    run_virtual(main())
    assert recorder.calls == ["sockets.stop_admitting", "lease.renew", "supervisor.drain", "sockets.say_goodbye"]


def test_g30_a_node_with_neighbours_stops_listening_and_sends_everybody_there_at_once(recorder: Recorder) -> None:
    async def main() -> None:
        async def renew() -> None:
            lease.neighbours = ("b",)  # it has just begun

        lease = SimpleNamespace(neighbours=(), renew=renew)
        await node_of(recorder, loop_clock(), lease=lease).drain(5, lambda: recorder.calls.append("stop_listening"))

    run_virtual(main())
    assert recorder.calls[:3] == ["sockets.stop_admitting", "stop_listening", "sockets.say_goodbye"]


def test_g30_a_node_drains_while_its_database_is_away(recorder: Recorder) -> None:
    recorder.failing["lease.renew"] = StoreUnavailable("away")

    async def main() -> None:
        await node_of(recorder, loop_clock()).drain(5)

    run_virtual(main())
    assert recorder.calls[-2:] == ["supervisor.drain", "sockets.say_goodbye"]


async def test_a_node_is_ready_while_its_store_answers_and_it_does_not_drain(
    recorder: Recorder, store: Database
) -> None:
    node = node_of(recorder, Clock())
    assert await node.readiness() is None
    recorder.failing["database.fetch_one"] = StoreUnavailable("away")
    assert await node.readiness() == "the database does not answer"
    node._parts.supervisor.draining = True
    assert await node.readiness() == "draining"
