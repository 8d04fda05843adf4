"""Files in a request; the API's own rules are in its documentation of vision and PDF support."""

from base64 import b64decode
from typing import Any

import pytest

from app.models.anthropic_request import answer_request
from app.models.interface import ModelFailure, Prompt
from tests.app.files import KINDS, PDF, PNG, TEXT


def part(media_type: str, body: bytes, filename: str = "a file") -> dict[str, Any]:
    return {"type": "file", "url": "/v1/files/f", "mediaType": media_type, "filename": filename, "bytes": body}


def content(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    """The blocks of a question of these parts."""
    prompt = Prompt("x", None, [{"id": "q", "role": "user", "parts": parts}], {})
    [turn] = answer_request(prompt, "x")["messages"]
    blocks: list[dict[str, Any]] = turn["content"]
    return blocks


@pytest.mark.parametrize("media_type", [kind for kind in KINDS if kind.startswith("image/")])
def test_a_picture_is_an_image_block(media_type: str) -> None:
    [block] = content(part(media_type, KINDS[media_type]))
    assert block["type"] == "image"
    assert (block["source"]["type"], block["source"]["media_type"]) == ("base64", media_type)
    assert b64decode(block["source"]["data"], validate=True) == KINDS[media_type]


def test_a_pdf_is_a_document_block_with_its_name() -> None:
    [block] = content(part("application/pdf", PDF, "Bericht.pdf"))
    assert (block["type"], block["title"]) == ("document", "Bericht.pdf")
    assert b64decode(block["source"]["data"], validate=True) == PDF


@pytest.mark.parametrize("media_type", ["text/plain", "text/markdown", "text/x-python"])
def test_text_is_text_with_its_name(media_type: str) -> None:
    [block] = content(part(media_type, TEXT, "flut.txt"))
    assert block == {"type": "text", "text": f"The attached file “flut.txt”:\n\n{TEXT.decode()}"}


def test_a_text_of_blanks_is_no_blank_block() -> None:
    [block] = content(part("text/plain", b" \n"))
    assert block["text"].strip()


def test_files_stand_where_the_person_put_them() -> None:
    blocks = content({"type": "text", "text": "Compare"}, part("image/png", PNG), {"type": "text", "text": "with"},
                     part("text/plain", TEXT))  # fmt: skip
    assert [block["type"] for block in blocks] == ["text", "image", "text", "text"]


def test_a_file_alone_can_be_asked() -> None:
    assert len(content(part("image/png", PNG))) == 1


def test_a_file_without_its_bytes_is_not_shown() -> None:
    bare = {"type": "file", "url": "https://example.org/x.png", "mediaType": "image/png"}
    assert content({"type": "text", "text": "Hi"}, bare) == [{"type": "text", "text": "Hi"}]
    with pytest.raises(ModelFailure):
        content(bare)
