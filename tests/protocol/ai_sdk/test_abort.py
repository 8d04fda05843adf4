"""What an abort means: a stop, unless the page resumes again or asked for less."""

import pytest

from protocol.ai_sdk import Asked, Resumed
from protocol.ai_sdk.requests import SUPERSEDED_WITHIN
from tests.protocol.ai_sdk.world import World, finish, log, stop_of, types


def test_an_aborted_send_is_a_stop_and_reads_to_the_end() -> None:
    world, made = World(), log()
    world.send()
    world.core.follow("r", made)
    assert stop_of(world.abort()) == {"stream": "s"}
    assert world.abort() == []
    finish(made, "stopped")
    world.core.touch("s")
    assert types(world.take())[-1] == "end"


def test_a_send_is_stopped_before_its_answer_is_known() -> None:
    world = World()
    [asked] = world.send()
    assert isinstance(asked, Asked)
    assert stop_of(world.abort()) == {"command": asked.command.id}
    actions = world.core.follow("r", log())
    assert actions is not None
    assert stop_of(actions) == {"stream": "s"}, "the answer may be an older question's"


def test_an_aborted_resume_is_a_stop_after_a_while() -> None:
    world = World()
    assert world.resume() == [Resumed("r", "c")]
    world.core.follow("r", log())
    assert world.abort() == []
    assert world.core.deadline() == world.now + SUPERSEDED_WITHIN
    assert world.later(SUPERSEDED_WITHIN - 0.01) == []
    assert stop_of(world.later(0.01)) == {"stream": "s"}
    assert world.later(1) == []


def test_a_second_resume_of_the_chat_supersedes_the_first() -> None:
    world = World()
    world.resume("a")
    world.core.follow("a", log())
    world.take()
    world.abort("a")
    assert world.resume("b") == [Resumed("b", "c")]
    assert [(frame["type"], frame["requestId"]) for frame in world.take()] == [("end", "a")]
    assert world.later(1) == []


def test_a_resume_of_another_chat_supersedes_nothing() -> None:
    world = World()
    world.resume("a")
    world.core.follow("a", log())
    world.abort("a")
    world.resume("b", "other")
    assert stop_of(world.later(1)) == {"stream": "s"}


def test_a_resume_that_is_aborted_before_its_answer_is_known_stops_it() -> None:
    world = World()
    world.resume()
    world.abort()
    assert world.later(1) == []
    actions = world.core.follow("r", log())
    assert actions is not None
    assert stop_of(actions) == {"stream": "s"}


def test_a_socket_that_goes_at_once_leaves_the_stop_behind() -> None:
    world = World()
    world.resume()
    world.core.follow("r", log())
    world.abort()
    assert stop_of(world.core.halt()) == {"stream": "s"}


def test_whoever_stops_may_ask_again_at_once() -> None:
    world = World()
    world.send("a")
    world.core.follow("a", log())
    world.abort("a")
    [asked] = world.send("b")
    assert isinstance(asked, Asked)
    assert asked.command.if_active == "stop"


def test_a_question_after_an_aborted_resume_does_not_wait_for_the_while() -> None:
    world = World()
    world.resume("a")
    world.core.follow("a", log())
    world.abort("a")
    stop, asked = world.send("b")
    assert stop_of([stop]) == {"stream": "s"}
    assert isinstance(asked, Asked)
    assert asked.command.if_active == "stop"


@pytest.mark.parametrize("kind", ["send", "resume"])
def test_where_the_page_asks_for_it_every_abort_only_detaches(kind: str) -> None:
    world = World(detaches=True)
    getattr(world, kind)()
    world.core.follow("r", log())
    world.take()
    assert world.abort() == []
    assert types(world.take()) == ["end"]
    assert not world.core.follows("s")
    assert world.later(1) == []


def test_an_abort_of_nothing_is_nothing() -> None:
    world = World()
    assert world.abort() == []
    assert world.take() == []
