"""`dashboard.get` and `events.resume`."""

from app.commands.reply import Caller, Reply, Table
from app.models.catalogue import Catalogue
from app.realtime.hub import Hub
from app.store import dashboard
from app.store.queries import Queries
from protocol.codec import to_json
from protocol.errors import Refusal
from protocol.frames.client import DashboardGet, EventsResume
from protocol.frames.objects import DashboardSnapshot, EventPosition, ModelChoice


class Dashboard:
    """The commands about the dashboard.

    Args:
        database: where it is read.
        hub: knows the user's events.
        catalogue: the models people can choose.
    """

    def __init__(self, database: Queries, hub: Hub, catalogue: Catalogue) -> None:
        self._database = database
        self._hub = hub
        self._models = [ModelChoice(id=info.id, label=info.label, default=info.default) for info in catalogue.infos()]

    def table(self) -> Table:
        """The commands carried out here."""
        return {DashboardGet: self.get, EventsResume: self.resume}

    async def snapshot(self, user_id: str, request: DashboardGet) -> DashboardSnapshot:
        """Read one page of a user's dashboard at a position (guarantee 22)."""
        return await dashboard.snapshot(self._database, user_id, request, self._models)

    async def get(self, caller: Caller, command: DashboardGet) -> Reply:
        """Read one page of the dashboard."""
        return Reply(to_json(await self.snapshot(caller.user_id, command)))

    async def resume(self, caller: Caller, command: EventsResume) -> Reply:
        """Follow the events after a position, or say that they cannot be had (guarantee 21)."""
        feed = self._hub.feed_of(caller.user_id)
        if feed is None:
            raise Refusal("unavailable")
        position = EventPosition(epoch=command.epoch, offset=command.offset)
        recovered = await self._hub.recover(caller.user_id, feed, position)
        result = {"epoch": feed.epoch, "offset": feed.head, "recovered": recovered}
        return Reply(result, events=(feed, command.offset if recovered else feed.head))
