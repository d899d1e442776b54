"""The same contract on another database than DuckDB."""

import pytest

from journey_pipelines.snapshots.warehouse import Warehouse
from journey_pipelines.store.embedded import embedded_postgres
from tests.unit.snapshots.builders import AS_OF, SINCE, small_warehouse

FEATURES = """
select 'a' as customer_id, 2.5::numeric as spend, array['x', 'y'] as tags, :as_of - interval '1 day' as seen_at,
    timestamptz '2017-03-01 23:59:59.999999+00' <= :as_of as is_inclusive
"""
EVENTS = """
select 'e1' as event_id, 'a' as customer_id, 'customer.purchase' as event_type, timestamptz '2017-03-01 12:00+02' as
    occurred_at, timestamp '2017-03-01 12:00' as received_at, json_build_object('amount', 2)::text as data
where timestamp '2017-03-01 12:00' > :since
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with embedded_postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server.url


def test_features_come_in_the_dtypes_of_the_engine(url, tmp_path):
    warehouse = Warehouse(url, small_warehouse(tmp_path, features=FEATURES).sql_dir)
    [row] = warehouse.features(AS_OF).to_dict("records")
    assert row == {
        "customer_id": "a",
        "spend": 2.5,
        "tags": ["x", "y"],
        "seen_at": AS_OF.replace(day=28, month=2),
        "is_inclusive": True,
    }


def test_times_are_utc_whatever_the_server_thinks(url, tmp_path):
    warehouse = Warehouse(url, small_warehouse(tmp_path, events=EVENTS).sql_dir)
    [row] = warehouse.events(SINCE, AS_OF).to_dict("records")
    assert (row["occurred_at"].hour, row["received_at"].hour, row["data"]) == (10, 12, {"amount": 2})


def test_the_session_is_read_only(url, tmp_path):
    asking = "select current_setting('transaction_read_only') as customer_id"
    warehouse = Warehouse(url, small_warehouse(tmp_path, features=asking).sql_dir)
    assert warehouse.features(AS_OF)["customer_id"].tolist() == ["on"]
