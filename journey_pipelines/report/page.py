"""The page of one journey: one HTML file that needs nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from journey_pipelines.journeys.journey import Journey
from journey_pipelines.report.drawing import drawing
from journey_pipelines.report.plots import ENDS_INKS, STATUS_INKS, svg_plot
from journey_pipelines.report.tables import arms, cell, funnel, heading, sends, sends_by_day, totals, waits, ways
from journey_pipelines.store.postgres.analytics import Analytics


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
    standing = found.standing[found.standing["journey_version"] == journey.version]
    here = dict(zip(standing["node_id"], standing["customers"].astype(int), strict=True))
    flow = {(node, branch): passed for node, branch, passed in ways(journey, found).itertuples(index=False)}
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    return environment.get_template("page.html").render(
        name=journey.name,
        key=journey.key,
        version=journey.version,
        as_of=f"{as_of:%Y-%m-%d %H:%M} UTC",
        tiles=[(label, f"{value:,}") for label, value in totals(found).items()],
        picture=Markup(drawing(journey, flow, here)),  # noqa: S704 - made here, its texts escaped
        funnel=funnel(journey, found).to_dict("records"),
        plots=[
            ("Entries and ends by day", svg_plot(found.days.set_index("day"), ENDS_INKS), _table(found.ends)),
            ("Sends by day", svg_plot(sends_by_day(found), STATUS_INKS), _table(sends(found))),
            ("Waiting now", None, _table(waits(journey, found, as_of))),
            ("Points", None, _table(found.points)),
            ("Arms of splits", None, _table(arms(journey, found))),
        ],
    )


def _table(frame: pd.DataFrame) -> _Table:
    headers = [heading(name) for name in frame.columns]
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    return _Table(headers, rows)


def _cell(value: Any) -> _Cell:
    is_number = isinstance(value, int | float | timedelta) or hasattr(value, "__index__")
    return _Cell(cell(value), is_number)
