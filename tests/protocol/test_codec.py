"""Bytes to frames and back: nothing a peer sends can break it, and nothing it sends is lost."""

import contextlib
import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from protocol.codec import MAX_DEPTH, InvalidField, UnknownType, decode_client, decode_server, encode
from protocol.errors import Refusal, Violation
from protocol.frames.client import (
    CLIENT_FRAMES,
    ChatUpdate,
    ClientPing,
    Hello,
    MessageSend,
    StreamSubscribe,
    ToolOutput,
)
from protocol.frames.objects import Usage
from protocol.frames.server import Event, ServerPong, StreamEnd
from tests.protocol.frames.generated import CLIENT, JSON, SERVER, places

SEND: dict[str, Any] = {
    "type": "message.send",
    "id": "a",
    "chatId": "c",
    "message": {"id": "m", "role": "user", "parts": [{"type": "text", "text": "Hi"}]},
}
SUBSCRIBE: dict[str, Any] = {"type": "stream.subscribe", "id": "a", "streamId": "s", "after": 0}


def text_of(frame: dict[str, Any]) -> str:
    return orjson.dumps(frame).decode()


def refusal(text: str | bytes) -> Refusal:
    """What decoding raises."""
    with pytest.raises(Refusal) as caught:
        decode_client(text)
    return caught.value


def question(text: str) -> str:
    """A send whose text is this JSON string."""
    return text_of(SEND).replace('"Hi"', text)


def asked(text: str) -> str:
    """What arrives of it."""
    frame = decode_client(question(text))
    assert isinstance(frame, MessageSend)
    found: str = frame.message.parts[0]["text"]
    return found


# Laws


@settings(max_examples=400)
@given(CLIENT)
def test_a_client_frame_arrives_as_it_was_sent(frame: Any) -> None:
    data = encode(frame)
    assert data.startswith(b'{"type":"')
    assert decode_client(data) == frame
    assert decode_client(data.decode()) == frame


@settings(max_examples=400)
@given(SERVER)
def test_a_server_frame_arrives_as_it_was_sent(frame: Any) -> None:
    data = encode(frame)
    assert data.startswith(b'{"type":"')
    assert decode_server(data) == frame


@settings(max_examples=300)
@given(CLIENT | SERVER, st.data())
def test_g06_unknown_fields_are_ignored_in_every_object(frame: Any, data: st.DataObject) -> None:
    decode: Any = decode_client if isinstance(frame, CLIENT_FRAMES) else decode_server
    fields = orjson.loads(encode(frame))
    for value, kind in places(fields, inspect.type_info(type(frame))):
        known = {field.encode_name for field in kind.fields}
        value["later" if "later" not in known else "later2"] = data.draw(JSON)
    assert decode(orjson.dumps(fields)) == frame


@settings(max_examples=300)
@given(CLIENT | SERVER)
def test_null_counts_as_absent_in_every_object(frame: Any) -> None:
    decode: Any = decode_client if isinstance(frame, CLIENT_FRAMES) else decode_server
    fields = orjson.loads(encode(frame))
    for value, kind in places(fields, inspect.type_info(type(frame))):
        for field in kind.fields:
            if not field.required and field.encode_name not in value:
                value[field.encode_name] = None
    assert decode(orjson.dumps(fields)) == frame


GARBAGE = st.one_of(
    st.text(st.characters(codec=None), max_size=80),
    st.binary(max_size=80),
    JSON.map(lambda value: orjson.dumps(value)),
    st.dictionaries(st.sampled_from(["type", "id", "chatId", "message", "streamId", "after", "x"]), JSON).map(
        lambda value: orjson.dumps(value)
    ),
    st.tuples(st.sampled_from(["message.send", "hello", "stream.subscribe", "ping", "event", "ack"]), JSON, JSON).map(
        lambda drawn: orjson.dumps({"type": drawn[0], "id": drawn[1], "message": drawn[2], "streams": drawn[2]})
    ),
)


@settings(max_examples=500)
@given(GARBAGE)
def test_decoding_raises_nothing_but_what_it_documents(data: str | bytes) -> None:
    with contextlib.suppress(Violation):
        decode_server(data)
    try:
        decode_client(data)
    except (Violation, InvalidField, UnknownType) as refused:
        sentence = str(refused)
    else:
        return
    assert 10 < len(orjson.dumps(sentence)) < 400


@given(CLIENT, st.data())
def test_a_frame_cut_anywhere_is_no_frame(frame: Any, data: st.DataObject) -> None:
    text = encode(frame)
    cut = data.draw(st.integers(0, len(text) - 1))
    assert refusal(text[:cut]).code == "invalid_frame"


@given(st.text(st.characters(codec=None), max_size=30))
def test_any_text_a_page_can_hold_arrives_and_can_be_stored(text: str) -> None:
    """`JSON.stringify` writes a lone surrogate as an escape; one NUL or half an emoji must not end the connection."""
    for ascii_only in (True, False):
        quoted = json.dumps(text, ensure_ascii=ascii_only)
        if not ascii_only:
            quoted = "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in quoted)
        found = asked(quoted)
        orjson.dumps(found)
        paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        assert found == paired.replace("\0", "\ufffd")


# Frames that are none: fatal


@pytest.mark.parametrize(
    "data",
    [
        "", " ", "null", "true", "7", '"x"', "[]", "{}", "{", "{}{}", '{"type":7}', '{"type":null,"id":"a"}',
        '{"id":"a"}', '{"type":["ping"]}', "\ufeff" + text_of(SUBSCRIBE), "\0", "// x",
        '{"type":"ping","id":"a",}', "{'type':'ping'}", '{"type":"ping","id":NaN}', '{"type":"ping","x":Infinity}',
        '{"type":"ping","x":1e999}', '{"type":"ping","x":' + "9" * 400 + "}", '{"type":"ping","x":01}',
        '{"type":"ping","x":"\n"}', '{"type":"ping","x":"\\x"}', '{"type":"ping","x":"\\ud80"}', "\ud800",
        b"\xff", b'{"type":"ping","id":"\xff"}', b'{"type":"ping","x":"\\ud800\xff"}', "[" * 100_000,
        "[" + "[]," * 300_000 + "[]]", '{"type":"ping","x":' + "[" * 2_000 + "]" * 2_000 + "}",
    ],
)  # fmt: skip
def test_g02_what_is_not_a_json_object_with_a_type_is_an_invalid_frame(data: str | bytes) -> None:
    found = refusal(data)
    assert isinstance(found, Violation)
    assert (found.code, found.close_code) == ("invalid_frame", 4400)


def test_g06_an_unknown_type_keeps_its_id_when_it_is_one() -> None:
    for frame, expected in [
        ('{"type":"later","id":"a"}', "a"),
        ('{"type":"later"}', None),
        ('{"type":"later","id":null}', None),
        ('{"type":"later","id":7}', None),
        ('{"type":"later","id":"a b"}', None),
        ('{"type":"Ping","id":"a"}', "a"),
        ('{"type":"","id":"a"}', "a"),
        ('{"type":"welcome","id":"a"}', "a"),
    ]:
        found = refusal(frame)
        assert isinstance(found, UnknownType)
        assert (found.code, found.command_id) == ("unknown_type", expected)


def test_g06_the_name_of_an_unknown_type_is_cut() -> None:
    assert len(str(refusal(text_of({"type": "x" * 100_000, "id": "a"})))) < 200


def test_g06_a_server_frame_of_a_later_version_is_passed_over() -> None:
    assert decode_server('{"type":"later","id":7}') is None


def test_g06_an_event_of_a_later_version_keeps_its_place() -> None:
    frame = decode_server('{"type":"event","offset":8,"name":"chat.pinned","time":1,"data":{}}')
    assert isinstance(frame, Event)
    assert frame.offset == 8


def test_a_broken_server_frame_is_a_violation() -> None:
    with pytest.raises(Violation, match="broken 'ack' frame"):
        decode_server('{"type":"ack","id":"a"}')


# Fields that are wrong: refused by name


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"chatId": None}, "$.chatId"),
        ({"chatId": 7}, "$.chatId"),
        ({"chatId": ""}, "$.chatId"),
        ({"chatId": "a b"}, "$.chatId"),
        ({"chatId": "a\n"}, "$.chatId"),
        ({"chatId": "ä"}, "$.chatId"),
        ({"chatId": "a\0"}, "$.chatId"),
        ({"chatId": "x" * 65}, "$.chatId"),
        ({"id": "a\n"}, "$.id"),
        ({"id": 7}, "$.id"),
        ({"id": None}, "$.id"),
        ({"message": None}, "$.message"),
        ({"message": "Hi"}, "$.message"),
        ({"message": {"id": "m", "role": "user"}}, "$.message.parts"),
        ({"message": {"id": "m", "role": "user", "parts": {}}}, "$.message.parts"),
        ({"message": {"id": "m", "role": "user", "parts": [{}, "x"]}}, "$.message.parts[1]"),
        ({"message": {"id": "m", "role": "assistant", "parts": []}}, "$.message.role"),
        ({"message": {"id": "m\n", "role": "user", "parts": []}}, "$.message.id"),
        ({"ifActive": "maybe"}, "$.ifActive"),
        ({"ifActive": "x - at `$.chatId`"}, "$.ifActive"),
        ({"ifActive": "x" * 100_000}, "$.ifActive"),
        ({"subscribe": 1}, "$.subscribe"),
        ({"model": "x" * 201}, "$.model"),
        ({"options": []}, "$.options"),
    ],
)
def test_g02_a_bad_field_is_named(changes: dict[str, Any], param: str) -> None:
    found = refusal(text_of(SEND | changes))
    assert isinstance(found, InvalidField)
    assert (found.code, found.error.param) == ("invalid_argument", param)
    assert found.command_id == (None if "id" in changes else "a")
    assert param in str(found)
    assert len(str(found)) < 300


@pytest.mark.parametrize("after", [-1, 2**53, 2**63, 2**64, 1.5, 1e300, "0", True, [], {}])
def test_a_position_is_a_whole_number_up_to_2_53(after: Any) -> None:
    assert refusal(json.dumps(SUBSCRIBE | {"after": after})).error.param == "$.after"


def test_a_position_may_be_as_large_as_javascript_counts() -> None:
    frame = decode_client(text_of(SUBSCRIBE | {"after": 2**53 - 1}))
    assert isinstance(frame, StreamSubscribe)
    assert frame.after == 2**53 - 1


def test_hello_takes_32_streams_and_no_more() -> None:
    hello: dict[str, Any] = {"type": "hello", "id": "h", "clientId": "t"}
    streams = [{"streamId": f"s{n}", "after": n} for n in range(33)]
    assert isinstance(decode_client(text_of(hello | {"streams": streams[:32]})), Hello)
    assert refusal(text_of(hello | {"streams": streams})).error.param == "$.streams"


def test_an_empty_project_takes_a_chat_out_of_its_project() -> None:
    frame = decode_client('{"type":"chat.update","id":"a","chatId":"c","projectId":""}')
    assert isinstance(frame, ChatUpdate)
    assert frame.project_id == ""
    assert refusal(text_of(SEND | {"projectId": ""})).error.param == "$.projectId"


# JSON as it is written


def test_of_equal_names_the_last_counts() -> None:
    assert decode_client('{"type":"hello","id":"a","type":"ping","id":"b"}') == ClientPing(id="b")


def test_type_need_not_come_first() -> None:
    assert decode_client('{"id":"a","x":[],"type":"ping"}') == ClientPing(id="a")


def test_null_as_an_output_counts_as_absent_but_inside_it_stays() -> None:
    base = {"type": "tool.output", "id": "a", "streamId": "s", "toolCallId": "t"}
    for output, expected in [(None, None), ({"a": None}, {"a": None}), ([None], [None])]:
        frame = decode_client(text_of(base | {"output": output}))
        assert isinstance(frame, ToolOutput)
        assert frame.output == expected


def test_usage_may_say_null_for_what_it_does_not_know() -> None:
    frame = decode_server(
        '{"type":"stream.end","streamId":"s","chatId":"c","messageId":"m","seq":0,"status":"stopped",'
        '"usage":{"inputTokens":1,"outputTokens":2,"estimated":null},"error":null}'
    )
    assert isinstance(frame, StreamEnd)
    assert frame.usage == Usage(input_tokens=1, output_tokens=2)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r'"\ud83d\ude00"', "😀"),
        (r'"\uD83D\uDE00!"', "😀!"),
        (r'"\ud83d"', "\ufffd"),
        (r'"x\ude00y"', "x\ufffdy"),
        (r'"\ud83d\ud83d\ude00"', "\ufffd😀"),
        (r'"\ud83dx\ude00"', "\ufffdx\ufffd"),
        (r'"\u0000"', "\ufffd"),
        (r'"\\u0000"', r"\u0000"),
        (r'"\\ud800"', r"\ud800"),
        (r'"\\\ud800"', "\\\ufffd"),
        (r'"\\\\ud800 \ud800"', "\\\\ud800 \ufffd"),
        (r'"\u00e4\n"', "ä\n"),
    ],
)
def test_what_cannot_be_stored_is_replaced_and_the_rest_is_kept(written: str, read: str) -> None:
    assert asked(written) == read
    frame = decode_client(question(written).encode())
    assert isinstance(frame, MessageSend)
    assert frame.message.parts[0]["text"] == read


# Depth


def nested(depth: int) -> str:
    """A send whose deepest value has this depth in the frame."""
    inner: Any = []
    for _ in range(depth - 4):
        inner = [inner]
    part = {"type": "text", "text": "[{" * 200, "x": inner}
    return text_of(SEND | {"message": {"id": "m", "role": "user", "parts": [part]}})


def test_a_frame_may_be_nested_so_deep_that_its_event_can_still_be_written() -> None:
    frame = decode_client(nested(MAX_DEPTH - 1))
    assert isinstance(frame, MessageSend)
    assert orjson.dumps({"data": {"chat": {"messages": [frame.message.parts]}}})
    found = refusal(nested(MAX_DEPTH + 1))
    assert isinstance(found, InvalidField)
    assert (found.command_id, found.error.param) == ("a", "$")


def test_many_brackets_are_not_deep() -> None:
    frame = decode_client(text_of(SEND | {"options": {"x": [[]] * 10_000, "y": "[" * 10_000}}))
    assert isinstance(frame, MessageSend)


def test_the_codec_leaves_a_pong_as_it_is() -> None:
    assert encode(ServerPong(id="a")) == b'{"type":"pong","id":"a"}'
