"""Migrations on both dialects: once, whole, in order, and never backwards."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from app.store.engine import Database
from app.store.engine.session import split
from app.store.errors import BadQuery, SchemaTooNew, StoreUnavailable
from app.store.migrations import Migration, load, migrate, pending

FIRST = Migration(1, "0001_notes", "CREATE TABLE notes (id BIGINT PRIMARY KEY); INSERT INTO notes VALUES (1);")
SECOND = Migration(2, "0002_words", "ALTER TABLE notes ADD COLUMN words TEXT; UPDATE notes SET words = 'it''s; 100%';")
BROKEN = Migration(2, "0002_broken", "INSERT INTO notes VALUES (2); INSERT INTO nowhere VALUES (1);")


async def notes(url: str) -> list[dict[str, object]]:
    database = Database(url)
    await database.connect()
    rows = await database.fetch_all("SELECT * FROM notes ORDER BY id")
    await database.close()
    return rows


async def test_each_step_is_applied_once_and_in_order(database_url: str) -> None:
    assert pending(database_url, [FIRST, SECOND]) == ["0001_notes", "0002_words"]
    assert migrate(database_url, [FIRST]) == ["0001_notes"]
    assert pending(database_url, [FIRST, SECOND]) == ["0002_words"]
    assert migrate(database_url, [FIRST, SECOND]) == ["0002_words"]
    assert migrate(database_url, [FIRST, SECOND]) == []
    assert pending(database_url, [FIRST, SECOND]) == []
    assert await notes(database_url) == [{"id": 1, "words": "it's; 100%"}]


def test_a_file_that_migrations_create_is_for_its_owner_alone(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path / 'store.db'}", [FIRST])
    assert [(path.name, path.stat().st_mode & 0o777) for path in tmp_path.iterdir()] == [("store.db", 0o600)]


def test_a_file_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    file.touch()
    file.chmod(0o640)
    migrate(f"sqlite:///{file}", [FIRST])
    assert file.stat().st_mode & 0o777 == 0o640


async def test_a_step_that_fails_leaves_nothing_and_can_be_mended(database_url: str) -> None:
    with pytest.raises(BadQuery):
        migrate(database_url, [FIRST, BROKEN])
    assert await notes(database_url) == [{"id": 1}]
    assert migrate(database_url, [FIRST, SECOND]) == ["0002_words"]


def test_a_newer_database_is_refused_with_a_sentence(database_url: str) -> None:
    migrate(database_url, [FIRST, SECOND])
    for call in (migrate, pending):
        with pytest.raises(SchemaTooNew, match=r"0002_words by a newer Tidewire; this one knows 0001_notes"):
            call(database_url, [FIRST])


@pytest.mark.parametrize("before", [[], [FIRST]])
async def test_of_programs_that_start_at_once_one_applies_each_step(database_url: str, before: list[Migration]) -> None:
    migrate(database_url, before)
    # The steps are slow, so that all of them meet; nobody's connection is shared.
    slow = "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 50000) SELECT max(n) FROM t;"
    steps = [replace(step, sql=slow + step.sql + slow) for step in (FIRST, SECOND)]
    with ThreadPoolExecutor(6) as pool:
        applied = list(pool.map(migrate, [database_url] * 6, [steps] * 6))
    assert sorted(name for names in applied for name in names) == ["0001_notes", "0002_words"][len(before) :]
    assert await notes(database_url) == [{"id": 1, "words": "it's; 100%"}]


def test_the_programs_own_steps_apply(database_url: str) -> None:
    names = [step.name for step in load()]
    assert names[0] == "0001_initial"
    assert migrate(database_url) == names
    assert pending(database_url) == []


def test_a_dialects_lines_are_sql_in_it_and_comments_elsewhere() -> None:
    sql = "CREATE TABLE t (\n  -- sqlite: a BLOB,\n  --postgresql:a BYTEA,\n  b TEXT -- sqlite: no line of its own\n)"
    step = Migration(1, "0001_t", sql)
    assert step.render("sqlite") == "CREATE TABLE t (\na BLOB,\n\n  b TEXT -- sqlite: no line of its own\n)"
    assert step.render("postgresql") == "CREATE TABLE t (\n\na BYTEA,\n  b TEXT -- sqlite: no line of its own\n)"


def test_a_script_is_cut_where_statements_end() -> None:
    trigger = "CREATE TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET a = ';'; DELETE FROM t; END;"
    parts = [part.strip() for part in split(f"SELECT 1; -- a; b\nSELECT ';';{trigger}\n-- the end;\n")]
    assert parts == ["SELECT 1;", "-- a; b\nSELECT ';';", trigger, "-- the end;"]
    connection = sqlite3.connect(":memory:")
    connection.execute(parts[-1])  # a comment alone is no error
    connection.close()


def test_files_must_be_numbered_without_a_gap(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("SELECT 1;")
    (tmp_path / "README.md").write_text("not a step")
    assert [step.name for step in load(tmp_path)] == ["0001_a"]
    (tmp_path / "0003_c.sql").write_text("SELECT 1;")
    with pytest.raises(ValueError, match="numbered"):
        load(tmp_path)
    (tmp_path / "two.sql").write_text("SELECT 1;")
    with pytest.raises(ValueError, match=r"two\.sql"):
        load(tmp_path)


def test_pending_creates_no_file(tmp_path: Path) -> None:
    assert pending(f"sqlite:///{tmp_path}/store.db", [FIRST]) == ["0001_notes"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "postgresql://u:secret@127.0.0.1:1/n"])
def test_a_database_that_cannot_be_reached_is_unavailable(url: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        migrate(url, [FIRST])
    assert "secret" not in str(caught.value)
