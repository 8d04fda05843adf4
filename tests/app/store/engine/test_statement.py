"""Translation of statements, with laws over arbitrary texts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store.engine.statement import Translator
from app.store.errors import BadQuery

SQLITE, POSTGRES = Translator("sqlite"), Translator("postgresql")

opaque = st.sampled_from(
    ["':a'", '":b"', "'it''s :c'", "-- :d\n", "/* :e\n */", "x::int", "100%", "'%s'", " ", "t.c = "]
)
names = st.sampled_from(["id", "user_id", "x1"])
pieces = st.lists(st.one_of(opaque, names.map(lambda name: (name,))), max_size=12)


def text(parts: list[str | tuple[str]]) -> str:
    return "".join(part if isinstance(part, str) else f" :{part[0]} " for part in parts)


def values(parts: list[str | tuple[str]]) -> dict[str, object]:
    return {part[0]: 1 for part in parts if not isinstance(part, str)}


def test_a_dialects_lines_and_values_are_its_own() -> None:
    sql = "SELECT 1\n  -- sqlite: WHERE a MATCH :q\n  -- postgresql: WHERE a @@ f(:q) AND 'x%' = ''"
    assert SQLITE.bind(sql, {"q": 1}).sql.split() == ["SELECT", "1", "WHERE", "a", "MATCH", ":q"]
    assert POSTGRES.bind(sql, {"q": 1}).sql.split() == [
        "SELECT",
        "1",
        "WHERE",
        "a",
        "@@",
        "f(%(q)s)",
        "AND",
        "'x%%'",
        "=",
        "''",
    ]


@given(pieces)
def test_sqlite_gets_the_text_unchanged(parts: list[str | tuple[str]]) -> None:
    assert SQLITE.bind(text(parts), values(parts)).sql == text(parts)


@given(pieces)
def test_formatting_for_postgres_changes_nothing_but_the_values(parts: list[str | tuple[str]]) -> None:
    """What psycopg2 does with the translation, `sql % values`, gives the text with its values in place."""
    statement = POSTGRES.bind(text(parts), values(parts))
    wanted = "".join(part if isinstance(part, str) else f" <{part[0]}> " for part in parts)
    assert statement.sql % {name: f"<{name}>" for name in values(parts)} == wanted


@given(st.text())
def test_any_text_is_understood_somehow(sql: str) -> None:
    found = set(re.findall(r":([A-Za-z_]\w*)", sql))
    for name_set in (found, set[str]()):
        try:
            POSTGRES.bind(sql, dict.fromkeys(name_set, 1))
        except BadQuery:
            continue


@given(st.lists(st.integers(), min_size=1, max_size=5))
def test_a_list_becomes_one_value_for_each_item(items: list[int]) -> None:
    statement = POSTGRES.bind("SELECT 1 WHERE :a IN :ids AND 2 IN :ids", {"ids": items, "a": 0})
    written = ", ".join(f"%(ids__{index})s" for index in range(len(items)))
    assert statement.sql == f"SELECT 1 WHERE %(a)s IN ({written}) AND 2 IN ({written})"
    assert statement.args == {"a": 0, **{f"ids__{index}": item for index, item in enumerate(items)}}


@pytest.mark.parametrize(
    ("sql", "given", "sentence"),
    [
        ("SELECT :a, :b", {"a": 1}, "lacks b"),
        ("SELECT :a", {"a": 1, "c": 2}, "does not use c"),
        ("SELECT :a", {"b": 1}, "lacks a and does not use b"),
        ("SELECT 1 IN :a", {"a": []}, "empty"),
        ("SELECT :a", {"a": "x\0"}, "NUL"),
        ("SELECT 1 IN :a", {"a": ["x\0"]}, "NUL"),
    ],
)
def test_values_that_do_not_fit_are_refused_with_a_sentence(sql: str, given: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadQuery, match=sentence):
        SQLITE.bind(sql, given)


@pytest.mark.parametrize(
    ("sql", "is_read"),
    [
        ("SELECT 1", True),
        ("\n  select updated_at FROM t", True),
        ("WITH a AS (SELECT 1) SELECT * FROM a", True),
        ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", False),
        ("INSERT INTO t VALUES (1) RETURNING id", False),
        ("UPDATE t SET a = 1", False),
        ("delete from t", False),
        ("CREATE TABLE t (a)", False),
        ("PRAGMA wal_checkpoint", False),
        ("SELECT 'please update me'", False),  # sent to the writer, which only costs a wait
    ],
)
def test_only_what_certainly_reads_is_a_read(sql: str, is_read: bool) -> None:
    assert SQLITE.bind(sql, {}).is_read is is_read
