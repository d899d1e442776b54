"""A journey's figures as metadata: numbers, which Dagster plots over time, and one page of tables and plots."""

import base64
import html
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import dagster as dg
import pandas as pd

from journey_pipelines.journeys.journey import Journey
from journey_pipelines.report.plots import ENDS_INKS, STATUS_INKS, png_plot
from journey_pipelines.report.tables import cell, heading, sends_by_day, titled, totals
from journey_pipelines.store.postgres.analytics import Analytics


def journey_metadata(journey: Journey, found: Analytics, *, as_of: datetime) -> dict[str, Any]:
    """`KEY`: the page; `KEY: entered` and its like: the totals. `as_of` is what waits are counted to."""
    numbers = {f"{journey.key}: {name}": value for name, value in totals(found).items()}
    return {journey.key: dg.MetadataValue.md(page(journey, found, as_of=as_of)), **numbers}


def page(journey: Journey, found: Analytics, *, as_of: datetime) -> str:
    """Plots by day, then every table of the analysts' views, in Markdown."""
    parts = [f"## {_plain(journey.name)}, version {journey.version}"]
    plots: Mapping[str, bytes | None] = {
        "Entries and ends by day": png_plot(found.days.set_index("day"), ENDS_INKS),
        "Sends by day": png_plot(sends_by_day(found), STATUS_INKS),
    }
    parts += [f"### {title}\n\n![{title}]({as_data_url(image)})" for title, image in plots.items() if image]
    tables = titled(journey, found, as_of)
    parts += [f"### {title}\n\n{markdown_table(frame)}" for title, frame in tables if len(frame)]
    return "\n\n".join(parts)


def as_data_url(image: bytes) -> str:
    """The PNG inside a URL, which Dagster's Markdown shows."""
    return f"data:image/png;base64,{base64.b64encode(image).decode()}"


def markdown_table(frame: pd.DataFrame) -> str:
    """The frame as a Markdown table, numbers to the right; `nothing yet` where it has no rows. Values stay text."""
    if frame.empty:
        return "nothing yet"
    are_numbers = [pd.api.types.is_numeric_dtype(frame[name]) for name in frame.columns]
    lines = [
        [heading(name) for name in frame.columns],
        ["---:" if is_number else "---" for is_number in are_numbers],
        *([_plain(cell(value)) for value in row] for row in frame.itertuples(index=False)),
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _plain(text: str) -> str:
    """The text without a meaning in Markdown or HTML."""
    escaped = html.escape(" ".join(text.split()), quote=False)
    for sign in "\\|`*_[]":
        escaped = escaped.replace(sign, f"\\{sign}")
    return escaped
