"""What every snapshot must be, whatever it holds: rows of known customers."""

import pandas as pd

from journey_pipelines.engine.frames import TEXT
from journey_pipelines.errors import JourneysError


def check_customers(frame: pd.DataFrame, name: str, error: type[JourneysError], *, is_unique: bool) -> None:
    """Raise `error` unless the column `customer_id` is there, is text, has no null and, if asked, no duplicate."""
    if "customer_id" not in frame:
        found = ", ".join(map(str, frame.columns)) or "no column at all"
        raise error(f"{name} has no column customer_id (found: {found}); add it, as text.")
    customers = frame["customer_id"]
    if frame.empty:
        return
    if customers.isna().any():
        raise error(f"{name} has {customers.isna().sum()} rows without a customer_id; leave them out or give them one.")
    if customers.dtype != TEXT:
        raise error(f"{name} has a customer_id of type {customers.dtype}, expected text; cast it in the query.")
    if is_unique and customers.duplicated().any():
        twice = customers[customers.duplicated()]
        raise error(
            f"{name} has {len(twice)} rows too many: customer {twice.iloc[0]!r} appears more than once; "
            "make the query give one row for each customer."
        )
