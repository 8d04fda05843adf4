"""Gives a chat the model's title after its first answer, unless a person has named it."""

import asyncio
import logging

from app.models.catalogue import Catalogue
from app.models.interface import ModelFailure
from app.store import chats
from app.store.engine import Database
from app.store.errors import StoreError
from app.store.outbox import Outbox
from app.streams import history
from app.streams.generation import Generation
from app.streams.titles import provisional, text_of, tidy, words_for
from protocol.errors import Refusal

log = logging.getLogger("tidewire.streams")

PATIENCE = 20.0
# A title needs the gist, not the whole.
GIST = 2_000


class Entitling:
    """Asks a model for a title and stores it as an event.

    Args:
        database, outbox: where the title is stored.
        catalogue: the model that wrote the answer also names it.
    """

    def __init__(self, database: Database, outbox: Outbox, catalogue: Catalogue) -> None:
        self._database = database
        self._outbox = outbox
        self._catalogue = catalogue

    async def entitle(self, generation: Generation) -> None:
        """Name the chat of an answer that was completed; the provisional title stays when that fails."""
        try:
            title = await self._ask(generation)
            if title:
                await self._store(generation, title)
        except (ModelFailure, TimeoutError, StoreError, Refusal) as problem:
            log.info("%s keeps its provisional title: %s", generation.chat_id, problem)

    async def _ask(self, generation: Generation) -> str:
        """Return the model's title; empty when the chat needs none."""
        chat = await chats.get(self._database, generation.user_id, generation.chat_id)
        if chat is None or chat.deleted or chat.title_source != "provisional":
            return ""
        said, _ = await history.page(
            self._database, generation.user_id, generation.chat_id, generation.message_id, limit=2
        )
        texts = [text_of(message.parts)[:GIST] for message in said]
        if len(texts) < 2:
            return ""
        if not texts[0].strip():  # a file alone asks nothing that a model could name; it has a name already
            return provisional(words_for(said[0].parts))
        async with asyncio.timeout(PATIENCE):
            return tidy(await self._catalogue.find(generation.model).title(texts[0], texts[1]))

    async def _store(self, generation: Generation, title: str) -> None:
        async with self._outbox.change(generation.user_id) as change:
            if await chats.entitle(change.tx, generation.user_id, generation.chat_id, title):
                change.tell("chat.updated", source=None, chat_id=generation.chat_id)
