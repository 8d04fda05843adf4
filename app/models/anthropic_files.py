"""Attached files as blocks of the Messages API: it looks at images, reads PDFs, and gets text as text."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

Block = dict[str, Any]


def file_blocks(part: Mapping[str, Any]) -> list[Block]:
    """Show a `file` part to the model; one without its bytes is not shown."""
    content: bytes | None = part.get("bytes")
    if not content:
        return []
    media_type, filename = str(part["mediaType"]), str(part["filename"])
    if media_type.startswith("text/"):
        return [{"type": "text", "text": f"The attached file “{filename}”:\n\n{content.decode(errors='replace')}"}]
    source = {"type": "base64", "media_type": media_type, "data": b64encode(content).decode("ascii")}
    if media_type.startswith("image/"):
        return [{"type": "image", "source": source}]
    return [{"type": "document", "source": source, "title": filename}]
