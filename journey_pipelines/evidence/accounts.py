"""Loyalty accounts as they were at an earlier time: today's balance without the awards since."""

from datetime import datetime
from typing import Any

import pandas as pd

from journey_pipelines.engine.ports import StoreTransaction


def accounts_at(transaction: StoreTransaction, customer_id: str, as_of: datetime) -> list[dict[str, Any]]:
    """What `account` may have been for the customer in a run with this `as_of`, the earliest first.

    One, unless points were awarded in runs with this very `as_of`: before and after each such award. The program is
    the lowest that had an account then; without one the balance is 0.
    """
    awards = transaction.read("points_transactions", customer_id=customer_id)
    balances = transaction.balances(pd.Index([customer_id]))
    certain = int((awards["at"] < as_of).sum())
    possible = int((awards["at"] <= as_of).sum())
    awards = awards.sort_values("at", kind="stable", ignore_index=True)
    return [
        _account(customer_id, balances, awards.iloc[:count], awards.iloc[count:])
        for count in range(certain, possible + 1)
    ]


def _account(customer_id: str, balances: pd.DataFrame, before: pd.DataFrame, after: pd.DataFrame) -> dict[str, Any]:
    for program, balance in zip(balances["program_id"], balances["points_balance"], strict=True):
        then = int(balance) - int(after.loc[after["program_id"] == program, "points"].sum())
        if then != 0 or (before["program_id"] == program).any():
            return {"customer_id": customer_id, "program_id": int(program), "points_balance": then}
    return {"customer_id": customer_id, "points_balance": 0}
