"""The golden vectors: frames and conversations that every implementation must agree on."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types
from msgspec import inspect

from protocol.codec import InvalidField, UnknownType, decode_client, decode_server, encode, to_json
from protocol.codes import CLOSE_MEANINGS, ERRORS, verdict
from protocol.errors import Refusal, Violation
from protocol.frames.client import CLIENT_FRAMES
from protocol.frames.server import SERVER_FRAMES
from protocol.lifecycle import CLIENT_CONNECTION, SERVER_CONNECTION, STREAM, SUBSCRIPTION
from protocol.limits import Limits
from protocol.schema import schema
from tests.protocol.replay import ClientReplay, Names, ServerReplay

Json = dict[str, Any]
FOLDER = Path(__file__).parents[2] / "protocol" / "vectors"
FRAMES: list[Json] = orjson.loads((FOLDER / "frames.json").read_bytes())
TRANSCRIPTS: list[Json] = orjson.loads((FOLDER / "transcripts.json").read_bytes())
DECODE: dict[str, Any] = {"client": decode_client, "server": decode_server}
SCHEMAS = {
    side: Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": schema()["$defs"]})
    for side, name in [("client", "ClientFrame"), ("server", "ServerFrame")]
}


def test_the_tables_are_those_of_the_code() -> None:
    tables = orjson.loads((FOLDER / "tables.json").read_bytes())
    assert tables["states"] == {
        "stream": STREAM,
        "serverConnection": SERVER_CONNECTION,
        "clientConnection": CLIENT_CONNECTION,
        "subscription": SUBSCRIPTION,
    }
    assert tables["closes"] == {row.name: row.close for row in ERRORS.values() if row.close is not None}
    assert {int(code) for code in tables["verdicts"]} >= set(CLOSE_MEANINGS)
    assert tables["verdicts"] == {code: verdict(int(code)) for code in tables["verdicts"]}
    assert tables["limits"] == to_json(Limits())


def named(vectors: list[Json]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", vectors, ids=[vector["name"] for vector in vectors])


@named([vector for vector in FRAMES if "frame" in vector])
def test_a_good_frame_decodes_and_is_written_like_that(vector: Json) -> None:
    frame = DECODE[vector["from"]](vector["text"])
    assert orjson.loads(encode(frame)) == vector["frame"]
    assert DECODE[vector["from"]](orjson.dumps(vector["frame"])) == frame
    SCHEMAS[vector["from"]].validate(vector["frame"])


@named([vector for vector in FRAMES if vector.get("error")])
def test_a_bad_frame_is_refused_like_that(vector: Json) -> None:
    with pytest.raises(Refusal) as caught:
        DECODE[vector["from"]](vector["text"])
    found: Json = {"code": caught.value.code}
    if isinstance(caught.value, Violation):
        found["fatal"] = True
    if isinstance(caught.value, InvalidField):
        found["param"] = caught.value.error.param
    if isinstance(caught.value, InvalidField | UnknownType) and caught.value.command_id:
        found["id"] = caught.value.command_id
    assert found == vector["error"]


@named([vector for vector in FRAMES if "error" in vector and vector["error"] is None])
def test_an_ignored_frame_is_ignored(vector: Json) -> None:
    if vector["from"] == "server":
        assert decode_server(vector["text"]) is None
    else:
        with pytest.raises(UnknownType) as caught:
            decode_client(vector["text"])
        assert caught.value.command_id is None


def test_every_frame_vector_is_one_of_these_and_has_its_own_name() -> None:
    assert all(("frame" in vector) != ("error" in vector) for vector in FRAMES)
    assert len({vector["name"] + vector["from"] for vector in FRAMES}) == len(FRAMES)


@pytest.mark.parametrize(("side", "types"), [("client", CLIENT_FRAMES), ("server", SERVER_FRAMES)])
def test_every_type_stands_there_with_least_and_with_most(side: str, types: tuple[type, ...]) -> None:
    written = [json.loads(vector["text"]) for vector in FRAMES if vector["from"] == side and "frame" in vector]
    for frame in types:
        info = inspect.type_info(frame)
        assert isinstance(info, inspect.StructType)
        shown = [set(fields) for fields in written if fields["type"] == info.tag]
        every = {"type", *(field.encode_name for field in info.fields)}
        least = {"type", *(field.encode_name for field in info.fields if field.required)}
        assert least in shown, f"{info.tag} is not shown with only what it needs"
        assert every in shown, f"{info.tag} is not shown with everything"


@named(TRANSCRIPTS)
def test_the_client_s_core_speaks_the_transcript(vector: Json) -> None:
    ClientReplay(vector).run(vector["steps"])


@named(TRANSCRIPTS)
def test_the_server_s_core_speaks_the_transcript(vector: Json) -> None:
    ServerReplay(vector).run(vector["steps"])


@named(TRANSCRIPTS)
def test_every_frame_of_a_transcript_validates(vector: Json) -> None:
    names = Names()
    for step in vector["steps"]:
        for kind, side in [("send", "client"), ("receive", "server"), ("lose", "server")]:
            if kind in step:
                SCHEMAS[side].validate(names.fill(step[kind]))


@pytest.mark.parametrize("replay", [ClientReplay, ServerReplay])
def test_a_transcript_that_leaves_out_a_frame_fails(replay: Any) -> None:
    (vector,) = (vector for vector in TRANSCRIPTS if vector["name"] == "stop in the middle")
    kind = "send" if replay is ClientReplay else "receive"
    for n, step in enumerate(vector["steps"]):
        if kind in step and step[kind]["type"] in ("pong", "stream.stop", "stream.chunk", "stream.end"):
            with pytest.raises(AssertionError):
                replay(vector).run(vector["steps"][:n] + vector["steps"][n + 1 :])
