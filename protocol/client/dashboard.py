"""The dashboard as a client holds it: a snapshot, and every event since.

Law (guarantee 22): the snapshot with the later events applied equals a fresh snapshot, and an event applied twice
changes nothing. Both follow from versions: whoever holds two states of a chat keeps the one with the higher version,
and a deletion wins over every version before it.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from protocol.frames.objects import DashboardChat, DashboardProject, DashboardSnapshot, ModelChoice
from protocol.frames.server import Event

Row = TypeVar("Row", DashboardChat, DashboardProject)
# Falling `updatedAt`, then `chatId`: the order of the sidebar, on every device the same.
Key = tuple[int, str]


class Dashboard:
    """The chats, projects and models of one user.

    `chats` is complete from its top down to the last page that was read (`more` says whether there are others). A chat
    below that line may be known from an event, but others around it may not be, so it is not listed yet.
    """

    __slots__ = ("_chats", "_deleted", "_horizon", "_projects", "cursor", "models")

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._chats: dict[str, DashboardChat] = {}
        self._projects: dict[str, DashboardProject] = {}
        self._deleted: dict[str, int] = {}
        self._horizon: Key | None = None
        self.models: tuple[ModelChoice, ...] = ()
        self.cursor: str | None = None

    def __repr__(self) -> str:
        return f"<Dashboard chats={len(self._chats)} projects={len(self._projects)} more={self.more}>"

    @property
    def chats(self) -> list[DashboardChat]:
        """Every chat down to the last page read, the one changed last first."""
        listed = [chat for chat in self._chats.values() if self._horizon is None or _key(chat) <= self._horizon]
        return sorted(listed, key=_key)

    @property
    def projects(self) -> list[DashboardProject]:
        """Every project, by id; the order on the screen is the page's own affair."""
        return sorted(self._projects.values(), key=lambda project: project.project_id)

    @property
    def more(self) -> bool:
        """Whether there are chats below the last page read."""
        return self.cursor is not None

    def chat(self, chat_id: str) -> DashboardChat | None:
        """A chat by id, listed or not."""
        return self._chats.get(chat_id)

    def project(self, project_id: str) -> DashboardProject | None:
        """A project by id."""
        return self._projects.get(project_id)

    def replace(self, snapshot: DashboardSnapshot) -> None:
        """Start anew from the first page of a fresh snapshot."""
        self._clear()
        self.models = tuple(snapshot.models)
        self.extend(snapshot)

    def extend(self, page: DashboardSnapshot) -> None:
        """Add the next page, read with `cursor`; what events told since is kept where it is newer."""
        self._upsert(self._chats, page.chats)
        self._upsert(self._projects, page.projects)
        self.cursor = page.next_cursor
        if page.next_cursor is None:
            self._horizon = None
        elif page.chats:
            self._horizon = _key(page.chats[-1])

    def apply(self, event: Event) -> None:
        """Take one event; one that was taken before changes nothing."""
        data = event.data
        if event.name == "chat.deleted":
            self._delete(self._chats, data["chatId"], data["version"])
        elif event.name == "project.deleted":
            self._delete(self._projects, data["projectId"], data["version"])
        elif event.name.startswith("project."):
            self._upsert(self._projects, [msgspec.convert(data["project"], DashboardProject)])
        elif "chat" in data:
            self._upsert(self._chats, [msgspec.convert(data["chat"], DashboardChat)])

    def _upsert(self, known: dict[str, Row], rows: Iterable[Row]) -> None:
        for row in rows:
            row_id = _id(row)
            old = known.get(row_id)
            if row.version > max(old.version if old is not None else -1, self._deleted.get(row_id, -1)):
                known[row_id] = row

    def _delete(self, known: dict[str, Any], row_id: str, version: int) -> None:
        self._deleted[row_id] = max(version, self._deleted.get(row_id, -1))
        old = known.get(row_id)
        if old is not None and old.version <= version:
            del known[row_id]


def _id(row: DashboardChat | DashboardProject) -> str:
    return row.chat_id if isinstance(row, DashboardChat) else row.project_id


def _key(chat: DashboardChat) -> Key:
    return -chat.updated_at, chat.chat_id
