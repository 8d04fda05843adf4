"""What a model is to the rest of the server: one step of an answer, streamed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from protocol.parts.chunks import Chunk

FinishReason = Literal["stop", "length", "tool-calls", "content-filter", "other"]
"""Why a step ended by itself; a failure is raised as `ModelFailure` instead."""

THINKING = "Thinking"
RECONNECTING = "Reconnecting to the model"
WAITING_FOR_PEOPLE = "Waiting for you"

CHARACTERS_PER_TOKEN = 4
"""For estimates only: an answer that was stopped never hears what it used."""


class Sink(Protocol):
    """Where one step of an answer goes.

    Its methods are plain functions, called on the event loop's thread. What one raises ends the step:
    `Model.generate` passes it on unchanged.
    """

    def chunk(self, chunk: Chunk) -> None:
        """Append one part of the answer.

        Models write `text-*`, `reasoning-*`, `tool-*`, `source-*`, `file` and `data-*`. `start`, `start-step`,
        `finish-step` and `finish` are the runner's, and so is closing what a failed or stopped step left open.
        """

    def status(self, label: str) -> None:
        """Tell people what the model is doing, in words for them: `THINKING`, `RECONNECTING`."""

    def usage(self, input_tokens: int | None, output_tokens: int | None, *, estimated: bool = False) -> None:
        """Say what the step has used so far; the last word counts, `None` means not known."""


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """A tool as a model is told of it; `schema` is the JSON Schema of its arguments, an object."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is asked: the selected path of a chat and how to answer it.

    `messages` are `UIMessage`s, oldest first, and a `file` part of the person's carries its `bytes`. The last one is
    the question, or, when the answer goes on after its tools were run, the answer so far. `model` is a `ModelInfo.id`;
    `system` are the instructions of the chat's project; `options` have passed `Model.check_options`. A model may call
    `tools` (one that cannot, ignores them), unless `must_answer`: then it has called enough of them, and this step is
    its last.
    """

    model: str
    system: str | None
    messages: Sequence[Mapping[str, Any]]
    options: Mapping[str, Any]
    tools: Sequence[ToolOffer] = ()
    must_answer: bool = False


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as people choose it."""

    id: str
    label: str
    default: bool = False


class ModelFailure(Exception):  # noqa: N818 - it is the provider's failure, and reads so where it is caught
    """The provider could not answer, or not to the end.

    `code` is one of PROTOCOL section 8, `message` a sentence for the person who asked. `cause` says in technical
    words what happened, for the log; it never holds text of the conversation, nor a key.
    """

    def __init__(self, code: str, message: str, retry_after_ms: int | None = None, *, cause: str = "") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.retry_after_ms = retry_after_ms
        self.cause = cause

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" ({self.cause})" if self.cause else "")


class InvalidOption(ValueError):  # noqa: N818 - the caller's mistake, named for what is wrong
    """An option of the command is out of its range.

    `param` is the option's name, `sentence` says what was expected.
    """

    def __init__(self, param: str, sentence: str) -> None:
        super().__init__(sentence)
        self.param = param
        self.sentence = sentence


class Model(Protocol):
    """A model that answers one prompt at a time, any number of them concurrently."""

    @property
    def info(self) -> ModelInfo: ...

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Refuse options this model could not obey.

        Options it does not know are ignored, and `None` counts as absent (PROTOCOL section 1).

        Raises:
            InvalidOption: a value has the wrong type or is out of range.
        """

    async def generate(self, prompt: Prompt, sink: Sink) -> FinishReason:
        """Stream one step of the answer into `sink`, and say why it ended.

        Cancellation is the stop button: it closes the connection to the provider at once.

        Raises:
            ModelFailure: the provider failed; what `sink` has got by then stays.
        """

    async def title(self, question: str, answer: str) -> str:
        """Name a chat in at most six words.

        Raises:
            ModelFailure: the provider failed.
        """

    async def warm(self) -> None:
        """Do what makes a first answer slow; safe to call again, or not at all."""

    async def close(self) -> None:
        """Release connections; running generations must have ended."""
