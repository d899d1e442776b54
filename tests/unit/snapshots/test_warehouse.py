import pytest

from journey_pipelines.errors import WarehouseError
from journey_pipelines.snapshots.warehouse import Warehouse
from tests.unit.snapshots.builders import AS_OF, SINCE, small_warehouse

EVENT = """
select '{id}' as event_id, 'a' as customer_id, 'customer.purchase' as event_type,
    timestamp '2017-03-01 10:00:00' as occurred_at, timestamp '2017-03-01 {received}' as received_at, '{data}' as data
"""


def event(*, event_id="e1", received="10:00:00", data='{"amount": 2}'):
    return EVENT.format(id=event_id, received=received, data=data)


def test_segments_are_the_files_of_the_folder(tmp_path):
    warehouse = small_warehouse(tmp_path, segments__vip="select 'a' as customer_id", segments__all="select 'a'")
    assert warehouse.segments() == ["all", "vip"]


def test_a_segment_is_its_members_sorted(tmp_path):
    warehouse = small_warehouse(tmp_path, segments__vip="from (values ('b'), ('a')) as t(customer_id)")
    assert warehouse.segment("vip", AS_OF)["customer_id"].tolist() == ["a", "b"]


def test_an_empty_segment_still_has_text_ids(tmp_path):
    warehouse = small_warehouse(tmp_path, segments__vip="select 'a' as customer_id where false")
    assert warehouse.segment("vip", AS_OF)["customer_id"].dtype == "str"


def test_an_unknown_segment_names_the_known_ones(tmp_path):
    warehouse = small_warehouse(tmp_path, segments__vip="select 'a' as customer_id")
    with pytest.raises(WarehouseError, match=r"Unknown segment '\.\./vip' \(known: vip\)"):
        warehouse.segment("../vip", AS_OF)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select 'a' as customer", "has no column customer_id .found: customer."),
        ("select 1 as customer_id", "customer_id of type int64, expected text"),
        ("select cast(null as varchar) as customer_id", "1 rows without a customer_id"),
        ("select 'a' as customer_id from range(2)", "'a' appears more than once"),
        ("select 'a' as customer_id, 1 as other", "expected customer_id alone"),
        ("select nonsense from nowhere", "did not answer the query segments/vip: .*nowhere"),
    ],
)
def test_a_wrong_segment_query_is_refused_with_its_name(tmp_path, sql, message):
    with pytest.raises(WarehouseError, match=message) as raised:
        small_warehouse(tmp_path, segments__vip=sql).segment("vip", AS_OF)
    assert "vip" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_customer_twice_in_the_features_is_left_for_the_guard(tmp_path):
    warehouse = small_warehouse(tmp_path, features="select 'a' as customer_id, 1 as visits from range(2)")
    assert warehouse.features(AS_OF)["customer_id"].tolist() == ["a", "a"]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select 1 as visits", "has no column customer_id"),
        ("select 7 as customer_id, 1 as visits", "expected text"),
        ("select cast(null as varchar) as customer_id, 1 as visits", "without a customer_id"),
        ("select 'a' as customer_id, {'x': 1} as nested", "column 'nested' has type struct"),
        ("select 'a' as customer_id, cast('ab' as blob) as raw", "column 'raw' has type binary"),
    ],
)
def test_a_structural_fault_of_the_features_is_refused(tmp_path, sql, message):
    with pytest.raises(WarehouseError, match=message):
        small_warehouse(tmp_path, features=sql).features(AS_OF)


def test_features_come_in_the_dtypes_of_the_engine(tmp_path):
    sql = """
    select 'a' as customer_id, 1 as visits, cast(2.5 as decimal(8, 2)) as spend, null as nothing, true as is_vip,
        date '2017-03-01' as renewal, timestamp '2017-03-01 10:00:00' as seen_at, ['x', 'y'] as tags
    union all select 'b', null, null, null, null, null, null, null
    """
    frame = small_warehouse(tmp_path, features=sql).features(AS_OF)
    assert frame.dtypes.astype("str").to_dict() == {
        "customer_id": "str",
        "visits": "float64",
        "spend": "float64",
        "nothing": "object",
        "is_vip": "object",
        "renewal": "str",
        "seen_at": "datetime64[us, UTC]",
        "tags": "object",
    }
    assert frame["tags"].tolist() == [["x", "y"], None]
    assert frame["renewal"].iloc[0] == "2017-03-01"


def test_feature_names_are_known_without_a_row_and_hold_the_prediction(tmp_path):
    sql = "select 'a' as customer_id, 1 as visits where timestamp '2017-01-01' <= :as_of"
    assert small_warehouse(tmp_path, features=sql).feature_names() == {"visits", "churn_risk"}


def test_as_of_reaches_the_query_in_utc_to_the_microsecond(tmp_path):
    warehouse = small_warehouse(tmp_path, features="select 'a' as customer_id, cast(:as_of as varchar) as seen")
    assert warehouse.features(AS_OF)["seen"].iloc[0] == "2017-03-01 23:59:59.999999"


def test_an_as_of_without_a_time_zone_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no time zone"):
        small_warehouse(tmp_path, features="select 1").features(AS_OF.replace(tzinfo=None))


def test_more_rows_than_one_fetch_arrive_whole(tmp_path):
    late = "case when range > 60000 then range end"
    sql = f"select cast(range as varchar) as customer_id, {late} as late from range(120000)"
    frame = small_warehouse(tmp_path, features=sql).features(AS_OF)
    assert len(frame) == 120_000
    assert frame["late"].count() == 59_999


def test_a_profile_without_optional_columns_is_enough(tmp_path):
    frame = small_warehouse(tmp_path, profiles="select 'a' as customer_id").profiles(AS_OF)
    assert frame.columns.tolist() == ["customer_id"]


def test_a_customer_twice_in_the_profiles_is_refused(tmp_path):
    with pytest.raises(WarehouseError, match="more than once"):
        small_warehouse(tmp_path, profiles="select 'a' as customer_id from range(2)").profiles(AS_OF)


def test_consents_are_true_false_or_none_also_from_numbers(tmp_path):
    sql = """
    from (values ('a', 1, true), ('b', 0, null), ('c', null, false)) as t(customer_id, email_consent, sms_consent)
    """
    frame = small_warehouse(tmp_path, profiles=sql).profiles(AS_OF)
    assert frame["email_consent"].tolist() == [True, False, None]
    assert frame["sms_consent"].tolist() == [True, None, False]


@pytest.mark.parametrize("answer", ["'yes'", "2", "['x']"])
def test_a_consent_that_is_no_boolean_is_refused(tmp_path, answer):
    sql = f"select 'a' as customer_id, {answer} as email_consent"
    with pytest.raises(WarehouseError, match=r"email_consent .*expected true, false or null"):
        small_warehouse(tmp_path, profiles=sql).profiles(AS_OF)


def test_device_tokens_may_be_json_text(tmp_path):
    sql = """select 'a' as customer_id, '["t1"]' as device_tokens union all select 'b', null"""
    assert small_warehouse(tmp_path, profiles=sql).profiles(AS_OF)["device_tokens"].tolist() == [["t1"], None]


def test_device_tokens_that_are_no_lists_are_refused(tmp_path):
    with pytest.raises(WarehouseError, match="device_tokens"):
        small_warehouse(tmp_path, profiles="select 'a' as customer_id, 't1' as device_tokens").profiles(AS_OF)


def test_a_numeric_phone_is_refused(tmp_path):
    with pytest.raises(WarehouseError, match="phone of type int64, expected text"):
        small_warehouse(tmp_path, profiles="select 'a' as customer_id, 1555 as phone").profiles(AS_OF)


def test_events_carry_their_data_and_are_unused(tmp_path):
    frame = small_warehouse(tmp_path, events=event()).events(SINCE, AS_OF)
    assert frame["data"].tolist() == [{"amount": 2}]
    assert frame["is_used"].tolist() == [False]


def test_events_come_in_order_of_receipt(tmp_path):
    sql = (
        f"{event(event_id='late', received='12:00:00')} union all {event(event_id='b')} union all {event(event_id='a')}"
    )
    frame = small_warehouse(tmp_path, events=sql).events(SINCE, AS_OF)
    assert frame["event_id"].tolist() == ["a", "b", "late"]


def test_no_event_is_an_empty_frame_of_the_same_shape(tmp_path):
    with_rows = small_warehouse(tmp_path, events=event()).events(SINCE, AS_OF)
    without = small_warehouse(tmp_path, events=f"{event()} limit 0").events(SINCE, AS_OF)
    assert without.empty
    assert without.dtypes.tolist() == with_rows.dtypes.tolist()


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (event(data="[1]"), "no JSON object"),
        (event(data="{"), "no JSON"),
        (event(data="{},{}"), "no JSON"),
        (f"{event()} union all {event()}", "event_id 'e1' more than once"),
        (event().replace("'customer.purchase'", "cast(null as varchar)"), "without event_type"),
        (event().replace("timestamp '2017-03-01 10:00:00' as occ", "'today' as occ"), "occurred_at of type str"),
        ("select 'a' as customer_id", "no column event_id, event_type, occurred_at, received_at, data"),
    ],
)
def test_wrong_events_are_refused(tmp_path, sql, message):
    with pytest.raises(WarehouseError, match=message):
        small_warehouse(tmp_path, events=sql).events(SINCE, AS_OF)


def test_a_campaign_twice_is_refused(tmp_path):
    sql = "select 1 as campaign_id, 'x' as name, 'email' as channel from range(2)"
    with pytest.raises(WarehouseError, match="campaign_id more than once"):
        small_warehouse(tmp_path, campaigns=sql).campaigns()


def test_a_missing_query_file_is_named(tmp_path):
    with pytest.raises(WarehouseError, match=r"Cannot read the query .*features\.sql"):
        small_warehouse(tmp_path).features(AS_OF)


@pytest.mark.parametrize("header", ["", "-- name: other\n-- purpose: x\n", "-- name: features\n"])
def test_a_query_without_its_header_is_refused(tmp_path, header):
    warehouse = small_warehouse(tmp_path, features="select 1")
    (tmp_path / "sql" / "features.sql").write_text(f"{header}select 'a' as customer_id")
    with pytest.raises(WarehouseError, match=r"features\.sql"):
        warehouse.features(AS_OF)


def test_a_missing_warehouse_file_is_an_error_and_makes_none(tmp_path):
    warehouse = Warehouse(f"duckdb:///{tmp_path}/absent.duckdb")
    with pytest.raises(WarehouseError, match=r"absent\.duckdb does not exist"):
        warehouse.check()
    assert not (tmp_path / "absent.duckdb").exists()


def test_a_file_that_is_no_database_is_an_error(tmp_path):
    (tmp_path / "broken.duckdb").write_bytes(b"no database" * 1000)
    with pytest.raises(WarehouseError, match="did not answer"):
        Warehouse(f"duckdb:///{tmp_path}/broken.duckdb").check()


@pytest.mark.parametrize("url", ["nonsense", "nodialect://host/db", ""])
def test_an_unusable_url_is_an_error(url):
    with pytest.raises(WarehouseError, match="JOURNEYS_WAREHOUSE_URL"):
        Warehouse(url)


def test_an_unreachable_server_is_an_error_without_the_password():
    with pytest.raises(WarehouseError, match="did not answer") as raised:
        Warehouse("postgresql://someone:secret@127.0.0.1:1/none").check()
    assert "secret" not in str(raised.value)


def test_the_warehouse_is_never_written(tmp_path):
    warehouse = small_warehouse(tmp_path, features="create table planted as select 1")
    with pytest.raises(WarehouseError, match="read-only"):
        warehouse.features(AS_OF)
