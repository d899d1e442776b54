"""The columns that the queries for profiles, events and campaigns owe, and their types."""

import json
from collections.abc import Mapping
from typing import Final

import pandas as pd

from journey_pipelines.engine.frames import EVENTS, INT, TEXT, TIME
from journey_pipelines.errors import WarehouseError

PROFILES: Final[Mapping[str, str]] = {
    "customer_id": TEXT,
    "first_name": TEXT,
    "last_name": TEXT,
    "email": TEXT,
    "phone": TEXT,
    "timezone": TEXT,
}
CONSENTS: Final = ("email_consent", "sms_consent", "push_consent")
CAMPAIGNS: Final[Mapping[str, str]] = {"campaign_id": INT, "name": TEXT, "channel": TEXT}
EVENT_COLUMNS: Final[Mapping[str, str]] = {
    **{column: dtype for column, dtype in EVENTS.items() if column not in ("data", "is_used")},
    "data": TEXT,  # a JSON object
}
_SPOKEN: Final = {TEXT: "text", TIME: "a timestamp in UTC", INT: "a whole number"}


def typed(frame: pd.DataFrame, columns: Mapping[str, str], name: str, *, has_nulls: bool = True) -> pd.DataFrame:
    """The frame with those columns in those dtypes. Raises WarehouseError where one is missing or of another type."""
    missing = [column for column in columns if column not in frame]
    if missing:
        raise WarehouseError(f"{name} has no column {', '.join(missing)}; add it to the query.")
    for column, dtype in columns.items():
        values = frame[column]
        if not has_nulls and values.isna().any():
            raise WarehouseError(f"{name} has {values.isna().sum()} rows without {column}; every row needs one.")
        if values.dtype != dtype and values.notna().any():
            raise WarehouseError(f"{name} has a {column} of type {values.dtype}, expected {_SPOKEN[dtype]}; cast it.")
    return frame.astype(dict(columns))


def profiles_from(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The profiles with text addresses, consents of True, False or None, and lists of device tokens.

    Absent columns stay absent. Databases without booleans may answer consents as 0 and 1, databases without lists
    the device tokens as JSON text.
    """
    frame = typed(frame, {column: dtype for column, dtype in PROFILES.items() if column in frame}, name)
    made = {column: _consents(frame[column], name) for column in CONSENTS if column in frame}
    if "device_tokens" in frame:
        made["device_tokens"] = _lists(frame["device_tokens"], name)
    return frame.assign(**made)


def json_objects(values: pd.Series, name: str) -> pd.Series:
    """JSON texts as dicts. Raises WarehouseError for anything but objects."""
    parsed = _parsed(values, name)
    if not all(isinstance(value, dict) for value in parsed):
        raise WarehouseError(f"{name} has data that is no JSON object; expected an object in each row.")
    return pd.Series(parsed, index=values.index, dtype=object)


def _consents(values: pd.Series, name: str) -> pd.Series:
    known = values.dropna()
    is_boolean = pd.api.types.infer_dtype(known) in ("boolean", "empty")
    if not is_boolean and not (pd.api.types.is_numeric_dtype(known) and known.isin([0, 1]).all()):
        raise WarehouseError(
            f"{name} has a {values.name} of type {values.dtype}, expected true, false or null; cast it."
        )
    return values.eq(1).astype(object).where(values.notna(), None)


def _lists(values: pd.Series, name: str) -> pd.Series:
    parsed = _parsed(values.fillna("null"), name) if values.dtype == TEXT else values.tolist()
    if not all(value is None or isinstance(value, list) for value in parsed):
        raise WarehouseError(
            f"{name} has {values.name} that are no lists; expected a list of text or null in each row."
        )
    return pd.Series(parsed, index=values.index, dtype=object)


def _parsed(values: pd.Series, name: str) -> list[object]:
    """JSON texts as values, in one call of the parser."""
    try:
        parsed: list[object] = json.loads(f"[{','.join(values)}]")
    except (TypeError, ValueError) as error:
        raise WarehouseError(f"{name} has {values.name} that is no JSON ({error}); correct the query.") from error
    if len(parsed) != len(values):
        raise WarehouseError(f"{name} has {values.name} that is no JSON in some row; correct the query.")
    return parsed
