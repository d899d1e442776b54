"""Migrations replay to schema.sql, once, whoever comes first."""

from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import psycopg
import pytest

from journey_pipelines.engine import frames
from journey_pipelines.errors import StoreError
from journey_pipelines.store.postgres import PostgresStore
from journey_pipelines.store.postgres.migration import migrate
from journey_pipelines.store.postgres.reports import TABLES
from journey_pipelines.store.statements import migrations, schema
from tests.store.rows import HOUR, NOW, changes

DAY = 24 * HOUR

CATALOG = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, co.collname,
               pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
        FROM pg_attribute AS a
        JOIN pg_class AS c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
        LEFT JOIN pg_collation AS co ON co.oid = a.attcollation
        WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'v', 'p') AND a.attnum > 0
        ORDER BY c.relname, a.attnum
    """,
    "tables": """
        SELECT relname, relkind, reloptions, obj_description(oid, 'pg_class') FROM pg_class
        WHERE relnamespace = %(schema)s::regnamespace AND relkind IN ('r', 'v', 'p', 'S')
        ORDER BY relname
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = %(schema)s::regnamespace
        ORDER BY 1, 2
    """,
    "indexes": """
        SELECT tablename, indexname, replace(indexdef, schemaname || '.', '') FROM pg_indexes
        WHERE schemaname = %(schema)s ORDER BY 1, 2
    """,
    "functions": """
        SELECT proname, prosrc FROM pg_proc WHERE pronamespace = %(schema)s::regnamespace ORDER BY 1
    """,
}


def listing(url: str, name: str) -> dict[str, list[tuple[object, ...]]]:
    with psycopg.connect(url) as connection:
        connection.execute("SELECT set_config('search_path', %(schema)s, false)", {"schema": name})
        return {part: connection.execute(query, {"schema": name}).fetchall() for part, query in CATALOG.items()}


def execute(url: str, text: str | bytes) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(text if isinstance(text, bytes) else text.encode())


def test_the_migrations_replay_to_the_schema(postgres_url: str) -> None:
    migrate(postgres_url, "replayed")
    execute(postgres_url, b"CREATE SCHEMA written; SET search_path = written; " + schema())
    written = listing(postgres_url, "written")
    assert listing(postgres_url, "replayed") == written
    assert len(written["tables"]) > len(TABLES)


def test_every_table_and_every_puzzling_column_is_described(postgres_url: str) -> None:
    migrate(postgres_url)
    assert [
        name for name, kind, _, told in listing(postgres_url, "journeys")["tables"] if kind == "r" and not told
    ] == []


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_columns_of_its_frame(postgres_url: str, table: str) -> None:
    types = {
        frames.TEXT: {"text"},
        frames.INT: {"integer", "bigint"},
        frames.BOOL: {"boolean"},
        frames.TIME: {"timestamp with time zone"},
        frames.JSON: {"jsonb"},
    }
    migrate(postgres_url)
    stored, columns = TABLES[table]
    found = {column: kind for name, column, kind, *_ in listing(postgres_url, "journeys")["columns"] if name == stored}
    assert {name for name, dtype in columns.items() if found[name] not in types[dtype]} == set()


def test_migrating_again_applies_nothing(postgres_url: str) -> None:
    assert migrate(postgres_url) == [migration.name for migration in migrations()]
    assert migrate(postgres_url) == []


def test_several_who_migrate_at_once_apply_each_step_once(postgres_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(migrate, [postgres_url] * 4))
    assert sorted(map(len, applied)) == [0, 0, 0, len(migrations())]


def test_a_store_newer_than_the_program_is_left_alone(postgres_url: str) -> None:
    migrate(postgres_url)
    execute(postgres_url, "INSERT INTO journeys.schema_migrations (version, name) VALUES (9999, 'from_the_future')")
    before = listing(postgres_url, "journeys")
    message = r"schema journeys .* at version 9999 \(from_the_future\), this program knows \d+; install"
    store = PostgresStore(postgres_url)
    with pytest.raises(StoreError, match=message), store.transaction():
        pass
    assert listing(postgres_url, "journeys") == before


def test_a_schema_of_another_program_is_left_alone(postgres_url: str) -> None:
    migrate(postgres_url)
    execute(postgres_url, "UPDATE journeys.schema_migrations SET name = 'other' WHERE version = 1")
    with pytest.raises(StoreError, match=r"has 1 \(other\) where this program has 1 \(initial\)"):
        migrate(postgres_url)


def test_a_migration_that_fails_leaves_no_schema(postgres_url: str) -> None:
    execute(postgres_url, "CREATE SCHEMA journeys; CREATE TABLE journeys.suppressions (x int)")
    with pytest.raises(StoreError, match="suppressions"):
        migrate(postgres_url)
    assert [name for name, *_ in listing(postgres_url, "journeys")["tables"]] == ["suppressions"]


def test_an_existing_schema_needs_no_right_to_create_one(postgres_url: str) -> None:
    execute(
        postgres_url,
        "CREATE ROLE plain LOGIN; CREATE SCHEMA journeys AUTHORIZATION plain",
    )
    try:
        head, _, rest = postgres_url.partition("://")
        assert migrate(f"{head}://plain@{rest.partition('@')[2]}") == [migration.name for migration in migrations()]
    finally:
        execute(postgres_url, "DROP OWNED BY plain; DROP ROLE plain")


OLD_ROWS = """
    INSERT INTO executions (
        execution_id, journey_key, journey_version, customer_id, entry_number, entered_via, state, current_node_id,
        visit, visits, context, due_at, entered_at, arrived_at, ended_at, waiting_for, events_since, action_status,
        missing_since, outcome, failure
    ) VALUES
        ('b', 'welcome', 1, 'ada', 1, 'entry', 'COMPLETED', 'done', 1, '{}', '{"source": "till"}', NULL,
         '2017-03-01', '2017-03-02', '2017-03-02', NULL, NULL, NULL, NULL, 'done', NULL),
        ('a', 'welcome', 2, 'ada', 2, 'manual', 'WAITING', 'wait', 2, '{"wait": 2}', '{}', '2017-03-09',
         '2017-03-03', '2017-03-04', NULL, 'purchase', '2017-03-04', NULL, '2017-03-05', NULL, NULL),
        ('c', 'welcome', 2, 'bob', 1, 'entry', 'FAILED', NULL, 1, '{}', '{}', NULL,
         '2017-03-03', NULL, '2017-03-04', NULL, NULL, 'failed', NULL, NULL, 'action_failed: no such number');
    INSERT INTO transitions (
        execution_id, journey_key, journey_version, customer_id, node_id, visit, branch, at, run_id, run_as_of,
        snapshot_id, fingerprint
    ) VALUES
        ('b', 'welcome', 1, 'ada', 'start', 1, NULL, '2017-03-01', 'one', '2017-03-01', 'features@1', NULL),
        ('a', 'welcome', 2, 'ada', 'start', 1, NULL, '2017-03-03', NULL, NULL, NULL, NULL),
        ('b', 'welcome', 1, 'ada', 'done', 1, 'yes', '2017-03-02', 'two', '2017-03-02', 'features@2', 'abc');
"""
OLD_TABLES = ("executions", "transitions")


def test_rows_of_the_first_layout_are_there_in_the_next(postgres_url: str) -> None:
    first, *_ = migrations()
    history = "INSERT INTO schema_migrations (version, name) VALUES (1, 'initial')"
    head = b"CREATE SCHEMA journeys; SET search_path = journeys; "
    execute(postgres_url, head + first.text + f"; {history}; {OLD_ROWS}".encode())
    named = {table: ", ".join(TABLES[table][1]) for table in OLD_TABLES}
    reading = {table: f"SELECT {named[table]} FROM journeys.{table} ORDER BY position" for table in OLD_TABLES}

    def rows() -> dict[str, list[tuple[object, ...]]]:
        with psycopg.connect(postgres_url) as connection:
            return {table: connection.execute(query.encode()).fetchall() for table, query in reading.items()}

    before = rows()
    assert migrate(postgres_url) == [migration.name for migration in migrations()[1:]]
    assert rows() == before
    store = PostgresStore(postgres_url)
    with store.transaction() as transaction:
        found = transaction.take_due("welcome", 2, as_of=NOW + 30 * DAY, missing_before=NOW, limit=9).frame
        assert found["execution_id"].tolist() == ["a"]
        transaction.save(changes(found.assign(due_at=pd.Timestamp(NOW + 40 * DAY))))
        assert transaction.entries("welcome", pd.Index(["ada", "bob"]))["is_unfinished"].tolist() == [True, False]
    store.close()
