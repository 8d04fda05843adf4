"""Files at a real server: attached, answered, kept over a restart, and nobody else's."""

import asyncio
import contextlib
import json
import socket
import urllib.request
from base64 import b64decode
from pathlib import Path
from urllib.error import HTTPError

import pytest

from app.web.body import MOST_IGNORED
from protocol.limits import Limits
from tests.app.files import KINDS, PNG, TEXT, asking, data_url, file_part
from tests.fake_anthropic import FakeAnthropic
from tests.system.server import ServerProcess
from tests.wire import call, guest, opened, text_of, upload

QUICK = {"pace": 0}


def download(url: str, path: str, token: str) -> bytes:
    request = urllib.request.Request(url + path, headers={"authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as got:
        body: bytes = got.read()
    return body


async def test_files_are_attached_answered_and_shown_on_every_device(shared_server: ServerProcess) -> None:
    url, token = shared_server.url, guest(shared_server.url)
    files = [upload(url, token, body, media_type, f"datei.{media_type[-3:]}")[1] for media_type, body in KINDS.items()]
    async with opened(url, token) as tab, opened(url, token) as other:
        await tab.ask("c", message=asking("What is this?", *(file_part(file["url"]) for file in files)), options=QUICK)
        await other.event("stream.ended", chatId="c")
        [question, answer] = await other.history("c")
        stored = [{"type": "file"} | {key: file[key] for key in ("mediaType", "filename", "url")} for file in files]
        assert question["parts"][1:] == stored
        for file in files:
            assert f"`{file['filename']}`: {file['mediaType']}, {file['size']} bytes" in text_of(answer)
            assert download(url, file["url"], token) == KINDS[file["mediaType"]]
        assert f"bytes, {len(TEXT.split())} words" in text_of(answer)


async def test_a_file_inside_the_frame_is_stored_and_a_file_alone_is_a_question(shared_server: ServerProcess) -> None:
    async with opened(shared_server.url) as tab:
        message = asking(file_part(data_url(PNG, "image/png"), filename="pixel.png"))
        await tab.ask("c", message=message, options=QUICK)
        await tab.event("stream.ended", chatId="c")
        [question, answer] = await tab.history("c")
        assert "`pixel.png`: image/png" in text_of(answer)
        assert download(shared_server.url, question["parts"][0]["url"], str(tab.token)) == PNG
        chats = (await tab.command("dashboard.get"))["result"]["chats"]
        assert [chat["title"] for chat in chats] == ["pixel.png"]


async def test_a_provider_gets_the_largest_picture_whole(tmp_path: Path) -> None:
    picture = PNG + bytes(Limits().file_bytes - len(PNG))
    async with FakeAnthropic() as provider:
        setting = {"ANTHROPIC_API_KEY": "key", "ANTHROPIC_BASE_URL": provider.url, "ANTHROPIC_MODELS": "claude-x"}
        with ServerProcess(tmp_path / "data", **setting, GUESTS="on") as server:
            async with opened(server.url) as tab:
                _, file = await asyncio.to_thread(upload, server.url, str(tab.token), picture, "image/png")
                await tab.ask("c", message=asking(file_part(file["url"])))
                await tab.event("stream.ended", chatId="c", status="completed")
    [request] = provider.requests
    [block] = request.body["messages"][0]["content"]
    assert (block["type"], block["source"]["media_type"]) == ("image", "image/png")
    assert b64decode(block["source"]["data"]) == picture
    assert provider.titles == []


async def test_g32_a_foreign_file_is_an_unknown_one_to_read_and_to_send(shared_server: ServerProcess) -> None:
    url = shared_server.url
    async with opened(url) as owner, opened(url) as stranger:
        _, file = upload(url, str(owner.token), PNG, "image/png")
        unknown = "/v1/files/file_00000000000000000000"
        read = [call(url, "GET", path, str(stranger.token)) for path in (file["url"], unknown)]
        assert read[0] == read[1]
        assert read[0][0] == 404
        sent = [
            await stranger.refused("message.send", chatId="c", message=asking(file_part(path)))
            for path in (file["url"], unknown)
        ]
        assert sent[0] == sent[1]
        assert sent[0]["code"] == "not_found"
        await owner.ask("c", message=asking(file_part(file["url"])), options=QUICK)
        status, theirs = upload(url, str(stranger.token), PNG, "image/png")
        assert status == 200
        assert theirs["fileId"] != file["fileId"]


async def test_g13_files_and_what_names_them_outlast_a_restart(server: ServerProcess) -> None:
    token = guest(server.url)
    _, file = upload(server.url, token, PNG, "image/png", "sea.png")
    async with opened(server.url, token) as tab:
        await tab.ask("c", message=asking(file_part(file["url"])), options=QUICK)
        await tab.event("stream.ended", chatId="c")
    server.kill()
    server.start()
    async with opened(server.url, token) as tab:
        assert (await tab.history("c"))[0]["parts"][0]["url"] == file["url"]
        again = (await tab.command("message.regenerate", chatId="c", options=QUICK))["result"]
        await tab.ended(again["streamId"])
        assert "sea.png" in tab.streams[again["streamId"]].text
    assert download(server.url, file["url"], token) == PNG


def test_what_is_too_large_is_refused_in_words_over_a_real_connection(shared_server: ServerProcess) -> None:
    most = Limits().file_bytes
    status, answer = upload(shared_server.url, guest(shared_server.url), b"x" * (most + 1), "text/plain")
    assert (status, answer["error"]["code"]) == (413, "frame_too_large")
    assert answer["error"]["message"] == "A file may have at most 5 MB."


def test_the_largest_file_comes_back_whole(shared_server: ServerProcess) -> None:
    token, body = guest(shared_server.url), bytes(range(256)) * (Limits().file_bytes // 256)
    body = b"%PDF-" + body[5:]
    status, file = upload(shared_server.url, token, body, "application/pdf", "big.pdf")
    assert (status, file["size"]) == (200, len(body))
    assert download(shared_server.url, file["url"], token) == body


def test_a_reader_who_leaves_in_the_middle_disturbs_nobody(server: ServerProcess) -> None:
    token = guest(server.url)
    _, file = upload(server.url, token, b"%PDF-" + b"x" * 4_000_000, "application/pdf")
    for _ in range(3):
        request = urllib.request.Request(server.url + file["url"], headers={"authorization": f"Bearer {token}"})
        got = urllib.request.urlopen(request, timeout=10)
        got.read(1_000)
        got.close()
    assert len(download(server.url, file["url"], token)) == 4_000_005
    assert "Traceback" not in server.log


def test_a_body_without_end_is_cut_off(shared_server: ServerProcess) -> None:
    host, port = shared_server.url.removeprefix("http://").split(":")
    head = f"POST /v1/files HTTP/1.1\r\nhost: {host}:{port}\r\nauthorization: Bearer {guest(shared_server.url)}\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as endless:
        endless.sendall(f"{head}transfer-encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        with contextlib.suppress(ConnectionError):
            for _ in range(MOST_IGNORED // 0x10000 * 4):
                endless.sendall(chunk)
            raise AssertionError("the server listens for ever")


def test_nobody_reads_without_a_session(shared_server: ServerProcess) -> None:
    with pytest.raises(HTTPError) as refused:
        urllib.request.urlopen(shared_server.url + "/v1/files/file_1", timeout=10)
    with refused.value as answer:
        assert (answer.code, json.load(answer)["error"]["code"]) == (401, "unauthenticated")
