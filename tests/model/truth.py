"""What must be the same everywhere once everything is quiet.

A tab that is opened now, and knows nothing, reads everything: a snapshot, every chat, and every stream from its first
chunk. What each other tab has from its own past must be exactly that, and it must agree with what the events told.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import zip_longest

import msgspec

from protocol.client import Dashboard
from protocol.frames.objects import DashboardSnapshot
from tests.model.page import Page
from tests.model.thread import Message, Thread
from tests.model.transcript import brief
from tests.model.witness import Witness
from tests.wire import Frame, Refused, Tab, opened

# How many answers of one user may run at the same time.
AT_ONCE = 3
# What an answer holds that failed before its first word.
_BLANK: Sequence[list[Frame]] = ([], [{"type": "step-start"}])


async def differences(url: str, token: str, pages: Sequence[Page], witness: Witness) -> list[str]:
    """Compare every tab with a fresh one; return sentences about what is not as it must be."""
    async with opened(url, token) as tab:
        truth = Truth(tab, witness)
        found = [sentence async for sentence in truth.read()]
        for page in pages:
            found += [f"{page.name}: {sentence}" for sentence in truth.compare(page)]
        return found


class Truth:
    """What a fresh tab reads.

    Attributes:
        chats: the answer to `chat.get` of each chat that is there.
        replays: the fold of each stream the events told of.
    """

    def __init__(self, tab: Tab, witness: Witness) -> None:
        self.chats: dict[str, Frame] = {}
        self.replays: dict[str, Message] = {}
        self._tab = tab
        self._witness = witness
        self._welcome = tab.of_type("welcome")[0]
        self._dashboard = Dashboard()
        self._dashboard.replace(msgspec.convert(self._welcome["snapshot"], DashboardSnapshot))

    # One tab against the truth

    def compare(self, page: Page) -> Iterator[str]:
        """Say in what a tab differs."""
        mine, fresh = page.client.dashboard, self._dashboard
        for known, anew in zip_longest(mine.chats, fresh.chats):
            if known != anew:
                yield f"in its sidebar is {known}, in a fresh one {anew}"
        if mine.projects != fresh.projects:
            yield f"its projects are {brief(mine.projects)}, fresh ones {brief(fresh.projects)}"
        if page.position != (self._welcome["events"]["epoch"], self._welcome["events"]["offset"]):
            yield f"it stands at {page.position}, the log at {self._welcome['events']}"
        if page.thread is not None:
            active = self.chats.get(page.thread.chat_id, {}).get("activeStream")
            yield from () if page.lags and active is not None else self._thread(page.thread)
            seen = self.chats.get(page.thread.chat_id)
            if page.is_visible and seen is not None and seen["chat"]["unseen"]:
                yield f"it shows {page.thread.chat_id}, whose answer counts as unseen all the same (guarantee 26)"

    def _thread(self, thread: Thread) -> Iterator[str]:
        fresh = self.chats.get(thread.chat_id)
        if fresh is None:
            if thread.state != "missing":
                yield f"it shows {thread.chat_id}, which is not there"
            return
        wanted = list(fresh["messages"])
        active = fresh.get("activeStream")
        if active is not None and active["messageId"] == fresh["chat"].get("leafId"):
            wanted.append(self.replays[active["streamId"]])
        if thread.state != "loaded" or thread.shown is None:
            yield f"{thread.chat_id} is {thread.state}, and a piece of what it shows may be missing"
            return
        for place, (mine, anew) in enumerate(zip_longest(thread.shown, wanted)):
            if mine != anew:
                yield f"message {place} of {thread.chat_id} is {brief(mine, 1_500)}, read anew {brief(anew, 1_500)}"
        for message_id, (answer, fold) in thread.growing.items():
            if answer.stream_id in self.replays and fold.message() != self.replays[answer.stream_id]:
                yield f"{message_id} grows as {brief(fold.message())}, anew {brief(self.replays[answer.stream_id])}"

    # The truth, and what the events told

    async def read(self) -> AsyncIterator[str]:
        """Read everything, and say what cannot be read or contradicts itself."""
        for chat in self._dashboard.chats:
            self.chats[chat.chat_id] = (await self._tab.command("chat.get", chatId=chat.chat_id, limit=200))["result"]
        active = {each["streamId"]: each for each in self._welcome["activeStreams"]}
        for stream_id in [*active, *self._witness.told]:
            if stream_id not in self.replays and self._is_there(stream_id, active):
                async for sentence in self._replay(stream_id, active.get(stream_id)):
                    yield sentence
        for sentence in [*self._running(active), *self._deleted(), *self._versions(), *self._stored()]:
            yield sentence
        for chat_id in self._witness.deleted:
            try:
                await self._tab.command("chat.get", chatId=chat_id)
                yield f"{chat_id} can be read, but was deleted"
            except Refused as refusal:
                if refusal.code != "not_found":
                    yield f"{chat_id} was deleted, but is {refusal.code}"

    def _is_there(self, stream_id: str, active: dict[str, Frame]) -> bool:
        told = self._witness.told.get(stream_id)
        return stream_id in active or (told is not None and told.chat_id not in self._witness.deleted)

    async def _replay(self, stream_id: str, active: Frame | None) -> AsyncIterator[str]:
        try:
            head = (await self._tab.follow(stream_id))["seq"]
        except Refused as refusal:
            yield f"{stream_id} cannot be followed: {refusal.code}"
            return
        if active is None:
            end = await self._tab.ended(stream_id)
            told = self._witness.told[stream_id].status
            if told is not None and end["status"] != told:
                yield f"{stream_id} ended {end['status']}, but the events told {told}"
        elif head:
            await self._tab.reached(stream_id, head)
        if stream_id in self._tab.streams:
            self.replays[stream_id] = self._tab.streams[stream_id].fold.message()

    def _running(self, active: dict[str, Frame]) -> Iterator[str]:
        """What the sidebar shows as running, what the welcome lists, and what the events told."""
        running = {stream_id for stream_id, each in active.items() if each["status"] != "queued"}
        waiting = active.keys() - running
        shown = {chat.active_stream_id for chat in self._dashboard.chats} - {None}
        queued = {each.stream_id for chat in self._dashboard.chats for each in chat.queue or ()}
        if shown != running or queued != waiting:
            yield f"running are {running}, shown {shown}; waiting {waiting}, shown {queued}"
        if mute := [stream_id for stream_id in running if not active[stream_id]["seq"]]:
            yield f"{mute} run and have not said a word"
        for chat in self._dashboard.chats:
            if chat.queue and not chat.queue_paused and chat.active_stream_id is None and len(running) < AT_ONCE:
                yield f"{chat.chat_id} has a queue that nothing holds up, and nothing runs there"
        if stopping := [stream_id for stream_id, each in active.items() if each["status"] == "stopping"]:
            yield f"{stopping} are stopping for ever (guarantee 16)"
        for stream_id, told in self._witness.told.items():
            if told.started_at is not None and told.status is None and stream_id not in running:
                yield f"{stream_id} was told to have started and not to have ended, but does not run"
            if told.status is not None and stream_id in active:
                yield f"{stream_id} was told to have ended {told.status}, but is {active[stream_id]['status']}"

    def _deleted(self) -> Iterator[str]:
        for chat in self._dashboard.chats:
            if chat.chat_id in self._witness.deleted:
                yield f"{chat.chat_id} is back, but was deleted"
            ran = [told for told in self._witness.told.values() if told.chat_id == chat.chat_id and told.started_at]
            last = max(ran, key=lambda told: told.ended_at or 0, default=None)
            if last is not None and last.ended_at is not None and chat.last_status != last.status:
                yield f"{chat.chat_id} says its last answer is {chat.last_status}, but the events told {last.status}"

    def _stored(self) -> Iterator[str]:
        """Each stored answer is the fold of its stream (guarantee 13)."""
        messages = {message["id"]: message for chat in self.chats.values() for message in chat["messages"]}
        for stream_id, replay in self.replays.items():
            message = messages.get(replay["id"])
            if message is None:
                continue
            if message["parts"] != replay["parts"]:
                yield f"{stream_id} is stored as {brief(message, 1_000)}, but folds to {brief(replay, 1_000)}"
            end = self._tab.streams[stream_id].end
            for name in ("status", "finishReason", "usage", "error"):
                if end is not None and message["metadata"].get(name) != end.get(name):
                    yield f"{stream_id} ended with {name} {end.get(name)}, stored is {message['metadata'].get(name)}"

    def _versions(self) -> Iterator[str]:
        """Each message knows its place among the versions of it, oldest first."""
        for chat in self.chats.values():
            for message in chat["messages"]:
                versions, parent = message["metadata"]["versions"], message["metadata"].get("parentId")
                if versions["ids"][versions["index"]] != message["id"]:
                    yield f"{message['id']} is not at its place in {versions}"
                known = self._siblings(chat["chat"]["chatId"], message["role"], parent, message["id"])
                if known is not None and versions["ids"] != known:
                    yield f"{message['id']} has the versions {versions['ids']}, but the events told {known}"

    def _siblings(self, chat_id: str, role: str, parent: str | None, shown: str) -> list[str] | None:
        """The versions of a place in the order they were told of; None when some of it was not seen."""
        if role == "user":
            asked = self._witness.questions.get((chat_id, parent), {})
            return [asked[offset] for offset in sorted(asked)] or None
        found = []
        ran = {stream_id: told for stream_id, told in self._witness.told.items() if told.started_at is not None}
        for stream_id, told in sorted(ran.items(), key=lambda item: item[1].started_at or 0):
            if told.chat_id != chat_id:
                continue
            replay = self.replays.get(stream_id)
            if replay is None or not replay.get("metadata"):
                return None  # stopped before it began: its log does not say where it is
            is_blank = told.status == "failed" and replay["parts"] in _BLANK
            if replay["metadata"]["parentId"] == parent and (not is_blank or replay["id"] == shown):
                found.append(replay["id"])
        return found
