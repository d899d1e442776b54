"""Column lineage of the warehouse's queries: from which columns of which tables each column of an answer is made.

Found in the SQL alone, by sqlglot, without asking the warehouse. A query with `select *` from a table, or in a dialect
that sqlglot does not know, has no lineage by column; the tables that it reads are still known (`assets/lineage.py`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from journey_pipelines.snapshots.queries import Query

DIALECTS: Final[Mapping[str, str]] = {"postgresql": "postgres", "mssql": "tsql", "awsathena": "athena"}
"""Where SQLAlchemy and sqlglot name a database differently."""


@dataclass(frozen=True, order=True)
class Origin:
    """A column of a warehouse table."""

    table: str
    column: str


@dataclass(frozen=True)
class Origins:
    """Of one query: what each column of its answer is made of, and every column that it reads, filters included."""

    columns: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)
    read: tuple[Origin, ...] = ()
    trouble: str = ""  # why they are not known; empty: they are


def origins_of(query: Query, dialect: str) -> Origins:
    """The origins of a query in the dialect of the warehouse (as SQLAlchemy names it). Never raises.

    >>> from journey_pipelines.snapshots.queries import Query
    >>> query = Query("loyal", "", "select household_id as customer_id from baskets where amount > 5")
    >>> found = origins_of(query, "duckdb")
    >>> found.columns
    {'customer_id': (Origin(table='baskets', column='household_id'),)}
    >>> [origin.column for origin in found.read]
    ['amount', 'household_id']
    """
    return _origins(query.sql, DIALECTS.get(dialect, dialect))


@cache
def _origins(sql: str, dialect: str) -> Origins:
    # sqlglot takes a third of a second, which only Dagster has to wait for
    from sqlglot import parse_one
    from sqlglot.errors import SqlglotError

    try:
        tree: Any = parse_one(sql, dialect=dialect)
        tree.set("order", None)  # by names of the answer, which are no columns of a table
        read = tuple(sorted(set(_read(tree))))
        columns = {name: tuple(sorted(set(_made_of(name, tree, dialect)))) for name in tree.named_selects}
        return Origins(columns, read)
    except (SqlglotError, ValueError) as error:  # an unknown dialect is a ValueError
        return Origins(trouble=f"the origins of its columns are not known: {str(error).splitlines()[0]}")


def _read(tree: Any) -> Iterator[Origin]:
    """Every column of a table. Columns of scopes with one source are given its name, which sqlglot leaves open."""
    from sqlglot import exp
    from sqlglot.optimizer.scope import traverse_scope

    for scope in traverse_scope(tree):
        sources = {name: source for name, (_, source) in scope.selected_sources.items()}
        for column in scope.columns:
            if not column.table and len(sources) == 1:
                column.set("table", exp.to_identifier(next(iter(sources))))
            source = sources.get(column.table)
            if isinstance(source, exp.Table):
                yield Origin(_name(source), column.name)


def _made_of(name: str, tree: Any, dialect: str) -> Iterator[Origin]:
    from sqlglot import exp
    from sqlglot.lineage import lineage

    for node in lineage(name, tree, {}, dialect=dialect).walk():
        if not node.downstream and isinstance(node.expression, exp.Table):
            yield Origin(_name(node.expression), node.name.rpartition(".")[2].strip('"'))


def _name(table: Any) -> str:
    """With its schema and catalog, as the query names them."""
    return ".".join(part.name for part in table.parts)
