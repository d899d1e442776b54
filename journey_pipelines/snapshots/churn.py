"""The churn model: how likely a household is not to buy in the next 28 days, learnt only from what lies before.

Every training row is a household at a cut-off: its features as they were then, and whether it bought in the 28 days
after. Both come from the feature query alone, at `as_of` and 28, 56, ... days before it, so nothing after `as_of` can
be read. While the data has too little history for one cut-off the model is a plain curve of recency.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from journey_pipelines.errors import JourneysError, SnapshotError, WarehouseError

if TYPE_CHECKING:
    from journey_pipelines.snapshots.warehouse import Warehouse

HORIZON_DAYS: Final = 28
CUT_OFFS: Final = 6
MINIMUM_ROWS: Final = 200
MINIMUM_HISTORY_DAYS: Final = 7  # a cut-off in the data's first days knows nobody's habits
FOLDS: Final = 5
DECIMALS: Final = 4  # keeps equal what only differs in the last bits between machines

INPUTS: Final = (
    "recency_days",
    "tenure_days",
    "frequency",
    "monetary",
    "average_basket",
    "baskets_7d",
    "baskets_30d",
    "baskets_90d",
    "spend_30d",
    "spend_90d",
    "coupons_used_90d",
)
LAST_PURCHASE: Final = "last_purchase_at"


@dataclass(frozen=True)
class ChurnModel:
    """A trained model and where it came from."""

    trained_as_of: datetime
    fingerprint: str  # of the feature query and the library: another one asks for another training
    estimator: Any | None  # a scikit-learn pipeline; None: the curve of recency
    cut_offs: tuple[datetime, ...]
    rows: int
    base_rate: float | None  # share of the training rows that did not come back
    auc: float | None  # on the newest cut-off, of a model of the older ones; with a single one, cross-validated

    @property
    def kind(self) -> str:
        """What predicts: `logistic regression`, or `recency only` while there is too little history."""
        return "recency only" if self.estimator is None else "logistic regression"


def model_date(day: date) -> date:
    """The Monday on or before the day: whose model predicts for it."""
    return day - timedelta(days=day.weekday())


def train_churn(warehouse: "Warehouse", as_of: datetime) -> ChurnModel:
    """Train on what the warehouse knew at `as_of`. Raises WarehouseError where the features it needs are missing."""
    instants = [as_of - timedelta(days=HORIZON_DAYS * step) for step in range(CUT_OFFS + 1)]
    frames = [warehouse.features(instant) for instant in instants]
    check_inputs(frames[0], "The feature query features", WarehouseError)
    labelled = [
        (cut_off, _examples(frame, later))
        for cut_off, frame, later in zip(instants[1:], frames[1:], frames, strict=False)
        if _is_enough(frame, later)
    ]
    fingerprint = churn_fingerprint(warehouse)
    if not labelled:
        return ChurnModel(as_of, fingerprint, None, (), 0, None, None)
    examples = [made for _, made in labelled]
    everything = pd.concat(examples, ignore_index=True)
    return ChurnModel(
        trained_as_of=as_of,
        fingerprint=fingerprint,
        estimator=_fit(everything),
        cut_offs=tuple(cut_off for cut_off, _ in labelled),
        rows=len(everything),
        base_rate=float(everything["has_churned"].mean()),
        auc=_auc(examples),
    )


def predict(model: ChurnModel, features: pd.DataFrame) -> pd.DataFrame:
    """One row for each customer of the features: customer_id, churn_risk (0 to 1).

    Raises SnapshotError where the features lack an input.
    """
    check_inputs(features, "The feature snapshot", SnapshotError)
    known = features.drop_duplicates("customer_id", ignore_index=True)
    if model.estimator is None or known.empty:
        recency = known["recency_days"].astype("float64").fillna(HORIZON_DAYS)
        risk = (recency / (recency + HORIZON_DAYS)).to_numpy()
    else:
        risk = model.estimator.predict_proba(_inputs(known))[:, 1]
    return pd.DataFrame({"customer_id": known["customer_id"], "churn_risk": np.round(risk, DECIMALS)})


def check_inputs(features: pd.DataFrame, name: str, error: type[JourneysError]) -> None:
    """Raise `error` unless every feature that the model reads is there."""
    missing = [column for column in (*INPUTS, LAST_PURCHASE) if column not in features]
    if missing:
        raise error(f"{name} lacks {', '.join(missing)}, which the churn model reads; add them to features.sql.")


def churn_fingerprint(warehouse: "Warehouse") -> str:
    """Changes with the feature query, the model's inputs and scikit-learn's version."""
    import sklearn

    parts = (
        warehouse.query("features").sql,
        *INPUTS,
        str((HORIZON_DAYS, CUT_OFFS, MINIMUM_HISTORY_DAYS)),
        sklearn.__version__,
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _is_enough(frame: pd.DataFrame, later: pd.DataFrame) -> bool:
    if len(frame) < MINIMUM_ROWS or frame["tenure_days"].max() < MINIMUM_HISTORY_DAYS:
        return False
    return bool(_examples(frame, later)["has_churned"].value_counts().reindex([True, False]).min() >= FOLDS)


def _examples(frame: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame:
    """Inputs of each customer at the cut-off, with `has_churned`: the last purchase is still the same 28 days later."""
    known = frame.drop_duplicates("customer_id", ignore_index=True)
    last = later.drop_duplicates("customer_id").set_index("customer_id")[LAST_PURCHASE]
    has_bought = known["customer_id"].map(last) > known[LAST_PURCHASE]
    return _inputs(known).assign(has_churned=~has_bought)


def _inputs(features: pd.DataFrame) -> pd.DataFrame:
    """Counts and amounts on a logarithmic scale, where one basket more matters less to those who have many."""
    return np.log1p(features[list(INPUTS)].astype("float64").fillna(0).clip(lower=0))


def _estimator() -> Any:
    # Imported here because scikit-learn takes more than a second and most commands never train.
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))


def _fit(examples: pd.DataFrame) -> Any:
    return _estimator().fit(examples[list(INPUTS)], examples["has_churned"])


def _auc(examples: Sequence[pd.DataFrame]) -> float:
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_predict

    newest, *older = examples
    inputs, has_churned = newest[list(INPUTS)], newest["has_churned"]
    if older:
        risk = _fit(pd.concat(older, ignore_index=True)).predict_proba(inputs)
    else:
        risk = cross_val_predict(_estimator(), inputs, has_churned, cv=FOLDS, method="predict_proba")
    return float(roc_auc_score(has_churned, risk[:, 1]))
