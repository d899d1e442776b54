"""Plots over days, as pictures that need nothing else."""

from collections.abc import Mapping
from io import BytesIO, StringIO
from typing import Any, Final

import pandas as pd
from markupsafe import Markup

ENDS_INKS: Final = {"entered": "#4c6ef5", "ended": "#868e96", "converted": "#2b8a3e"}
STATUS_INKS: Final = {
    "sent": "#4c6ef5",
    "skipped": "#e67700",
    "failed": "#e03131",
    "pending": "#868e96",
    "unknown": "#ae3ec9",
}
NO_METADATA: Final = dict.fromkeys(("Creator", "Date", "Format", "Type"))
DOTS_PER_INCH: Final = 80


def svg_plot(frame: pd.DataFrame, inks: Mapping[str, str]) -> Markup | None:
    """One line for each column that there is, over all days between the first and the last; None without rows.

    frame: one row for each day (its index), a column of counts for each ink.
    """
    figure = _figure(frame, inks)
    if figure is None:
        return None
    text = StringIO()
    figure.savefig(text, format="svg", metadata=NO_METADATA)
    return Markup(text.getvalue()[text.getvalue().index("<svg") :])  # noqa: S704 - made here of numbers and dates


def png_plot(frame: pd.DataFrame, inks: Mapping[str, str]) -> bytes | None:
    """The same as a PNG."""
    figure = _figure(frame, inks)
    if figure is None:
        return None
    image = BytesIO()
    figure.savefig(image, format="png", dpi=DOTS_PER_INCH)
    return image.getvalue()


def _figure(frame: pd.DataFrame, inks: Mapping[str, str]) -> Any:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # slow to import
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    if frame.empty:
        return None
    days = pd.date_range(min(frame.index), max(frame.index), freq="D")
    filled = frame.set_axis(pd.DatetimeIndex(frame.index)).reindex(days, fill_value=0)
    figure = Figure(figsize=(10, 2.6), layout="constrained")
    axes = figure.add_subplot()
    for name, ink in inks.items():
        if name in filled:
            axes.plot(days, filled[name].astype(int), color=ink, label=name, marker="o", markersize=3)
    locator = AutoDateLocator(minticks=2, maxticks=10)  # type: ignore[no-untyped-call]  # matplotlib's dates have no types
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # the same
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color="#e9ecef")
    axes.set_axisbelow(True)
    figure.legend(frameon=False, fontsize="small", loc="outside upper left", ncols=len(inks))
    axes.spines[["top", "right"]].set_visible(False)
    return figure
