"""The dashboard as a page of facts at a position."""

from collections.abc import Sequence

from app.store import chats, events, projects, search
from app.store.queries import Queries
from protocol.errors import Refusal
from protocol.frames.client import DashboardGet
from protocol.frames.objects import DashboardChat, DashboardSnapshot, ModelChoice

PAGE = 50


async def snapshot(q: Queries, user_id: str, request: DashboardGet, models: Sequence[ModelChoice]) -> DashboardSnapshot:
    """Read one page of a user's dashboard.

    The position is read before the data: an event that is committed between the two is in both, and applying it again
    changes nothing (guarantee 22). The other way round it would be in neither.

    Raises:
        Refusal: the cursor is not one of ours, or the user is gone.
    """
    head = await events.head(q, user_id)
    if head is None:
        raise Refusal("session_revoked")
    limit = request.limit or PAGE
    after = _parse(request.cursor) if request.cursor is not None else None
    found = await _find(q, user_id, request, limit=limit + 1, after=after)
    shown = found[:limit]
    return DashboardSnapshot(
        epoch=head.epoch,
        offset=head.offset,
        chats=shown,
        projects=await projects.dashboard(q, user_id),
        models=list(models),
        next_cursor=_cursor(shown[-1]) if len(found) > limit else None,
    )


async def _find(
    q: Queries, user_id: str, request: DashboardGet, *, limit: int, after: tuple[int, str] | None
) -> list[DashboardChat]:
    wanted = (request.query or "").strip()
    words = search.words_of(wanted) if wanted else None
    if words == "":
        return []  # there is a query, and no word in it
    return await chats.page(q, user_id, limit=limit, after=after, project_id=request.project_id, query=words)


def _cursor(last: DashboardChat) -> str:
    return f"{last.updated_at}.{last.chat_id}"


def _parse(cursor: str) -> tuple[int, str]:
    updated_at, dot, chat_id = cursor.partition(".")
    if not dot or not updated_at.isdecimal() or len(updated_at) > 16:
        raise Refusal("invalid_argument", "The cursor is not one that this server gave out.", param="$.cursor")
    return int(updated_at), chat_id
