"""`GET /v1/export`: everything of one's own, whole, and nobody else's."""

import pytest

from app.commands import exporting
from app.commands.reply import Caller
from app.store.engine import Database
from tests.app.web.site import Answer, Site
from tests.app.world import World


class Owner:
    """A user with chats, who downloads them."""

    def __init__(self, site: Site, user_id: str, token: str) -> None:
        self.caller = Caller(user_id, "client")
        self._site = site
        self._token = token

    async def export(self, query: str = "") -> Answer:
        return await self._site.call("GET", f"/v1/export{query}", authorization=f"Bearer {self._token}")


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


async def test_markdown_reads_like_the_chats(site: Site) -> None:
    mine, world = await owner(site), site.world
    await world.answered(mine.caller, "c", "What is it?")
    await world.quiet()
    answer = await mine.export("?format=markdown")
    assert answer["content-type"].startswith("text/markdown")
    text = answer.body.decode()
    assert text.index("# ") < text.index("**You:**\n\nWhat is it?") < text.index("**Answer:**\n\nHello!")


async def test_who_has_nothing_gets_an_empty_document(site: Site) -> None:
    exported = (await (await owner(site)).export()).json
    assert (exported["projects"], exported["chats"]) == ([], [])


async def test_only_formats_that_are_there_and_only_for_people_who_are_known(site: Site) -> None:
    answer = await (await owner(site)).export("?format=pdf")
    assert answer.refused == (400, "invalid_argument")
    assert answer.json["error"]["param"] == "$.format"
    assert (await site.call("GET", "/v1/export")).refused == (401, "unauthenticated")


async def test_it_is_read_a_few_chats_at_a_time(world: World, store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = await world.guest()
    for number in range(exporting.CHATS * 2 + 1):
        await world.run(caller, "chat.create", chatId=f"c{number}", title=f"Chat {number}")
    await world.answered(caller, "c0", "One?")
    monkeypatch.setattr(exporting, "MESSAGES", 1)
    reads: list[int] = []
    fetch_all = store.fetch_all

    async def counted(sql: str, values: dict[str, object]) -> object:
        rows = await fetch_all(sql, values)
        reads.append(len(rows) if "FROM messages" in sql or "c.title" in sql else 0)
        return rows

    monkeypatch.setattr(store, "fetch_all", counted)
    pieces = [piece async for piece in exporting.as_json(store, caller.user_id, now=1)]
    assert max(reads) == exporting.CHATS
    assert b"".join(pieces).count(b'"chatId"') == exporting.CHATS * 2 + 1
