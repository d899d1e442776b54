"""Every query reads nothing after its `as_of`: rows planted an instant later, or taken away, change no figure."""

import shutil
from datetime import UTC, datetime, timedelta

import duckdb
import pandas as pd
import pytest

from journey_pipelines.snapshots.churn import predict, train_churn
from journey_pipelines.snapshots.warehouse import Warehouse

AS_OF = datetime(2017, 6, 30, 23, 59, 59, 999999, tzinfo=UTC)
SINCE = AS_OF - timedelta(days=1)
LATER = "timestamp '2017-07-01 00:00:00'"
EARLIER = "timestamp '2017-06-30 23:59:59.999999'"

# One statement for each table; {at} is when the planted row happened. Household 1 buys often, 100 is at risk, 1006 has
# lapsed, and 999999 is new; twelve baskets make each of them loyal.
HOUSEHOLDS = "unnest([1, 100, 1006, 999999]) as household_id"
PLANTED = {
    "transactions": """insert into transactions by name
        select 7 as basket_id, 1 as household_id, 400 as store_id, 1000050 as product_id, 1 as quantity,
            5000.0 as sales_value, {at} as transaction_timestamp""",
    "baskets": f"""insert into baskets by name
        select {HOUSEHOLDS}, household_id * 100 + range as basket_id, 400 as store_id, {{at}} as purchased_at,
            5000.0 as amount, 1 as items, 0 as coupon_discount from range(12)""",
    "basket_departments": f"""insert into basket_departments by name
        select {HOUSEHOLDS}, 7 as basket_id, {{at}} as purchased_at, 'TOYS' as department, 5000.0 as amount""",
    "coupon_redemptions": f"""insert into coupon_redemptions by name
        select {HOUSEHOLDS}, 5 as coupon_upc, 5 as campaign_id, cast({{at}} as date) as redemption_date,
            {{at}} as redeemed_at""",
    "customers": f"""insert into customers by name
        select {HOUSEHOLDS}, {{at}} as valid_from, 'Planted' as first_name, false as email_consent,
            true as is_closed""",
    "demographics": f"""insert into demographics by name
        select {HOUSEHOLDS}, {{at}} as valid_from, '19-24' as age""",
    "households": "insert into households by name select 999999 as household_id, {at} as first_purchase_at",
    "campaign_descriptions": """insert into campaign_descriptions by name
        select 99 as campaign_id, 'Planted' as name, 'email' as channel, {at} as planned_at, {at} as start_date""",
    "campaigns": "insert into campaigns by name select 99 as campaign_id, 1 as household_id",
    "coupons": "insert into coupons by name select 5 as coupon_upc, 1000050 as product_id, 99 as campaign_id",
    "products": "insert into products by name select 1 as product_id, 'TOYS' as department",
}
INSTANTS = {
    "transactions": "transaction_timestamp",
    "baskets": "purchased_at",
    "basket_departments": "purchased_at",
    "coupon_redemptions": "redeemed_at",
    "customers": "valid_from",
    "demographics": "valid_from",
    "households": "first_purchase_at",
    "campaign_descriptions": "planned_at",
}


def changed_copy(sample_path, folder, statements) -> Warehouse:
    path = folder / "changed.duckdb"
    shutil.copyfile(sample_path, path)
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return Warehouse(f"duckdb:///{path}")


def answers(warehouse: Warehouse) -> dict[str, pd.DataFrame]:
    return {
        **{name: warehouse.segment(name, AS_OF) for name in warehouse.segments()},
        "features": warehouse.features(AS_OF),
        "profiles": warehouse.profiles(AS_OF),
        "events": warehouse.events(SINCE, AS_OF),
        "campaigns": warehouse.campaigns(AS_OF),
    }


@pytest.fixture(scope="module")
def expected(warehouse) -> dict[str, pd.DataFrame]:
    return answers(warehouse)


def differing(expected: dict[str, pd.DataFrame], found: dict[str, pd.DataFrame]) -> set[str]:
    return {name for name, frame in expected.items() if not frame.equals(found[name])}


def test_the_plant_covers_every_table(sample_path):
    with duckdb.connect(str(sample_path), read_only=True) as connection:
        tables = {name for (name,) in connection.execute("show tables").fetchall()}
    assert tables == set(PLANTED) | {"sample_build"}


def test_every_query_of_the_folder_is_looked_at(warehouse, expected):
    files = {path.stem for path in warehouse.sql_dir.rglob("*.sql")}
    assert files == set(expected)


@pytest.mark.parametrize("table", PLANTED)
def test_a_row_planted_an_instant_later_changes_no_figure(sample_path, tmp_path, expected, table):
    changed = changed_copy(sample_path, tmp_path, [PLANTED[table].format(at=LATER)])
    assert differing(expected, answers(changed)) == set()


def test_rows_planted_at_as_of_itself_are_seen_by_every_query(sample_path, tmp_path, expected):
    changed = changed_copy(sample_path, tmp_path, [sql.format(at=EARLIER) for sql in PLANTED.values()])
    assert differing(expected, answers(changed)) == set(expected)


def test_without_everything_later_all_figures_are_the_same(sample_path, tmp_path, expected):
    statements = [f"delete from {table} where {column} > {EARLIER}" for table, column in INSTANTS.items()]
    assert differing(expected, answers(changed_copy(sample_path, tmp_path, statements))) == set()


def test_the_churn_model_learns_nothing_from_later_rows(sample_path, tmp_path, warehouse):
    statements = [f"delete from {table} where {column} > {EARLIER}" for table, column in INSTANTS.items()]
    changed = changed_copy(sample_path, tmp_path, statements)
    features = warehouse.features(AS_OF)
    predictions = [predict(train_churn(known, AS_OF), features) for known in (warehouse, changed)]
    pd.testing.assert_frame_equal(*predictions)
