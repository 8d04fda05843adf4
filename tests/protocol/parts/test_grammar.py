"""The grammar of a log, and the endings it writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.parts import chunks as make
from protocol.parts.chunks import Chunk
from protocol.parts.fold import fold
from protocol.parts.grammar import Grammar, GrammarError, ending
from tests.protocol.parts.logs import LOGS

LASTS = st.sampled_from([make.finish("stop"), make.abort("user"), make.error("Broken.")])
START, STEP, DONE = make.start("msg_1"), make.start_step(), make.finish_step()


@given(LOGS, LASTS)
def test_every_log_can_be_ended_where_it_stands(log: list[Chunk], last: Chunk) -> None:
    grammar = Grammar().extend(log)
    tail = ending(grammar, {"status": "stopped"}, last)
    assert grammar.extend(tail).ended
    folded = fold(log + tail)
    assert folded.open == []
    assert folded.metadata is not None
    assert folded.metadata["status"] == "stopped"
    assert tail[-2:] == [make.message_metadata({"status": "stopped"}), last]


@given(LOGS)
def test_g16_closing_keeps_what_was_shown(log: list[Chunk]) -> None:
    shown = fold(log).parts
    stored = fold(log + ending(Grammar().extend(log), {}, make.abort("user"))).parts
    texts = ("text", "reasoning")
    assert [p["text"] for p in stored if p["type"] in texts] == [p["text"] for p in shown if p["type"] in texts]
    assert len(stored) == len(shown)
    for before, after in zip(shown, stored, strict=True):
        if before.get("input") is not None:
            assert after["input"] == before["input"]


@given(LOGS)
def test_a_refused_chunk_leaves_the_grammar_where_it_was(log: list[Chunk]) -> None:
    grammar = Grammar().extend(log)
    before = repr(grammar)
    for wrong in (START, make.text_delta("nobody", "x"), make.tool_input_delta("nobody", "x"), {"type": "text-start"}):
        with pytest.raises(GrammarError):
            grammar.check(wrong)
    assert repr(grammar) == before


def test_an_ended_log_takes_nothing_more() -> None:
    grammar = Grammar().extend([START, make.finish("stop")])
    for chunk in (STEP, make.message_metadata({}), make.abort(), {"type": "tomorrow"}):
        with pytest.raises(GrammarError, match="the log is ended: nothing more was expected"):
            grammar.check(chunk)
    assert grammar.closing() == []
    assert ending(grammar, {"status": "failed"}, make.error("Again.")) == []


def test_an_empty_log_stays_empty() -> None:
    assert Grammar().closing() == []
    assert ending(Grammar(), {"status": "stopped"}, make.abort("user")) == []


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ([STEP], "A start-step came where the log is empty: start was expected"),
        ([{"type": "start"}], "without its field 'messageId'"),
        ([START, make.text_start("t")], "A text-start came where the log is between steps"),
        ([START, STEP, STEP], "A start-step came where the log is in a step"),
        ([START, STEP, make.finish("stop")], "A finish came where the log is in a step"),
        ([START, STEP, make.text_start("t"), DONE], "A finish-step came while these parts are open: t"),
        ([START, STEP, make.tool_input_start("c", "x"), DONE], "while these parts are open: c"),
        ([START, STEP, make.text_start("t"), make.text_start("t")], "for the part 't', which is open"),
        ([START, STEP, make.text_end("t")], "for the part 't', which is not open"),
        ([START, STEP, make.text_start("t"), {"type": "text-delta", "id": "t", "delta": None}], "must be a string"),
        ([START, STEP, make.tool_output_available("c", 1)], "that no chunk before it made"),
    ],
)
def test_a_chunk_out_of_place_says_what_was_expected(log: list[Chunk], words: str) -> None:
    grammar = Grammar().extend(log[:-1])
    with pytest.raises(GrammarError, match=words):
        grammar.check(log[-1])


def test_closing_ends_parts_in_their_order_and_then_the_step() -> None:
    grammar = Grammar().extend([START, STEP, make.reasoning_start("r"), make.text_start("t")])
    assert grammar.closing() == [make.reasoning_end("r"), make.text_end("t"), DONE]


def test_a_log_of_a_later_version_can_still_be_ended() -> None:
    grammar = Grammar().extend([START, {"type": "tomorrow"}, STEP, {"type": "tomorrow"}, make.text_start("t")])
    assert ending(grammar, {}, make.error("Broken.")) == [make.text_end("t"), DONE, make.error("Broken.")]


def test_only_three_kinds_end_a_log() -> None:
    with pytest.raises(GrammarError, match="finish, abort or error was expected"):
        ending(Grammar(), {}, make.finish_step())


def test_a_reset_step_forgets_its_parts_and_calls() -> None:
    grammar = Grammar().extend(
        [START, STEP, make.text_start("t"), make.tool_input_start("c", "x"), {"type": "reset-step"}]
    )
    assert grammar.closing() == [DONE]
    grammar.extend([make.text_start("t"), make.tool_input_start("c", "x")])


def test_a_reset_step_keeps_the_calls_of_earlier_steps() -> None:
    call = make.tool_input_available("c", "weather", {})
    grammar = Grammar().extend([START, STEP, call, DONE, STEP, {"type": "reset-step"}])
    grammar.check(make.tool_output_available("c", 1))


def test_a_finished_log_leaves_its_calls_to_be_answered() -> None:
    grammar = Grammar().extend([START, STEP, make.tool_input_available("c", "weather", {})])
    assert ending(grammar, {}, make.finish("tool-calls")) == [DONE, make.finish("tool-calls")]
    assert [chunk["type"] for chunk in ending(grammar, {}, make.abort())] == [
        "tool-output-error",
        "finish-step",
        "abort",
    ]
