"""The tables about a journey, as frames for the page and for Dagster alike."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import pandas as pd

from journey_pipelines.journeys.journey import Journey
from journey_pipelines.store.postgres.analytics import Analytics

CONFIDENCE: Final = 1.96  # two-sided 95 %


def totals(found: Analytics) -> dict[str, int]:
    """What a journey came to, in a few numbers by their names, over all versions."""
    named = {name: int(found.days[name].sum()) for name in ("entered", "ended", "converted")}
    sent = int(found.sends.loc[found.sends["status"] == "sent", "dispatches"].sum())
    inside = int(found.standing["customers"].sum())
    return {
        "entered": named["entered"],
        "inside now": inside,
        "ended": named["ended"],
        "reached the goal": named["converted"],
        "actions done": sent,
        "points": int(found.points["points"].sum()),
    }


def funnel(journey: Journey, found: Analytics) -> pd.DataFrame:
    """node_id, reached, share, in the document's order; of this version."""
    survival = _of_version(found.survival, journey)
    order = survival["node_id"].map(dict(journey.order))
    return survival.assign(order=order).sort_values("order")[["node_id", "reached", "share"]].reset_index(drop=True)


def ways(journey: Journey, found: Analytics) -> pd.DataFrame:
    """node_id, branch, passed: each way out of a node, in the document's order; 0 where nobody took it."""
    passed = _of_version(found.passages, journey).set_index(["node_id", "branch"])["passed"]
    rows = [(node, branch or "", int(passed.get((node, branch or ""), 0))) for node, branch in journey.ways]
    return pd.DataFrame(rows, columns=["node_id", "branch", "passed"])


def waits(journey: Journey, found: Analytics, as_of: datetime) -> pd.DataFrame:
    """node_id, customers, the longest for: who stands where, of this version."""
    standing = _of_version(found.standing, journey)
    longest = [duration(as_of - at) if at is not None else "" for at in standing["oldest_arrived_at"]]
    return standing[["node_id", "customers"]].assign(**{"the longest for": longest})


def sends(found: Analytics) -> pd.DataFrame:
    """node_id, action_type, status, reason, dispatches, over all days."""
    return found.sends.groupby(["node_id", "action_type", "status", "reason"], as_index=False)["dispatches"].sum()


def sends_by_day(found: Analytics) -> pd.DataFrame:
    """A row for each day, a column for each status."""
    return found.sends.pivot_table(index="day", columns="status", values="dispatches", aggfunc="sum", fill_value=0)


def arms(journey: Journey, found: Analytics) -> pd.DataFrame:
    """See `arms_side_by_side`; of this version."""
    return arms_side_by_side(_of_version(found.arms, journey))


def arms_side_by_side(arms: pd.DataFrame) -> pd.DataFrame:
    """node_id, arm, executions, converted, rate and, for every arm but the first of its split, the difference to that
    one with the bounds of its 95 % interval (of two independent proportions, without correction)."""
    rows = []
    for _, of_split in arms.groupby("node_id", sort=False):
        base = of_split.iloc[0]
        base_rate, base_size = base["converted"] / base["executions"], base["executions"]
        for number, (_, arm) in enumerate(of_split.iterrows()):
            rate, size = arm["converted"] / arm["executions"], arm["executions"]
            margin = CONFIDENCE * (rate * (1 - rate) / size + base_rate * (1 - base_rate) / base_size) ** 0.5
            difference = rate - base_rate
            shown = f"{difference:+.1%} ({difference - margin:+.1%} to {difference + margin:+.1%})" if number else ""
            rows.append((arm["node_id"], arm["arm"], int(size), int(arm["converted"]), f"{rate:.1%}", shown))
    columns = ["node_id", "arm", "executions", "converted", "rate", "difference (95 %)"]
    return pd.DataFrame(rows, columns=columns)


def titled(journey: Journey, found: Analytics, as_of: datetime) -> Sequence[tuple[str, pd.DataFrame]]:
    """Every table with its title, for places that show them one below the other."""
    return [
        ("Funnel", funnel(journey, found)),
        ("Ways", ways(journey, found)),
        ("Waiting", waits(journey, found, as_of)),
        ("Ends", found.ends),
        ("Sends", sends(found)),
        ("Points", found.points),
        ("Arms of splits", arms(journey, found)),
    ]


def heading(column: str) -> str:
    """A column's name for people.

    >>> heading("longest_median_time")
    'longest median time'
    """
    return str(column).removesuffix("_id").replace("_", " ")


def cell(value: Any) -> str:
    """A value for people: whole numbers with separators, shares as percent, the largest two units of a duration.

    >>> cell(1234567), cell(0.25), cell(timedelta(hours=30)), cell(None)
    ('1,234,567', '25%', '1 d 6 h', '')
    """
    if isinstance(value, timedelta):
        return duration(value)
    if hasattr(value, "__index__"):
        return f"{int(value):,}"
    if value is None or value != value:
        return ""
    return f"{value:.0%}" if isinstance(value, float) else str(value)


def duration(length: timedelta) -> str:
    """The largest two units.

    >>> duration(timedelta(days=3, hours=4, minutes=5))
    '3 d 4 h'
    """
    seconds = int(length.total_seconds())
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    return f"{days:,} d {hours} h" if days else f"{hours} h {minutes} min"


def _of_version(frame: pd.DataFrame, journey: Journey) -> pd.DataFrame:
    return frame[frame["journey_version"] == journey.version]
