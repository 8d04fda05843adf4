"""Projects: folders of chats with a common system prompt."""

from app.store.queries import Queries
from protocol.frames.objects import DashboardProject


async def exists(q: Queries, user_id: str, project_id: str) -> bool:
    """Say whether the user has this project."""
    row = await q.fetch_one(
        "SELECT project_id FROM projects WHERE user_id = :user_id AND project_id = :project_id",
        {"user_id": user_id, "project_id": project_id},
    )
    return row is not None


async def dashboard(q: Queries, user_id: str) -> list[DashboardProject]:
    """List the user's projects as a sidebar shows them, oldest first."""
    rows = await q.fetch_all(
        """
        SELECT project_id, title, instructions, version FROM projects WHERE user_id = :user_id
        ORDER BY created_at, project_id
        """,
        {"user_id": user_id},
    )
    return [
        DashboardProject(
            project_id=row["project_id"], title=row["title"], instructions=row["instructions"], version=row["version"]
        )
        for row in rows
    ]
