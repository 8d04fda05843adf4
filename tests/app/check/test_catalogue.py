"""The checks as data: every step is one that can be played, and every transcript is played or says why not."""

import json
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from app.check.catalogue import Check, checks, chosen
from app.check.matching import Names
from app.check.player import Player
from app.check.transcripts import steps_of
from app.check.world import Model, World
from protocol.frames.client import CLIENT_FRAMES

ALL = checks()
README = Path(__file__).parents[3] / "protocol" / "vectors" / "README.md"
TRANSCRIPTS = json.loads(README.with_name("transcripts.json").read_bytes())
FRAMES = {str(frame.__struct_config__.tag) for frame in CLIENT_FRAMES}


def player() -> Player:
    return Player(World(iter(()), "t", None, 1.0, Random(1), Model(None, {})))


def test_names_are_unique_and_guarantees_exist() -> None:
    assert len({check.name for check in ALL}) == len(ALL)
    known = {*map(str, range(1, 34)), "19b", *(f"§{number}" for number in range(1, 15))}
    assert [check.name for check in ALL if not check.guarantees or set(check.guarantees) - known] == []


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.name)
def test_every_step_can_be_played(check: Check) -> None:
    verbs = player()._verbs
    for step in check.steps:
        assert next(iter(step)) in verbs
    sent = {step["send"]["type"] for step in check.steps if "send" in step}
    assert sent - FRAMES <= {"tide.turn"}, "only the unknown type is unknown"


def test_every_step_is_described() -> None:
    described = README.read_text()
    assert [verb for verb in player()._verbs if f'`{{"{verb}"' not in described] == []


def test_the_transcripts_that_are_left_out_say_why() -> None:
    left = {check.name: check.excuse for check in ALL if check.excuse is not None}
    assert left.keys() == {
        "a slow client and its window", "goodbye and move", "a client whose events were trimmed",
        "a token that has expired", "too fast",
    }  # fmt: skip


def steps(name: str) -> list[dict[str, Any]]:
    return list(steps_of(next(each for each in TRANSCRIPTS if each["name"] == name)))


def test_names_of_a_transcript_become_variables_and_positions_those_of_the_client() -> None:
    sent = [step["send"] for step in steps("resume after a lost network") if "send" in step]
    assert sent[1]["chatId"] == "$chat_8"
    assert sent[2]["events"] == {"epoch": "@1", "offset": "@1"}
    assert sent[2]["streams"] == [{"streamId": "$str_9", "after": "@1"}]


def test_what_a_transcripts_server_does_is_done_by_a_stage_hand() -> None:
    assert steps("resume after a refresh")[0] == {
        "stage": "answer", "chat": "$chat_8", "stream": "$str_9", "answer": "$msg_77",
    }  # fmt: skip
    titles = [step["title"] for step in steps("a gap in the events") if step.get("stage") == "title"]
    assert titles == ["Two", "Three", "Four"]


def test_choosing() -> None:
    assert [check.name for check in chosen(ALL, ["two devices"], quick=False)] == ["two devices see the same"]
    assert {check.name for check in chosen(ALL, ["32"], quick=False)} == {"what belongs to another"}
    assert {check.name for check in chosen(ALL, [], quick=False)} - {c.name for c in chosen(ALL, [], quick=True)} == {
        "silence", "no hello",
    }  # fmt: skip


def test_a_variable_is_bound_where_it_first_stands() -> None:
    numbers = count(1)
    names = Names(lambda: f"minted_{next(numbers)}", token="t")
    assert names.fill({"a": "$x", "b": ["$x", "$token", "$"]}) == {"a": "minted_1", "b": ["minted_1", "t", "$"]}
    assert names.match({"a": "$x", "b": "$y"}, {"a": "minted_1", "b": 7, "c": 8})
    assert not names.match({"b": "$z", "a": "$y"}, {"b": 1, "a": 2})
    assert names.known(["$y", "$z"]) == [7, "$z"], "what did not match binds nothing"


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ({"a": None}, {"b": 1}, True),
        ({"a": None}, {"a": 1}, False),
        ({"a": "*"}, {"a": False}, True),
        ({"a": "*"}, {}, False),
        ({"a": {"oneOf": [1, 2]}}, {"a": 2}, True),
        ({"a": {"oneOf": [1, 2]}}, {"a": 3}, False),
        ([{"a": 1}], [{"a": 1, "b": 2}], True),
        ([], [1], False),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, 1, False),
    ],
)
def test_patterns(pattern: Any, value: Any, fits: bool) -> None:
    assert Names(lambda: "minted").match(pattern, value) is fits
