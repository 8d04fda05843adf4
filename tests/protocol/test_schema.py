"""The JSON Schema says exactly what the decoder takes."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from protocol.codec import decode_client, encode
from protocol.errors import Refusal
from protocol.frames.client import CLIENT_FRAMES
from protocol.frames.server import SERVER_FRAMES
from protocol.schema import schema
from protocol.schema.__main__ import PATH, document
from tests.protocol.frames.generated import CLIENT, JSON, SERVER

SCHEMA = schema()


def validator(definition: str) -> Draft202012Validator:
    """A validator of one definition."""
    return Draft202012Validator({"$ref": f"#/$defs/{definition}", "$defs": SCHEMA["$defs"]})


CLIENT_FRAME, SERVER_FRAME = validator("ClientFrame"), validator("ServerFrame")


def test_the_file_is_what_the_types_say() -> None:
    assert PATH.read_bytes() == document(), "the schema is out of date: run `python -m protocol.schema`"


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@settings(max_examples=150, deadline=None)
@given(CLIENT)
def test_every_client_frame_validates(frame: Any) -> None:
    CLIENT_FRAME.validate(orjson.loads(encode(frame)))


@settings(max_examples=150, deadline=None)
@given(SERVER)
def test_every_server_frame_validates(frame: Any) -> None:
    SERVER_FRAME.validate(orjson.loads(encode(frame)))


@settings(max_examples=300, deadline=None)
@given(CLIENT, JSON, st.data())
def test_the_schema_and_the_decoder_agree_on_a_field_that_was_changed(
    frame: Any, value: Any, data: st.DataObject
) -> None:
    fields = orjson.loads(encode(frame))
    field = data.draw(st.sampled_from(sorted(fields)))
    if field == "type" or isinstance(value, float):
        return  # JSON Schema counts 1.0 as an integer
    fields[field] = value
    try:
        decode_client(orjson.dumps(fields))
    except Refusal:
        taken = False
    else:
        taken = True
    assert CLIENT_FRAME.is_valid(fields) == taken


@pytest.mark.parametrize(
    ("union", "frames"), [("ClientFrame", CLIENT_FRAMES), ("ServerFrame", SERVER_FRAMES)], ids=["client", "server"]
)
def test_frames_are_told_apart_by_their_type_alone(union: str, frames: tuple[type, ...]) -> None:
    members = [ref["$ref"].removeprefix("#/$defs/") for ref in SCHEMA["$defs"][union]["oneOf"]]
    tags = [SCHEMA["$defs"][member]["properties"]["type"]["enum"] for member in members]
    assert tags == [[getattr(frame, "__struct_config__").tag] for frame in frames]  # noqa: B009 - frames are structs
    assert all("type" in SCHEMA["$defs"][member]["required"] for member in members)


def test_every_reference_leads_somewhere_and_everything_has_a_title() -> None:
    text = document().decode()
    for definition, body in SCHEMA["$defs"].items():
        assert body["title"] == definition
        assert body["description"]
        assert f'"#/$defs/{definition}"' in text or definition in ("GenerationResult", "Limits", "Message")
    assert "null" not in text
