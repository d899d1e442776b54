import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pandas as pd
import pytest

from journey_pipelines.errors import WarehouseError
from journey_pipelines.sample import build_sample_warehouse, ensure_sample_warehouse
from journey_pipelines.sample.people import invent_customers


def rows(path, sql):
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def column(path, sql) -> pd.Series:
    return pd.Series([value for (value,) in rows(path, sql)], dtype="str")


@pytest.mark.parametrize(
    ("table", "count"),
    [
        ("transactions", 1_469_307),
        ("baskets", 155_848),
        ("households", 2_469),
        ("demographics", 801),
        ("products", 92_331),
        ("campaigns", 6_589),
        ("campaign_descriptions", 27),
        ("coupons", 116_204),
        ("coupon_redemptions", 2_102),
    ],
)
def test_nothing_of_the_data_is_lost(sample_path, table, count):
    assert rows(sample_path, f"select count(*) from {table}") == [(count,)]


def test_baskets_add_up_to_the_transactions(sample_path):
    [(parts, whole)] = rows(
        sample_path, "select (select sum(amount) from baskets), (select sum(sales_value) from transactions)"
    )
    assert float(parts) == pytest.approx(whole)


def test_every_household_is_a_customer_from_its_first_purchase_on(sample_path):
    differing = """
        select count(*) from households full join
            (select household_id, min(valid_from) as valid_from from customers group by all) using (household_id)
        where valid_from is distinct from first_purchase_at
    """
    assert rows(sample_path, differing) == [(0,)]


def test_every_used_coupon_has_a_basket_on_its_day_in_the_shops_time_zone(sample_path):
    without = """
        select count(*) from coupon_redemptions anti join baskets
            on baskets.household_id = coupon_redemptions.household_id and purchased_at = redeemed_at
    """
    assert rows(sample_path, without) == [(0,)]


def test_the_tables_hold_no_figure_from_the_end_of_the_year(sample_path):
    assert rows(sample_path, "select * from households limit 0") == []
    columns = column(sample_path, "select column_name from duckdb_columns() where table_name = 'households'")
    assert sorted(columns) == ["first_purchase_at", "household_id"]


def test_invented_addresses_reach_nobody(sample_path):
    emails = column(sample_path, "select email from customers where email is not null")
    phones = column(sample_path, "select phone from customers where phone is not null")
    assert emails.str.fullmatch(r"[a-z]+\.[a-z]+\.\d+@example\.com").all()
    assert phones.str.fullmatch(r"\+1[2-9]\d\d55501\d\d").all()


def test_some_addresses_consents_and_time_zones_are_missing_or_refused(sample_path):
    sql = """
        select count(*) filter (email is null), count(*) filter (phone is null), count(*) filter (timezone is null),
            count(*) filter (len(device_tokens) = 0), count(*) filter (not email_consent),
            count(*) filter (sms_consent is null), count(*) filter (is_closed)
        from customers
    """
    [counts] = rows(sample_path, sql.replace("filter (", "filter (where "))
    assert min(counts) > 20


def test_a_withdrawn_consent_is_a_later_version_of_the_customer(sample_path):
    sql = "select list(email_consent order by valid_from) as answers from customers group by household_id"
    answers = [tuple(found) for (found,) in rows(sample_path, f"from ({sql}) where len(answers) > 1")]
    assert (True, False) in answers
    assert (False, True) not in answers


def test_the_same_seed_invents_the_same_people():
    households = pd.DataFrame({"household_id": range(1, 400)}).assign(
        first_purchase_at=pd.Timestamp("2017-01-05"), last_purchase_at=pd.Timestamp("2017-06-05")
    )
    shuffled = households.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(invent_customers(households, seed=1), invent_customers(shuffled, seed=1))
    assert not invent_customers(households, seed=1).equals(invent_customers(households, seed=2))


def test_the_progress_counts_every_table(tmp_path):
    seen = []
    build_sample_warehouse(tmp_path / "w.duckdb", progress=lambda name, done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == list(range(seen[0][1] + 1))


def test_a_warehouse_that_is_there_is_kept(sample_path):
    before = sample_path.stat().st_ino
    assert ensure_sample_warehouse(sample_path) is False
    assert sample_path.stat().st_ino == before


def test_another_seed_or_a_broken_file_is_built_anew(tmp_path):
    path = tmp_path / "w.duckdb"
    path.write_bytes(b"half a file")
    assert ensure_sample_warehouse(path) is True
    assert ensure_sample_warehouse(path, seed=5) is True
    assert rows(path, "select seed from sample_build") == [(5,)]


def test_a_failed_build_leaves_the_old_file(tmp_path):
    path = tmp_path / "w.duckdb"
    path.write_bytes(b"old")

    def fill_the_disk(_name, done, _total):
        if done:
            raise OSError(28, "No space left on device")

    with pytest.raises(WarehouseError, match=r"Cannot build the sample warehouse .*w\.duckdb: .*No space left"):
        build_sample_warehouse(path, progress=fill_the_disk)
    assert path.read_bytes() == b"old"
    assert sorted(found.name for found in tmp_path.iterdir()) == ["w.duckdb", "w.duckdb.lock"]


def test_two_builders_at_once_make_one_file(tmp_path):
    path = tmp_path / "w.duckdb"
    with ThreadPoolExecutor(2) as threads:
        built = list(threads.map(lambda _: ensure_sample_warehouse(path), range(2)))
    assert sorted(built) == [False, True]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WarehouseError, match="Cannot build the sample warehouse"):
        build_sample_warehouse(tmp_path / "file" / "w.duckdb")


READER = """
import sys, time
from datetime import datetime, timezone
from journey_pipelines.snapshots.warehouse import Warehouse
warehouse = Warehouse("duckdb:///" + sys.argv[1])
with warehouse._engine.connect() as held:
    print("ready", flush=True)
    sys.stdin.readline()
    print(len(warehouse.features(datetime(2017, 3, 1, tzinfo=timezone.utc))))
"""


def test_several_processes_read_at_once(sample_path):
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(sample_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    assert [reader.stdout.readline() for reader in readers] == ["ready\n"] * 2
    counts = [reader.communicate("go\n")[0] for reader in readers]
    assert counts[0] == counts[1]
    assert int(counts[0]) > 2_000
