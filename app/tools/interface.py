"""What a tool is to the rest of the server: a name, typed arguments, and a function with a time limit."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from msgspec import Struct


class Arguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model says to a tool. The types make the JSON Schema it is told, and check what it sends."""


ArgumentsT = TypeVar("ArgumentsT", bound=Arguments)


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom a tool runs: whatever it reads or changes is this user's, in view of this chat."""

    user_id: str
    chat_id: str


class ToolError(Exception):
    """A tool cannot do what was asked; the message is a sentence that the model reads, and people may."""


@dataclass(frozen=True, slots=True)
class Tool(Generic[ArgumentsT]):
    """One tool.

    Args:
        name: how the model calls it.
        description: tells the model what it does and when to use it.
        arguments: what it takes.
        run: does it and returns a JSON value. None: the client does it, and delivers the output (`tool.output`). Its
            failures are `ToolError`s; it may be cancelled at any await, and must not hold up the loop.
        needs_approval: a person must allow each call.
        time_limit: how long one run may take, in seconds. What people do has a limit of its own.
    """

    name: str
    description: str
    arguments: type[ArgumentsT]
    run: Callable[[ArgumentsT, Scope], Awaitable[Any]] | None
    needs_approval: bool = False
    time_limit: float = 10.0

    @property
    def needs_people(self) -> bool:
        """Whether a call can only succeed when somebody is there who answers."""
        return self.needs_approval or self.run is None
