"""The AsyncAPI document is one, and says what the types say."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from jsonschema import Draft7Validator, Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from protocol.codec import encode
from protocol.frames.client import CLIENT_FRAMES
from protocol.frames.server import SERVER_FRAMES
from protocol.schema import name_of
from protocol.schema.__main__ import ASYNCAPI, document
from protocol.schema.asyncapi import asyncapi
from tests.protocol.frames.generated import CLIENT, SERVER

OFFICIAL = json.loads(Path(__file__).with_name("asyncapi-3.0.0.json").read_bytes())
DOCUMENT = asyncapi()
MESSAGES, OPERATIONS = DOCUMENT["components"]["messages"], DOCUMENT["operations"]
ALL = (*CLIENT_FRAMES, *SERVER_FRAMES)


def test_the_file_is_what_the_types_say() -> None:
    assert ASYNCAPI.read_bytes() == document(ASYNCAPI), "it is out of date: run `python -m protocol.schema`"


def test_it_is_an_asyncapi_document() -> None:
    problems = [
        f"{error.json_path}: {error.message[:200]}" for error in Draft7Validator(OFFICIAL).iter_errors(DOCUMENT)
    ]
    assert problems == []


def test_the_official_schema_finds_what_is_wrong() -> None:
    wrong = DOCUMENT | {"operations": {"hello": OPERATIONS["hello"] | {"action": "shout"}}}
    assert not Draft7Validator(OFFICIAL).is_valid(wrong)
    assert not Draft7Validator(OFFICIAL).is_valid({key: DOCUMENT[key] for key in DOCUMENT if key != "info"})


def references(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own.union(*map(references, node.values()))


def found(path: str) -> Any:
    node: Any = DOCUMENT
    for step in path.removeprefix("#/").split("/"):
        node = node[step]
    return node


def test_every_reference_leads_somewhere() -> None:
    assert references(DOCUMENT)
    assert all(found(path) for path in references(DOCUMENT))


def test_every_frame_is_a_message_and_part_of_an_operation() -> None:
    named = {name: message["name"] for name, message in MESSAGES.items()}
    assert named == {name_of(frame): frame.__struct_config__.tag for frame in ALL}
    used = references(OPERATIONS)
    assert {f"#/channels/socket/messages/{name}" for name in MESSAGES} <= used


@pytest.mark.parametrize(
    ("operation", "replies"),
    [
        ("hello", ["Welcome", "Error"]), ("message.send", ["Ack", "Error"]), ("ping", ["ServerPong"]),
        ("presence.update", []), ("send.ping", ["ClientPong"]), ("send.stream.chunk", []),
    ],
)  # fmt: skip
def test_what_answers_what(operation: str, replies: list[str]) -> None:
    named = [ref["$ref"] for ref in OPERATIONS[operation].get("reply", {}).get("messages", [])]
    assert named == [f"#/channels/socket/messages/{name}Frame" for name in replies]


def test_what_a_server_sends_by_itself() -> None:
    sent = {name.removeprefix("send.") for name, each in OPERATIONS.items() if each["action"] == "send"}
    assert sent == {frame.__struct_config__.tag for frame in SERVER_FRAMES} - {"welcome", "ack", "pong"}


def payload(frame: Any) -> Draft202012Validator:
    """A validator of the payload of a frame's message."""
    schema = MESSAGES[name_of(type(frame))]["payload"]
    return Draft202012Validator(schema | {"components": DOCUMENT["components"]})


@settings(max_examples=60, deadline=None)
@given(CLIENT)
def test_every_client_frame_is_a_payload(frame: Any) -> None:
    payload(frame).validate(orjson.loads(encode(frame)))


@settings(max_examples=60, deadline=None)
@given(SERVER)
def test_every_server_frame_is_a_payload(frame: Any) -> None:
    payload(frame).validate(orjson.loads(encode(frame)))
