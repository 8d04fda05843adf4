import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.commands.file_type import LONGEST_NAME, filename_of, media_type_of
from protocol.errors import Refusal
from tests.app.files import GIF, JPEG, KINDS, PDF, PNG, TEXT, WEBP

PARAM = "content-type"


def refused(body: bytes, declared: str) -> str:
    """The sentence of a refusal."""
    with pytest.raises(Refusal) as caught:
        media_type_of(body, declared, param=PARAM)
    assert (caught.value.code, caught.value.error.param) == ("content_refused", PARAM)
    assert str(caught.value).endswith(".")
    return str(caught.value)


@pytest.mark.parametrize("media_type", KINDS)
def test_a_file_is_what_its_bytes_are(media_type: str) -> None:
    body = KINDS[media_type]
    for declared in (media_type, media_type.upper(), f"{media_type}; charset=utf-8", "", "application/octet-stream"):
        assert media_type_of(body, declared, param=PARAM) == media_type


@pytest.mark.parametrize("declared", KINDS)
@pytest.mark.parametrize("found", KINDS)
def test_a_type_that_the_bytes_contradict_is_refused(declared: str, found: str) -> None:
    if declared != found:
        sentence = refused(KINDS[found], declared)
        assert declared.replace("text/plain", "text") in sentence
        assert found in sentence or found == "text/plain"


@pytest.mark.parametrize(
    ("body", "declared", "stored"),
    [
        (b"# Title", "text/markdown", "text/markdown"),
        (b"<p>Hi</p>", "text/html", "text/html"),
        (b"a,b", "text/csv; header=present", "text/csv"),
        (b"{}", "application/json", "text/plain"),
        (b"{}", "application/ld+json", "text/plain"),
        (b"<svg/>", "image/svg+xml", None),
        (b"x", "text/'; DROP TABLE", "text/plain"),
        (b"x", "text/" + "x" * 100, "text/plain"),
        ("\ufeffmit BOM".encode(), "text/plain", "text/plain"),
        (JPEG, "image/jpg", "image/jpeg"),
        (b"Convert WEBP to PNG", "text/plain", "text/plain"),
        (b"RIFF, WEBP and others", "text/plain", "text/plain"),
        (b"PK\x03\x04zip", "application/zip", None),
        (b"PK\x03\x04\x00zip", "", None),
        (b"text\x00with NUL", "text/plain", None),
        ("Fl\u00fct".encode("latin-1"), "text/plain", None),
        ("UTF-16".encode("utf-16"), "text/plain", None),
        (b"\x7fELF", "application/x-executable", None),
        (b"hello", "video/mp4", None),
    ],
)
def test_what_counts_as_text_and_what_is_refused(body: bytes, declared: str, stored: str | None) -> None:
    if stored is None:
        refused(body, declared)
    else:
        assert media_type_of(body, declared, param=PARAM) == stored


@given(st.binary(), st.sampled_from(["", *KINDS, "text/csv"]))
@example(PNG[:7], "image/png")
@example(GIF[:5], "image/gif")
@example(WEBP[:11], "image/webp")
@example(PDF[:4], "application/pdf")
def test_whatever_is_taken_can_be_told_by_its_bytes_again(body: bytes, declared: str) -> None:
    try:
        stored = media_type_of(body, declared, param=PARAM)
    except Refusal:
        return
    assert media_type_of(body, stored, param=PARAM) == stored
    assert stored in KINDS or stored == "text/csv"
    if stored.startswith("text/"):
        body.decode()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("Übersicht 2026.pdf", "Übersicht 2026.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\photo.png", "photo.png"),
        ("  many \n blanks\t.txt ", "many blanks.txt"),
        (".hidden", "hidden"),
        ("..", "file.txt"),
        ("", "file.txt"),
        ("\x00\x1f\u200e", "file.txt"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("x" * 300 + ".tar.gz", "x" * 117 + ".gz"),
        ("x" * 300, "x" * 120),
        ("no suffix. This is a sentence", "no suffix. This is a sentence"),
        ("a\ud800b.txt", "ab.txt"),
        ('"quotes"; filename=x.html', '"quotes"; filename=x.html'),
    ],
)
def test_a_name_can_be_shown_and_saved(given: str, kept: str) -> None:
    assert filename_of(given, "text/plain") == kept


@pytest.mark.parametrize(("media_type", "name"), [("image/png", "file.png"), ("application/pdf", "file.pdf")])
def test_a_file_without_a_name_is_called_by_its_type(media_type: str, name: str) -> None:
    assert filename_of(" ", media_type) == name


@given(st.text())
def test_every_name_is_short_and_on_one_line(given: str) -> None:
    name = filename_of(given, "text/plain")
    assert 0 < len(name) <= LONGEST_NAME
    assert name == name.strip()
    assert not {"/", "\\", "\n", "\0"} & set(name)
    assert len(name.splitlines()) == 1
    assert filename_of(name, "text/plain") == name


def test_the_samples_are_what_they_are_called() -> None:
    assert TEXT.decode()
