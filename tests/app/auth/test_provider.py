"""The provider's keys: read once, again when a token names a new one, and never as often as somebody likes."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.auth.keys import MOST_BYTES, Source, is_place, source_of
from app.auth.provider import LOOK_AGAIN, Provider
from app.clock import Clock
from protocol.errors import Refusal
from tests.app.auth.keyring import AUDIENCE, ISSUER, document, ec_key
from tests.virtual import NOON

OLD, NEW = ec_key("old"), ec_key("new")


class Published:
    """What the provider publishes, and how often it was read."""

    def __init__(self, content: bytes) -> None:
        self.content: bytes | Exception = content
        self.reads = 0

    def __call__(self) -> bytes:
        self.reads += 1
        if isinstance(self.content, Exception):
            raise self.content
        return self.content


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.clock = Clock(monotonic=lambda: self.seconds, unix=lambda: NOON + self.seconds)


@pytest.fixture
def hands() -> Hands:
    return Hands()


def provider(source: Source, hands: Hands) -> Provider:
    return Provider(ISSUER, AUDIENCE, source, hands.clock)


async def refusal(found: Provider, token: str) -> str:
    with pytest.raises(Refusal) as refused:
        await found.claims(token)
    return refused.value.code


async def test_keys_are_read_once_for_many(hands: Hands) -> None:
    published = Published(document(OLD, NEW))
    found = provider(published, hands)
    said = await asyncio.gather(*(found.claims(key.sign()) for key in (OLD, NEW) * 10))
    assert {claims.subject for claims in said} == {"ada"}
    assert published.reads == 1


async def test_a_new_key_is_found_and_a_flood_of_unknown_ones_reads_nothing(hands: Hands) -> None:
    published = Published(document(OLD))
    found = provider(published, hands)
    await found.claims(OLD.sign())
    published.content = document(NEW)
    assert await refusal(found, NEW.sign()) == "unauthenticated", "it was read a moment ago"
    hands.seconds += LOOK_AGAIN
    codes = [await refusal(found, ec_key(f"unknown{n}").sign(exp=NOON + 9_999)) for n in range(20)]
    assert (codes, published.reads) == (["unauthenticated"] * 20, 2)
    await found.claims(NEW.sign())
    assert await refusal(found, OLD.sign()) == "unauthenticated", "a key that was taken back is good no more"


async def test_what_was_known_stays_while_the_provider_is_away(hands: Hands, caplog: pytest.LogCaptureFixture) -> None:
    published = Published(document(OLD))
    found = provider(published, hands)
    for content in (OSError("refused"), b"<html>"):
        published.content = content
        hands.seconds += LOOK_AGAIN
        assert await refusal(found, OLD.sign()) == "unavailable"
    assert "cannot be read" in caplog.text
    hands.seconds += LOOK_AGAIN
    published.content = document(OLD)
    await found.claims(OLD.sign())
    published.content = OSError("refused")
    await found.read()
    await found.claims(OLD.sign())


async def test_a_token_without_a_key_id_wants_a_provider_with_one_key(hands: Hands) -> None:
    nameless = ec_key(None)
    assert (await provider(Published(document(nameless)), hands).claims(nameless.sign())).subject == "ada"
    assert await refusal(provider(Published(document(nameless, OLD)), hands), nameless.sign()) == "unauthenticated"
    assert await refusal(provider(Published(document(OLD)), hands), "eyJ.no.token") == "unauthenticated"


async def test_keys_come_from_a_file(hands: Hands, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(document(OLD))
    assert is_place(str(file))
    assert not is_place(str(tmp_path))
    found = provider(source_of(str(file)), hands)
    await found.claims(OLD.sign())
    file.unlink()
    await found.read()
    await found.claims(OLD.sign())


@contextmanager
def web(answers: dict[str, tuple[int, bytes]]) -> Iterator[str]:
    """A web server with these pages; a 302 leads to `/keys`."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers[self.path]
            self.send_response(status)
            if status == 302:
                self.send_header("location", "/keys")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_keys_come_from_an_address_and_from_nowhere_it_leads_to(hands: Hands) -> None:
    answers = {
        "/keys": (200, document(OLD)),
        "/moved": (302, b""),
        "/gone": (404, b""),
        "/large": (200, b" " * (MOST_BYTES + 1)),
    }
    with web(answers) as url:
        assert is_place(f"{url}/keys")
        await provider(source_of(f"{url}/keys"), hands).claims(OLD.sign())
        for path in ("moved", "gone", "large"):
            assert await refusal(provider(source_of(f"{url}/{path}"), hands), OLD.sign()) == "unavailable"
    assert await refusal(provider(source_of(f"{url}/keys"), hands), OLD.sign()) == "unavailable"
