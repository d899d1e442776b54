"""What rendering the sample welcome mail costs, beside plain Jinja that goes row by row."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from journey_pipelines.bench.costs import BenchmarkError, Cost, measure_alone, require_processes
from journey_pipelines.bench.rounds import described_rounds
from journey_pipelines.delivery.actions import load_actions
from journey_pipelines.delivery.rendering import Columns, NodeRows, render
from journey_pipelines.delivery.template_store import SAMPLE_TEMPLATES

MOST_ROWS_COMPILED_EACH: Final = 1_000
CONFIG: Final[Mapping[str, Any]] = {
    "subject": 'Welcome, {{customer.first_name|default("friend")}}!',
    "template": "welcome_email",
    "variables": {
        "customer_name": '{{customer.first_name|default("friend")}}',
        "points_balance": "{{account.points_balance}}",
    },
}
NAMES: Final = ("Ann", "Björn", "O'Neill & Sons", "<Zoë>", None)

Payload = Mapping[str, Any]


class Customers:
    """Customers with differing names and balances, as delivery reads them; satisfies `engine.ports.Variables`."""

    def __init__(self, rows: int) -> None:
        numbers = np.arange(rows)
        names = [None if NAMES[number % 5] is None else f"{NAMES[number % 5]} {number}" for number in numbers.tolist()]
        self._columns = {
            "customer.first_name": pd.Series(names, dtype="str"),
            "account.points_balance": pd.Series(numbers * 7 % 10_000, dtype="Int64"),
        }
        self.size = rows

    def column(self, path: str) -> pd.Series:
        """One value for each customer; null where a path has none."""
        return self._columns.get(path, pd.Series(None, index=pd.RangeIndex(self.size), dtype=object))

    def configs(self) -> pd.Series:
        """The config of each one's node."""
        return pd.Series([CONFIG] * self.size, dtype=object)

    def contexts(self) -> list[dict[str, Any]]:
        """The same values, row by row, as people hand them to Jinja."""
        names, balances = (self._columns[path].astype(object) for path in self._columns)
        shown = names.where(names.notna(), "friend")
        return [
            {"customer_name": name, "points_balance": balance}
            for name, balance in zip(shown.tolist(), balances.tolist(), strict=True)
        ]


def measure(rows: int, *, rounds: int) -> dict[str, Any]:
    """Processor time of each way, the best of rounds in which they take turns, as one JSON document.

    Raises BenchmarkError where they do not make the same mails.
    """
    require_processes()
    customers = Customers(rows)
    contexts = customers.contexts()
    few = contexts[:MOST_ROWS_COMPILED_EACH]
    ways: dict[str, tuple[int, Callable[[], list[Payload]]]] = {
        "ours": (rows, lambda: rendered_mails(customers, rows)),
        "plain": (rows, lambda: plain_mails(contexts)),
        "plain_compiled_each": (len(few), lambda: [plain_mails([context])[0] for context in few]),
    }
    _require_equal({name: run() for name, (_, run) in ways.items()})
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (count, run) in ways.items():
            costs[name].append(measure_alone(count, run))
    measured = described_rounds(costs)
    per_row = {name: one["cpu_seconds"] / one["rows"] for name, one in measured.items()}
    return {
        "rows": rows,
        "rounds": rounds,
        "measured": measured,
        "ratios": {
            "cpu_to_plain": per_row["ours"] / per_row["plain"],
            "cpu_to_plain_compiled_each": per_row["ours"] / per_row["plain_compiled_each"],
        },
    }


def rendered_mails(customers: Customers, rows: int) -> list[Payload]:
    """The welcome mail of each customer, as delivery renders it."""
    action = load_actions()["send_email"]
    node = NodeRows(np.arange(rows), action, action.parameters.model_validate(CONFIG))
    return [dict(payload) for payload in render(node, node.rows, Columns(customers)) if isinstance(payload, dict)]


def plain_mails(contexts: list[dict[str, Any]]) -> list[Payload]:
    """The same by Jinja, compiled once, row by row."""
    settings: dict[str, Any] = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    escaping, plain = SandboxedEnvironment(autoescape=True, **settings), SandboxedEnvironment(**settings)
    html, text = (
        environment.from_string((SAMPLE_TEMPLATES / f"welcome_email.{suffix}").read_text(encoding="utf-8"))
        for environment, suffix in ((escaping, "html"), (plain, "txt"))
    )
    subject = plain.from_string("Welcome, {{customer_name}}!")
    return [
        {"html": html.render(context), "text": text.render(context), "subject": subject.render(context)}
        for context in contexts
    ]


def _require_equal(made: Mapping[str, list[Payload]]) -> None:
    ours = made["ours"]
    for name, others in made.items():
        for number, other in enumerate(others):
            if number >= len(ours) or any(ours[number][part] != other[part] for part in ("html", "text", "subject")):
                raise BenchmarkError(f"mail {number} of {name!r} is not that of 'ours'; one of them has a fault")


def figures(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What people read: each way's processor time, and the ratios."""
    for name, one in found["measured"].items():
        seconds = one["cpu_seconds"] / one["rows"] * 100_000
        yield name.replace("_", " "), "processor", f"{one['cpu_seconds']:.2f} s for {one['rows']:,} mails"
        yield "", "", f"{seconds:.2f} s for 100,000"
        yield "", "peak memory", f"{one['peak_extra_bytes'] / 1e6:,.0f} MB new"
    for name, ratio in found["ratios"].items():
        yield "ours", name.replace("cpu_to_", "against ").replace("_", " "), f"{ratio:.2f} of its processor time"
