"""Trained churn models on disk, one for each Monday, so that the daily run trains once a week."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from journey_pipelines.snapshots.churn import ChurnModel, churn_fingerprint, model_date, train_churn
from journey_pipelines.snapshots.days import end_of_day
from journey_pipelines.snapshots.files import replacing

if TYPE_CHECKING:
    from journey_pipelines.snapshots.warehouse import Warehouse


class ModelStore:
    """A folder of `churn/<Monday>.joblib`. The files are pickles: never load a folder that somebody else wrote."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, monday: date) -> Path:
        """Where the model of that Monday is kept."""
        return self.root / "churn" / f"{monday.isoformat()}.joblib"

    def churn(self, warehouse: "Warehouse", day: date) -> ChurnModel:
        """The model for the day: that of the Monday on or before it, trained now if there is none that fits.

        A model of another feature query or scikit-learn version, or one that cannot be read, is trained anew.
        """
        monday = model_date(day)
        kept = self._load(self.path(monday))
        if kept is not None and kept.fingerprint == churn_fingerprint(warehouse):
            return kept
        return self.train(warehouse, day)

    def train(self, warehouse: "Warehouse", day: date) -> ChurnModel:
        """Train the day's model whatever is there, and keep it."""
        monday = model_date(day)
        model = train_churn(warehouse, end_of_day(monday))
        with replacing(self.path(monday)) as unfinished:
            _joblib().dump(model, unfinished)
        return model

    def _load(self, path: Path) -> ChurnModel | None:
        if not path.is_file():
            return None
        try:
            kept = _joblib().load(path)
        except Exception:  # noqa: BLE001 - a pickle can fail in any way, and training again mends them all
            return None
        return kept if isinstance(kept, ChurnModel) else None


def _joblib() -> Any:
    """Imported on first use, as scikit-learn is: most commands load no model."""
    import joblib  # type: ignore[import-untyped]  # it ships no types

    return joblib
