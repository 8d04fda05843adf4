"""Projects: folders of chats with a common system prompt."""

from app.store.queries import Queries, Row
from protocol.frames.objects import DashboardProject


async def exists(q: Queries, user_id: str, project_id: str) -> bool:
    """Say whether the user has this project."""
    row = await q.fetch_one(
        "SELECT project_id FROM projects WHERE user_id = :user_id AND project_id = :project_id",
        {"user_id": user_id, "project_id": project_id},
    )
    return row is not None


async def count(q: Queries, user_id: str) -> int:
    """Count the user's projects."""
    row = await q.fetch_one("SELECT COUNT(*) AS n FROM projects WHERE user_id = :user_id", {"user_id": user_id})
    return 0 if row is None else int(row["n"])


async def create(
    q: Queries, user_id: str, project_id: str, *, title: str, instructions: str | None, now: int
) -> DashboardProject:
    """Add a project; the change that does so must tell of it.

    Its version begins where the user's event log stands, which is beyond the deletion of an earlier one of this id.
    """
    row = await q.fetch_one(
        """
        INSERT INTO projects (user_id, project_id, title, instructions, version, created_at)
        VALUES (:user_id, :project_id, :title, :instructions,
                (SELECT head + 1 FROM users WHERE user_id = :user_id), :now)
        RETURNING project_id, title, instructions, version
        """,
        {"user_id": user_id, "project_id": project_id, "title": title, "instructions": instructions, "now": now},
    )
    if row is None:
        raise LookupError("an INSERT returned no row")
    return _project(row)


async def update(
    q: Queries, user_id: str, project_id: str, *, title: str | None, instructions: str | None
) -> DashboardProject | None:
    """Change a project; None leaves a field as it is, and empty instructions are none. None when it is not there."""
    row = await q.fetch_one(
        """
        UPDATE projects SET
            title = COALESCE(:title, title),
            instructions = CASE WHEN :instructs = 1 THEN :instructions ELSE instructions END,
            version = version + 1
        WHERE user_id = :user_id AND project_id = :project_id
        RETURNING project_id, title, instructions, version
        """,
        {
            "user_id": user_id,
            "project_id": project_id,
            "title": title,
            "instructs": int(instructions is not None),
            "instructions": instructions or None,
        },
    )
    return None if row is None else _project(row)


async def delete(q: Queries, user_id: str, project_id: str) -> int | None:
    """Delete a project; return the version of the deletion, or None when it is not there."""
    row = await q.fetch_one(
        "DELETE FROM projects WHERE user_id = :user_id AND project_id = :project_id RETURNING version + 1 AS version",
        {"user_id": user_id, "project_id": project_id},
    )
    return None if row is None else int(row["version"])


async def release_chats(q: Queries, user_id: str, project_id: str) -> list[str]:
    """Take all chats out of a project; return their ids."""
    rows = await q.fetch_all(
        "UPDATE chats SET project_id = NULL WHERE user_id = :user_id AND project_id = :project_id RETURNING chat_id",
        {"user_id": user_id, "project_id": project_id},
    )
    return sorted(row["chat_id"] for row in rows)


async def instructions_of_chat(q: Queries, user_id: str, chat_id: str) -> str | None:
    """Read the instructions of the project a chat is in."""
    row = await q.fetch_one(
        """
        SELECT p.instructions FROM chats c JOIN projects p ON p.user_id = c.user_id AND p.project_id = c.project_id
        WHERE c.user_id = :user_id AND c.chat_id = :chat_id
        """,
        {"user_id": user_id, "chat_id": chat_id},
    )
    return None if row is None else row["instructions"]


async def dashboard(q: Queries, user_id: str) -> list[DashboardProject]:
    """List the user's projects as a sidebar shows them, oldest first."""
    rows = await q.fetch_all(
        """
        SELECT project_id, title, instructions, version FROM projects WHERE user_id = :user_id
        ORDER BY created_at, project_id
        """,
        {"user_id": user_id},
    )
    return [_project(row) for row in rows]


def _project(row: Row) -> DashboardProject:
    return DashboardProject(
        project_id=row["project_id"], title=row["title"], instructions=row["instructions"], version=row["version"]
    )
