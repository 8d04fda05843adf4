"""Tools that tests call, models that call them, and what came of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from app.models.interface import FinishReason, Prompt, Sink
from app.tools.interface import Arguments, Scope, Tool
from protocol.parts import chunks
from tests.app.fakes import Script, say
from tests.app.streams.stage import Stage


class Words(Arguments, frozen=True, kw_only=True):
    """What the tools of these tests take."""

    words: str = ""


Run = Callable[[Words, Scope], Awaitable[Any]]


async def echo(arguments: Words, scope: Scope) -> Any:
    assert scope == Scope("u", "c")
    return {"said": arguments.words}


async def broken(_arguments: Words, _scope: Scope) -> Any:
    raise KeyError("a bug")


async def slow(arguments: Words, _scope: Scope) -> Any:
    await asyncio.sleep(float(arguments.words))
    return arguments.words


def tool(name: str = "echo", run: Run | None = echo, **fields: Any) -> Tool[Words]:
    return Tool(name, f"Does {name}.", Words, run, **fields)


def call(sink: Sink, name: str = "echo", words: Any = "x", call_id: str = "call") -> None:
    """Write one whole call."""
    sink.chunk(chunks.tool_input_start(call_id, name))
    sink.chunk(chunks.tool_input_delta(call_id, '{"words":'))
    sink.chunk(chunks.tool_input_available(call_id, name, {"words": words}))


def calling(*calls: tuple[str, Any]) -> Script:
    """A script that makes these calls in its first step, and then says what came of it."""

    async def script(prompt: Prompt, sink: Sink) -> FinishReason:
        if prompt.messages and prompt.messages[-1]["role"] == "assistant":
            say(sink, "Done.")
            return "stop"
        for n, (name, words) in enumerate(calls):
            call(sink, name, words, f"call_{n}")
        return "tool-calls"

    return script


Staged = Callable[..., Stage]


def outcomes(stage: Stage) -> list[tuple[str, Any]]:
    """The state of each call of the message, with its output or error."""
    parts = [part for part in stage.fold.parts if part["type"].startswith("tool-")]
    return [(part["state"], part.get("output", part.get("errorText"))) for part in parts]


async def asked(stage: Stage, count: int = 1) -> list[str]:
    """Wait until people were asked so often; return the ids of the requests."""
    while len(stage.people.asked) < count:  # noqa: ASYNC110 - what is waited for sets no event
        await asyncio.sleep(0.001)
    return [request.request_id for request in stage.people.asked]
