"""`project.create`, `project.update` and `project.delete`."""

from app.commands.naming import instructions_of, title_of
from app.commands.reply import Caller, Reply, Table
from app.store import projects
from app.store.outbox import Change, Outbox
from protocol.errors import Refusal
from protocol.frames.client import ProjectCreate, ProjectDelete, ProjectUpdate

UNTITLED = "New project"
# Every snapshot holds all of them, with instructions.
MOST_PROJECTS = 200


class Projects:
    """The commands about projects.

    Args:
        outbox: where projects change.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def table(self) -> Table:
        """The commands carried out here."""
        return {ProjectCreate: self.create, ProjectUpdate: self.update, ProjectDelete: self.delete}

    async def create(self, caller: Caller, command: ProjectCreate) -> Reply:
        """Add a project under the id the client chose."""
        title, instructions = title_of(command.title), instructions_of(command.instructions)
        async with self._outbox.change(caller.user_id) as change:
            if (receipt := await change.receipt(command)) is not None:
                return Reply(receipt.result, duplicate=True)
            await _check_new(change, command.project_id)
            project = await projects.create(
                change.tx,
                change.user_id,
                command.project_id,
                title=title or UNTITLED,
                instructions=instructions or None,
                now=change.now,
            )
            change.tell("project.created", source=caller.client_id, projectId=project.project_id, project=project)
            await change.remember(command, {"version": project.version})
        return Reply({"version": project.version})

    async def update(self, caller: Caller, command: ProjectUpdate) -> Reply:
        """Rename a project or change its instructions; answers that begin from now on follow them."""
        title, instructions = title_of(command.title), instructions_of(command.instructions)
        if title is None and instructions is None:
            raise Refusal("invalid_argument", "Say what to change: `title` or `instructions`.", param="$")
        async with self._outbox.change(caller.user_id) as change:
            if (receipt := await change.receipt(command)) is not None:
                return Reply(receipt.result, duplicate=True)
            project = await projects.update(
                change.tx, change.user_id, command.project_id, title=title, instructions=instructions
            )
            if project is None:
                raise Refusal("not_found", "There is no such project.", param="$.projectId")
            change.tell("project.updated", source=caller.client_id, projectId=project.project_id, project=project)
            await change.remember(command, {"version": project.version})
        return Reply({"version": project.version})

    async def delete(self, caller: Caller, command: ProjectDelete) -> Reply:
        """Delete a project; its chats stay, without one, and each tells so in the same change."""
        async with self._outbox.change(caller.user_id) as change:
            if (receipt := await change.receipt(command)) is not None:
                return Reply(receipt.result, duplicate=True)
            version = await projects.delete(change.tx, change.user_id, command.project_id)
            if version is None:
                raise Refusal("not_found", "There is no such project.", param="$.projectId")
            for chat_id in await projects.release_chats(change.tx, change.user_id, command.project_id):
                change.tell("chat.updated", source=caller.client_id, chat_id=chat_id)
            change.tell("project.deleted", source=caller.client_id, projectId=command.project_id, version=version)
            await change.remember(command, {"version": version})
        return Reply({"version": version})


async def _check_new(change: Change, project_id: str) -> None:
    if await projects.exists(change.tx, change.user_id, project_id):
        raise Refusal("message_conflict", "You have a project with this id; change it instead.", param="$.projectId")
    if await projects.count(change.tx, change.user_id) >= MOST_PROJECTS:
        raise Refusal("quota_exceeded", f"You have {MOST_PROJECTS} projects, which is the most. Delete one first.")
