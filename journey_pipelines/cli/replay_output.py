"""What `journeys replay` prints: one replay, or two side by side."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from journey_pipelines.cli.output import count_of, instant, table
from journey_pipelines.replay import Comparison, Replayed

NONE: Final = "-"
SHOWN: Final = 10


def as_data(replayed: Replayed) -> dict[str, Any]:
    """The figures as JSON."""
    digest = replayed.digest
    return {
        "from": str(replayed.days[0]),
        "to": str(replayed.days[-1]),
        "days": len(replayed.days),
        "hash": replayed.hash,
        "entered": dict(replayed.entered),
        "flow": _records(digest.flow),
        "standing": _records(digest.standing),
        "ended": _records(digest.ends),
        "sends": _records(digest.sends),
        "points": digest.points,
        "held": {key: {str(day): reason for day, reason in by_day.items()} for key, by_day in replayed.held.items()},
        "rows": digest.rows,
        "customer_days": replayed.customer_days,
        "seconds": round(replayed.seconds, 3),
        "rows_per_second": round(replayed.rows_per_second),
    }


def as_text(replayed: Replayed) -> str:
    """The figures for people."""
    digest = replayed.digest
    span = f"{replayed.days[0]} to {replayed.days[-1]}"
    who = _counts(replayed.entered) or "nobody entered"
    lines = [f"Replayed {count_of(len(replayed.days), 'day')}, {span}: {who}."]
    by_status = digest.sends.groupby(["journey_key", "action_type", "status"]).sum()
    for headers, counts in (
        (["journey", "node", "branch", "passed"], digest.flow),
        (["journey", "stands at", "customers"], digest.standing),
        (["journey", "action", "status", "dispatches"], by_status),
    ):
        rows = [(*_shown(index), int(count)) for index, count in counts.items()]
        lines += ["", table(headers, rows)] if rows else []
    lines += [f"{reason or 'Points'}: {count_of(points, 'point')}" for reason, points in sorted(digest.points.items())]
    for key, by_day in sorted(replayed.held.items()):
        lines.append(f"{key} was held on {count_of(len(by_day), 'day')}, first on {min(by_day)}: {by_day[min(by_day)]}")
    rate = f"{replayed.customer_days:,} customers and days in {replayed.seconds:.1f} s"
    return "\n".join([*lines, "", f"{rate}; hash {replayed.hash}"])


def comparison_as_data(compared: Comparison) -> dict[str, Any]:
    """The comparison as JSON, with everybody who went another way."""
    divergent = compared.divergent.assign(at=[at.isoformat() for at in compared.divergent["at"]])
    frames = {"totals": compared.totals, "nodes": compared.nodes, "edges": compared.edges, "sends": compared.sends}
    return {
        **{name: frame.to_dict("records") for name, frame in frames.items()},
        "divergent": divergent.to_dict("records"),
    }


def comparison_as_text(compared: Comparison) -> str:
    """The comparison for people: totals, what differs, and the first who went another way."""
    lines = [_table(compared.totals)]
    edges = compared.edges[compared.edges["first"] != compared.edges["second"]]
    lines += ["", "Ways that another number took:", _table(edges)] if len(edges) else ["", "Every way took as many."]
    sends = compared.sends.groupby(["action_type", "status"], as_index=False)[["first", "second"]].sum()
    lines += ["", _table(sends)] if len(sends) else []
    count = len(compared.divergent)
    lines += ["", f"{count_of(count, 'customer')} went another way{':' if count else '.'}"]
    for row in compared.divergent.head(SHOWN).to_dict("records"):
        values = ", ".join(f"{name} = {value}" for name, value in row["values"].items())
        told = f"{row['first'] or 'stands there'} against {row['second'] or 'stands there'}"
        lines.append(
            f"  {row['customer_id']} at {row['node_id']}, {instant(row['at'])}: {row['what']}, {told}"
            + (f" ({values})" if values else "")
        )
    return "\n".join([*lines, f"  and {count - SHOWN:,} more; --json lists all"] if count > SHOWN else lines)


def _table(frame: pd.DataFrame) -> str:
    rows = [[_cell(cell) for cell in row] for row in frame.itertuples(index=False)]
    return table([str(name).removesuffix("_id").replace("_", " ") for name in frame.columns], rows)


def _cell(cell: Any) -> Any:
    return int(cell) if hasattr(cell, "__index__") else str(cell) or NONE


def _records(counts: pd.Series) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = counts.rename("count").reset_index().to_dict("records")
    return records


def _shown(index: Any) -> list[str]:
    return [str(part) or NONE for part in index]


def _counts(entered: Mapping[str, int]) -> str:
    return ", ".join(f"{count_of(count, 'customer')} entered {key}" for key, count in sorted(entered.items()))
