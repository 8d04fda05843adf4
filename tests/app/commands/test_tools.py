"""People answer what a tool call waits for: first come, first served, and written down before anybody is told."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.backplane.local_broker import Bus, LocalBroker
from app.commands.reply import Caller
from app.commands.tools import Tools
from app.listener import NodeListener
from app.models.interface import FinishReason, Prompt, Sink
from app.store.engine import Database
from app.streams.asking import TOO_LATE, Asking
from app.streams.calling import MOST_OUTPUT
from app.streams.owners import Owners
from app.tools.interface import Arguments, Scope, Tool
from protocol.errors import Refusal
from protocol.limits import Limits
from protocol.parts import chunks
from tests.app.fakes import say
from tests.app.world import World, command, opened, until


class Nothing(Arguments, frozen=True, kw_only=True):
    """What the tools of these tests take."""


async def peek(_arguments: Nothing, scope: Scope) -> str:
    return f"the secret of {scope.chat_id}"


TOOLS: list[Tool[Any]] = [
    Tool("peek", "Needs leave.", Nothing, peek, needs_approval=True),
    Tool("choose", "Runs in the client.", Nothing, None),
]


async def calls(prompt: Prompt, sink: Sink) -> FinishReason:
    """Call the tool that the question names, then answer."""
    if prompt.messages[-1]["role"] == "assistant":
        say(sink, "Done.")
        return "stop"
    for n, name in enumerate(prompt.messages[-1]["parts"][0]["text"].split()):
        sink.chunk(chunks.tool_input_available(f"call_{n}", name, {}))
    return "tool-calls"


@pytest.fixture
async def world(store: Database) -> AsyncIterator[World]:
    """A node whose model calls tools."""
    async with opened(World(store, tools=TOOLS)) as world:
        world.model.script = calls
        yield world


async def asking(world: World, caller: Caller, text: str = "peek", **fields: Any) -> tuple[str, list[dict[str, Any]]]:
    """Ask a question and wait until its answer waits for people; returns the stream and the parts that ask."""
    stream_id = (await world.ask(caller, text=text, **fields))["streamId"]
    stream = world.registry.get(stream_id)
    assert stream is not None
    written = "SELECT 1 FROM tool_requests WHERE stream_id = :stream_id"
    while len(await world.store.fetch_all(written, {"stream_id": stream_id})) < len(text.split()):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.001)
    await until(lambda: b"Waiting for you" in (stream.label or b""))
    return stream_id, [chunk for chunk in stream.log.merged() if chunk["type"] == "tool-approval-request"]


async def awaits(world: World, caller: Caller) -> bool | None:
    """What a fresh snapshot says."""
    chat: dict[str, Any] = (await world.run(caller, "chat.get", chatId="c")).result["chat"]
    return chat.get("awaitingApproval")


async def test_an_approval_lets_the_answer_go_on(world: World) -> None:
    caller = await world.guest()
    stream_id, [request] = await asking(world, caller)
    assert await awaits(world, caller)
    frame = {"streamId": stream_id, "approvalId": request["approvalId"], "approved": True}
    reply = await world.run(caller, "tool.approval", **frame)
    assert (reply.result, reply.duplicate) == ({}, False)
    await world.ended(stream_id)
    assert await awaits(world, caller) is None
    [_, answer] = await world.history(caller)
    call = answer["parts"][1]
    assert (call["state"], call["output"]) == ("output-available", "the secret of c")
    assert call["approval"] == {"id": request["approvalId"], "approved": True}
    told = [(name, data["chat"].get("awaitingApproval")) for name, data in await world.events(caller)]
    asked = told.index(("chat.updated", True))
    assert told[asked - 1 : asked + 2] == [("stream.started", None), ("chat.updated", True), ("chat.updated", None)]
    assert all(waits is None for _, waits in told[asked + 1 :])


async def test_a_denial_tells_the_model_why(world: World) -> None:
    caller = await world.guest()
    stream_id, [request] = await asking(world, caller)
    await world.run(
        caller, "tool.approval", streamId=stream_id, approvalId=request["approvalId"], approved=False, reason="Private"
    )  # fmt: skip
    await world.ended(stream_id)
    so_far = world.model.prompts[-1].messages[-1]["parts"][-1]
    assert (so_far["state"], so_far["approval"]["reason"]) == ("output-denied", "Private")


async def test_an_output_of_the_client_lets_the_answer_go_on(world: World) -> None:
    caller = await world.guest()
    stream_id, _ = await asking(world, caller, "choose choose")
    await world.run(caller, "tool.output", streamId=stream_id, toolCallId="call_1", output={"choice": [1, None]})
    assert await awaits(world, caller)
    await world.run(caller, "tool.output", streamId=stream_id, toolCallId="call_0", errorText="Closed.")
    await world.ended(stream_id)
    [_, answer] = await world.history(caller)
    first, second = answer["parts"][1:3]
    assert (first["state"], first["errorText"]) == ("output-error", "Closed.")
    assert (second["state"], second["output"]) == ("output-available", {"choice": [1, None]})


async def test_an_output_may_come_before_the_step_that_asks_for_it_is_over(world: World) -> None:
    caller, stranger, gate = await world.guest(), await world.guest(), asyncio.Event()

    async def slow(prompt: Prompt, sink: Sink) -> FinishReason:
        reason = await calls(prompt, sink)
        await gate.wait()
        return reason

    world.model.script = slow
    stream_id = (await world.ask(caller, text="choose peek"))["streamId"]
    stream = world.registry.get(stream_id)
    assert stream is not None
    await until(lambda: len(stream.log.merged()) == 4)
    frame = {"streamId": stream_id, "toolCallId": "call_0", "output": {"choice": "a"}}
    await world.run(caller, "tool.output", **frame)
    for who, names in ((stranger, {}), (caller, {"toolCallId": "call_1"}), (caller, {"toolCallId": "unknown"})):
        with pytest.raises(Refusal) as refused:
            await world.run(who, "tool.output", **(frame | names))
        assert refused.value.code == "not_found"
    with pytest.raises(Refusal, match="has its output already"):
        await world.run(caller, "tool.output", **(frame | {"output": "another"}))
    gate.set()
    await until(lambda: b"tool-approval-request" in stream.log.raw(0, stream.log.tail)[-1])
    await world.run(caller, "stream.stop", streamId=stream_id)
    await world.ended(stream_id)
    call = (await world.history(caller))[1]["parts"][1]
    assert (call["state"], call["output"]) == ("output-available", {"choice": "a"})


async def test_g03_an_answer_has_one_effect(world: World) -> None:
    caller = await world.guest()
    stream_id, [request] = await asking(world, caller)
    frame = command("tool.approval", streamId=stream_id, approvalId=request["approvalId"], approved=True)
    assert not (await world.commands.run(caller, frame)).duplicate
    before = len(await world.events(caller))
    assert (await world.commands.run(caller, frame)).duplicate
    await world.ended(stream_id)
    await world.quiet()
    assert (await world.commands.run(caller, frame)).duplicate
    names = [name for name, _ in (await world.events(caller))[before:]]
    assert names.count("chat.updated") <= 1, "only the title"


async def test_of_two_answers_the_first_counts(world: World) -> None:
    caller = await world.guest()
    stream_id, [request] = await asking(world, caller)
    frame = {"streamId": stream_id, "approvalId": request["approvalId"]}
    outcomes = await asyncio.gather(
        *(world.run(caller, "tool.approval", **frame, approved=approved) for approved in (True, False, True)),
        return_exceptions=True,
    )
    await world.ended(stream_id)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    part = (await world.history(caller))[1]["parts"][1]
    allowed = part["state"] == "output-available"
    assert len(refused) == (1 if allowed else 2)
    word = "allowed" if allowed else "denied"
    assert str(refused[0]) == f"This was answered already: it was {word}."
    assert (refused[0].code, refused[0].error.param) == ("invalid_argument", "$.approvalId")
    assert refused[0].error.details == {"approved": allowed}


async def test_an_output_that_came_already_is_not_replaced(world: World) -> None:
    caller = await world.guest()
    stream_id, _ = await asking(world, caller, "choose peek")
    frame = {"streamId": stream_id, "toolCallId": "call_0"}
    await world.run(caller, "tool.output", **frame, output=1)
    await world.run(caller, "tool.output", **frame, output=1)
    with pytest.raises(Refusal, match="has its output already"):
        await world.run(caller, "tool.output", **frame, output=2)


async def test_g32_a_foreign_or_unknown_request_is_not_found(world: World) -> None:
    caller, stranger = await world.guest(), await world.guest()
    stream_id, [request] = await asking(world, caller, "peek")
    tries = [
        (stranger, {"streamId": stream_id, "approvalId": request["approvalId"]}),
        (caller, {"streamId": "unknown", "approvalId": request["approvalId"]}),
        (caller, {"streamId": stream_id, "approvalId": "unknown"}),
        (caller, {"streamId": stream_id, "approvalId": "call_0"}),
    ]
    errors = set()
    for who, names in tries:
        with pytest.raises(Refusal) as refused:
            await world.run(who, "tool.approval", **names, approved=True)
        errors.add((refused.value.code, str(refused.value)))
    with pytest.raises(Refusal) as refused:
        await world.run(caller, "tool.output", streamId=stream_id, toolCallId="call_0", output=1)
    assert errors == {("not_found", "Nothing waits for an answer under these ids.")}
    assert refused.value.code == "not_found"
    assert await awaits(world, caller)


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({}, "invalid_argument", "$"),
        ({"output": None}, "invalid_argument", "$"),
        ({"output": 1, "errorText": "x"}, "invalid_argument", "$"),
        ({"output": "x" * MOST_OUTPUT}, "frame_too_large", "$.output"),
        ({"errorText": "x" * MOST_OUTPUT}, "frame_too_large", "$.errorText"),
    ],
)
async def test_an_output_must_be_one_and_not_too_long(
    world: World, fields: dict[str, Any], code: str, param: str
) -> None:
    caller = await world.guest()
    stream_id, _ = await asking(world, caller, "choose")
    with pytest.raises(Refusal) as refused:
        await world.run(caller, "tool.output", streamId=stream_id, toolCallId="call_0", **fields)
    assert (refused.value.code, refused.value.error.param) == (code, param)


async def test_a_stop_ends_the_waiting_and_what_comes_later_is_refused(world: World) -> None:
    caller = await world.guest()
    stream_id, [request] = await asking(world, caller)
    await world.run(caller, "stream.stop", streamId=stream_id)
    frame = {"streamId": stream_id, "approvalId": request["approvalId"], "approved": True}
    with pytest.raises(Refusal, match="has ended"):
        await world.run(caller, "tool.approval", **frame)
    await world.ended(stream_id)
    await world.quiet()
    with pytest.raises(Refusal, match="has ended"):
        await world.run(caller, "tool.approval", **frame)
    assert await awaits(world, caller) is None
    assert not world.asking._waiting
    assert (await world.events(caller))[-1][1]["chat"].get("awaitingApproval") is None


async def test_when_nobody_answers_in_time_the_model_goes_on(store: Database) -> None:
    async with opened(World(store, tools=TOOLS, limits=Limits(tool_wait_ms=50))) as world:
        world.model.script = calls
        caller = await world.guest()
        stream = await world.answered(caller, text="peek choose")
        assert stream.status == "completed"
        denied, failed = (await world.history(caller))[1]["parts"][1:3]
        assert (denied["state"], denied["approval"]["reason"]) == ("output-denied", TOO_LATE)
        assert (failed["state"], failed["errorText"]) == ("output-error", TOO_LATE)
        assert await awaits(world, caller) is None
        frame = {"streamId": stream.stream_id, "approvalId": denied["approval"]["id"], "approved": True}
        with pytest.raises(Refusal, match="it was denied") as refused:
            await world.run(caller, "tool.approval", **frame)
        assert refused.value.error.details == {"approved": False, "reason": TOO_LATE}


async def test_an_answer_of_which_nobody_told_this_node_is_found(world: World) -> None:
    caller = await world.guest()
    stream_id, [request] = await asking(world, caller)
    told, world.asking.told = world.asking.told, lambda *_: True  # type: ignore[method-assign]
    frame = {"streamId": stream_id, "approvalId": request["approvalId"], "approved": True}
    await world.run(caller, "tool.approval", **frame)
    world.asking.told = told  # type: ignore[method-assign]
    await world.asking.look()
    assert (await world.ended(stream_id)).status == "completed"
    await world.asking.look()


async def test_an_answer_on_another_node_is_an_order_to_the_owner(world: World) -> None:
    """Nobody here waits for it, so it goes out to the node that the stream's row names."""
    caller = await world.guest()
    stream_id, [request] = await asking(world, caller)
    bus = Bus()
    owner, here = LocalBroker("n", bus), LocalBroker("elsewhere", bus)
    ears = NodeListener(world.hub, world.registry, world.supervisor, world.ticker, world.asking)
    await owner.open(ears)
    await here.open(ears)
    nobody = Asking(world.store, world.outbox, patience=1)
    owners = Owners(world.store, world.supervisor, here, node="elsewhere")
    tools = Tools(world.outbox, nobody, owners, world.registry, world.toolbox)
    frame = {"streamId": stream_id, "approvalId": request["approvalId"], "approved": True}
    await tools.approve(caller, command("tool.approval", **frame))  # type: ignore[arg-type]  # it is one
    assert (await world.ended(stream_id)).status == "completed"
    assert (await world.history(caller))[1]["parts"][1]["state"] == "output-available"
    await owners.close()


async def test_who_cannot_be_asked_is_offered_no_tool_that_asks(world: World) -> None:
    caller = await world.guest()
    silent = Caller(caller.user_id, "script")
    stream = await world.answered(silent, text="peek")
    assert stream.status == "completed"
    assert [prompt.tools for prompt in world.model.prompts] == [[], []]
    waiting = await asking(world, caller, "choose", chatId="d")
    await world.ask(silent, "d", "peek", ifActive="queue")
    await world.run(caller, "tool.output", streamId=waiting[0], toolCallId="call_0", output=1)
    await until(lambda: len(world.model.prompts) == 6)
    assert [bool(prompt.tools) for prompt in world.model.prompts[2:]] == [True, True, False, False]
