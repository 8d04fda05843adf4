"""The wire reference names everything there is on the wire."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from msgspec import inspect

from protocol.codec import to_json
from protocol.codes import CLOSE_MEANINGS, ERRORS
from protocol.frames.client import CLIENT_FRAMES
from protocol.frames.objects import (
    ActiveStream,
    DashboardChat,
    DashboardProject,
    DashboardSnapshot,
    ErrorObject,
    FinishReason,
    GenerationResult,
    Message,
    ModelChoice,
    Question,
    QueuedQuestion,
    ResumedStream,
)
from protocol.frames.server import SERVER_FRAMES, EventName
from protocol.lifecycle import CLIENT_CONNECTION, SERVER_CONNECTION, STREAM, SUBSCRIPTION, Table
from protocol.limits import Limits
from protocol.parts.fold import _HANDLERS

TEXT = (Path(__file__).parents[2] / "protocol" / "README.md").read_text()
SECTIONS = {int(section.split(".", 1)[0]): section for section in re.split(r"^## (?=\d)", TEXT, flags=re.MULTILINE)[1:]}
OBJECTS = (
    ErrorObject, Question, Message, GenerationResult, DashboardChat, QueuedQuestion, DashboardProject, ModelChoice,
    DashboardSnapshot, ActiveStream, ResumedStream,
)  # fmt: skip
TABLES = {
    "Stream": STREAM,
    "Server's side of a connection": SERVER_CONNECTION,
    "Client's side of a connection": CLIENT_CONNECTION,
    "Client's subscription of a stream": SUBSCRIPTION,
}


def rows(section: int) -> dict[str, str]:
    """The rows of a section's tables by each name in their first cell."""
    found: dict[str, str] = {}
    for line in SECTIONS[section].splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) > 1:
            for name in re.findall(r"`([^`]+)`", cells[0]) or [cells[0]]:
                found[name] = "|".join(cells[1:])
    return found


def names(kind: inspect.Type, *, inside: bool) -> set[tuple[str, bool]]:
    """The fields of a type as (name, required); with those of the objects that have no row of their own."""
    if isinstance(kind, inspect.UnionType):
        return set().union(*(names(each, inside=inside) for each in kind.types))
    if isinstance(kind, inspect.ListType):
        return names(kind.item_type, inside=inside)
    if not isinstance(kind, inspect.StructType) or kind.cls in OBJECTS:
        return set()
    found = {(field.encode_name, field.required) for field in kind.fields}
    for field in kind.fields if inside else ():
        found |= names(field.type, inside=True)
    return found


def shown(row: str, field: str, *, required: bool) -> bool:
    """Whether a row names a field, with `?` exactly when it may be left out."""
    return f"`{field}`" in row if required else f"`{field}?`" in row


@pytest.mark.parametrize(("section", "frames"), [(2, CLIENT_FRAMES), (3, SERVER_FRAMES)], ids=["client", "server"])
def test_every_frame_and_field_is_described(section: int, frames: tuple[type[msgspec.Struct], ...]) -> None:
    table = rows(section)
    for frame in frames:
        kind = inspect.type_info(frame)
        assert isinstance(kind, inspect.StructType)
        row = table[str(kind.tag)]
        missing = [field for field, required in names(kind, inside=True) if not shown(row, field, required=required)]
        assert not missing, f"{kind.tag} does not name {missing} as it is"


@pytest.mark.parametrize("struct", OBJECTS)
def test_every_field_of_an_object_is_described(struct: type[msgspec.Struct]) -> None:
    row = rows(4)[struct.__name__]
    kind = inspect.type_info(struct)
    assert isinstance(kind, inspect.StructType)
    for field in kind.fields:
        alternative = struct is ResumedStream  # status and seq, or error
        assert shown(row, field.encode_name, required=field.required or alternative), field.encode_name


def test_every_event_and_choice_is_described() -> None:
    assert set(get_args(EventName)) <= rows(3).keys()
    assert all(f"`{reason}`" in SECTIONS[3] for reason in get_args(FinishReason))


def test_every_error_code_has_its_row() -> None:
    table = rows(8)
    for code, error in ERRORS.items():
        retry, close, *_ = table[code].split("|")
        assert retry == ("yes" if error.retryable else "no"), code
        assert close == ("" if error.close is None else str(error.close)), code
    assert table.keys() - ERRORS.keys() == {"Code", "---"}


def test_every_close_code_has_its_row() -> None:
    table = rows(9)
    assert {int(code) for code in table if code.isdecimal()} == set(CLOSE_MEANINGS)
    for code, error in ERRORS.items():
        if error.close is not None:
            assert f"`{code}`" in table[str(error.close)]


def test_every_limit_has_its_row_and_its_default() -> None:
    defaults: dict[str, Any] = to_json(Limits())
    table = rows(10)
    assert {name: int(table[name].split("|")[0]) for name in defaults} == defaults


@pytest.mark.parametrize("machine", TABLES)
def test_every_state_machine_is_drawn_as_it_is(machine: str) -> None:
    drawn = SECTIONS[6].split(f"**{machine}", 1)[1].split("\n**", 1)[0]
    found: dict[str, dict[str, str]] = {}
    for state, events in re.findall(r"^\| `(\w+)` \|(.*)\|$", drawn, flags=re.MULTILINE):
        found[state] = dict(re.findall(r"(\w+) → `(\w+)`", events))
    table: Table = TABLES[machine]
    assert found == {state: dict(row) for state, row in table.items()}


def test_every_guarantee_is_stated() -> None:
    stated = re.findall(r"^- \*\*(\w+)\*\* ", SECTIONS[7], flags=re.MULTILINE)
    expected = [str(number) for number in range(1, 34)]
    expected.insert(19, "19b")
    assert stated == expected


def test_what_is_served_is_what_the_server_serves() -> None:
    """The commands with a handler, read from the tables without starting anything."""
    from app.commands import chats, dashboard, filing, messages, projects, queue, seeing, streams, tools

    kinds = [
        kind
        for handlers in (
            chats.Chats,
            dashboard.Dashboard,
            filing.Filing,
            messages.Messages,
            projects.Projects,
            queue.Queue,
            seeing.Seeing,
            streams.Streams,
            tools.Tools,
        )
        for kind in handlers.table(object.__new__(handlers))  # type: ignore[arg-type]  # its own class, uninitialised
    ]
    served = {kind.__struct_config__.tag for kind in kinds}
    # The socket's own, which never reach a handler.
    served |= {"hello", "auth.refresh", "presence.update", "ping", "pong"}
    assert served == {frame.__struct_config__.tag for frame in CLIENT_FRAMES}, "section 14 says: every frame"


def test_every_kind_of_chunk_is_described() -> None:
    assert rows(5).keys() >= {*_HANDLERS, "finish-step", "data-*"}


def frames_of_conversations() -> list[tuple[str, str]]:
    """Every line of section 12 that is a frame: who sends it, and its text."""
    return re.findall(r"^(?:\w+ +)?([<>]) (\{.*(?:\n   .*)?)$", SECTIONS[12], flags=re.MULTILINE)


def test_the_worked_conversations_are_made_of_frames() -> None:
    """What `…` leaves out is not checked; that the rest is JSON of a known type is."""
    known = {"<": SERVER_FRAMES, ">": CLIENT_FRAMES}
    assert len(frames_of_conversations()) > 40
    for side, text in frames_of_conversations():
        whole = re.sub(r",? ?…,?", "", text)
        frame = json.loads(whole)
        assert frame["type"] in {kind.__struct_config__.tag for kind in known[side]}, text
        struct = next(kind for kind in known[side] if kind.__struct_config__.tag == frame["type"])
        fields = {field.encode_name for field in msgspec.structs.fields(struct)} | {"type"}
        assert frame.keys() <= fields, text


def test_links_inside_lead_somewhere() -> None:
    anchors = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^## (.*)$", TEXT, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors
    folder = Path(__file__).parents[2] / "protocol"
    for link in re.findall(r"\]\((?!#|https?:)([^)#]+)", TEXT):
        assert (folder / link).exists(), link
