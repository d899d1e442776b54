"""From which columns of the warehouse a query's columns are made."""

import pytest

from journey_pipelines.snapshots.origins import Origin, origins_of
from journey_pipelines.snapshots.queries import Query, read_query
from journey_pipelines.snapshots.warehouse import packaged_queries

QUERIES = sorted(packaged_queries().rglob("*.sql"))


def origins(sql: str, column: str, dialect: str = "duckdb") -> list[str]:
    found = origins_of(Query("q", "", sql), dialect)
    assert found.trouble == ""
    return [f"{origin.table}.{origin.column}" for origin in found.columns[column]]


def test_a_column_through_a_with_query_has_its_table() -> None:
    sql = "with b as (select household_id, amount * 2 as twice from baskets) select twice / 2 as amount from b"
    assert origins(sql, "amount") == ["baskets.amount"]


def test_a_joined_column_has_its_own_table() -> None:
    sql = """
        with one as (select id, age from people), other as (select id, sum(price) as spend from shop.sales group by id)
        select one.age, other.spend from one left join other using (id)
    """
    assert origins(sql, "age") == ["people.age"]
    assert origins(sql, "spend") == ["shop.sales.price"]


def test_both_parts_of_a_union_count() -> None:
    assert origins("select a as x from one union all select b as x from two", "x") == ["one.a", "two.b"]


def test_filters_are_among_what_is_read() -> None:
    sql = "select id as customer_id from people where age > 5 and seen_at <= :as_of order by customer_id"
    found = origins_of(Query("q", "", sql), "postgresql")
    assert found.read == (Origin("people", "age"), Origin("people", "id"), Origin("people", "seen_at"))


def test_what_a_star_hides_is_a_star() -> None:
    assert origins("with b as (select * from people) select b.x from b join c using (id)", "x") == ["people.*"]


def test_what_cannot_be_parsed_is_no_fault() -> None:
    found = origins_of(Query("q", "", "select from where"), "duckdb")
    assert found.trouble.startswith("the origins of its columns are not known: ")


def test_an_unknown_dialect_is_no_fault() -> None:
    assert "not known" in origins_of(Query("q", "", "select a from b"), "abacus").trouble


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_every_query_of_the_sample_has_origins(path) -> None:
    found = origins_of(read_query(path), "duckdb")
    assert found.trouble == ""
    assert found.read
    made_of_nothing = {name for name, origins in found.columns.items() if not origins}
    # counts of rows, and a constant
    assert made_of_nothing <= {"frequency", "coupons_used", "event_type"}
