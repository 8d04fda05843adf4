import asyncio
import re
from importlib.resources import files
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.models.demo import DemoModel
from app.models.demo_options import FAILURES, FAULTS, DemoOptions
from app.models.interface import RECONNECTING, THINKING, FinishReason, InvalidOption, ModelFailure
from app.models.retrieval import shipped_library
from tests.app.models.recording import RecordingSink, asking
from tests.virtual import run_virtual

LIBRARY = shipped_library()
QUESTION = "How do I stop an answer?"


def play(**options: Any) -> tuple[RecordingSink, FinishReason | ModelFailure, float]:
    """Run one answer in virtual time; return what it wrote, how it ended, and after how many seconds."""
    sink = RecordingSink()

    async def main() -> tuple[FinishReason | ModelFailure, float]:
        end: FinishReason | ModelFailure
        try:
            end = await DemoModel(LIBRARY).generate(asking(QUESTION, **options), sink)
        except ModelFailure as failure:
            end = failure
        return end, asyncio.get_running_loop().time()

    end, took = run_virtual(main())
    return sink, end, took


def test_an_answer_is_one_text_part_at_a_natural_pace() -> None:
    sink, end, took = play()
    assert end == "stop"
    assert sink.kinds() == ["text-start", "text-delta", "text-end"]
    assert "## Stopping an answer" in sink.text
    assert took == pytest.approx(len(sink.of("text-delta")) / 60, rel=0.05)


@given(tokens=st.integers(0, 700), pace=st.sampled_from([0, 40, 1000]), seed=st.integers(0, 5))
@settings(max_examples=40)
def test_the_answer_has_exactly_the_tokens_asked_for_whatever_the_pace(tokens: int, pace: float, seed: int) -> None:
    sink, end, _ = play(tokens=tokens, pace=pace, seed=seed)
    whole, _, _ = play(pace=0, seed=seed)
    written = [chunk["delta"] for chunk in sink.of("text-delta")]
    natural = [chunk["delta"] for chunk in whole.of("text-delta")]
    assert len(written) == tokens
    assert written[: len(natural)] == natural[:tokens]
    assert end == ("length" if tokens < len(natural) else "stop")
    assert sink.used is not None
    assert sink.used[1] == tokens


def test_thinking_tool_and_sources_come_before_the_text_and_are_complete() -> None:
    sink, end, _ = play(thinking=12, tool=True, sources=True, tokens=5, pace=0)
    assert end == "length"
    assert sink.labels == [THINKING]
    assert sink.kinds() == [
        *("reasoning-start", "reasoning-delta", "reasoning-end"),
        *("tool-input-start", "tool-input-delta", "tool-input-available", "tool-output-available"),
        *("source-document", "text-start", "text-delta", "text-end"),
    ]
    assert len(sink.of("reasoning-delta")) == 12
    [available] = sink.of("tool-input-available")
    assert available["input"] == {"query": QUESTION}
    assert "".join(d["inputTextDelta"] for d in sink.of("tool-input-delta")) == '{"query":"How do I stop an answer?"}'
    [output] = sink.of("tool-output-available")
    assert output["output"]["found"][0] == {"page": "Using Tidewire", "section": "Stopping an answer"}
    assert available["providerExecuted"] is output["providerExecuted"] is True


@pytest.mark.parametrize("fault", FAILURES)
@pytest.mark.parametrize("after", [None, 0, 7, 10_000])
def test_a_fault_comes_after_its_tokens_and_leaves_the_text_open(fault: str, after: int | None) -> None:
    sink, end, _ = play(fault=fault, faultAfter=after, tokens=20, pace=0)
    assert isinstance(end, ModelFailure)
    assert (end.code, end.message, end.retry_after_ms) == FAILURES[fault]
    natural = 10 if fault == "midway" else 0
    assert len(sink.of("text-delta")) == (natural if after is None else min(after, 20))
    assert not sink.of("text-end")


def test_a_hanging_answer_times_out() -> None:
    sink, end, took = play(fault="hang", faultAfter=3)
    assert isinstance(end, ModelFailure)
    assert end.code == "model_timeout"
    assert len(sink.of("text-delta")) == 3
    assert took == pytest.approx(60, abs=1)


def test_a_filtered_answer_ends_by_itself() -> None:
    sink, end, _ = play(fault="filtered", faultAfter=3)
    assert end == "content-filter"
    assert sink.kinds() == ["text-start", "text-delta", "text-end"]


def test_a_reconnecting_answer_says_so_and_then_comes() -> None:
    sink, end, took = play(fault="reconnect", pace=0)
    assert end == "stop"
    assert sink.labels == [RECONNECTING, THINKING]
    assert took == pytest.approx(1.0)
    assert sink.text == play(pace=0)[0].text


def test_stamps_are_the_time_in_microseconds() -> None:
    sink = RecordingSink()
    clock = iter(range(1_790_000_000_000_000, 1_800_000_000_000_000))
    model = DemoModel(LIBRARY, wall_us=lambda: next(clock))
    run_virtual(model.generate(asking(QUESTION, stamp=True, tokens=50, pace=0), sink))
    assert [int(chunk["delta"]) for chunk in sink.of("text-delta")] == [1_790_000_000_000_000 + i for i in range(50)]
    assert all(chunk["delta"].endswith(" ") for chunk in sink.of("text-delta"))


def test_the_real_clock_of_stamps_never_runs_backwards_within_an_answer() -> None:
    stamps = [int(chunk["delta"]) for chunk in play(stamp=True, tokens=100, pace=0)[0].of("text-delta")]
    assert all(a <= b for a, b in pairwise(stamps))
    assert stamps[0] > 1_700_000_000_000_000


def test_a_cancelled_answer_writes_nothing_more_and_still_reports_its_usage() -> None:
    sink = RecordingSink()

    async def main() -> int:
        task = asyncio.create_task(DemoModel(LIBRARY).generate(asking(QUESTION, pace=100, tokens=10_000), sink))
        await asyncio.sleep(1.0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        at_stop = len(sink.chunks)
        await asyncio.sleep(10)
        return at_stop

    at_stop = run_virtual(main())
    assert len(sink.chunks) == at_stop
    assert sink.used == (7, at_stop - 1, False)


def test_what_the_sink_raises_ends_the_answer() -> None:
    class Full(RecordingSink):
        def chunk(self, chunk: object) -> None:
            raise MemoryError("log full")

    with pytest.raises(MemoryError):
        run_virtual(DemoModel(LIBRARY).generate(asking(QUESTION), Full()))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("tokens", -1), ("tokens", 200_001), ("pace", 0.01), ("pace", False), ("pace", "fast"), ("thinking", 1.5)],
        *[
            ("tool", "no tool"),
            ("tool", []),
            ("tool", ["a"] * 9),
            ("tool", [1]),
            ("tool", 1),
            ("stamp", 1),
            ("sources", 0),
            ("seed", -1),
            ("fault", "explode"),
            ("faultAfter", -1),
        ],
    ],
)
def test_options_out_of_range_are_refused_before_anything_runs(name: str, value: object) -> None:
    with pytest.raises(InvalidOption) as refused:
        DemoModel(LIBRARY).check_options({name: value})
    assert refused.value.param == name


def test_every_option_and_fault_is_documented() -> None:
    page = files("app").joinpath("docs/demo.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([a-zA-Z-]+)` \|", page, re.MULTILINE))
    prose = {name for name in ("fault", "faultAfter", "stamp") if f"`{name}`" in page}
    assert documented | prose == set(DemoOptions.__slots__) | set(FAULTS)


async def test_a_title_needs_no_model() -> None:
    model = DemoModel(LIBRARY)
    assert await model.title("How do I stop an answer?", "…") == "Stop an answer"
    await model.warm()
    await model.close()
