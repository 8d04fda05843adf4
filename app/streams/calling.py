"""Carries out the tool calls of a model: checks them, asks people where it must, runs them, and writes what came of it.

Whatever goes wrong with a call is its output: the model reads it and can do better, and its answer goes on.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import orjson

from app.ids import Mint
from app.models.interface import WAITING_FOR_PEOPLE, Sink, ToolOffer
from app.store.tool_requests import Answer, Request
from app.streams.generation import Generation
from app.tools.arguments import read_arguments
from app.tools.interface import Scope, Tool, ToolError
from app.tools.toolbox import Toolbox
from protocol.parts import chunks
from protocol.parts.chunks import Chunk, ChunkError, Part

log = logging.getLogger("tidewire.streams")

MOST_OUTPUT = 64 * 1024
"""Bytes of an output's JSON: whatever is longer would only crowd the chat out of the model's view."""


class People(Protocol):
    """Whoever can be asked."""

    async def ask(self, generation: Generation, request: Request, show: Callable[[], None]) -> Answer:
        """Show a request once it can be answered, and wait for its answer."""


class _Call(NamedTuple):
    """One call as it stands in the message."""

    call_id: str
    name: str
    arguments: Any


class Calling:
    """Carries out tool calls on this node.

    Args:
        toolbox: the tools.
        people: are asked for leave, and for what only they can do.
        mint: names approvals.

    Attributes:
        outcomes: how calls ended, by tool and `ok`, `error` or `denied`.
    """

    def __init__(self, toolbox: Toolbox, people: People, mint: Mint) -> None:
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self._toolbox = toolbox
        self._people = people
        self._mint = mint

    def offers(self, generation: Generation) -> Sequence[ToolOffer]:
        """The tools that the model of this generation may call."""
        return self._toolbox.offers(interactive=generation.interactive)

    async def run(self, generation: Generation, calls: Iterable[Part], sink: Sink) -> None:
        """Carry out the calls of one step side by side; when this returns, each has its output.

        Args:
            calls: tool parts whose input is there and whose output is not.
            sink: where their outputs go.

        Raises:
            ExceptionGroup: something else than the tools is broken, as the store.
        """
        async with asyncio.TaskGroup() as group:
            for part in calls:
                call = _Call(part["toolCallId"], name_of(part), part.get("input"))
                group.create_task(self._carry_out(generation, call, sink), name=f"{call.name} {call.call_id}")

    async def _carry_out(self, generation: Generation, call: _Call, sink: Sink) -> None:
        tool = self._toolbox.find(call.name)
        try:
            if tool is None or (tool.needs_people and not generation.interactive):
                raise ToolError(f"There is no tool {call.name[:64]!r} here.")
            last = await self._last(generation, tool, call, sink)
            sink.chunk(last)
        except (ToolError, ChunkError) as problem:
            why = str(problem) if isinstance(problem, ToolError) else "The output of this tool cannot be shown."
            last = chunks.tool_output_error(call.call_id, why)
            sink.chunk(last)
        self.outcomes["unknown" if tool is None else tool.name, _OUTCOMES[last["type"]]] += 1

    async def _last(self, generation: Generation, tool: Tool[Any], call: _Call, sink: Sink) -> Chunk:
        """Bring a call to its end; returns the chunk that says how it ended.

        Raises:
            ToolError: it has no output, and why.
        """
        arguments = read_arguments(tool.arguments, call.arguments)
        if tool.needs_approval and not await self._allowed(generation, call, sink):
            return chunks.tool_output_denied(call.call_id)
        if tool.run is None:
            output = await self._from_client(generation, call, sink)
        else:
            output = await _output(tool, arguments, Scope(generation.user_id, generation.chat_id))
        return chunks.tool_output_available(call.call_id, output)

    async def _allowed(self, generation: Generation, call: _Call, sink: Sink) -> bool:
        """Ask whether a call may be carried out."""
        request = Request(generation.stream_id, "approval", self._mint("apr"))

        def show() -> None:
            sink.chunk(chunks.tool_approval_request(call.call_id, request.request_id))
            sink.status(WAITING_FOR_PEOPLE)

        answer = await self._people.ask(generation, request, show)
        approved = bool(answer["approved"])
        sink.chunk(chunks.tool_approval_response(request.request_id, approved=approved, reason=answer.get("reason")))
        return approved

    async def _from_client(self, generation: Generation, call: _Call, sink: Sink) -> Any:
        """Wait for the output of a tool that the client runs; its page has seen the call already."""
        request = Request(generation.stream_id, "output", call.call_id)
        answer = await self._people.ask(generation, request, lambda: sink.status(WAITING_FOR_PEOPLE))
        if "errorText" in answer:
            raise ToolError(answer["errorText"])
        return answer["output"]


_OUTCOMES = {"tool-output-available": "ok", "tool-output-error": "error", "tool-output-denied": "denied"}


async def _output(tool: Tool[Any], arguments: Any, scope: Scope) -> Any:
    """Run a tool that runs here.

    Raises:
        ToolError: it has no output.
    """
    assert tool.run is not None  # noqa: S101 - the caller has looked
    try:
        async with asyncio.timeout(tool.time_limit):
            output = await tool.run(arguments, scope)
        size = len(orjson.dumps(output))
    except ToolError:
        raise
    except TimeoutError:
        raise ToolError(f"The tool took longer than {tool.time_limit:g} seconds.") from None
    except Exception:
        log.exception("the tool %s failed", tool.name)
        raise ToolError("The tool failed.") from None
    if size > MOST_OUTPUT:
        raise ToolError("The output is too long; ask for less.")
    return output


def name_of(part: Part) -> str:
    """The tool that a call names."""
    return str(part["toolName"] if part["type"] == "dynamic-tool" else part["type"].removeprefix("tool-"))


def is_call(part: Part) -> bool:
    """Whether a part is a call that this server carries out; what a provider ran itself is none of ours."""
    kind = part["type"]
    return (kind == "dynamic-tool" or kind.startswith("tool-")) and not part.get("providerExecuted")
