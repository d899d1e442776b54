"""What actions of a replay are answered with. Nobody is asked: all succeed, or as many as rates say."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from journey_pipelines.delivery.answers import answers
from journey_pipelines.errors import JourneysError

RESOLUTION = 2.0**-64


@dataclass(frozen=True)
class ResponseModel:
    """`failing`: the share of each action type's dispatches that fail; all others are sent.

    Which ones is decided by a hash of the dispatch's key and its attempt: the same in every replay.

    >>> ResponseModel({"send_sms": 0.02}).failing
    {'send_sms': 0.02}
    """

    failing: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, share in self.failing.items():
            if not 0 <= share <= 1:
                raise JourneysError(f"the share of {name} that fails is {share}; expected a number from 0 to 1")

    @classmethod
    def learnt(cls, counts: pd.DataFrame) -> "ResponseModel":
        """The shares of past dispatches: action_type, status and count, as the store's `dispatch_counts` gives them."""
        settled = counts[counts["status"].isin(["sent", "failed"])]
        sums = settled.pivot_table(index="action_type", columns="status", values="count", aggfunc="sum", fill_value=0)
        sums = sums.reindex(columns=["sent", "failed"], fill_value=0)
        shares = sums["failed"] / (sums["sent"] + sums["failed"])
        return cls({str(name): float(share) for name, share in shares.items() if share > 0})

    def deliver(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        """Answer DISPATCHES rows: key, status, result."""
        shares = dispatches["action_type"].map(dict(self.failing)).fillna(0.0).to_numpy(dtype=float)
        has_failed = drawn(dispatches) < shares
        status = np.where(has_failed, "failed", "sent").tolist()
        return answers(dispatches["key"], status, [{"reason": "replayed"} if failed else {} for failed in has_failed])


ALL_SUCCEED = ResponseModel()


def drawn(dispatches: pd.DataFrame) -> np.ndarray:
    """A number from [0, 1) for each dispatch and attempt."""
    names = (dispatches["key"].astype("str") + "#" + dispatches["attempt"].astype("str")).to_numpy(dtype=object)
    hashed: np.ndarray = pd.util.hash_array(names, categorize=False)
    return hashed.astype(float) * RESOLUTION
