"""Where messages go: addresses from the customer's profile, without those on a suppression list."""

import numpy as np
import pandas as pd

from journey_pipelines.delivery.rendering import Columns
from journey_pipelines.delivery.sandbox import NoValue
from journey_pipelines.engine.ports import StoreTransaction


class Addresses:
    """The address or addresses of each row, by position; `wanted` names the profile column, None: needs no address."""

    def __init__(self, wanted: np.ndarray, columns: Columns) -> None:
        self._of_row = np.full(len(wanted), None, dtype=object)
        self._is_list = np.zeros(len(wanted), dtype=bool)
        for name in {name for name in wanted if name is not None}:
            rows = np.flatnonzero(wanted == name)
            values = columns.read(f"customer.{name}")[rows]
            self._of_row[rows] = np.array([*map(_listed, values), None], dtype=object)[:-1]
            self._is_list[rows] = name.endswith("s")
        self._is_needed = np.array([name is not None for name in wanted], dtype=bool)

    @property
    def is_absent(self) -> np.ndarray:
        """Rows that need an address and have none."""
        is_absent: np.ndarray = self._is_needed & (self._counts() == 0)
        return is_absent

    def suppressed(self, channel: np.ndarray, mask: np.ndarray, transaction: StoreTransaction) -> np.ndarray:
        """Rows of the mask whose every address is on its channel's suppression list; others lose those that are."""
        is_asked = mask & self._is_needed & (self._counts() > 0)
        is_suppressed = np.zeros(len(mask), dtype=bool)
        for name in {name for name in channel[is_asked] if name is not None}:
            rows = np.flatnonzero(is_asked & (channel == name))
            exploded = pd.Series(self._of_row[rows], index=rows).explode().astype("str")
            either = pd.Index(exploded.unique()).union(pd.Index(exploded.str.lower().unique()))
            listed = transaction.suppressed(name, either)
            is_listed = exploded.isin(listed) | exploded.str.lower().isin(listed)
            if is_listed.any():
                left = exploded[~is_listed].groupby(level=0).agg(list).reindex(rows)
                is_suppressed[rows] = left.isna().to_numpy()
                self._of_row[rows] = left.to_numpy()
        return is_suppressed

    def write(self, payloads: np.ndarray, rows: np.ndarray) -> None:
        """Put `to` in front of the payloads of these rows: one address, or a list where a customer has several."""
        for row in rows.tolist():
            if isinstance(payloads[row], dict):
                found = self._of_row[row]
                payloads[row] = {"to": found if self._is_list[row] else found[0], **payloads[row]}

    def _counts(self) -> np.ndarray:
        return np.array([0 if found is None else len(found) for found in self._of_row], dtype="int64")


def _listed(value: object) -> list[str]:
    """The addresses of one profile cell; blank ones are none."""
    cells = value if isinstance(value, list | tuple | np.ndarray) else [value]
    texts = [str(cell).strip() for cell in cells if cell is not None and not isinstance(cell, NoValue)]
    return [text for text in texts if text]
