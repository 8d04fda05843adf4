"""The arguments of tools: as the schema a model is told, and back from what it sends."""

from typing import Any

import msgspec

from app.tools.interface import Arguments, ArgumentsT, ToolError


def schema_of(arguments: type[Arguments]) -> dict[str, Any]:
    """Return the JSON Schema of a tool's arguments: an object, as providers want it, and no reference to one."""
    _, parts = msgspec.json.schema_components((arguments,))
    schema = {name: value for name, value in parts.pop(arguments.__name__).items() if name not in _OURS}
    return schema | {"$defs": parts} if parts else schema


# What the struct is called here says nothing to a model.
_OURS = ("title", "description")


def read_arguments(arguments: type[ArgumentsT], value: Any) -> ArgumentsT:
    """Check what a model sent.

    Raises:
        ToolError: it does not fit; says what was expected, so that the model can do better.
    """
    try:
        return msgspec.convert(value, arguments)
    except msgspec.ValidationError as problem:
        raise ToolError(f"The arguments are wrong: {problem}.") from None
