from datetime import date, timedelta

import pandas as pd
import pytest

from journey_pipelines.errors import SnapshotError
from journey_pipelines.snapshots.build import build_features, build_predictions, build_raw_features, parts_of_day
from journey_pipelines.snapshots.days import end_of_day
from journey_pipelines.snapshots.models import ModelStore
from journey_pipelines.snapshots.parquet import (
    FEATURES,
    PREDICTIONS,
    PROFILES,
    RAW_FEATURES,
    SnapshotStore,
)
from journey_pipelines.snapshots.sources import ParquetSource

DAY = date(2017, 3, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("snapshots")


@pytest.fixture(scope="module")
def store(folder):
    return SnapshotStore(folder)


@pytest.fixture(scope="module")
def models(folder):
    return ModelStore(folder / "models")


@pytest.fixture(scope="module")
def built(warehouse, store, models):
    return build_day(warehouse, store, models)


def build_day(warehouse, store, models):
    return {kind: make() for kind, make in parts_of_day(warehouse, store, models, DAY).items()}


def ids(snapshots):
    return {kind: stored.snapshot_id for kind, stored in snapshots.items()}


def test_a_day_has_every_partition(built, store, warehouse):
    assert {kind.removeprefix("segments/") for kind in built if kind.startswith("segments/")} == set(
        warehouse.segments()
    )
    assert {kind: stored.rows for kind, stored in built.items()} == {kind: store.read(kind, DAY).rows for kind in built}


def test_a_run_of_the_day_sees_what_was_built(built, store, warehouse):
    facts = ParquetSource(store, segments=warehouse.segments()).at(end_of_day(DAY))
    assert facts.features.snapshot_id == built[FEATURES].snapshot_id
    assert facts.profiles.snapshot_id == built[PROFILES].snapshot_id
    assert {f"segments/{name}": snapshot.snapshot_id for name, snapshot in facts.segments.items()} == {
        kind: snapshot_id for kind, snapshot_id in ids(built).items() if kind.startswith("segments/")
    }


def test_building_a_day_again_gives_the_same_ids(built, warehouse, store, models):
    assert ids(build_day(warehouse, store, models)) == ids(built)


def test_building_it_elsewhere_from_scratch_gives_the_same_ids(built, warehouse, tmp_path):
    again = build_day(warehouse, SnapshotStore(tmp_path), ModelStore(tmp_path / "models"))
    assert ids(again) == ids(built)


def test_the_feature_snapshot_is_the_query_and_the_prediction(built, store, warehouse):
    frame = store.read(FEATURES, DAY).frame
    assert set(frame.columns) - {"customer_id"} == warehouse.feature_names()
    pd.testing.assert_frame_equal(frame.drop(columns="churn_risk"), store.read(RAW_FEATURES, DAY).frame)
    assert frame["churn_risk"].between(0, 1).all()


def test_a_customer_without_prediction_has_a_null_risk(built, store, tmp_path):
    partial = SnapshotStore(tmp_path)
    partial.write(RAW_FEATURES, DAY, store.read(RAW_FEATURES, DAY).frame)
    partial.write(PREDICTIONS, DAY, store.read(PREDICTIONS, DAY).frame.head(3))
    build_features(partial, DAY)
    assert partial.read(FEATURES, DAY).frame["churn_risk"].count() == 3


def test_a_customer_twice_stays_twice_for_the_guard(built, store, tmp_path, warehouse, models):
    raw = store.read(RAW_FEATURES, DAY).frame
    doubled = SnapshotStore(tmp_path)
    doubled.write(RAW_FEATURES, DAY, pd.concat([raw, raw.head(1)], ignore_index=True))
    build_predictions(models.churn(warehouse, DAY), doubled, DAY)
    assert build_features(doubled, DAY).duplicate_customers == 1


def test_a_model_of_a_later_day_may_not_predict(warehouse, store, models, built):
    with pytest.raises(SnapshotError, match="was trained as of 2017-03-13"):
        build_predictions(models.churn(warehouse, DAY + timedelta(days=14)), store, DAY)


def test_a_feature_that_is_called_like_a_prediction_is_refused(built, store, tmp_path):
    clashing = SnapshotStore(tmp_path)
    clashing.write(RAW_FEATURES, DAY, store.read(RAW_FEATURES, DAY).frame.assign(churn_risk=0.5))
    clashing.write(PREDICTIONS, DAY, store.read(PREDICTIONS, DAY).frame)
    with pytest.raises(SnapshotError, match="already has churn_risk"):
        build_features(clashing, DAY)


def test_features_before_predictions_name_what_is_missing(warehouse, tmp_path):
    store = SnapshotStore(tmp_path)
    build_raw_features(warehouse, store, DAY)
    with pytest.raises(SnapshotError, match="no snapshot predictions/churn of 2017-03-01"):
        build_features(store, DAY)
