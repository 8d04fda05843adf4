"""The constructors write the fields of ai and nothing else."""

import pytest

from protocol.parts import chunks as make
from protocol.parts.chunks import MERGEABLE, Chunk, ChunkError, text_of


@pytest.mark.parametrize(
    ("chunk", "wire"),
    [
        (make.start("m"), {"type": "start", "messageId": "m"}),
        (make.start("m", {"a": 1}), {"type": "start", "messageId": "m", "messageMetadata": {"a": 1}}),
        (make.text_start("t"), {"type": "text-start", "id": "t"}),
        (make.text_end("t", {"p": {}}), {"type": "text-end", "id": "t", "providerMetadata": {"p": {}}}),
        (make.tool_input_start("c", "n"), {"type": "tool-input-start", "toolCallId": "c", "toolName": "n"}),
        (make.finish(), {"type": "finish"}),
        (make.finish("stop"), {"type": "finish", "finishReason": "stop"}),
        (make.abort("user"), {"type": "abort", "reason": "user"}),
        (make.error("Broken."), {"type": "error", "errorText": "Broken."}),
    ],
)
def test_fields_left_out_are_not_null(chunk: Chunk, wire: Chunk) -> None:
    assert chunk == wire


def test_fields_that_the_schema_wants_stay_even_when_null() -> None:
    assert make.tool_input_available("c", "n", None)["input"] is None
    assert make.tool_input_error("c", "n", None, "No.")["input"] is None
    assert make.tool_output_available("c", None)["output"] is None


@pytest.mark.parametrize(
    "delta", [make.text_delta("p", "x"), make.reasoning_delta("p", "x"), make.tool_input_delta("p", "x")]
)
def test_mergeable_kinds_name_their_fields(delta: Chunk) -> None:
    fields = MERGEABLE[delta["type"]]
    assert set(delta) == {"type", fields.id_field, fields.text_field}
    assert text_of(delta) == "x"


def test_a_delta_without_text_is_refused() -> None:
    with pytest.raises(ChunkError, match="must be a string, not NoneType"):
        text_of({"type": "text-delta", "id": "p", "delta": None})
