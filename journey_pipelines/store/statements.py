"""Named SQL statements and migrations, read from the installed package `sql`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from journey_pipelines.errors import StoreError
from sql.statements import named_statements

MIGRATION: Final = re.compile(r"(?P<version>\d{4})_(?P<name>\w+)\.sql")


@dataclass(frozen=True)
class Migration:
    """One step of the schema."""

    version: int
    name: str
    text: bytes


@cache
def statements(subject: str) -> Mapping[str, bytes]:
    """The statements of `sql/store/<subject>.sql` by name, without their final semicolons.

    >>> sorted(statements("events"))
    ['add_events', 'events']
    """
    text = files("sql").joinpath("store", f"{subject}.sql").read_text(encoding="utf-8")
    return {statement.name: statement.sql.encode() for statement in named_statements(text)}


@cache
def migrations() -> tuple[Migration, ...]:
    """All of `sql/migrations/`, in order. Raises StoreError where a number is missing or taken twice."""
    named = [(MIGRATION.fullmatch(file.name), file) for file in files("sql").joinpath("migrations").iterdir()]
    found = sorted(
        (Migration(int(match["version"]), match["name"], file.read_bytes()) for match, file in named if match),
        key=lambda migration: migration.version,
    )
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        numbers = ", ".join(str(migration.version) for migration in found)
        raise StoreError(f"sql/migrations has the numbers {numbers}; number its files from 0001 without a gap")
    return tuple(found)


def schema() -> bytes:
    """`sql/schema.sql`: what the migrations replay to."""
    return files("sql").joinpath("schema.sql").read_bytes()


def replay_schema() -> bytes:
    """`sql/replay_schema.sql`: the tables of replays that are kept, made where they are absent."""
    return files("sql").joinpath("replay_schema.sql").read_bytes()
