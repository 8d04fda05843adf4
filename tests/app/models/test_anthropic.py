"""The adapter with the real SDK over a real socket, against a server that speaks the Messages API and its faults."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from importlib.resources import files
from itertools import pairwise

import pytest

from app.models.anthropic import MODELS, AnthropicModel, anthropic_models, clean_title, label_of, read_models
from app.models.anthropic_client import AnthropicClient
from app.models.anthropic_request import AnthropicOptions
from app.models.interface import RECONNECTING, THINKING, InvalidOption, ModelFailure, ModelInfo
from app.models.retries import RetryPolicy
from tests.app.models.recording import RecordingSink, asking
from tests.fake_anthropic import (
    WORDS,
    Behaviour,
    FakeAnthropic,
    answer,
    cut,
    early_end,
    encode_event,
    error_event,
    garbage,
    half_event,
    page,
    pings,
    silent,
    status,
)

SOON = 5.0
"""A limit for what takes milliseconds: it only ends a test that would hang."""

INFO = ModelInfo("claude-x", "Claude X")
AT_ONCE = RetryPolicy(jitter=lambda low, high: 0.0)


@pytest.fixture
async def server() -> AsyncIterator[FakeAnthropic]:
    async with FakeAnthropic() as running:
        yield running


@contextlib.asynccontextmanager
async def model_at(
    url: str, *, patience: float = SOON, retries: RetryPolicy = AT_ONCE, connect_timeout: float = SOON
) -> AsyncIterator[AnthropicModel]:
    model = AnthropicModel(
        INFO, AnthropicClient("key-1", url, connect_timeout=connect_timeout), patience=patience, retries=retries
    )
    try:
        yield model
    finally:
        await model.close()


async def failure_with(
    server: FakeAnthropic, *behaviours: Behaviour, patience: float = SOON
) -> tuple[ModelFailure, RecordingSink]:
    """Ask once, the server behaving so (again and again when only one way is given); return how it failed."""
    server.script(*behaviours)
    server.default = behaviours[-1]
    sink = RecordingSink()
    async with model_at(server.url, patience=patience) as model:
        with pytest.raises(ModelFailure) as failed:
            await asyncio.wait_for(model.generate(asking("hi"), sink), 2 * SOON)
    return failed.value, sink


async def test_text_streams_with_its_usage_and_reason(server: FakeAnthropic) -> None:
    server.script(answer(["Hello", " ", "wörld ", "🌊"]))
    sink = RecordingSink()
    async with model_at(server.url) as model:
        assert await model.generate(asking("hi", "ho", "again", system="Be brief."), sink) == "stop"
    assert sink.kinds() == ["text-start", "text-delta", "text-end"]
    assert sink.text == "Hello wörld 🌊"
    assert sink.used == (16, 4, False)
    assert sink.labels == []
    [request] = server.requests
    assert request.headers["authorization"] == "Bearer key-1"
    assert request.body["system"] == "Be brief."
    assert request.body["stream"] is True
    assert [turn["role"] for turn in request.body["messages"]] == ["user", "assistant", "user"]


async def test_thinking_text_and_a_tool_call_come_in_order(server: FakeAnthropic) -> None:
    server.script(
        answer(["Let me see."], thinking=["hm", "m"], tools=[("now", ['{"zone"', ':"UTC"}'])], stop_reason="tool_use")
    )
    sink = RecordingSink()
    async with model_at(server.url) as model:
        assert await model.generate(asking("hi", thinking=1024), sink) == "tool-calls"
    assert sink.kinds() == [
        *("reasoning-start", "reasoning-delta", "reasoning-end", "text-start", "text-delta", "text-end"),
        *("tool-input-start", "tool-input-delta", "tool-input-available"),
    ]
    assert sink.reasoning == "hmm"
    assert sink.of("reasoning-end")[0]["providerMetadata"] == {"anthropic": {"signature": "sig_1"}}
    assert sink.of("tool-input-available")[0]["input"] == {"zone": "UTC"}


@pytest.mark.parametrize(
    ("stop_reason", "finish"),
    [("max_tokens", "length"), ("stop_sequence", "stop"), ("refusal", "content-filter"), ("pause_turn", "other")],
)
async def test_stop_reasons_are_finish_reasons(server: FakeAnthropic, stop_reason: str, finish: str) -> None:
    server.script(answer("x", stop_reason=stop_reason))
    async with model_at(server.url) as model:
        assert await model.generate(asking("hi"), RecordingSink()) == finish


async def test_unknown_events_pings_and_comments_between_deltas_change_nothing(server: FakeAnthropic) -> None:
    strange = encode_event("content_block_sparkle", index=0, delta={"type": "sparkle"})
    server.script(answer(["a", "b"], between=[encode_event("ping"), b": keep-alive\n\n", strange]))
    sink = RecordingSink()
    async with model_at(server.url) as model:
        assert await model.generate(asking("hi"), sink) == "stop"
    assert sink.text == "ab"


@pytest.mark.parametrize(
    ("behaviour", "code", "attempts"),
    [
        (status(400, "invalid_request_error", "max_tokens: too large"), "model_refused", 1),
        (status(400, "invalid_request_error", "prompt is too long: 200001 tokens > 200000"), "context_too_long", 1),
        (status(400, "invalid_request_error", "exceeds the available context size"), "context_too_long", 1),
        (status(401, "authentication_error"), "model_not_available", 1),
        (status(402, "billing_error"), "model_not_available", 1),
        (status(403, "permission_error"), "model_not_available", 1),
        (status(404, "not_found_error"), "model_not_available", 1),
        (status(408, "timeout_error"), "model_timeout", 3),
        (status(413, "request_too_large"), "context_too_long", 1),
        (status(422, "invalid_request_error"), "model_refused", 1),
        (status(429, "rate_limit_error"), "model_overloaded", 3),
        (status(500, "api_error"), "model_error", 3),
        (status(502), "model_error", 3),
        (status(504, "timeout_error"), "model_timeout", 3),
        (status(529, "overloaded_error"), "model_overloaded", 3),
        (page(), "model_error", 1),
        (page(b'{"type": "message", "content": []}', "application/json"), "model_error", 1),
        (error_event("overloaded_error"), "model_overloaded", 3),
        (error_event("invalid_request_error"), "model_refused", 1),
        (cut(), "model_error", 3),
        (half_event(), "model_error", 3),
        (early_end(), "model_error", 3),
        (garbage(b"event: content_block_delta\ndata: {broken\n\n"), "model_error", 3),
        (garbage(b'event: content_block_delta\ndata: {"type": "\xff\xfe"}\n\n'), "model_error", 3),
        (garbage(b'event: x\ndata: {"type": "content_block_delta"}\n\n'), "model_error", 3),
        (garbage(b"event: x\ndata: [1]\n\n"), "model_error", 3),
    ],
)
async def test_a_failure_before_the_first_token_has_its_code_and_is_retried_twice_if_that_may_help(
    server: FakeAnthropic, behaviour: Behaviour, code: str, attempts: int
) -> None:
    failure, sink = await failure_with(server, behaviour)
    assert failure.code == code
    assert len(server.requests) == attempts
    assert sink.chunks == []
    assert sink.labels == [RECONNECTING, THINKING] * (attempts - 1)
    assert re.fullmatch(r"[A-Z].*\.", failure.message)
    assert "scripted" not in str(failure)
    assert "key-1" not in str(failure)


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (error_event("overloaded_error", after=3), "model_overloaded"),
        (error_event("api_error", after=3), "model_error"),
        (cut(after=3), "model_error"),
        (half_event(after=3), "model_error"),
        (early_end(after=3), "model_error"),
        (garbage(b"event: content_block_delta\ndata: {broken\n\n", after=3), "model_error"),
        (garbage(b'event: content_block_delta\ndata: {"type": "\xff\xfe"}\n\n', after=3), "model_error"),
    ],
)
async def test_a_failure_after_the_first_token_keeps_the_text_and_is_never_retried(
    server: FakeAnthropic, behaviour: Behaviour, code: str
) -> None:
    failure, sink = await failure_with(server, behaviour)
    assert failure.code == code
    assert len(server.requests) == 1
    assert sink.text == "".join(WORDS[:3])
    assert sink.kinds() == ["text-start", "text-delta"]
    assert sink.labels == []
    assert sink.used == (16, 4, True)


@pytest.mark.parametrize("behaviour", [silent(), silent(after=0), silent(after=2), pings(), pings(after=2)])
async def test_a_model_that_sends_no_content_times_out_and_its_connection_is_closed(
    server: FakeAnthropic, behaviour: Behaviour
) -> None:
    failure, _ = await failure_with(server, behaviour, patience=0.15)
    assert failure.code == "model_timeout"
    [request] = server.requests
    await asyncio.wait_for(request.closed.wait(), SOON)
    assert not request.completed


async def test_a_slow_model_that_makes_progress_does_not_time_out(server: FakeAnthropic) -> None:
    server.script(answer(list("slowly"), pace=20))
    sink = RecordingSink()
    async with model_at(server.url, patience=0.2) as model:  # the whole answer takes 0.25 s
        assert await model.generate(asking("hi"), sink) == "stop"
    assert sink.text == "slowly"


async def test_passing_failures_before_the_first_token_are_cured_by_another_attempt(server: FakeAnthropic) -> None:
    server.script(status(529), cut(), answer("at last"))
    sink = RecordingSink()
    async with model_at(server.url) as model:
        assert await model.generate(asking("hi"), sink) == "stop"
    assert sink.text == "at last"
    assert len(server.requests) == 3
    assert sink.labels == [RECONNECTING, THINKING] * 2


async def test_retry_after_is_passed_on_and_one_beyond_patience_is_not_waited_for(server: FakeAnthropic) -> None:
    failure, sink = await failure_with(server, status(429, "rate_limit_error", retry_after="37"))
    assert failure.retry_after_ms == 37_000
    assert len(server.requests) == 1
    assert sink.labels == []


async def test_a_short_retry_after_is_obeyed(server: FakeAnthropic) -> None:
    failure, _ = await failure_with(server, status(529, "overloaded_error", retry_after_ms="20"))
    assert failure.retry_after_ms == 20
    times = [request.received_at for request in server.requests]
    assert len(times) == 3
    assert all(later - earlier >= 0.02 for earlier, later in pairwise(times))


async def test_nobody_listening_is_unreachable() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else can take it
        async with model_at(f"http://127.0.0.1:{reserved.getsockname()[1]}") as model:
            with pytest.raises(ModelFailure) as failed:
                await model.generate(asking("hi"), RecordingSink())
    assert failed.value.code == "model_error"
    assert "reached" in failed.value.message


async def test_a_connect_that_hangs_times_out() -> None:
    with contextlib.ExitStack() as open_sockets:
        listening = open_sockets.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):  # more than the backlog holds: later connects get no answer
            filler = open_sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with model_at(url, connect_timeout=0.1, retries=RetryPolicy(times=0)) as model:
            with pytest.raises(ModelFailure) as failed:
                await model.generate(asking("hi"), RecordingSink())
    assert failed.value.code == "model_timeout"


@pytest.mark.parametrize("deltas", [0, 1, 3])
async def test_stopping_closes_the_providers_connection(server: FakeAnthropic, deltas: int) -> None:
    server.script(silent(after=deltas) if deltas else silent())
    sink = RecordingSink()
    async with model_at(server.url) as model:
        task = asyncio.create_task(model.generate(asking("hi"), sink))
        request = await server.arrived(1)
        await asyncio.wait_for(sink.wrote(deltas=deltas), SOON)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        await asyncio.wait_for(request.closed.wait(), SOON)
    assert not request.completed
    assert len(sink.of("text-delta")) == deltas
    assert sink.used == ((16, {1: 1, 3: 4}[deltas], True) if deltas else None)


async def test_stopping_while_reconnecting_makes_no_further_attempt(server: FakeAnthropic) -> None:
    server.script(status(529))
    sink = RecordingSink()
    async with model_at(server.url, retries=RetryPolicy(jitter=lambda low, high: SOON)) as model:
        task = asyncio.create_task(model.generate(asking("hi"), sink))
        await asyncio.wait_for(sink.wrote(labels=1), SOON)
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()
    assert len(server.requests) == 1


async def test_what_the_sink_raises_ends_the_answer_unchanged_and_closes_the_connection(server: FakeAnthropic) -> None:
    class Sealed(RecordingSink):
        def chunk(self, chunk: object) -> None:
            raise ValueError("sealed")

    server.script(silent(after=2))
    async with model_at(server.url) as model:
        with pytest.raises(ValueError, match="sealed"):
            await model.generate(asking("hi"), Sealed())
        await asyncio.wait_for(server.requests[0].closed.wait(), SOON)


async def test_many_answers_share_one_client(server: FakeAnthropic) -> None:
    server.default = answer(list("together"), pace=200)
    sinks = [RecordingSink() for _ in range(20)]
    async with model_at(server.url) as model:
        await model.warm()
        await asyncio.gather(*(model.generate(asking("hi"), sink) for sink in sinks))
    assert {sink.text for sink in sinks} == {"together"}


async def test_an_import_that_was_stopped_goes_on_for_the_others(server: FakeAnthropic) -> None:
    async with model_at(server.url) as model:
        stopped = asyncio.create_task(model.generate(asking("hi"), RecordingSink()))
        await asyncio.sleep(0)
        stopped.cancel()
        await asyncio.wait([stopped])
        assert stopped.cancelled()
        assert await model.generate(asking("hi"), RecordingSink()) == "stop"


async def test_a_title_is_asked_for_and_cleaned(server: FakeAnthropic) -> None:
    server.title = answer(['"A', " short", ' title."'])
    async with model_at(server.url) as model:
        assert await model.title("How?", "So.") == "A short title"
    [request] = server.titles
    assert "How?" in request.body["messages"][0]["content"][0]["text"]
    assert server.requests == []


async def test_a_title_that_fails_is_a_failure(server: FakeAnthropic) -> None:
    async with model_at(server.url) as model:
        for server.title, code in ((answer(" "), "model_error"), (status(529), "model_overloaded")):
            with pytest.raises(ModelFailure) as failed:
                await model.title("How?", "So.")
            assert failed.value.code == code


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("Tides of the North Sea", "Tides of the North Sea"),
        ("# **Title: Tides.**\n\nMore words", "Title: Tides"),
        ("Title: “Tides”", "Tides"),
        ("one two three four five six seven", "one two three four five six"),
        ("\n\n", ""),
        ("a\x1b[31mb", "a[31mb"),
    ],
)
def test_a_title_is_one_line_of_at_most_six_words(said: str, title: str) -> None:
    assert clean_title(said) == title


def test_the_setting_lists_ids_with_labels_and_the_first_is_the_default() -> None:
    assert read_models(" claude-opus-5-5 , my-model = Mine,") == [
        ModelInfo("claude-opus-5-5", "Claude Opus 5.5", default=True),
        ModelInfo("my-model", "Mine"),
    ]


@pytest.mark.parametrize("unset", ["", "  "])
def test_without_the_setting_the_usual_models_are_offered(unset: str) -> None:
    assert [model.info.id for model in anthropic_models("k", None, read_models(unset))] == MODELS.split(",")


@pytest.mark.parametrize("setting", [",", " , ", "a,b,a", "=Mine"])
def test_a_setting_that_makes_no_sense_is_refused_by_name(setting: str) -> None:
    with pytest.raises(ValueError, match="ANTHROPIC_MODELS"):
        read_models(setting)


@pytest.mark.parametrize(
    ("model_id", "label"),
    [
        *[("claude-haiku-4-5-20251001", "Claude Haiku 4.5"), ("claude-sonnet-5", "Claude Sonnet 5")],
        *[("my-model", "my-model"), ("claude-mythos-preview", "claude-mythos-preview")],
    ],
)
def test_ids_are_labelled_as_people_say_them(model_id: str, label: str) -> None:
    assert label_of(model_id) == label


def test_bad_options_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(InvalidOption):
        AnthropicModel(INFO, AnthropicClient("k")).check_options({"thinking": 5})


def test_neither_the_client_nor_a_failure_shows_the_key() -> None:
    assert "key-1" not in repr(AnthropicClient("key-1", "http://localhost"))


def test_every_option_and_the_default_models_are_documented() -> None:
    page = files("app").joinpath("docs/models.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(AnthropicOptions.__slots__)
