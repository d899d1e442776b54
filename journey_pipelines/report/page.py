"""The page of one journey: one HTML file that needs nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pandas as pd
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from journey_pipelines.journeys.journey import Journey
from journey_pipelines.report.drawing import drawing
from journey_pipelines.store.postgres.analytics import Analytics

INKS: Final = {"entered": "#4c6ef5", "ended": "#868e96", "converted": "#2b8a3e"}
STATUS_INKS: Final = {"sent": "#4c6ef5", "skipped": "#fab005", "failed": "#e03131"}
CONFIDENCE: Final = 1.96  # two-sided 95 %
NO_METADATA: Final = dict.fromkeys(("Creator", "Date", "Format", "Type"))


@dataclass(frozen=True)
class _Cell:
    text: str
    is_number: bool


@dataclass(frozen=True)
class _Table:
    headers: Sequence[str]
    rows: Sequence[Sequence[_Cell]]


def report_page(journey: Journey, found: Analytics, *, as_of: datetime) -> str:
    """The HTML of a journey's report; `as_of` is what the figures count waits to."""
    mine = {name: getattr(found, name) for name in ("passages", "survival", "standing", "arms")}
    newest = {name: frame[frame["journey_version"] == journey.version] for name, frame in mine.items()}
    passages, standing = newest["passages"], newest["standing"]
    flow = {(node, branch): int(passed) for _, node, branch, passed in passages.itertuples(index=False)}
    here = dict(zip(standing["node_id"], standing["customers"].astype(int), strict=True))
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    survival = newest["survival"].copy()
    order = survival["node_id"].map(dict(journey.order))
    return environment.get_template("page.html").render(
        name=journey.name,
        key=journey.key,
        version=journey.version,
        as_of=f"{as_of:%Y-%m-%d %H:%M} UTC",
        tiles=_tiles(found),
        picture=Markup(drawing(journey, flow, here)),  # noqa: S704 - made here, its texts escaped
        funnel=survival.assign(order=order).sort_values("order").to_dict("records"),
        plots=[
            ("Entries and ends by day", _plot(found.days.set_index("day"), INKS), _table(found.ends)),
            ("Sends by day", _plot(_by_status(found.sends), STATUS_INKS), _table(_sends(found.sends))),
            ("Waiting now", None, _table(_waits(standing, as_of))),
            ("Points", None, _table(found.points)),
            ("Arms of splits", None, _table(arms_side_by_side(newest["arms"]))),
        ],
    )


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


def _tiles(found: Analytics) -> list[tuple[str, str]]:
    sums = {name: int(found.days[name].sum()) for name in ("entered", "ended", "converted")}
    inside = int(found.standing["customers"].sum())
    sent = int(found.sends.loc[found.sends["status"] == "sent", "dispatches"].sum())
    points = int(found.points["points"].sum())
    named = [("entered", sums["entered"]), ("inside now", inside), ("ended", sums["ended"])]
    named += [("reached the goal", sums["converted"]), ("actions done", sent), ("points", points)]
    return [(label, f"{value:,}") for label, value in named]


def _by_status(sends: pd.DataFrame) -> pd.DataFrame:
    return sends.pivot_table(index="day", columns="status", values="dispatches", aggfunc="sum", fill_value=0)


def _sends(sends: pd.DataFrame) -> pd.DataFrame:
    by = ["node_id", "action_type", "status", "reason"]
    return sends.groupby(by, as_index=False)["dispatches"].sum()


def _waits(standing: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    longest = [_duration(as_of - at) if at is not None else "" for at in standing["oldest_arrived_at"]]
    return standing[["node_id", "customers"]].assign(**{"the longest for": longest})


def _plot(frame: pd.DataFrame, inks: Mapping[str, str]) -> Markup | None:
    """One line for each column that there is, over all days between the first and the last, as an SVG."""
    from matplotlib.figure import Figure  # slow to import

    if frame.empty:
        return None
    days = pd.date_range(min(frame.index), max(frame.index), freq="D")
    filled = frame.set_axis(pd.DatetimeIndex(frame.index)).reindex(days, fill_value=0)
    figure = Figure(figsize=(10, 2.6), layout="constrained")
    axes = figure.add_subplot()
    for name, ink in inks.items():
        if name in filled:
            axes.plot(days, filled[name].astype(int), color=ink, label=name, marker="o", markersize=3)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)
    text = StringIO()
    figure.savefig(text, format="svg", metadata=NO_METADATA)
    return Markup(text.getvalue()[text.getvalue().index("<svg") :])  # noqa: S704 - made here of numbers and dates


def _table(frame: pd.DataFrame) -> _Table:
    headers = [str(name).removesuffix("_id").replace("_", " ") for name in frame.columns]
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    return _Table(headers, rows)


def _cell(value: Any) -> _Cell:
    if isinstance(value, timedelta):
        return _Cell(_duration(value), is_number=True)
    if isinstance(value, int) or hasattr(value, "__index__"):
        return _Cell(f"{int(value):,}", is_number=True)
    return _Cell("" if value is None or value != value else str(value), is_number=False)


def _duration(length: timedelta) -> str:
    """The largest two units.

    >>> _duration(timedelta(days=3, hours=4, minutes=5))
    '3 d 4 h'
    """
    seconds = int(length.total_seconds())
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    return f"{days} d {hours} h" if days else f"{hours} h {minutes} min"
