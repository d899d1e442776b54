"""Where messages go: addresses from the customer's profile, without those on a suppression list."""

import numpy as np
import pandas as pd

from journey_pipelines.delivery.possible_addresses import POSSIBLE
from journey_pipelines.delivery.rendering import Columns
from journey_pipelines.delivery.sandbox import NoValue
from journey_pipelines.engine.ports import StoreTransaction


class Addresses:
    """The addresses of many dispatches, one below the other; `wanted` names each row's profile column, None: no need.

    A column whose name is a plural (`device_tokens`) holds several; its messages go to a list.
    """

    def __init__(self, wanted: np.ndarray, columns: Columns) -> None:
        self._is_needed = np.array([name is not None for name in wanted], dtype=bool)
        self._is_several = np.array([name is not None and name.endswith("s") for name in wanted], dtype=bool)
        cells = pd.Series(None, index=pd.RangeIndex(len(wanted)), dtype=object)
        for name in {name for name in wanted if name is not None}:
            rows = np.flatnonzero(wanted == name)
            values = columns.read(f"customer.{name}")[rows]
            found = [None if type(value) is NoValue else value for value in values]
            cells.iloc[rows] = pd.Series(found, index=rows, dtype=object)
        texts = cells.explode().dropna().astype("str").str.strip()
        self._flat = texts[texts != ""]
        self._wanted = wanted

    @property
    def is_absent(self) -> np.ndarray:
        """Rows that need an address and have none."""
        is_absent: np.ndarray = self._is_needed & (self._counts() == 0)
        return is_absent

    def suppressed(
        self, channel: np.ndarray, purpose: np.ndarray, mask: np.ndarray, transaction: StoreTransaction
    ) -> np.ndarray:
        """Rows of the mask whose every address is on its channel's list for its purpose; others lose those that are."""
        asked = mask & ~self.is_absent & self._is_needed
        is_listed = np.zeros(len(self._flat), dtype=bool)
        groups = zip(channel[asked], purpose[asked], strict=True)
        for name, why in {(name, why) for name, why in groups if name is not None}:
            is_here = (asked & (channel == name) & (purpose == why))[self._flat.index]
            addresses, plain = self._flat[is_here], plain_addresses(self._flat[is_here])
            either = pd.Index(addresses.unique()).union(pd.Index(plain.unique()))
            listed = transaction.suppressed(name, either, purpose=why)
            is_listed[is_here] = (addresses.isin(listed) | plain.isin(listed)).to_numpy()
        self._flat = self._flat[~is_listed]
        is_suppressed: np.ndarray = asked & (self._counts() == 0)
        return is_suppressed

    def impossible(self, mask: np.ndarray) -> np.ndarray:
        """Rows of the mask whose address nothing can reach; telephone numbers of the others become E.164.

        To be asked after `suppressed`, which compares addresses as they are written in the profile.
        """
        for name, possible in POSSIBLE.items():
            is_here = (mask & (self._wanted == name))[self._flat.index]
            if is_here.any():
                self._flat = self._flat.mask(is_here, possible(self._flat[is_here])).dropna()
        is_impossible: np.ndarray = mask & self._is_needed & (self._counts() == 0)
        return is_impossible

    def write(self, payloads: np.ndarray, rows: np.ndarray) -> None:
        """Put `to` in front of the payloads of these rows that were rendered."""
        flat = self._flat.tolist()
        ends = self._counts().cumsum()
        starts = ends - self._counts()
        places = zip(rows.tolist(), starts[rows].tolist(), ends[rows].tolist(), strict=True)
        for row, start, end in places:
            if isinstance(payloads[row], dict):
                to = flat[start:end] if self._is_several[row] else flat[start]
                payloads[row] = {"to": to, **payloads[row]}

    def _counts(self) -> np.ndarray:
        return np.bincount(self._flat.index.to_numpy(dtype="int64"), minlength=len(self._is_needed))


def plain_addresses(addresses: pd.Series) -> pd.Series:
    """As suppression lists write them: without capitals, and a number without what people put between its digits."""
    is_number = addresses.str.startswith("+")
    return addresses.str.lower().mask(is_number, addresses.str.replace(r"[\s().\-/]+", "", regex=True))
