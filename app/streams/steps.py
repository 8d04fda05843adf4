"""The steps of one answer: the model writes, its tool calls are carried out, and it is asked again."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from app.models.interface import THINKING, FinishReason, Model, Prompt, Sink
from app.streams.calling import Calling, is_call
from app.streams.generation import Generation
from protocol.parts.chunks import Part

MOST_STEPS = 12
"""A model that still calls tools after so many steps goes round in circles: in the last one it must answer."""


class Draft(Sink, Protocol):
    """An answer that is being written."""

    def parts(self) -> list[Part]:
        """Its parts so far, to read only."""

    def next_step(self) -> None:
        """Close the step and open the next one."""


async def write(model: Model, prompt: Prompt, draft: Draft, calling: Calling, generation: Generation) -> FinishReason:
    """Write a whole answer, in as many steps as it takes; returns why the last one ended.

    Raises:
        ModelFailure, ExceptionGroup: as `Model.generate` and `Calling.run`; what was written by then stays.
    """
    asked: Sequence[Any] = prompt.messages
    for step in range(1, MOST_STEPS + 1):
        prompt = replace(prompt, must_answer=step == MOST_STEPS)
        reason = await model.generate(prompt, draft)
        if reason != "tool-calls" or prompt.must_answer:
            break
        calls = _calls_of_last_step(draft.parts())
        if not calls:
            break
        await calling.run(generation, [call for call in calls if call["state"] == "input-available"], draft)
        so_far = {"id": generation.message_id, "role": "assistant", "parts": draft.parts()}
        prompt = replace(prompt, messages=[*asked, so_far])
        draft.next_step()
        draft.status(THINKING)
    return reason


def _calls_of_last_step(parts: Sequence[Part]) -> list[Part]:
    """The calls since the last step began; one whose input cannot be used is among them, with its error."""
    begin = max((n for n, part in enumerate(parts) if part["type"] == "step-start"), default=0)
    return [part for part in parts[begin:] if is_call(part)]
