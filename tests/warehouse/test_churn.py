from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from journey_pipelines.errors import SnapshotError, WarehouseError
from journey_pipelines.snapshots.churn import INPUTS, model_date, predict, train_churn
from journey_pipelines.snapshots.days import end_of_day
from journey_pipelines.snapshots.models import ModelStore
from journey_pipelines.snapshots.warehouse import Warehouse
from tests.unit.snapshots.builders import small_warehouse

SUMMER = end_of_day(date(2017, 7, 3))


@pytest.fixture(scope="module")
def model(warehouse):
    return train_churn(warehouse, SUMMER)


def test_the_model_tells_those_who_stay_from_those_who_leave(warehouse, model):
    features = warehouse.features(SUMMER)
    later = warehouse.features(SUMMER + timedelta(days=28)).set_index("customer_id")["last_purchase_at"]
    has_left = (features["customer_id"].map(later) == features["last_purchase_at"]).to_numpy()
    risk = predict(model, features)["churn_risk"]
    assert risk[has_left].mean() > 2 * risk[~has_left].mean()
    assert abs(risk.mean() - has_left.mean()) < 0.05


def test_the_model_says_how_good_it_is_and_on_what(model):
    assert model.kind == "logistic regression"
    assert model.auc > 0.8
    assert model.rows > 10_000
    assert model.cut_offs == tuple(SUMMER - timedelta(days=28 * step) for step in range(1, 7))
    assert 0.05 < model.base_rate < 0.3


def test_every_cut_off_leaves_its_28_days_before_as_of(model):
    assert max(model.cut_offs) + timedelta(days=28) <= model.trained_as_of


def test_there_is_one_risk_for_each_customer_between_0_and_1(warehouse, model):
    features = warehouse.features(SUMMER)
    risk = predict(model, pd.concat([features, features.head(5)], ignore_index=True))
    assert risk["customer_id"].tolist() == features["customer_id"].tolist()
    assert risk["churn_risk"].between(0, 1).all()


def test_training_again_gives_the_same_predictions(warehouse, model):
    features = warehouse.features(SUMMER)
    pd.testing.assert_frame_equal(predict(train_churn(warehouse, SUMMER), features), predict(model, features))


def test_null_inputs_still_get_a_risk(warehouse, model):
    features = warehouse.features(SUMMER).assign(**dict.fromkeys(INPUTS, np.nan))
    assert predict(model, features)["churn_risk"].notna().all()


def test_nobody_gives_an_empty_prediction(warehouse, model):
    risk = predict(model, warehouse.features(SUMMER).head(0))
    assert risk.dtypes.astype("str").to_dict() == {"customer_id": "str", "churn_risk": "float64"}


def test_without_four_weeks_of_history_only_recency_counts(warehouse):
    early = end_of_day(date(2017, 1, 16))
    model = train_churn(warehouse, early)
    assert (model.kind, model.rows, model.auc) == ("recency only", 0, None)
    features = warehouse.features(early)
    risk = predict(model, features)["churn_risk"]
    assert risk.to_numpy() == pytest.approx((features["recency_days"] / (features["recency_days"] + 28)).round(4))


def test_before_all_data_there_is_a_model_and_nobody_to_predict_for(warehouse):
    early = datetime(2016, 1, 4, tzinfo=UTC)
    assert predict(train_churn(warehouse, early), warehouse.features(SUMMER)).shape[0] > 0


def test_with_a_single_cut_off_the_quality_is_cross_validated(warehouse):
    model = train_churn(warehouse, end_of_day(date(2017, 2, 6)))
    assert (model.kind, len(model.cut_offs)) == ("logistic regression", 1)
    assert 0.6 < model.auc < 0.9


def test_a_cut_off_in_the_first_days_of_the_data_is_left_out(warehouse):
    assert train_churn(warehouse, end_of_day(date(2017, 1, 30))).kind == "recency only"


@pytest.mark.parametrize(
    ("day", "monday"), [("2017-03-05", "2017-02-27"), ("2017-03-06", "2017-03-06"), ("2017-03-07", "2017-03-06")]
)
def test_a_day_is_predicted_by_the_model_of_its_monday(day, monday):
    assert model_date(date.fromisoformat(day)) == date.fromisoformat(monday)


def test_a_week_shares_one_training(warehouse, tmp_path):
    models = ModelStore(tmp_path)
    models.churn(warehouse, date(2017, 3, 6))
    [kept] = tmp_path.rglob("*.joblib")
    before = kept.stat().st_ino
    again = models.churn(warehouse, date(2017, 3, 12))
    assert again.trained_as_of == end_of_day(date(2017, 3, 6))
    assert [path.stat().st_ino for path in tmp_path.rglob("*.joblib")] == [before]


def test_a_kept_model_predicts_as_the_trained_one(warehouse, tmp_path):
    models = ModelStore(tmp_path)
    trained = models.train(warehouse, date(2017, 3, 6))
    features = warehouse.features(SUMMER)
    kept = models.churn(warehouse, date(2017, 3, 6))
    pd.testing.assert_frame_equal(predict(kept, features), predict(trained, features))


def test_a_broken_model_file_is_trained_anew(warehouse, tmp_path):
    models = ModelStore(tmp_path)
    path = models.path(date(2017, 3, 6))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no pickle")
    assert models.churn(warehouse, date(2017, 3, 6)).rows > 0
    assert path.stat().st_size > 100


def test_another_feature_query_asks_for_another_training(warehouse, sample_path, tmp_path):
    models = ModelStore(tmp_path / "models")
    first = models.churn(warehouse, date(2017, 3, 6))
    sql_dir = tmp_path / "sql"
    sql_dir.mkdir()
    text = (warehouse.sql_dir / "features.sql").read_text()
    (sql_dir / "features.sql").write_text(text.replace("order by customer_id", "order by shopping.household_id"))
    changed = Warehouse(f"duckdb:///{sample_path}", sql_dir)
    assert models.churn(changed, date(2017, 3, 6)).fingerprint != first.fingerprint


def test_missing_inputs_are_named(tmp_path, model):
    warehouse = small_warehouse(tmp_path, features="select 'a' as customer_id, 3 as recency_days")
    with pytest.raises(WarehouseError, match="lacks tenure_days, frequency"):
        train_churn(warehouse, SUMMER)
    with pytest.raises(SnapshotError, match="lacks tenure_days, frequency"):
        predict(model, warehouse.features(SUMMER))
