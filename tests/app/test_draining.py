"""What a signal begins: how long answers get, and that the server ends however the drain does."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any, cast

import pytest

from app.draining import INTERRUPT_DRAIN, Draining
from tests.virtual import run_virtual


class Slow:
    """A node whose answers take as long as they get, and whose drain may fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.got: float | None = None

    async def drain(self, within: float, stop_listening: Callable[[], None]) -> None:
        stop_listening()
        if self.error is not None:
            raise self.error
        await asyncio.sleep(within)
        self.got = within


class Ending:
    """What a drain does to a server."""

    def __init__(self) -> None:
        self.should_exit = False
        self.listens = True

    def stop_listening(self) -> None:
        self.listens = False


def draining_of(node: Slow, server: Ending, seconds: float) -> Draining:
    return Draining(cast(Any, node), cast(Any, server), seconds)


@pytest.mark.parametrize(
    ("number", "seconds", "got"),
    [
        (signal.SIGTERM, 25.0, 25.0),
        (signal.SIGINT, 25.0, INTERRUPT_DRAIN),
        (signal.SIGINT, 1.0, 1.0),
    ],
)
def test_g30_a_signal_lets_answers_end_and_then_the_server(number: int, seconds: float, got: float) -> None:
    node, server = Slow(), Ending()

    async def main() -> None:
        draining_of(node, server, seconds).begin(number)
        await asyncio.sleep(got - 0.1)
        assert (server.listens, server.should_exit) == (False, False)
        await asyncio.sleep(0.2)
        assert (node.got, server.should_exit) == (got, True)

    run_virtual(main())


def test_a_drain_that_fails_ends_the_server_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    server = Ending()

    async def main() -> None:
        draining_of(Slow(ValueError("a bug")), server, 25).begin(signal.SIGTERM)
        await asyncio.sleep(0.1)

    run_virtual(main())
    assert server.should_exit
    assert "ValueError: a bug" in caplog.text


def test_what_a_second_signal_cuts_short_is_over_before_the_process_ends() -> None:
    node, server = Slow(), Ending()

    async def main() -> None:
        draining = draining_of(node, server, 25)
        draining.begin(signal.SIGTERM)
        await asyncio.sleep(1)
        await draining.over()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(main())
    assert (node.got, server.should_exit) == (None, True)


def test_without_a_signal_there_is_nothing_to_end() -> None:
    run_virtual(draining_of(Slow(), Ending(), 25).over())
