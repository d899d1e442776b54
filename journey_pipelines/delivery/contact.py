"""How often and when a customer may be written to: frequency caps over the local day, quiet hours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from journey_pipelines.engine import calendar
from journey_pipelines.engine.frames import TIME
from journey_pipelines.engine.ports import DepartureContext, StoreTransaction
from journey_pipelines.errors import SettingsError


@dataclass(frozen=True)
class QuietHours:
    """No message leaves in [start, end) of the customer's local time; start after end lasts over midnight."""

    start: time
    end: time


@dataclass(frozen=True)
class ContactPolicy:
    """What holds for every journey. The default restricts nothing.

    `caps`: the most messages of a channel that a customer gets in one local day.

    >>> ContactPolicy.parse({"caps": {"sms": 1}, "quiet_hours": {"from": "21:00", "to": "08:00"}}).caps
    {'sms': 1}
    """

    caps: Mapping[str, int] = field(default_factory=dict)
    quiet_hours: QuietHours | None = None

    @classmethod
    def parse(cls, settings: Mapping[str, Any]) -> "ContactPolicy":
        """The policy of `{caps: {channel: count}, quiet_hours: {from: "21:00", to: "08:00"}}`. Raises SettingsError."""
        try:
            read = _Settings.model_validate(settings)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "the contact policy"
            raise SettingsError(f"contact policy: {place} is wrong ({first['msg']}); correct it") from error
        quiet = read.quiet_hours
        if quiet is not None and quiet.start == quiet.end:
            raise SettingsError("contact policy: quiet hours from and to are the same time; nothing could ever leave")
        return cls(dict(read.caps), None if quiet is None else QuietHours(quiet.start, quiet.end))


class _Hours(BaseModel):
    model_config = ConfigDict(extra="forbid")
    start: time = Field(alias="from")
    end: time = Field(alias="to")


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    caps: dict[str, NonNegativeInt] = Field(default_factory=dict)
    quiet_hours: _Hours | None = None


def quiet_until(policy: ContactPolicy, context: DepartureContext, rows: np.ndarray) -> pd.Series:
    """The end of the quiet hours for each of these rows (positions) that is in them now, else NaT; by position."""
    now = pd.Series(pd.Timestamp(context.as_of), index=pd.RangeIndex(len(rows)), dtype=TIME)
    if policy.quiet_hours is None or not len(rows):
        return now.where(np.zeros(len(rows), dtype=bool))
    zones = context.timezones.to_numpy()[rows]
    quiet = policy.quiet_hours
    opening = calendar.window_opening(now, zones, start=quiet.end, end=quiet.start, weekdays=None)
    return opening.where(opening > now)


def capped_until(
    policy: ContactPolicy,
    sends: pd.DataFrame,
    context: DepartureContext,
    transaction: StoreTransaction,
    channel_of_type: Mapping[str, str | None],
) -> pd.Series:
    """The next local midnight for each send beyond its customer's cap, else NaT; index of `sends`.

    `sends` are the messages that leave now in the order in which they may use up the cap: `customer_id`, `channel`
    and `row` (position among the dispatches). What left earlier in the customer's local day counts first.
    """
    never = pd.Series(pd.NaT, index=sends.index, dtype=TIME)
    cap = sends["channel"].map(dict(policy.caps)).astype("float64")
    is_limited = cap.notna()
    if not is_limited.any():
        return never
    limited = sends[is_limited].assign(cap=cap[is_limited])
    limited = limited.assign(**_local_day(limited["row"].to_numpy(), context, limited.index))
    earlier = _earlier_today(limited, transaction, channel_of_type)
    place = limited.groupby(["customer_id", "channel"], sort=False).cumcount()
    is_over = earlier + place >= limited["cap"]
    never.loc[limited.index[is_over]] = limited.loc[is_over, "day_ends_at"]
    return never


def _local_day(rows: np.ndarray, context: DepartureContext, index: pd.Index) -> dict[str, pd.Series]:
    zones = context.timezones.to_numpy()[rows]
    now = pd.Series(pd.Timestamp(context.as_of), index=index, dtype=TIME)
    midnight = calendar.to_local(now, zones).dt.floor("D")
    tomorrow = midnight + np.timedelta64(1, "D")
    return {
        "day_began_at": calendar.local_to_utc(midnight, zones),
        "day_ends_at": calendar.local_to_utc(tomorrow, zones),
    }


def _earlier_today(
    limited: pd.DataFrame, transaction: StoreTransaction, channel_of_type: Mapping[str, str | None]
) -> pd.Series:
    """How many messages of its channel each row's customer got since local midnight; index of `limited`."""
    customers = pd.Index(limited["customer_id"].unique())
    left = transaction.sends_since(customers, limited["day_began_at"].min().to_pydatetime())
    days = limited.drop_duplicates("customer_id")[["customer_id", "day_began_at"]]
    left = left.assign(channel=left["action_type"].map(dict(channel_of_type))).merge(days, on="customer_id")
    is_today = left["left_at"] >= left["day_began_at"]
    counts = left[is_today].groupby(["customer_id", "channel"]).size()
    wanted = pd.MultiIndex.from_frame(limited[["customer_id", "channel"]])
    return pd.Series(counts.reindex(wanted, fill_value=0).to_numpy(), index=limited.index)
