"""Frames of every type, generated from the types themselves, so that no new field can be forgotten."""

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from protocol.frames.client import CLIENT_FRAMES
from protocol.frames.server import SERVER_FRAMES

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
JSON = st.recursive(
    st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@cache
def of(struct: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Values of a struct: each optional field there or left out."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    required = {field.name: _values(field.type) for field in info.fields if field.required}
    optional = {field.name: _values(field.type) for field in info.fields if not field.required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda fields: struct(**fields))


_LEAVES: dict[type[inspect.Type], Callable[[Any], st.SearchStrategy[Any]]] = {
    inspect.StrType: lambda kind: st.from_regex(kind.pattern, fullmatch=True) if kind.pattern else TEXT,
    inspect.IntType: lambda kind: st.integers(kind.ge or 0, kind.le or 2**53 - 1),
    inspect.BoolType: lambda _: st.booleans(),
    inspect.NoneType: lambda _: st.none(),
    inspect.LiteralType: lambda kind: st.sampled_from(kind.values),
    inspect.AnyType: lambda _: JSON,
}


def _values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    match kind:
        case inspect.Metadata():
            return _values(kind.type)
        case inspect.StructType():
            return of(kind.cls)
        case inspect.ListType():
            return st.lists(_values(kind.item_type), max_size=3)
        case inspect.TupleType():
            return st.tuples(*map(_values, kind.item_types))
        case inspect.DictType():
            return st.dictionaries(TEXT, _values(kind.value_type), max_size=3)
        case inspect.UnionType():
            return st.one_of(*map(_values, kind.types))
    return _LEAVES[type(kind)](kind)


CLIENT = st.sampled_from(CLIENT_FRAMES).flatmap(of)
SERVER = st.sampled_from(SERVER_FRAMES).flatmap(of)


def places(value: Any, kind: inspect.Type) -> list[tuple[Any, inspect.StructType]]:
    """Every typed object inside the JSON of a struct, with its type; what is free JSON is left out."""
    match kind:
        case inspect.StructType():
            inside = [
                place
                for field in kind.fields
                if field.encode_name in value
                for place in places(value[field.encode_name], field.type)
            ]
            return [(value, kind), *inside]
        case inspect.ListType():
            return [place for item in value for place in places(item, kind.item_type)]
        case inspect.UnionType():
            return [place for each in kind.types if value is not None for place in places(value, each)]
    return []
