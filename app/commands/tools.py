"""`tool.approval` and `tool.output`: people answer what a model's tool call waits for, from any tab."""

from typing import Any

from app.commands.reply import Caller, Reply, Table
from app.store import tool_requests
from app.store.outbox import Change, Outbox
from app.store.queries import to_text
from app.store.tool_requests import Answer, Asked, Request
from app.streams.asking import Asking
from app.streams.calling import MOST_OUTPUT, name_of
from app.streams.owners import Owners
from app.streams.registry import Registry
from app.tools.toolbox import Toolbox
from protocol.errors import Refusal
from protocol.frames.client import ToolApproval, ToolOutput
from protocol.lifecycle import TERMINAL
from protocol.parts.fold import Fold


class Tools:
    """The commands about tool calls.

    Args:
        outbox: where answers are written down.
        asking: tells the runner that waits for them here.
        owners: tell it elsewhere.
        registry: has the logs in which calls are seen.
        toolbox: says which tools the client runs.
    """

    def __init__(self, outbox: Outbox, asking: Asking, owners: Owners, registry: Registry, toolbox: Toolbox) -> None:
        self._outbox = outbox
        self._asking = asking
        self._owners = owners
        self._registry = registry
        self._toolbox = toolbox

    def table(self) -> Table:
        """The commands carried out here."""
        return {ToolApproval: self.approve, ToolOutput: self.deliver}

    async def approve(self, caller: Caller, command: ToolApproval) -> Reply:
        """Allow a tool call, or deny it."""
        reason = {} if command.reason is None else {"reason": command.reason}
        request = Request(command.stream_id, "approval", command.approval_id)
        return await self._answer(caller, command, request, {"approved": command.approved} | reason)

    async def deliver(self, caller: Caller, command: ToolOutput) -> Reply:
        """Take the output of a tool that the client has run, or why it has none."""
        if (command.output is None) == (command.error_text is None):
            raise Refusal("invalid_argument", "Say exactly one of `output` and `errorText`.", param="$")
        given = {"output": command.output} if command.error_text is None else {"errorText": command.error_text}
        if len(to_text(given).encode()) > MOST_OUTPUT:
            name = "output" if command.error_text is None else "errorText"
            raise Refusal("frame_too_large", f"A tool's output has at most {MOST_OUTPUT:,} bytes.", param=f"$.{name}")
        return await self._answer(caller, command, Request(command.stream_id, "output", command.tool_call_id), given)

    async def _answer(
        self, caller: Caller, command: ToolApproval | ToolOutput, request: Request, given: Answer
    ) -> Reply:
        async with self._outbox.change(caller.user_id) as change:
            if (receipt := await change.receipt(command)) is not None:
                return Reply(receipt.result, duplicate=True)
            result: dict[str, Any] = {}
            owner = await self._write(change, caller, request, given)
            await change.remember(command, result)
        if owner is not None and not self._asking.told(request, given):
            self._owners.settle(owner, caller.user_id, request, given)
        return Reply(result)

    async def _write(self, change: Change, caller: Caller, request: Request, given: Answer) -> str | None:
        """Write an answer down; return the node that waits for it, if one does now.

        An answer that says the same as the first one does no harm.

        Raises:
            Refusal: nothing waits for it (`not_found`), or it was answered otherwise before (`invalid_argument`).
        """
        asked = await tool_requests.find(change.tx, change.user_id, request)
        if asked is not None:
            return await _write_to(asked, change, caller, request, given)
        if not self._will_ask(caller, request):
            raise Refusal("not_found", "Nothing waits for an answer under these ids.")
        await tool_requests.ask(change.tx, request, now=change.now, given=given)
        return None

    def _will_ask(self, caller: Caller, request: Request) -> bool:
        """Whether a call is there for the client to run, of which the runner has yet to ask: its step is not over."""
        stream = self._registry.get(request.stream_id)
        if request.kind != "output" or stream is None or stream.user_id != caller.user_id or stream.ended:
            return False
        for part in Fold().extend(stream.log.merged()).parts:
            if part.get("toolCallId") == request.request_id and part["state"] == "input-available":
                tool = self._toolbox.find(name_of(part))
                return tool is not None and tool.run is None
        return False


async def _write_to(asked: Asked, change: Change, caller: Caller, request: Request, given: Answer) -> str | None:
    if asked.answer is not None:
        _check_same(request, asked.answer, given)
        return None
    if asked.status in TERMINAL or asked.status == "stopping":
        raise Refusal("not_found", "Nothing waits for this any more: the model's answer has ended.")
    await tool_requests.answer(change.tx, request, given)
    change.tell("chat.updated", source=caller.client_id, chat_id=asked.chat_id)
    return asked.node


def _check_same(request: Request, before: Answer, given: Answer) -> None:
    if request.kind == "output":
        if before != given:
            raise Refusal("invalid_argument", "This tool call has its output already.", param="$.toolCallId")
    elif before["approved"] != given["approved"]:
        word = "allowed" if before["approved"] else "denied"
        details = {name: before[name] for name in ("approved", "reason") if name in before}
        raise Refusal(
            "invalid_argument", f"This was answered already: it was {word}.", param="$.approvalId", details=details
        )
