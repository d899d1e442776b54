"""Lineage: the warehouse's tables, found in the queries that read them, and the columns that each query is made of."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import dagster as dg

from assets.ownership import DATA_TEAM
from journey_pipelines.snapshots.origins import Origin, origins_of
from journey_pipelines.snapshots.queries import Query
from journey_pipelines.snapshots.warehouse import Warehouse

PREFIX: Final = "warehouse"

SAMPLE_TABLES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "transactions": ("One row for each product on a receipt.", ()),
    "products": ("The products with their departments.", ()),
    "baskets": ("One row for each shopping trip, summed up from the transactions.", ("transactions",)),
    "basket_departments": ("What each trip spent in each department.", ("transactions", "products")),
    "households": ("Everybody who ever bought, with the first time.", ("baskets",)),
    "demographics": ("The survey: age, income, household.", ("households",)),
    "customers": ("Names, addresses, consents and time zones; invented, from a seed.", ("households",)),
    "coupon_redemptions": ("Used coupons.", ("baskets",)),
    "campaign_descriptions": ("The campaigns that an action may trigger.", ()),
}
"""What is known of the sample's tables: their meaning, and which tables they are made from."""

_COMMENT: Final = re.compile(r"--[^\n]*")
_READ: Final = re.compile(r"\b(?:from|join)\s+([a-z_][\w.]*)", re.IGNORECASE)
_NAMED: Final = re.compile(r"(?:\bwith(?:\s+recursive)?|,)\s+([a-z_]\w*)\s+as\s*\(", re.IGNORECASE)


def tables_read(sql: str) -> list[str]:
    """Tables that a query reads, sorted: what follows `from` and `join` and is no `with` query of its own.

    >>> tables_read("with b as (select * from baskets) select * from b join households using (household_id)")
    ['baskets', 'households']
    """
    bare = _COMMENT.sub("", sql)
    return sorted({*_READ.findall(bare)} - {*_NAMED.findall(bare)})


def table_keys(query: Query) -> list[dg.AssetKey]:
    """The assets that a query depends on."""
    return [_key(table) for table in tables_read(query.sql)]


def warehouse_tables(queries: Iterable[Query]) -> list[dg.AssetSpec]:
    """One external asset for each table that the queries read, and for what the sample's tables are made from."""
    names = {table for query in queries for table in tables_read(query.sql)}
    while more := {source for name in names for source in _origins(name)} - names:
        names |= more
    return [_table(name) for name in sorted(names)]


def _table(name: str) -> dg.AssetSpec:
    description, sources = SAMPLE_TABLES.get(name, ("A table of the warehouse.", ()))
    return dg.AssetSpec(
        _key(name),
        deps=[_key(source) for source in sources],
        description=description,
        group_name="warehouse",
        kinds={"table"},
        owners=[DATA_TEAM],
        metadata={"dagster/table_name": name},
    )


def _origins(name: str) -> tuple[str, ...]:
    return SAMPLE_TABLES[name][1] if name in SAMPLE_TABLES else ()


def _key(table: str) -> dg.AssetKey:
    return dg.AssetKey([PREFIX, *table.split(".")])


def column_lineage(query: Query, warehouse: Warehouse, *, is_segment: bool = False) -> dict[str, Any]:
    """Metadata of a materialised query: the columns of warehouse tables that each of its columns is made of.

    Who is in a segment is decided by its filters, so that its `customer_id` has every column that the query reads.
    """
    found = origins_of(query, warehouse.dialect)
    if found.trouble:
        return {"column_lineage": found.trouble}
    made = {"customer_id": found.read} if is_segment else found.columns
    lineage = dg.TableColumnLineage({name: [_column(origin) for origin in origins] for name, origins in made.items()})
    return {"dagster/column_lineage": lineage}


def _column(origin: Origin) -> dg.TableColumnDep:
    return dg.TableColumnDep(_key(origin.table), origin.column)
