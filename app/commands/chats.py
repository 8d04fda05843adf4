"""`chat.get`: a page of the shown branch of a chat."""

from app.commands.reply import Caller, Reply, Table
from app.store import chats, messages, streams
from app.store.queries import Queries
from app.streams import history
from app.streams.registry import Registry
from protocol.codec import to_json
from protocol.errors import Refusal
from protocol.frames.client import ChatGet
from protocol.frames.objects import ActiveStream

PAGE = 50


class Chats:
    """The commands about chats.

    Args:
        database: where they are read.
        registry: knows how far a running stream is.
    """

    def __init__(self, database: Queries, registry: Registry) -> None:
        self._database = database
        self._registry = registry

    def table(self) -> Table:
        """The commands carried out here."""
        return {ChatGet: self.get}

    async def get(self, caller: Caller, command: ChatGet) -> Reply:
        """Read committed messages, oldest first, and the stream of the one that is being written.

        The stream is looked up before the messages: an answer that ends between the two is in both, and the client
        keeps one by its id. The other way round it would be in neither.
        """
        q, user_id = self._database, caller.user_id
        shown = (await chats.dashboard(q, user_id, [command.chat_id])).get(command.chat_id)
        if shown is None:
            raise Refusal("not_found", "There is no such chat.")
        active = await self._active(user_id, command.chat_id)
        leaf_id = shown.leaf_id if command.before is None else await self._older(user_id, command)
        result: dict[str, object] = {"chat": to_json(shown), "messages": []}
        if leaf_id is not None:
            page, oldest = await history.page(q, user_id, command.chat_id, leaf_id, limit=command.limit or PAGE)
            result["messages"] = to_json(page)
            if oldest is not None:
                result["nextCursor"] = oldest
        if active is not None:
            result["activeStream"] = to_json(active)
        return Reply(result)

    async def _older(self, user_id: str, command: ChatGet) -> str | None:
        """Find where the page before a cursor ends."""
        row = await messages.parent_of(self._database, user_id, command.chat_id, str(command.before))
        if row is None:
            raise Refusal("invalid_argument", "The cursor is no message of this chat.", param="$.before")
        parent_id: str | None = row["parent_id"]
        return parent_id

    async def _active(self, user_id: str, chat_id: str) -> ActiveStream | None:
        row = await streams.active_of_chat(self._database, user_id, chat_id)
        return None if row is None else (await self._registry.summaries([row]))[0]
