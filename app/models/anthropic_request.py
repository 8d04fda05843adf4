"""What is sent to Anthropic's API: a `Prompt` as the arguments of `messages.create`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.models.anthropic_files import file_blocks
from app.models.interface import InvalidOption, ModelFailure, Prompt
from app.models.options import Check, number, read_options, whole

MAX_TOKENS = 8_192
"""Longest answer when the person did not say: every model in use can write this much."""

TITLE_TOKENS = 512
"""Far more than a title needs: some models think first, and thinking counts."""

TITLE_PROMPT = (
    "Name this chat: answer with a title of at most six words, in the language of the question, without quotation "
    "marks and without a full stop. Do not answer the question."
)
TITLE_EXCERPT = 2_000
"""Characters of the question and of the answer that a title is made from."""

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AnthropicOptions:
    """How a model of Anthropic answers; app/docs/models.md describes the options for people."""

    maxTokens: int = MAX_TOKENS  # noqa: N815 - the name on the wire
    temperature: float | None = None
    thinking: int | str | None = None

    @staticmethod
    def read(options: Mapping[str, Any]) -> "AnthropicOptions":
        """Check the options of a command.

        Raises:
            InvalidOption: a value has the wrong type or is out of range.
        """
        read = AnthropicOptions(**read_options(options, _CHECKS))
        if read.thinking and read.temperature is not None:
            raise InvalidOption("temperature", "The option 'temperature' cannot be combined with 'thinking'.")
        return read


def _thinking(value: Any) -> int | str:
    if value == "adaptive" or (value == 0 and not isinstance(value, bool)):
        return value  # type: ignore[no-any-return] # one of the two just compared with
    try:
        return int(whole(1024, 100_000)(value))
    except ValueError:
        raise ValueError('0, "adaptive", or a whole number from 1024 to 100000') from None


_CHECKS: Mapping[str, Check] = {
    "maxTokens": whole(1, 128_000),
    "temperature": number(0, 1),
    "thinking": _thinking,
}


def answer_request(prompt: Prompt, model: str) -> dict[str, Any]:
    """Make the request for one step of an answer.

    Raises:
        ModelFailure: `model_refused`, the prompt holds nothing that can be sent.
    """
    options = AnthropicOptions.read(prompt.options)
    messages = conversation(prompt.messages)
    if not messages:
        raise ModelFailure("model_refused", "Your message holds no text that this model could read.")
    request: dict[str, Any] = {"model": model, "messages": messages, "max_tokens": options.maxTokens, "stream": True}
    if prompt.system and prompt.system.strip():
        request["system"] = prompt.system
    if options.thinking is not None:
        request["thinking"] = _thinking_config(options.thinking)
        request["max_tokens"] += options.thinking if isinstance(options.thinking, int) else 0
    if options.temperature is not None:
        # Not an argument of the SDK any more, since its newest models choose for themselves; older and local ones obey.
        request["extra_body"] = {"temperature": options.temperature}
    return request


def title_request(question: str, answer: str, model: str) -> dict[str, Any]:
    """Make the request for a chat's title."""
    excerpt = f"Question:\n{question[:TITLE_EXCERPT]}\n\nAnswer:\n{answer[:TITLE_EXCERPT]}"
    messages = [{"role": "user", "content": [{"type": "text", "text": excerpt}]}]
    return {
        "model": model,
        "system": TITLE_PROMPT,
        "messages": messages,
        "max_tokens": TITLE_TOKENS,
        "stream": True,
    }


def conversation(messages: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Turn `UIMessage`s into the API's messages: from the person's first, the roles taking turns.

    Parts the API has no block for are left out, and so are messages without any other; what then stands side by side
    with the same role becomes one message.
    """
    turns: list[dict[str, Any]] = []
    for message in messages:
        blocks = _blocks(message.get("parts", ()))
        role = message.get("role")
        if not blocks or role not in ("user", "assistant") or (not turns and role == "assistant"):
            continue
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"].extend(blocks)
        else:
            turns.append({"role": role, "content": blocks})
    return turns


def _blocks(parts: Iterable[Mapping[str, Any]]) -> list[Block]:
    made = (_BLOCKS_OF_PART[part["type"]](part) for part in parts if part.get("type") in _BLOCKS_OF_PART)
    return [block for blocks in made for block in blocks]


def _text_blocks(part: Mapping[str, Any]) -> list[Block]:
    # The API refuses a text block that is empty or only white space.
    text = str(part.get("text", ""))
    return [{"type": "text", "text": text}] if text.strip() else []


_BLOCKS_OF_PART: Mapping[str, Callable[[Mapping[str, Any]], list[Block]]] = {"text": _text_blocks, "file": file_blocks}
"""How each kind of part is shown to the model; a kind that is not here is not shown."""


def _thinking_config(thinking: int | str) -> dict[str, Any]:
    if thinking == 0:
        return {"type": "disabled"}
    # Without `display` some models think, and keep it to themselves.
    if thinking == "adaptive":
        return {"type": "adaptive", "display": "summarized"}
    return {"type": "enabled", "budget_tokens": thinking, "display": "summarized"}
