"""`python -m protocol.schema` writes the JSON Schema beside this file."""

from pathlib import Path

import orjson

from protocol.schema import schema

PATH = Path(__file__).with_name("tidewire.v1.json")


def document() -> bytes:
    """The document as it is kept."""
    return orjson.dumps(schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    PATH.write_bytes(document())
    print(PATH)  # noqa: T201 - the answer of the command
