"""`GET /v1/export`: everything of one's own, whole, and nobody else's."""

import asyncio
import contextlib
from collections.abc import Sequence

import pytest

from app.commands.reply import Caller
from app.store import messages
from app.store.engine import Database
from app.store.files import UNNAMED_MS
from app.store.queries import Queries, Row
from tests.app.files import asking, file_part
from tests.app.web.site import Answer, Ending, Site
from tests.app.world import Held, until

# A long answer; fifty of them are more than any group or piece.
LONG = "x" * 30_000


class Owner:
    """A user with chats, who downloads them."""

    def __init__(self, site: Site, user_id: str, token: str) -> None:
        self.caller = Caller(user_id, "client")
        self._site = site
        self._token = token

    async def export(self, query: str = "", ending: Ending = "whole") -> Answer:
        return await self._site.call("GET", f"/v1/export{query}", b"", ending, authorization=f"Bearer {self._token}")


async def owner(site: Site) -> Owner:
    granted = await site.world.granted()
    return Owner(site, granted.user_id, granted.token)


async def test_json_holds_every_branch_of_every_chat_and_nobody_elses(site: Site) -> None:
    mine, other, world = await owner(site), await owner(site), site.world
    await world.run(mine.caller, "project.create", projectId="p", title="Plans")
    await world.answered(mine.caller, "c", "One?")
    await world.run(mine.caller, "message.regenerate", chatId="c")
    await world.quiet()
    await world.answered(mine.caller, "d", "Two?")
    await world.answered(other.caller, "c", "Not yours")
    answer = await mine.export()
    assert answer["content-disposition"] == 'attachment; filename="tidewire-2026-09-21.json"'
    exported = answer.json
    assert [project["title"] for project in exported["projects"]] == ["Plans"]
    assert [chat["chatId"] for chat in exported["chats"]] == ["c", "d"]
    said = exported["chats"][0]["messages"]
    assert [message["role"] for message in said] == ["user", "assistant", "assistant"], "both versions"
    assert {message["parentId"] for message in said[1:]} == {said[0]["id"]}
    assert "Not yours" not in answer.body.decode()


async def test_json_names_every_file_that_is_there(site: Site) -> None:
    mine, other, world = await owner(site), await owner(site), site.world
    kept, loose, _ = [
        await world.uploads.store(caller.user_id, body, "text/plain", "tides.txt", param=None)
        for caller, body in ((mine.caller, b"kept"), (mine.caller, b"loose"), (other.caller, b"theirs"))
    ]
    url = f"/v1/files/{kept.file_id}"
    await world.answered(mine.caller, message=asking(file_part(url)))
    row = {"mediaType": "text/plain", "filename": "tides.txt"}
    files = {file["fileId"]: file for file in (await mine.export()).json["files"]}
    assert files.keys() == {kept.file_id, loose.file_id}
    assert files[kept.file_id] == row | {"fileId": kept.file_id, "url": url, "size": 4}
    world.pass_ms(UNNAMED_MS)
    exported = (await mine.export()).json
    assert [file["fileId"] for file in exported["files"]] == [kept.file_id]
    assert exported["chats"][0]["messages"][0]["parts"][0]["url"] == url


async def test_what_is_being_written_is_not_in_it_yet(site: Site) -> None:
    mine, world, held = await owner(site), site.world, Held()
    world.model.script = held
    running = await world.ask(mine.caller, "c", "One?")
    for query in ("", "?format=markdown"):
        answer = await mine.export(query)
        assert b"One?" in answer.body
        assert b"so far" not in answer.body
        assert running["messageId"].encode() not in answer.body or query == ""
    assert [message["role"] for message in (await mine.export()).json["chats"][0]["messages"]] == ["user"]
    held.gate.set()
    await world.ended(running["streamId"])


async def test_markdown_reads_like_the_chats(site: Site) -> None:
    mine, world = await owner(site), site.world
    await world.run(mine.caller, "project.create", projectId="p", title="Plans")
    await world.answered(mine.caller, "c", "What is it?", projectId="p")
    await world.quiet()
    other_branch = (await world.history(mine.caller))[0]["id"]
    edited = await world.run(
        mine.caller, "message.edit", chatId="c", messageId=other_branch, message=asking("And this?")
    )
    await world.ended(edited.result["streamId"])
    answer = await mine.export("?format=markdown")
    assert answer["content-type"] == "text/markdown; charset=utf-8"
    assert answer["content-disposition"] == 'attachment; filename="tidewire-2026-09-21.md"'
    assert answer.body.decode() == (
        "# A title\n\n*Begun on 2026-09-21 14:13 UTC, in the project “Plans”*\n\n"
        "**You, 2026-09-21 14:13 UTC:**\n\nAnd this?\n\n**Answer, 2026-09-21 14:13 UTC:**\n\nHello!\n\n"
    )


async def test_who_has_nothing_gets_an_empty_document(site: Site) -> None:
    exported = (await (await owner(site)).export()).json
    assert (exported["projects"], exported["chats"]) == ([], [])


async def test_only_formats_that_are_there_and_only_for_people_who_are_known(site: Site) -> None:
    answer = await (await owner(site)).export("?format=pdf")
    assert answer.refused == (400, "invalid_argument")
    assert answer.json["error"]["param"] == "$.format"
    assert (await site.call("GET", "/v1/export")).refused == (401, "unauthenticated")


async def test_one_download_of_a_user_at_a_time(site: Site) -> None:
    mine, other = await owner(site), await owner(site)
    await site.world.answered(mine.caller, "c", "One?")
    gate, fetch_all = asyncio.Event(), site.world.store.fetch_all

    async def held(sql: str, values: dict[str, object]) -> object:
        if "FROM projects" in sql:
            await gate.wait()
        return await fetch_all(sql, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site.world.store, "fetch_all", held)
        first, theirs = asyncio.create_task(mine.export()), asyncio.create_task(other.export())
        await until(lambda: len(site.export._under_way) == 2)
        assert (await mine.export()).refused == (429, "too_many_in_flight")
        gate.set()
        assert (await first).json["chats"]
        assert (await theirs).status == 200
    assert (await mine.export()).status == 200


async def test_whoever_gives_a_download_up_can_begin_another(site: Site) -> None:
    mine = await owner(site)
    await many(site.world.store, mine.caller.user_id, chats=50, long=10)
    with contextlib.suppress(IndexError):  # it may be gone before anything was sent
        await mine.export(ending="gone")
    await until(lambda: not site.export._under_way)
    assert (await mine.export()).status == 200


@pytest.mark.parametrize("form", ["json", "markdown"])
async def test_a_thousand_chats_are_read_a_few_at_a_time_and_sent_in_even_pieces(site: Site, form: str) -> None:
    mine, store, chats, long = await owner(site), site.world.store, 1_000, 50
    await many(store, mine.caller.user_id, chats=chats, long=long)
    reads: list[tuple[int, int]] = []  # rows, and the characters in them
    fetch_all = store.fetch_all

    async def counted(sql: str, values: dict[str, object]) -> Sequence[Row]:
        rows = await fetch_all(sql, values)
        reads.append((len(rows), sum(len(str(value)) for row in rows for value in row.values())))
        return rows

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "fetch_all", counted)
        answer = await mine.export(f"?format={form}")
    said = answer.body.decode()
    assert said.count("Where does the tide go?") == chats
    assert said.count(LONG) == long
    ids, *others = sorted(reads, reverse=True)
    assert ids[0] == chats, "the ids of the chats, once"
    assert others[0][0] <= 100
    assert max(characters for _, characters in others) < 300_000, "of 1.5 million"
    assert len(reads) < 2.2 * chats
    assert max(answer.sizes) < 100_000
    assert len(answer.sizes) <= len(answer.body) / 64_000 + 2


async def many(store: Database, user_id: str, *, chats: int, long: int) -> None:
    """Chats of a question and an answer each; the first has so many long messages below them."""
    async with store.transaction() as tx:
        for n in range(chats):
            leaf_id = f"long{long - 1}" if n == 0 else f"a{n}"
            await tx.execute(
                """
                INSERT INTO chats (user_id, chat_id, title, title_source, leaf_id, version, created_at, updated_at)
                VALUES (:user_id, :chat_id, 'A chat', 'person', :leaf_id, 1, 1, 1)
                """,
                {"user_id": user_id, "chat_id": f"c{n}", "leaf_id": leaf_id},
            )
            await stored(tx, user_id, f"c{n}", f"q{n}", None, "Where does the tide go?")
            await stored(tx, user_id, f"c{n}", f"a{n}", f"q{n}", "Out.")
        for n in range(long):
            await stored(tx, user_id, "c0", f"long{n}", f"long{n - 1}" if n else "a0", LONG)


async def stored(q: Queries, user_id: str, chat_id: str, message_id: str, parent_id: str | None, text: str) -> None:
    parts = [{"type": "text", "text": text}]
    await messages.insert_question(
        q, user_id, chat_id, message_id, parent_id=parent_id, parts=parts, metadata={}, now=1
    )
