"""How a message names a file: by the path under which the server serves it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

PREFIX = "/v1/files/"
_URL = re.compile(rf"{PREFIX}([A-Za-z0-9_-]{{1,64}})")


def file_url(file_id: str) -> str:
    """The `url` of a `file` part."""
    return f"{PREFIX}{file_id}"


def file_id_of(url: object) -> str | None:
    """The file that a `url` names; None when it is no file of this server."""
    found = _URL.fullmatch(url) if isinstance(url, str) else None
    return None if found is None else found[1]


def files_in(parts: Iterable[Mapping[str, Any]]) -> list[str]:
    """The ids of the files that a message's parts name, each once, in order."""
    found = (file_id_of(part.get("url")) for part in parts if part.get("type") == "file")
    return list(dict.fromkeys(file_id for file_id in found if file_id is not None))
