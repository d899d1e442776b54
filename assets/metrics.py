"""How the journeys are doing: a funnel table and a plot, for people who look at the asset."""

import base64
import io
from typing import Any

import dagster as dg
import pandas as pd

from assets.ownership import MARKETING_TEAM
from assets.reports import Materialization
from journey_pipelines.engine.ports import JourneyStore

INKS = ("#4c6ef5", "#f76707", "#2b8a3e", "#ae3ec9", "#868e96")


@dg.asset(
    deps=["deliveries"],
    group_name="delivery",
    kinds={"matplotlib"},
    owners=[MARKETING_TEAM],
    tags={"domain": "journeys"},
    code_version="1",
)
def journey_metrics(store: dg.ResourceParam[JourneyStore]) -> Materialization:
    """Funnel of each journey, dispatches by action and status, and entries and endings over time."""
    with store.transaction() as transaction:
        executions = transaction.read("executions")
        transitions = transaction.read("transitions")
        dispatches = transaction.dispatch_counts()
    return dg.MaterializeResult(
        metadata={
            "executions": len(executions),
            "funnel": dg.MetadataValue.md(markdown_table(funnel(executions, transitions))),
            "dispatches": dg.MetadataValue.md(markdown_table(dispatches)),
            "plot": dg.MetadataValue.md(f"![entries and endings]({as_data_url(plot(executions))})"),
        }
    )


def funnel(executions: pd.DataFrame, transitions: pd.DataFrame) -> pd.DataFrame:
    """How many left each node by each branch, and how many stand there: one row for each node and branch."""
    left = transitions.assign(branch=transitions["branch"].fillna("")).groupby(
        ["journey_key", "node_id", "branch"], sort=False
    )
    counts = left.agg(customers=("customer_id", "nunique"), passages=("customer_id", "size")).reset_index()
    is_active = executions["ended_at"].isna()
    standing = executions[is_active].groupby(["journey_key", "current_node_id"]).size()
    places = pd.MultiIndex.from_frame(counts[["journey_key", "node_id"]])
    return counts.assign(standing=standing.reindex(places, fill_value=0).to_numpy()).rename(
        columns={"journey_key": "journey", "node_id": "node"}
    )


def plot(executions: pd.DataFrame) -> Any:
    """A figure: entries of each day as bars, unfinished executions as a line, one panel for each journey."""
    from matplotlib.figure import Figure  # slow to import, and only this asset draws

    keys = sorted(executions["journey_key"].unique())
    figure = Figure(figsize=(8, 2.4 * max(len(keys), 1)), layout="constrained")
    for number, key in enumerate(keys):
        axes = figure.add_subplot(len(keys), 1, number + 1)
        mine = executions[executions["journey_key"] == key]
        entered = mine.groupby(mine["entered_at"].dt.floor("D")).size()
        ended = mine.groupby(mine["ended_at"].dt.floor("D")).size()
        days = pd.date_range(mine["entered_at"].min().floor("D"), max([*entered.index, *ended.index]), freq="D")
        entered, ended = entered.reindex(days, fill_value=0), ended.reindex(days, fill_value=0)
        axes.bar(days, entered, color=INKS[0], label="entered")
        axes.plot(days, entered.cumsum() - ended.cumsum(), color=INKS[1], label="under way at the end of the day")
        axes.set_title(key, loc="left")
        axes.legend(frameon=False, fontsize="small")
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def as_data_url(figure: Any) -> str:
    """The figure as a PNG inside a URL, which Dagster's Markdown shows."""
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=80)
    return f"data:image/png;base64,{base64.b64encode(image.getvalue()).decode()}"


def markdown_table(frame: pd.DataFrame) -> str:
    """The frame as a Markdown table; `nothing yet` where it has no rows."""
    if frame.empty:
        return "nothing yet"
    rows = frame.astype("str").to_numpy().tolist()
    lines = [list(frame.columns), ["---"] * len(frame.columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
