"""The table of commands: which handler carries out which frame, and which of them keep their order."""

from collections import Counter
from collections.abc import Awaitable, Iterable

from app.commands.reply import Caller, Reply, Table
from app.store.errors import StoreUnavailable
from protocol.errors import Refusal
from protocol.frames.client import (
    ChatCommand,
    ChatSeen,
    Command,
    Generating,
    MessageSelect,
    ProjectCommand,
    QueueUpdate,
    ToolApproval,
    ToolOutput,
)


class Commands:
    """Carries out commands, whichever connection or dialect they came by.

    Args:
        tables: the tables of the handlers; no command may stand in two of them.

    Attributes:
        outcomes: how often each type of command was carried out: `ok`, `duplicate`, or the code of its error.
    """

    def __init__(self, tables: Iterable[Table]) -> None:
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self._handlers: Table = {}
        for table in tables:
            if twice := self._handlers.keys() & table.keys():
                raise ValueError(f"Two handlers want {', '.join(kind.__name__ for kind in twice)}.")
            self._handlers |= table

    async def run(self, caller: Caller, command: Command) -> Reply:
        """Carry out one command.

        Raises:
            Refusal: it was not carried out.
        """
        return await self.counted(command, self._carry_out(caller, command))

    async def counted(self, command: Command, work: Awaitable[Reply]) -> Reply:
        """Wait for a command that is carried out here or elsewhere, and count what comes of it."""
        outcome = "internal"
        try:
            reply = await work
            outcome = "duplicate" if reply.duplicate else "ok"
        except Refusal as refusal:
            outcome = refusal.code
            raise
        except StoreUnavailable:
            outcome = "unavailable"
            raise
        finally:
            self.outcomes[name_of(command), outcome] += 1
        return reply

    async def _carry_out(self, caller: Caller, command: Command) -> Reply:
        handler = self._handlers.get(type(command))
        if handler is None:
            raise Refusal("unknown_type", "This server does not offer that command.")
        return await handler(caller, command)


def name_of(command: Command) -> str:
    """The `type` of a command on the wire."""
    return str(command.__struct_config__.tag)


def lane_of(command: Command) -> str | None:
    """Name the lane a command waits in: commands of one connection on one chat keep their order (guarantee 4).

    Stops, reads and subscriptions have none: they never wait behind a send.
    """
    if isinstance(command, Generating | MessageSelect | QueueUpdate | ChatCommand | ChatSeen):
        return f"chat {command.chat_id}"
    if isinstance(command, ProjectCommand):
        return f"project {command.project_id}"
    if isinstance(command, ToolApproval | ToolOutput):
        return f"stream {command.stream_id}"
    return None
