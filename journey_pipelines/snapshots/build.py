"""From warehouse to partitions: one function for each part, so that an asset is one call, and their order."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial

from journey_pipelines.errors import SnapshotError
from journey_pipelines.snapshots.churn import ChurnModel, predict
from journey_pipelines.snapshots.days import end_of_day, end_of_day_before
from journey_pipelines.snapshots.models import ModelStore
from journey_pipelines.snapshots.parquet import (
    EVENTS,
    FEATURES,
    PREDICTIONS,
    PROFILES,
    RAW_FEATURES,
    SEGMENTS,
    SnapshotStore,
    StoredSnapshot,
)
from journey_pipelines.snapshots.warehouse import Warehouse


def build_segment(warehouse: Warehouse, store: SnapshotStore, day: date, name: str) -> StoredSnapshot:
    """The members of one segment at the end of the day."""
    return store.write(f"{SEGMENTS}/{name}", day, warehouse.segment(name, end_of_day(day)))


def build_raw_features(warehouse: Warehouse, store: SnapshotStore, day: date) -> StoredSnapshot:
    """The answer of the feature query at the end of the day, before predictions join it."""
    return store.write(RAW_FEATURES, day, warehouse.features(end_of_day(day)))


def build_profiles(warehouse: Warehouse, store: SnapshotStore, day: date) -> StoredSnapshot:
    """Addresses and consents at the end of the day."""
    return store.write(PROFILES, day, warehouse.profiles(end_of_day(day)))


def build_events(warehouse: Warehouse, store: SnapshotStore, day: date) -> StoredSnapshot:
    """The events that were received on the day."""
    return store.write(EVENTS, day, warehouse.events(end_of_day_before(day), end_of_day(day)))


def build_predictions(model: ChurnModel, store: SnapshotStore, day: date) -> StoredSnapshot:
    """Churn risk of each customer in the day's raw features. Raises SnapshotError for a model of a later day."""
    if model.trained_as_of > end_of_day(day):
        raise SnapshotError(
            f"The churn model was trained as of {model.trained_as_of.isoformat()}, after {day}; "
            "predict with the model of that day or an earlier one."
        )
    return store.write(PREDICTIONS, day, predict(model, store.read(RAW_FEATURES, day).frame))


def build_features(store: SnapshotStore, day: date) -> StoredSnapshot:
    """The feature snapshot that journeys read: the day's raw features with `churn_risk` (null without prediction)."""
    raw = store.read(RAW_FEATURES, day).frame
    predictions = store.read(PREDICTIONS, day).frame
    taken = set(raw.columns) & set(predictions.columns) - {"customer_id"}
    if taken:
        raise SnapshotError(
            f"The feature query already has {', '.join(taken)}, which predictions add; rename it there."
        )
    return store.write(FEATURES, day, raw.merge(predictions, on="customer_id", how="left", validate="many_to_one"))


def parts_of_day(
    warehouse: Warehouse, store: SnapshotStore, models: ModelStore, day: date
) -> Mapping[str, Callable[[], StoredSnapshot]]:
    """What makes each kind of partition of a day, in the order in which they need one another.

    Building a day again from the same data gives the same ids.
    """
    segments = {
        f"{SEGMENTS}/{name}": partial(build_segment, warehouse, store, day, name) for name in warehouse.segments()
    }
    return {
        **segments,
        RAW_FEATURES: partial(build_raw_features, warehouse, store, day),
        PROFILES: partial(build_profiles, warehouse, store, day),
        EVENTS: partial(build_events, warehouse, store, day),
        PREDICTIONS: lambda: build_predictions(models.churn(warehouse, day), store, day),
        FEATURES: partial(build_features, store, day),
    }
