"""Three rules over one frame, and the same by hand in numpy and pandas."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

Mask = npt.NDArray[np.bool_]
TIERS = ("bronze", "silver", "gold", "platinum")
CHANNELS = ("newsletter", "paid search", "shop", "newsroom", "friend")
MOST_ORDERS = 6


@dataclass(frozen=True)
class Case:
    """A rule, and its hand-written form, which is given what it needs beforehand."""

    name: str
    against: str
    rule: Any
    by_hand: Callable[[], Mask]


@dataclass(frozen=True)
class Orders:
    """A list column as array code holds it."""

    offsets: npt.NDArray[np.int64]
    amounts: npt.NDArray[np.float64]


def make_frame(rows: int, seed: int = 0) -> tuple[pd.DataFrame, Orders]:
    """Customers with numbers, texts, a dotted column and a list column; a tenth of most cells is missing."""
    random = np.random.default_rng(seed)

    def holed(values: npt.NDArray[Any], missing: Any) -> npt.NDArray[Any]:
        return np.where(random.random(rows) < 0.1, missing, values)

    sizes = random.integers(0, MOST_ORDERS + 1, rows)
    orders = Orders(np.concatenate([[0], np.cumsum(sizes)]), random.random(int(sizes.sum())).round(3) * 100)
    lists = pa.ListArray.from_arrays(pa.array(orders.offsets, pa.int32()), pa.array(orders.amounts))
    frame = pd.DataFrame(
        {
            "spend_30d": holed((random.random(rows) * 100).round(2), np.nan),
            "spend_1d": holed((random.random(rows) * 10).round(2), np.nan),
            "baskets_30d": random.integers(0, 9, rows),
            "tier": pd.Series(holed(random.choice(TIERS, rows).astype(object), None), dtype="str"),
            "channel": pd.Series(holed(random.choice(CHANNELS, rows).astype(object), None), dtype="str"),
            "account.points_balance": holed(random.integers(0, 500, rows).astype(np.float64), np.nan),
            "age": holed(random.integers(18, 90, rows).astype(np.float64), np.nan),
            "orders": pd.Series(pd.array(lists, dtype=pd.ArrowDtype(lists.type))),
        }
    )
    return frame, orders


NUMERIC = {">": [{"var": "spend_30d"}, 50]}
SIX_TERMS = {
    "and": [
        {">": [{"var": "baskets_30d"}, 1]},
        {"or": [{"in": [{"var": "tier"}, ["gold", "platinum"]]}, {"in": ["news", {"var": "channel"}]}]},
        {"or": [{">=": [{"var": ["account.points_balance", 0]}, 100]}, {"<": [{"var": "age"}, 30]}]},
        {"<": [{"-": [{"var": "spend_30d"}, {"*": [{"var": "spend_1d"}, 3]}]}, 60]},
    ]
}
LISTS = {
    "and": [
        {"some": [{"var": "orders"}, {">": [{"var": ""}, 50]}]},
        {"all": [{"var": "orders"}, {">=": [{"var": ""}, 10]}]},
        {"!": {"missing_some": [1, ["spend_30d", "age"]]}},
    ]
}


def make_cases(frame: pd.DataFrame, orders: Orders) -> list[Case]:
    """The cases, in the order a, b, c."""
    spend = frame["spend_30d"].to_numpy()
    age = frame["age"].to_numpy()
    return [
        Case("a: one numeric comparison", "numpy", NUMERIC, lambda: np.greater(spend, 50)),
        Case("b: six terms", "pandas", SIX_TERMS, lambda: _six_terms(frame)),
        Case("c: lists", "flattened numpy", LISTS, lambda: _lists(orders, spend, age)),
    ]


def _six_terms(frame: pd.DataFrame) -> Mask:
    is_busy = frame["baskets_30d"] > 1
    is_loyal = frame["tier"].isin(["gold", "platinum"]) | frame["channel"].str.contains("news", regex=False, na=False)
    is_rich = (frame["account.points_balance"].fillna(0) >= 100) | (frame["age"].fillna(0) < 30)
    is_calm = frame["spend_30d"].fillna(0) - frame["spend_1d"] * 3 < 60
    return np.asarray(is_busy & is_loyal & is_rich & is_calm)


def _lists(orders: Orders, spend: npt.NDArray[np.float64], age: npt.NDArray[np.float64]) -> Mask:
    sizes = np.diff(orders.offsets)
    has_large = _counts(orders.amounts > 50, orders.offsets) > 0
    all_fair = (_counts(orders.amounts >= 10, orders.offsets) == sizes) & (sizes > 0)
    return np.asarray(has_large & all_fair & ~(np.isnan(spend) & np.isnan(age)))


def _counts(mask: Mask, offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    before = np.zeros(len(mask) + 1, dtype=np.int64)
    np.cumsum(mask, out=before[1:])
    return np.diff(before[offsets])


def many_rules(count: int) -> list[Any]:
    """As many different rules over the frame, of kinds that journeys have; terms occur in several of them."""
    parts = SIX_TERMS["and"]
    made: list[Any] = []
    for number in range(count):
        own = {">": [{"var": "spend_30d"}, number]}
        made.append({"and": [parts[number % 4], parts[(number + 1) % 4], own]})
    return made
