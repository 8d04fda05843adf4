"""Questions with files, over a real store: what is stored, what the model gets, and when a file goes."""

from typing import Any

import pytest

from app.commands.content import MOST_FILES
from app.commands.reply import Caller
from app.store import files
from app.store.engine import Database
from app.store.files import UNNAMED_MS, StoredFile
from app.streams.attachments import GONE, LEFT_OUT
from protocol.errors import Refusal
from protocol.limits import Limits
from tests.app.files import KINDS, PNG, TEXT, asking, data_url, file_part
from tests.app.world import Held, World, opened


async def uploaded(
    world: World, caller: Caller, body: bytes = PNG, media_type: str = "image/png", filename: str = "sea.png"
) -> StoredFile:
    return await world.uploads.store(caller.user_id, body, media_type, filename, param=None)


def naming(file: StoredFile, **fields: Any) -> dict[str, Any]:
    return file_part(f"/v1/files/{file.file_id}", **fields)


async def refused(world: World, caller: Caller, *parts: dict[str, Any] | str, **fields: Any) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        await world.ask(caller, message=asking(*parts), **fields)
    assert str(refusal.value).endswith(".")
    return refusal.value


async def is_there(world: World, caller: Caller, file: StoredFile) -> bool:
    return await files.find(world.store, caller.user_id, file.file_id, now=world.clock.now_ms()) is not None


def sent(world: World) -> list[list[dict[str, Any]]]:
    """The parts of each message of the newest prompt."""
    return [list(message["parts"]) for message in world.model.prompts[-1].messages]


# What is stored


async def test_a_file_is_stored_as_the_store_knows_it_whatever_the_client_says(world: World) -> None:
    caller = await world.guest()
    file = await uploaded(world, caller)
    claimed = naming(file, mediaType="text/html", filename="evil.html", providerMetadata={"x": {}}, more=1)
    await world.answered(caller, message=asking("Look!", claimed))
    part = {"type": "file", "mediaType": "image/png", "filename": "sea.png", "url": f"/v1/files/{file.file_id}"}
    [question, _] = await world.history(caller)
    assert question["parts"] == [{"type": "text", "text": "Look!"}, part]
    [told] = [data["message"] for name, data in await world.events(caller) if name == "message.created"]
    assert told["parts"] == question["parts"]


@pytest.mark.parametrize("media_type", KINDS)
async def test_a_file_inside_the_question_is_stored_like_an_uploaded_one(world: World, media_type: str) -> None:
    caller = await world.guest()
    part = file_part(data_url(KINDS[media_type], media_type), filename="../mine.x", mediaType="text/html")
    await world.answered(caller, message=asking(part))
    [question, _] = await world.history(caller)
    [stored] = question["parts"]
    assert stored.pop("url").startswith("/v1/files/file_")
    assert stored == {"type": "file", "mediaType": media_type, "filename": "mine.x"}
    assert sent(world)[-1][0]["bytes"] == KINDS[media_type]


async def test_the_same_file_inside_a_question_and_uploaded_is_one(world: World) -> None:
    caller = await world.guest()
    file = await uploaded(world, caller)
    await world.answered(caller, message=asking(file_part(data_url(PNG, "image/png"), filename="other.png")))
    [part] = (await world.history(caller))[0]["parts"]
    assert (part["url"], part["filename"]) == (f"/v1/files/{file.file_id}", "other.png")


async def test_g03_a_repeat_stores_and_names_nothing_more(world: World) -> None:
    caller, fields = await world.guest(), {"chatId": "c", "message": asking(file_part(data_url(PNG, "image/png")))}
    first = await world.run(caller, "message.send", id="once", **fields)
    await world.ended(first.result["streamId"])
    again = await world.run(caller, "message.send", id="once", **fields)
    assert (again.result, again.duplicate) == (first.result, True)
    assert [len(await world.store.fetch_all(f"SELECT * FROM {table}")) for table in ("files", "file_uses")] == [1, 1]


async def test_a_file_named_twice_is_one_use(world: World) -> None:
    caller = await world.guest()
    file = await uploaded(world, caller)
    await world.answered(caller, message=asking(naming(file), naming(file)))
    assert len((await world.history(caller))[0]["parts"]) == 2


# What it is called


async def test_a_chat_that_begins_with_a_file_is_called_by_its_name(world: World) -> None:
    caller = await world.guest()
    file, other = await uploaded(world, caller), await uploaded(world, caller, TEXT, "text/plain", "tides.txt")
    await world.answered(caller, message=asking(naming(file), naming(other), " "))
    await world.quiet()
    [chat] = (await world.run(caller, "dashboard.get")).result["chats"]
    assert chat["title"] == "sea.png, tides.txt"
    assert world.model.titles == [], "no model could find a better one"
    await world.answered(caller, text="And now?")
    await world.quiet()
    assert world.model.titles == []


async def test_a_chat_that_begins_with_words_is_called_by_them(world: World) -> None:
    caller = await world.guest()
    await world.answered(caller, message=asking(naming(await uploaded(world, caller)), "What is this?"))
    await world.quiet()
    assert world.model.titles[0][0] == "What is this?"


async def test_a_waiting_question_without_words_is_shown_by_its_files(world: World) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    first = await world.ask(caller)
    file = await uploaded(world, caller)
    await world.ask(caller, message=asking(naming(file)), ifActive="queue")
    [chat] = (await world.run(caller, "dashboard.get")).result["chats"]
    assert [item["text"] for item in chat["queue"]] == ["sea.png"]
    held.gate.set()
    await world.ended(first["streamId"])


# What is refused


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (None, "invalid_argument"),
        (7, "invalid_argument"),
        ("", "invalid_argument"),
        ("https://example.org/cat.png", "invalid_argument"),
        ("http://localhost/v1/files/file_1", "invalid_argument"),
        ("/v1/files/", "invalid_argument"),
        ("/v1/files/../auth/session", "invalid_argument"),
        ("/v1/files/file_1?x", "invalid_argument"),
        ("/v1/files/file_1\n", "invalid_argument"),
        ("blob:http://localhost/1", "invalid_argument"),
        ("javascript:alert(1)", "invalid_argument"),
        ("data:", "invalid_argument"),
        ("data:image/png;base64,", "invalid_argument"),
        ("data:image/png;base64,???", "invalid_argument"),
        (data_url(PNG, "image/jpeg"), "content_refused"),
        (data_url(b"PK\x03\x04\x00", "application/zip"), "content_refused"),
        (data_url(b"\xff\xfe", "text/plain"), "content_refused"),
        ("/v1/files/file_1", "not_found"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_file_that_cannot_be_had_is_refused_by_its_place(world: World, url: Any, code: str) -> None:
    caller = await world.guest()
    refusal = await refused(world, caller, "Look!", {"type": "file", "url": url})
    assert (refusal.code, refusal.error.param) == (code, "$.message.parts[1].url")
    assert await world.events(caller) == []


async def test_g32_a_foreign_file_is_an_unknown_one(world: World) -> None:
    owner, stranger = await world.guest(), await world.guest()
    file = await uploaded(world, owner)
    foreign = await refused(world, stranger, naming(file))
    unknown = await refused(world, stranger, file_part("/v1/files/file_1"))
    assert foreign.error == unknown.error
    assert foreign.code == "not_found"
    world.pass_ms(UNNAMED_MS)
    assert not await is_there(world, owner, file), "and it was not kept"


async def test_too_many_files_are_refused(world: World) -> None:
    caller = await world.guest()
    file = await uploaded(world, caller)
    refusal = await refused(world, caller, *[naming(file)] * (MOST_FILES + 1))
    assert (refusal.code, refusal.error.param) == ("frame_too_large", "$.message.parts")
    await world.answered(caller, message=asking(*[naming(file)] * MOST_FILES))


async def test_files_that_are_too_large_together_are_refused(store: Database) -> None:
    async with opened(World(store, limits=Limits(message_file_bytes=10))) as world:
        caller = await world.guest()
        small = [await uploaded(world, caller, letter * 5, "text/plain") for letter in (b"a", b"b", b"c")]
        refusal = await refused(world, caller, *map(naming, small))
        assert (refusal.code, refusal.error.param) == ("frame_too_large", "$.message.parts")
        assert "10 bytes together, and these have 15 bytes" in str(refusal)
        await world.answered(caller, message=asking(*map(naming, small[:2])))


async def test_a_file_inside_a_question_counts_as_the_users(store: Database) -> None:
    async with opened(World(store, limits=Limits(file_bytes=100, user_file_bytes=120))) as world:
        caller = await world.guest()
        too_large = await refused(world, caller, file_part(data_url(b"x" * 101, "text/plain")))
        assert (too_large.code, too_large.error.param) == ("frame_too_large", "$.message.parts[0].url")
        await world.answered(caller, message=asking(file_part(data_url(b"x" * 100, "text/plain"))))
        full = await refused(world, caller, "and", file_part(data_url(b"y" * 21, "text/plain")))
        assert (full.code, full.error.param) == ("quota_exceeded", "$.message.parts[1].url")


# When a file goes


async def test_a_question_that_is_refused_keeps_nothing(world: World) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    first = await world.ask(caller)
    file = await uploaded(world, caller)
    assert (await refused(world, caller, naming(file))).code == "stream_active"
    world.pass_ms(UNNAMED_MS)
    assert not await is_there(world, caller, file)
    held.gate.set()
    await world.ended(first["streamId"])


async def test_a_waiting_question_keeps_its_files_until_it_is_removed(world: World) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    first = await world.ask(caller)
    file = await uploaded(world, caller)
    await world.ask(caller, message=asking(naming(file)), ifActive="queue", id="waiting")
    world.pass_ms(3 * UNNAMED_MS)
    assert await is_there(world, caller, file)
    await world.run(caller, "queue.update", chatId="c", remove=["waiting"])
    assert await is_there(world, caller, file), "it may be sent again"
    world.pass_ms(UNNAMED_MS)
    assert not await is_there(world, caller, file)
    held.gate.set()
    await world.ended(first["streamId"])


async def test_a_question_that_had_to_wait_comes_with_its_files(world: World) -> None:
    caller, held = await world.guest(), Held()
    world.model.script = held
    first = await world.ask(caller)
    file = await uploaded(world, caller)
    waiting = await world.ask(caller, message=asking(naming(file)), ifActive="queue")
    held.gate.set()
    await world.ended(first["streamId"])
    await world.ended(waiting["streamId"])
    assert sent(world)[-1][0]["bytes"] == PNG


async def test_siblings_share_a_file_and_the_last_chat_takes_it_along(world: World) -> None:
    caller = await world.guest()
    file = await uploaded(world, caller)
    await world.answered(caller, message=asking(naming(file), "One"))
    [question, _] = await world.history(caller)
    edited = await world.run(
        caller, "message.edit", chatId="c", messageId=question["id"], message=asking(naming(file), "Two")
    )
    await world.ended(edited.result["streamId"])
    again = await world.run(caller, "message.regenerate", chatId="c")
    await world.ended(again.result["streamId"])
    assert [part.get("bytes") for part in sent(world)[-1]] == [PNG, None]
    await world.answered(caller, "d", message=asking(naming(file)))
    await world.run(caller, "chat.delete", chatId="c")
    assert await is_there(world, caller, file)
    await world.run(caller, "chat.delete", chatId="d")
    assert not await is_there(world, caller, file)


async def test_whoever_leaves_leaves_no_file(world: World) -> None:
    caller = await world.guest()
    for letter in (b"a", b"b"):
        file = await uploaded(world, caller, letter, "text/plain")
        await world.answered(caller, message=asking(naming(file)))
    await uploaded(world, caller)
    await world.leaving.leave(caller.user_id)
    for table in ("files", "file_pieces", "file_uses", "users"):
        assert await world.store.fetch_all(f"SELECT * FROM {table}") == []


# What the model gets


async def test_the_model_gets_the_bytes_of_every_file_of_the_branch(world: World) -> None:
    caller = await world.guest()
    image, text = await uploaded(world, caller), await uploaded(world, caller, TEXT, "text/plain", "tides.txt")
    await world.answered(caller, message=asking("Look!", naming(image)))
    await world.answered(caller, message=asking(naming(text)))
    [first, _, third] = sent(world)
    assert [part.get("bytes") for part in first] == [None, PNG]
    assert [(part["filename"], part["bytes"]) for part in third] == [("tides.txt", TEXT)]
    assert all("bytes" not in part for message in await world.history(caller) for part in message["parts"])


async def test_when_files_are_too_large_together_the_newest_go_and_words_stand_for_the_others(store: Database) -> None:
    async with opened(World(store, limits=Limits(message_file_bytes=10))) as world:
        caller = await world.guest()
        for name, size in (("oldest", 4), ("old", 7), ("new", 5)):
            file = await uploaded(world, caller, name[:1].encode() * size, "text/plain", name)
            await world.answered(caller, message=asking(naming(file)))
        said = [message[0].get("bytes") or message[0]["text"] for message in sent(world)[::2]]
        assert said == [b"oooo", LEFT_OUT.format("old"), b"nnnnn"]


async def test_a_file_that_is_gone_is_said_in_words(world: World) -> None:
    caller = await world.guest()
    file = await uploaded(world, caller)
    await world.answered(caller, message=asking(naming(file)))
    await world.store.execute("DELETE FROM files")
    await world.answered(caller, text="What was that?")
    assert sent(world)[0] == [{"type": "text", "text": GONE.format("sea.png")}]
