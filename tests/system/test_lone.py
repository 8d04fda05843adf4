"""One node with PostgreSQL and without Redis: the lease in the database keeps it alone."""

from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from tests.system.server import ServerProcess
from tests.wire import guest, opened, text_of

pytestmark = pytest.mark.slow


@pytest.fixture
def database(new_postgres_database: object) -> str:
    url: str = new_postgres_database()  # type: ignore[operator]  # a function that makes one
    return url


async def test_g18_a_lone_node_that_was_killed_takes_its_lease_over_and_finds_its_answers(
    database: str, tmp_path: Path
) -> None:
    with ServerProcess(tmp_path / "data", DATABASE_URL=database) as server:
        token = guest(server.url)
        async with opened(server.url, token) as tab:
            result = await tab.ask("c", options={"tokens": 2_000, "pace": 200})
            await tab.reached(result["streamId"], 20)
            shown = tab.streams[result["streamId"]].text
            server.kill()
        server.start()
        async with opened(server.url, token) as tab:
            answer = (await tab.history("c"))[-1]
        assert lease_count(database) == 1, "that of the dead one was not waited for"
    assert answer["metadata"]["status"] == "interrupted"
    assert text_of(answer).startswith(shown)


def lease_count(database: str) -> int:
    with closing(psycopg2.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM leases")
        [(count,)] = cursor.fetchall()
        return int(count)


async def test_a_second_lone_node_says_who_serves_the_database(database: str, tmp_path: Path) -> None:
    second = ServerProcess(tmp_path / "more", DATABASE_URL=database)
    with (
        ServerProcess(tmp_path / "data", DATABASE_URL=database, NODE_NAME="first"),
        pytest.raises(RuntimeError, match=r"The node first_\w+ serves this database"),
    ):
        second.start()
