"""Bad input by type: every field of every frame that is wrong or missing is refused by its name.

What to send comes from the types of the frames, and the good rest from the table of the isolation tests, so a field
that is added is tried here without a line. What no type says (a blank title, an unknown id) is in `test_bad_input.py`,
where every command has a case.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import inspect

from protocol.limits import Limits
from tests.system.server import ServerProcess
from tests.system.stranger import COMMANDS, Place, Stranger, placing
from tests.wire import Frame, Tab, opened

HELLO_BYTES = Limits().hello_bytes
# Ways to be wrong, by kind of type; a bound adds its own.
WRONG: dict[type[inspect.Type], list[Any]] = {
    inspect.StrType: [7, ["x"]],
    inspect.IntType: ["1", 0.5, 2**53],
    inspect.BoolType: ["yes", 1],
    inspect.LiteralType: ["nothing", 7],
    inspect.ListType: [{}, "x"],
    inspect.DictType: [[], "x"],
    inspect.StructType: [[], "x"],
}


def wrong(found: inspect.Type, path: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every place below a type, with values that cannot stand there."""
    found = found.type if isinstance(found, inspect.Metadata) else found
    if isinstance(found, inspect.UnionType):
        for each in found.types:
            yield from wrong(each, path)
        return
    if path:
        yield from ((path, value) for value in [*WRONG.get(type(found), ()), *_beyond(found)])
    if isinstance(found, inspect.ListType):
        yield from wrong(found.item_type, (*path, 0))
    if isinstance(found, inspect.StructType):
        for field in found.fields:
            yield from wrong(field.type, (*path, field.encode_name))


def _beyond(found: inspect.Type) -> Iterator[Any]:
    """Values just beyond the bounds of a type."""
    if isinstance(found, inspect.StrType):
        yield from ["a b", "x" * 65, "x\n"] if found.pattern is not None else []
        yield from ["x" * (found.max_length + 1)] if found.max_length is not None else []
    if isinstance(found, inspect.IntType):
        yield from [found.ge - 1] if found.ge is not None else []
        yield from [found.le + 1] if found.le is not None else []


def required(found: inspect.Type, path: Place = ()) -> Iterator[Place]:
    """Every place that must not be missing, of structs that are there themselves."""
    assert isinstance(found, inspect.StructType)
    for field in found.fields:
        if field.required:
            yield (*path, field.encode_name)
            inner = field.type.type if isinstance(field.type, inspect.Metadata) else field.type
            if isinstance(inner, inspect.StructType):
                yield from required(inner, (*path, field.encode_name))


def without(frame: Frame, place: Place) -> Frame:
    """The frame less this field."""
    changed = copy.deepcopy(frame)
    at: Any = changed
    for key in place[:-1]:
        at = at[key]
    del at[place[-1]]
    return changed


def param_of(place: Place) -> str:
    return "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)


@pytest.mark.parametrize("kind", sorted(COMMANDS.keys() - {"hello", "pong", "presence.update"}))
async def test_every_field_of_a_command_is_refused_by_name(roomy_server: ServerProcess, kind: str) -> None:
    async with opened(roomy_server.url) as tab:
        stranger = Stranger(tab)
        await stranger.live()
        good, types = await stranger.frame(kind), inspect.type_info(COMMANDS[kind])
        before = (await tab.command("dashboard.get"))["result"]
        bad = [(place, placing(good, place, value)) for place, value in wrong(types) if place != ("id",)]
        bad += [(place, without(good, place)) for place in required(types) if place != ("id",)]
        for place, frame in bad:
            error = (await stranger.answer(frame))["error"]
            assert (error["code"], error["param"], error["retryable"]) == ("invalid_argument", param_of(place), False)
            assert error["message"].endswith(".")
        assert (await tab.command("dashboard.get"))["result"] == before


async def test_every_field_of_a_hello_is_refused_by_name(roomy_server: ServerProcess) -> None:
    async with opened(roomy_server.url) as tab:
        stranger = Stranger(tab)
        await stranger.live()
        good, types = await stranger.frame("hello"), inspect.type_info(COMMANDS["hello"])
        bad = [(place, placing(good, place, value)) for place, value in wrong(types)]
        bad += [(place, without(good, place)) for place in required(types)]
        for place, frame in bad:
            if len(json.dumps(frame)) > HELLO_BYTES:
                continue  # that closes 1009, before anybody looks at fields
            async with Tab(roomy_server.url) as another:
                await another.send(frame)
                assert await another.fatal() == ("invalid_frame", 4400), (place, frame)
                assert another.frames[-1]["error"]["param"] == param_of(place)
