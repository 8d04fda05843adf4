"""The life of a tool call, and its end when the log is cut."""

import pytest

from protocol.parts import chunks as make
from protocol.parts.calls import NOT_ANSWERED, NOT_DECIDED, NOT_WRITTEN, Calls
from protocol.parts.chunks import Chunk, ChunkError
from protocol.parts.fold import fold

READY = make.tool_input_available("c", "weather", {"city": "Bonn"})
ASKED = make.tool_approval_request("c", "ok")
ALLOWED = make.tool_approval_response("ok", approved=True)
REFUSED = make.tool_approval_response("ok", approved=False)
OUTPUT = make.tool_output_available("c", 1)
DRAFT = make.tool_output_available("c", 1, preliminary=True)
FAILED = make.tool_output_error("c", "Down.")
DENIED = make.tool_output_denied("c")
WRITING = [make.tool_input_start("c", "weather"), make.tool_input_delta("c", '{"city":"Bo')]


def calls(*chunks: Chunk) -> Calls:
    """The calls after these chunks."""
    made = Calls()
    for chunk in chunks:
        made.take(chunk)
    return made


@pytest.mark.parametrize(
    "life",
    [
        [*WRITING, READY, OUTPUT],
        [*WRITING, make.tool_input_error("c", "weather", {}, "No.")],
        [READY, DRAFT, DRAFT, OUTPUT],
        [READY, FAILED],
        [READY, ASKED, ALLOWED, DRAFT, FAILED],
        [READY, ASKED, REFUSED, DENIED],
        [READY, ASKED, DENIED],
    ],
)
def test_a_whole_life_leaves_nothing_to_close(life: list[Chunk]) -> None:
    assert calls(*life).closing(cut=True) == []


@pytest.mark.parametrize(
    ("before", "wrong"),
    [
        ([READY], READY),
        ([READY], make.tool_input_delta("c", "x")),
        (WRITING, OUTPUT),
        (WRITING, ASKED),
        ([READY], DENIED),
        ([READY, ASKED], OUTPUT),
        ([READY, ASKED, REFUSED], OUTPUT),
        ([READY, ASKED, ALLOWED], ALLOWED),
        ([READY, OUTPUT], OUTPUT),
        ([READY, FAILED], FAILED),
    ],
)
def test_a_chunk_out_of_turn_is_refused(before: list[Chunk], wrong: Chunk) -> None:
    made = calls(*before)
    with pytest.raises(ChunkError, match="was expected"):
        made.take(wrong)


def test_a_call_stays_static_or_dynamic() -> None:
    with pytest.raises(ChunkError, match="whether it is dynamic"):
        calls(*WRITING).take({**READY, "dynamic": True})


def test_an_approval_id_is_used_once() -> None:
    other = make.tool_input_available("d", "weather", {})
    with pytest.raises(ChunkError, match="'ok' was requested before"):
        calls(READY, ASKED, other).take(make.tool_approval_request("d", "ok"))


def test_an_approval_nobody_requested_is_refused() -> None:
    with pytest.raises(ChunkError, match="no chunk before it made"):
        calls(READY).take(ALLOWED)


@pytest.mark.parametrize(
    ("before", "ends"),
    [
        (WRITING, [make.tool_input_error("c", "weather", {"city": "Bo"}, NOT_WRITTEN)]),
        (WRITING[:1], [make.tool_input_error("c", "weather", {}, NOT_WRITTEN)]),
        ([READY], [make.tool_output_error("c", NOT_ANSWERED)]),
        ([READY, ASKED], [make.tool_approval_response("ok", approved=False, reason=NOT_DECIDED), DENIED]),
        ([READY, ASKED, ALLOWED], [make.tool_output_error("c", NOT_ANSWERED)]),
        ([READY, ASKED, REFUSED], [DENIED]),
        ([READY, DRAFT], []),
    ],
)
def test_a_cut_call_ends_so_that_it_can_be_shown(before: list[Chunk], ends: list[Chunk]) -> None:
    made = calls(*before)
    assert made.closing(cut=True) == ends
    for chunk in ends:
        made.take(chunk)
    assert made.closing(cut=True) == []
    (part,) = fold([*before, *ends]).parts
    assert part["state"].startswith("output-")
    assert "input" in part


def test_an_answer_that_finishes_leaves_its_calls_to_be_answered() -> None:
    assert calls(READY).closing(cut=False) == []
    assert calls(READY, ASKED).closing(cut=False) == []
    assert len(calls(*WRITING).closing(cut=False)) == 1


def test_input_that_is_text_ends_as_text() -> None:
    start = {**make.tool_input_start("c", "sql"), "inputEncoding": "text"}
    made = calls(start, make.tool_input_delta("c", "SELECT "))
    assert made.closing(cut=True) == [make.tool_input_error("c", "sql", "SELECT ", NOT_WRITTEN)]
