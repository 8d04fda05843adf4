"""The demo model uses tools as a real one does: it calls, ends its step, and goes on with what came of it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.demo import DemoModel
from app.models.demo_answer import EXAMPLES
from app.models.demo_tools import LONGEST_CALCULATION, calculation
from app.models.interface import FinishReason, Prompt, ToolOffer
from app.models.retrieval import shipped_library
from app.tools.arithmetic import evaluate
from protocol.parts.fold import Fold
from tests.app.models.recording import RecordingSink, asking
from tests.virtual import run_virtual

LIBRARY = shipped_library()
OFFERS = [ToolOffer(name, "", {}) for name in ("calculate", "search_chats", "ask_person")]


def play(prompt: Prompt) -> tuple[RecordingSink, FinishReason]:
    sink = RecordingSink()
    return sink, run_virtual(DemoModel(LIBRARY).generate(prompt, sink))


def asked(question: str, **options: Any) -> Prompt:
    return replace(asking(question, pace=0, **options), tools=OFFERS)


def calls(sink: RecordingSink) -> list[tuple[str, Any]]:
    """The whole calls it made, in order."""
    return [(chunk["toolName"], chunk["input"]) for chunk in sink.of("tool-input-available")]


def going_on(prompt: Prompt, sink: RecordingSink, *ends: Mapping[str, Any]) -> Prompt:
    """The prompt of the next step, in which each call has ended so."""
    parts = Fold().extend([{"type": "start", "messageId": "m"}, *sink.chunks]).parts
    ended = [{**part, "state": "output-available", **end} for part, end in zip(parts, ends, strict=True)]
    return replace(prompt, messages=[*prompt.messages, {"id": "m", "role": "assistant", "parts": ended}])


@pytest.mark.parametrize(
    ("question", "expression"),
    [
        ("what is 12*7?", "12*7"),
        ("What’s 15% of 80 ?", "15% of 80"),
        ("12 x 7", "12*7"),
        ("How much is 3 times 4 plus 2?", "3 * 4 + 2"),
        ("Calculate: 2^10 =", "2^10"),
        ("Please, what is 7 divided by 2?", "7 / 2"),
        ("1,234.50 + 2", "1,234.50 + 2"),
        ("sqrt(2)", "sqrt(2)"),
        ("5!", "5!"),
        ("Can you tell me what is 20 percent of 50?", "20 % of 50"),
        ("so 10-3?", "10-3"),
    ],
)
def test_a_calculation_is_recognised(question: str, expression: str) -> None:
    assert calculation(question) == expression
    assert evaluate(expression)
    sink, end = play(asked(question))
    assert (calls(sink), end) == ([("calculate", {"expression": expression})], "tool-calls")
    assert not sink.text


@pytest.mark.parametrize(
    "question",
    [
        *("What is Tidewire?", "42", "-5", "what is pi?", "2026-11-26", "26.11.2026", "1/2/2026", "+49 30 123456"),
        *("What is the 5 % rule?", "2 +", "", "   ", "1, 2 and 3", "1" + "+1" * LONGEST_CALCULATION, "a*b"),
    ],
)
def test_what_is_no_calculation_is_looked_up(question: str) -> None:
    assert calculation(question) is None
    assert not calls(play(asked(question))[0])


@given(st.text("0123456789,.()+-*/% x", max_size=LONGEST_CALCULATION))
def test_no_question_takes_long_to_recognise(question: str) -> None:
    assert calculation(question + " apples") is None
    calculation(question)


def test_a_calculator_that_is_not_offered_is_not_called() -> None:
    sink, end = play(asking("what is 12*7?", pace=0))
    assert (calls(sink), end) == ([], "stop")
    assert not calls(play(asked("what is 12*7?", tool=False))[0])


def test_it_tells_the_result_and_that_it_did_not_find_it_itself() -> None:
    prompt = asked("what is 12*7?")
    first, _ = play(prompt)
    sink, end = play(going_on(prompt, first, {"output": {"result": "84", "isExact": True}}))
    assert end == "stop"
    assert sink.text.startswith("12*7 = **84**\n\nI am only the demo model and cannot calculate")
    assert "##" not in sink.text
    assert not calls(sink)
    rounded, _ = play(going_on(prompt, first, {"output": {"result": "1.4", "isExact": False}}))
    assert rounded.text.startswith("12*7 ≈ **1.4**")


def test_it_calls_the_tools_it_is_told_to_and_then_answers() -> None:
    prompt = asked("How do I stop an answer?", tool=["search_chats", "ask_person", "calculate", "else"], thinking=3)
    first, end = play(prompt)
    assert end == "tool-calls"
    assert first.kinds()[0] == "reasoning-start"
    assert calls(first) == [
        ("search_chats", {"query": "Stop an answer"}),
        ("ask_person", {"question": "Which of these shall I look up as well?", "choices": list(EXAMPLES[:3])}),
        ("calculate", {"expression": "12 * 7"}),
        ("else", {"query": "How do I stop an answer?"}),
    ]
    assert len({chunk["toolCallId"] for chunk in first.of("tool-input-start")}) == 4
    thoughtless = RecordingSink()
    thoughtless.chunks = [chunk for chunk in first.chunks if not chunk["type"].startswith("reasoning")]
    found = {"chats": [{"title": "Sea", "lastAsked": "2026-11-26", "excerpts": [{"by": "you", "text": "Low tide."}]}]}
    sink, end = play(
        going_on(
            prompt,
            thoughtless,
            {"output": found},
            {"output": {"choice": "The second"}},
            {"state": "output-error", "errorText": "It broke."},
            {"state": "output-denied", "approval": {"reason": "Private."}},
        )
    )
    assert end == "stop"
    assert not sink.reasoning
    told = sink.text.split("\n\n")
    assert told[:5] == [
        "I searched your other chats for “Stop an answer” and found:",
        "- **Sea** (2026-11-26): “Low tide.”",
        "You chose “The second”.",
        "The tool `calculate` did not work: It broke.",
        "You did not allow me to use `else`, so I go on without it. I was told: Private.",
    ]
    assert "## Stopping an answer" in sink.text


@pytest.mark.parametrize(
    ("tool", "end", "told"),
    [
        ("search_chats", {"output": {"chats": []}}, r"found nothing\.$"),
        ("ask_person", {"output": "whatever"}, r"^You chose “whatever”\.$"),
        ("weather", {"output": {"sun": True}}, r'^The tool `weather` answered `{"sun":true}`\.$'),
        ("weather", {"state": "output-denied"}, r"without it\.$"),
    ],
)
def test_it_tells_of_whatever_comes(tool: str, end: dict[str, Any], told: str) -> None:
    prompt = asked("Hello", tool=tool)
    sink, _ = play(going_on(prompt, play(prompt)[0], end))
    assert re.search(told, sink.text.split("\n\n")[0])


def test_tokens_count_in_the_last_step() -> None:
    prompt = asked("Hello", tool="weather", tokens=30)
    first, end = play(prompt)
    assert (end, first.text) == ("tool-calls", "")
    sink, _ = play(going_on(prompt, first, {"output": 1}))
    assert len(sink.of("text-delta")) == 30
