"""`python -m protocol.schema` writes the JSON Schema and the AsyncAPI document beside this file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from protocol.schema import schema
from protocol.schema.asyncapi import asyncapi

PATH = Path(__file__).with_name("tidewire.v1.json")
ASYNCAPI = Path(__file__).with_name("tidewire.v1.asyncapi.json")
DOCUMENTS: dict[Path, Callable[[], dict[str, Any]]] = {PATH: schema, ASYNCAPI: asyncapi}


def document(path: Path = PATH) -> bytes:
    """A document as it is kept."""
    return orjson.dumps(DOCUMENTS[path](), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    for path in DOCUMENTS:
        path.write_bytes(document(path))
        print(path)  # noqa: T201 - the answer of the command
