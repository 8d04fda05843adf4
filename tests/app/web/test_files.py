"""`/v1/files`, as a page and as a script use it."""

import asyncio
from urllib.parse import quote

import pytest

from app.commands.reply import Caller
from app.store.engine import Database
from app.store.files import PIECE_BYTES, UNNAMED_MS
from app.web import body, files
from protocol.limits import Limits
from tests.app.files import KINDS, PNG, TEXT, asking, file_part
from tests.app.web.site import SAME, Answer, Site
from tests.app.world import World, until

BIG = Limits().file_bytes


@pytest.fixture
async def bearer(site: Site) -> dict[str, str]:
    """The header of a guest."""
    return await signed_in(site)


async def signed_in(site: Site) -> dict[str, str]:
    return {"authorization": f"Bearer {(await site.guest(client='127.0.0.1')).json['token']}"}


async def upload(site: Site, content: bytes, media_type: str = "", name: str = "", /, **headers: str) -> Answer:
    said = {"content_type": media_type, "x_filename": name}
    return await site.call(
        "POST", "/v1/files", content, **{key: value for key, value in said.items() if value}, **headers
    )


# Uploading


@pytest.mark.parametrize("media_type", KINDS)
async def test_every_kind_is_taken_and_given_back(site: Site, bearer: dict[str, str], media_type: str) -> None:
    content = KINDS[media_type]
    answer = await upload(site, content, media_type, "Prüfung.x", **bearer)
    assert answer.status == 200
    assert answer["cache-control"] == "no-store"
    file = answer.json
    assert file == {
        "fileId": file["fileId"],
        "url": f"/v1/files/{file['fileId']}",
        "mediaType": media_type,
        "filename": "Prüfung.x",
        "size": len(content),
    }
    got = await site.call("GET", file["url"], **bearer)
    assert (got.status, got.body, got["content-length"]) == (200, content, str(len(content)))
    is_image = media_type.startswith("image/")
    assert got["content-type"] == ("text/plain; charset=utf-8" if media_type == "text/plain" else media_type)
    shown = "inline" if is_image else "attachment"
    assert got["content-disposition"] == f"{shown}; filename*=UTF-8''{quote('Prüfung.x')}"


async def test_a_file_is_served_so_that_nothing_of_it_runs_or_leaks(site: Site, bearer: dict[str, str]) -> None:
    file = (await upload(site, b"<script>alert(1)</script>", "text/html", "page.html", **bearer)).json
    got = await site.call("GET", file["url"], **bearer)
    assert file["mediaType"] == "text/html"
    assert got["content-type"] == "text/plain; charset=utf-8"
    assert got["content-disposition"].startswith("attachment;")
    assert got["x-content-type-options"] == "nosniff"
    assert got["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert got["cross-origin-resource-policy"] == "same-origin"
    assert got["cache-control"] == "private, max-age=31536000, immutable"
    assert got["vary"] == "cookie, authorization"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("notes.txt", "notes.txt"),
        (quote("Ebbe & Flut.txt"), "Ebbe & Flut.txt"),
        ("Ebbe & Flut é.txt", "Ebbe & Flut é.txt"),
        ("100%.txt", "100%.txt"),
        ("../../etc/passwd", "passwd"),
        ("%2e%2e%2fpasswd%00%0d%0aset-cookie:%20x", "passwd set-cookie: x"),
        ("%ff%fe.txt", "\ufffd\ufffd.txt"),
        ("", "file.txt"),
    ],
)
async def test_a_name_is_kept_as_far_as_it_is_one(site: Site, bearer: dict[str, str], name: str, kept: str) -> None:
    file = (await upload(site, TEXT, "text/plain", name, **bearer)).json
    assert file["filename"] == kept
    got = await site.call("GET", file["url"], **bearer)
    assert got["content-disposition"] == f"attachment; filename*=UTF-8''{quote(kept, safe='')}"


async def test_the_same_bytes_are_the_same_file_under_their_last_name(site: Site, bearer: dict[str, str]) -> None:
    first = (await upload(site, PNG, "image/png", "first.png", **bearer)).json
    second = (await upload(site, PNG, "", "second.png", **bearer)).json
    assert second == first | {"filename": "second.png"}
    assert len(await site.world.store.fetch_all("SELECT file_id FROM files")) == 1
    assert (await upload(site, PNG, **await signed_in(site))).json["fileId"] != first["fileId"]


@pytest.mark.parametrize(
    ("content", "media_type", "refused", "param", "words"),
    [
        (b"", "image/png", (400, "invalid_argument"), None, "The file is empty."),
        (PNG, "image/jpeg", (415, "content_refused"), "content-type", "called image/jpeg, but its bytes are image/png"),
        (b"PK\x03\x04\x00", "application/zip", (415, "content_refused"), "content-type", "not 'application/zip'"),
        (b"Fl\xfct", "text/plain", (415, "content_refused"), "content-type", "UTF-8"),
        (b"x" * (BIG + 1), "text/plain", (413, "frame_too_large"), None, "A file may have at most 5 MB."),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_what_cannot_be_stored_is_refused_in_words(
    site: Site,
    bearer: dict[str, str],
    content: bytes,
    media_type: str,
    refused: tuple[int, str],
    param: str | None,
    words: str,
) -> None:
    answer = await upload(site, content, media_type, **bearer)
    assert answer.refused == refused
    assert answer.json["error"].get("param") == param
    assert words in answer.json["error"]["message"]
    assert await site.world.store.fetch_all("SELECT file_id FROM files") == []


async def test_the_largest_file_passes(site: Site, bearer: dict[str, str]) -> None:
    file = (await upload(site, b"x" * BIG, "text/plain", **bearer)).json
    assert file["size"] == BIG
    got = await site.call("GET", file["url"], **bearer)
    assert got.body == b"x" * BIG


async def test_what_announces_itself_as_too_large_is_not_kept(site: Site, bearer: dict[str, str]) -> None:
    answer = await upload(site, b"x", "text/plain", **bearer, content_length=str(BIG + 1))
    assert answer.refused == (413, "frame_too_large")
    assert answer["connection"] == "", "all of it was read, so the connection is good"


async def test_whoever_sends_far_too_much_is_not_listened_to_for_ever(
    site: Site, bearer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "MOST_IGNORED", 100_000)
    headers = bearer | {"content_length": str(BIG + 1)}
    answer = await site.call("POST", "/v1/files", b"x" * 300_000, "stalled", **headers)
    assert answer.refused == (413, "frame_too_large")
    assert answer["connection"] == "close"


async def test_a_body_that_does_not_come_is_not_waited_for(
    site: Site, bearer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "UPLOAD_SECONDS", 0.01)
    answer = await site.call("POST", "/v1/files", b"half of it", "stalled", **bearer)
    assert answer.refused == (400, "timeout")
    assert answer.json["error"]["retryable"] is True
    assert answer["connection"] == "close"


async def test_a_sender_who_hangs_up_is_no_fault_of_ours(site: Site, bearer: dict[str, str]) -> None:
    answer = await site.call("POST", "/v1/files", b"half of it", "gone", **bearer)
    assert answer.refused == (400, "timeout")


async def test_each_user_has_so_much_room(store: Database) -> None:
    site = Site(World(store, limits=Limits(file_bytes=10, user_file_bytes=15)))
    bearer = await signed_in(site)
    assert (await upload(site, b"x" * 10, **bearer)).status == 200
    answer = await upload(site, b"y" * 6, **bearer)
    assert answer.refused == (429, "quota_exceeded")
    assert "15 bytes together" in answer.json["error"]["message"]
    assert answer.json["error"]["retryable"] is False
    assert (await upload(site, b"y" * 5, **bearer)).status == 200
    assert (await upload(site, b"x" * 10, **bearer)).status == 200, "what is there already takes no more room"
    assert (await upload(site, b"y" * 6, **await signed_in(site))).status == 200


async def test_two_uploads_at_once_do_not_share_the_last_room(store: Database) -> None:
    site = Site(World(store, limits=Limits(user_file_bytes=15)))
    bearer = await signed_in(site)
    answers = await asyncio.gather(*(upload(site, letter * 10, **bearer) for letter in (b"x", b"y", b"z")))
    assert sorted(answer.status for answer in answers) == [200, 429, 429]


async def test_nobody_takes_all_places_for_uploads(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_AT_ONCE", files.MOST_OF_ONE_USER + 1)
    one, other = await signed_in(site), await signed_in(site)

    async def stall(bearer: dict[str, str]) -> None:
        waiting = site.waiting
        stalled.append(asyncio.create_task(site.call("POST", "/v1/files", b"x", "stalled", **bearer)))
        await until(lambda: site.waiting > waiting)

    stalled: list[asyncio.Task[Answer]] = []
    for _ in range(files.MOST_OF_ONE_USER):
        await stall(one)
    answer = await upload(site, b"x", **one)
    assert answer.refused == (429, "too_many_in_flight")
    assert answer["retry-after"] == "1"
    assert (await upload(site, b"x", **other)).status == 200
    await stall(other)
    assert (await upload(site, b"x", **await signed_in(site))).refused == (503, "overloaded")
    for request in stalled:
        request.cancel()
    await asyncio.wait(stalled)
    assert (await upload(site, b"x", **one)).status == 200


# Who may


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (SAME, 200),
        ({}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
async def test_a_cookie_uploads_from_our_own_page_only(site: Site, headers: dict[str, str], status: int) -> None:
    token = (await site.guest()).json["token"]
    assert (await upload(site, PNG, cookie=f"tidewire_session={token}", **headers)).status == status


async def test_nobody_uploads_or_reads_without_a_session(site: Site, bearer: dict[str, str]) -> None:
    assert (await upload(site, PNG)).refused == (401, "unauthenticated")
    url = (await upload(site, PNG, **bearer)).json["url"]
    assert (await site.call("GET", url)).refused == (401, "unauthenticated")
    token = bearer["authorization"].removeprefix("Bearer ")
    assert (await site.call("GET", url, cookie=f"tidewire_session={token}")).body == PNG


async def test_g32_a_foreign_file_is_an_unknown_one(site: Site, bearer: dict[str, str]) -> None:
    url = (await upload(site, PNG, **bearer)).json["url"]
    stranger = await signed_in(site)
    answers = [
        await site.call("GET", path, **stranger)
        for path in (url, "/v1/files/file_00000000000000000000", "/v1/files/nothing", "/v1/files/%20")
    ]
    assert {(answer.status, answer.body) for answer in answers} == {(404, answers[0].body)}
    assert answers[0].refused == (404, "not_found")


# The end of a file


async def test_a_file_that_nobody_names_is_gone_after_a_day(site: Site, bearer: dict[str, str]) -> None:
    url = (await upload(site, PNG, **bearer)).json["url"]
    site.world.pass_ms(UNNAMED_MS)
    assert (await site.call("GET", url, **bearer)).refused == (404, "not_found")
    assert (await upload(site, PNG, **bearer)).json["url"] == url
    assert (await site.call("GET", url, **bearer)).status == 200


async def test_a_deleted_chat_takes_its_files_along_at_once(site: Site) -> None:
    granted = await site.world.granted()
    bearer, caller = {"authorization": f"Bearer {granted.token}"}, Caller(granted.user_id, "client")
    url = (await upload(site, PNG, **bearer)).json["url"]
    await site.world.answered(caller, message=asking(file_part(url)))
    site.world.pass_ms(2 * UNNAMED_MS)
    assert (await site.call("GET", url, **bearer)).status == 200
    await site.world.run(caller, "chat.delete", chatId="c")
    assert (await site.call("GET", url, **bearer)).refused == (404, "not_found")


async def test_a_download_holds_one_piece_at_a_time(site: Site, bearer: dict[str, str]) -> None:
    content = b"x" * (3 * PIECE_BYTES)
    url = (await upload(site, content, **bearer)).json["url"]
    got = await site.call("GET", url, **bearer)
    assert (got.body, max(got.sizes)) == (content, PIECE_BYTES)
