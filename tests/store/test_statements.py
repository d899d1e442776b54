"""SQL as source: every statement has a name and a purpose, and is used."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

import journey_pipelines.store
from journey_pipelines.store.statements import migrations, schema, statements

SUBJECTS = sorted(file.name.removesuffix(".sql") for file in files("sql").joinpath("store").iterdir())

# statements of these are named by what they find or add
CATALOGUES = ("label", "edition", "stamp", "path")


def _text(subject: str) -> str:
    return files("sql").joinpath("store", f"{subject}.sql").read_text()


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_statement_has_a_name_and_a_purpose(subject: str) -> None:
    assert len(statements(subject)) == _text(subject).count(";\n") == _text(subject).count("-- name: ")


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_statement_is_used(subject: str) -> None:
    folder = Path(journey_pipelines.store.__file__).parent
    code = "".join(path.read_text() for path in folder.rglob("*.py"))
    made = {f"{verb}_{name}" for verb in ("find", "add") for name in CATALOGUES}
    assert [name for name in statements(subject) if f'"{name}"' not in code and name not in made] == []


@pytest.mark.parametrize("subject", SUBJECTS)
def test_statements_take_values_by_name_alone(subject: str) -> None:
    assert re.findall(r"%(?!\(\w+\)s)", _text(subject)) == []


def test_migrations_are_numbered_from_one_without_a_gap() -> None:
    assert [migration.version for migration in migrations()] == list(range(1, len(migrations()) + 1))


def test_the_schema_is_part_of_the_package() -> None:
    assert b"CREATE VIEW executions" in schema()
