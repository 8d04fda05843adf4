"""What is sent to Anthropic's API: a `Prompt` as the arguments of `messages.create`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.models.anthropic_history import conversation
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
    messages = conversation(prompt.messages, with_tools=bool(prompt.tools))
    if not messages:
        raise ModelFailure("model_refused", "Your message holds no text that this model could read.")
    request: dict[str, Any] = {"model": model, "messages": messages, "max_tokens": options.maxTokens, "stream": True}
    if prompt.system and prompt.system.strip():
        request["system"] = prompt.system
    if prompt.tools:
        request["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.schema} for tool in prompt.tools
        ]
    if prompt.tools and prompt.must_answer:
        request["tool_choice"] = {"type": "none"}  # they stay on offer, or the API refuses the calls before
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


def _thinking_config(thinking: int | str) -> dict[str, Any]:
    if thinking == 0:
        return {"type": "disabled"}
    # Without `display` some models think, and keep it to themselves.
    if thinking == "adaptive":
        return {"type": "adaptive", "display": "summarized"}
    return {"type": "enabled", "budget_tokens": thinking, "display": "summarized"}
