"""Nine days of random customers in Parquet snapshots, and journeys that a live engine walks them through."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd

from journey_pipelines.delivery.actions import load_actions
from journey_pipelines.delivery.dispatcher import CallableDispatcher
from journey_pipelines.delivery.template_store import TemplateStore
from journey_pipelines.engine.engine import Engine
from journey_pipelines.engine.frames import EVENTS, STARTS, conform
from journey_pipelines.engine.passes import run_pass
from journey_pipelines.engine.ports import Run
from journey_pipelines.evidence.archive import Archive
from journey_pipelines.evidence.explanation import Explanation, explain_absences, explain_execution
from journey_pipelines.evidence.findings import Finding
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.journey import compile_journey
from journey_pipelines.snapshots.days import end_of_day
from journey_pipelines.snapshots.parquet import FEATURES, PROFILES, SnapshotStore
from journey_pipelines.snapshots.sources import ParquetSource
from journey_pipelines.store.memory import MemoryStore
from tests.behaviour.builders import action, condition, edge, end, journey, wait

FIRST = date(2024, 3, 7)
DAYS = [FIRST + timedelta(days=number) for number in range(9)]
CUSTOMERS = [f"c{number:03}" for number in range(160)]
ACTIONS = load_actions(TemplateStore())
CATALOG = Catalog(actions=ACTIONS)

IS_BIG = {">": [{"var": "spend"}, 500]}
TIERS = [
    {"name": "gold", "rule": {"and": [IS_BIG, {"==": [{"var": "customer.tier"}, "gold"]}]}},
    {"name": "saver", "rule": {">=": [{"var": "account.points_balance"}, 10]}},
    {"name": "told", "rule": {"==": [{"var": "action_result_hello.success"}, True]}},
    {"name": "buyer", "rule": {">": [{"var": "event.amount"}, 60]}},
]


def rich_journey() -> dict[str, Any]:
    """Conditions over features, profile, account, results and the event; exit, goal, split, wait for an event."""
    nodes = [
        {"id": "start", "type": "start"},
        condition("is_big", IS_BIG),
        action("hello", message="Hi {{customer.first_name}}"),
        action("points", "award_points", points=10, reason="r"),
        wait("bought", event="buy", rule={">": [{"var": "amount"}, 20]}, timeout="P2D"),
        {"id": "tier", "type": "condition", "config": {"branches": TIERS}},
        {
            "id": "arm",
            "type": "split",
            "config": {"branches": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}]},
        },
        wait("day", duration="P1D"),
        condition(
            "again",
            {
                "or": [
                    {
                        ">": [
                            {
                                "var": "spend",
                            },
                            700,
                        ]
                    },
                    {"!": [{"var": "note"}]},
                ]
            },
        ),
        action("bye", message="Bye {{customer.first_name}}"),
        end("done"),
        end("other"),
    ]
    edges = [
        edge("start", "is_big"),
        edge("is_big", "hello", "true"),
        edge("is_big", "points", "false"),
        edge("hello", "bought"),
        edge("points", "bought"),
        edge("bought", "tier", "event"),
        edge("bought", "tier", "timeout"),
        *[edge("tier", "arm", branch["name"]) for branch in TIERS[:2]],
        *[edge("tier", "day", branch["name"]) for branch in TIERS[2:]],
        edge("tier", "day", "else"),
        edge("arm", "day", "a"),
        edge("arm", "bye", "b"),
        edge("day", "again"),
        edge("again", "bye", "true"),
        edge("again", "other", "false"),
        edge("bye", "done"),
    ]
    entry = {"segment": "s", "on": "join", "rule": {">": [{"var": "spend"}, 100]}, "context": ["note"]}
    leaves = {"rule": {"==": [{"var": "is_closed"}, True]}}
    return journey(nodes, edges, key="rich", entry=entry, exit=leaves, goal={"rule": {">": [{"var": "spend"}, 980]}})


@dataclass
class World:
    """Snapshots in a folder, a store in memory, and the walk of an engine over both."""

    folder: Path
    seed: int
    store: MemoryStore = field(default_factory=MemoryStore)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.snapshots = SnapshotStore(self.folder)
        self.engine = Engine(
            self.store, ParquetSource(self.snapshots), CallableDispatcher(ACTIONS, self._answer), CATALOG
        )
        self.document = compile_journey(rich_journey(), CATALOG).document

    def walk(self) -> "World":
        """Every day: snapshots, events, a pass as of its last instant."""
        with self.store.transaction() as transaction:
            transaction.publish(self.document, at=datetime(2024, 1, 1, tzinfo=UTC))
            transaction.add_starts(self._starts())
        for number, day in enumerate(DAYS):
            self._write(day)
            with self.store.transaction() as transaction:
                transaction.add_events(self._events(day))
            run_pass(self.engine, Run(f"run-{number}", end_of_day(day)))
        return self

    def explain(self, customers: Collection[str]) -> list[Explanation]:
        with self.store.transaction() as transaction:
            archive = Archive(transaction, CATALOG, self.snapshots)
            executions = transaction.read("executions").to_dict("records")
            return [explain_execution(archive, row) for row in executions if row["customer_id"] in customers]

    def explain_one(self, execution: Mapping[str, Any], snapshots: SnapshotStore | None = None) -> Explanation:
        with self.store.transaction() as transaction:
            return explain_execution(Archive(transaction, CATALOG, snapshots or self.snapshots), execution)

    def explain_absence(self, customer: str) -> Finding:
        with self.store.transaction() as transaction:
            return explain_absences(Archive(transaction, CATALOG, self.snapshots), customer)["rich"]

    def _write(self, day: date) -> None:
        draw = self.random
        present = [customer for customer in CUSTOMERS if draw.random() < 0.98]
        spend = [round(draw.uniform(0, 1000), 2) if draw.random() < 0.9 else None for _ in present]
        closed = [draw.random() < 0.04 for _ in present]
        features = pd.DataFrame({"customer_id": present, "spend": spend, "is_closed": closed})
        self.snapshots.write(FEATURES, day, features.astype({"customer_id": "str", "spend": "float64"}))
        tiers = [draw.choice(["gold", "blue", None]) for _ in CUSTOMERS]
        people = {"customer_id": CUSTOMERS, "first_name": "Ada", "phone": "+491701234567", "tier": tiers}
        consents = [draw.random() < 0.8 for _ in CUSTOMERS]
        profiles = pd.DataFrame({**people, "sms_consent": consents, "timezone": "Europe/Berlin"})
        self.snapshots.write(PROFILES, day, profiles.astype({"tier": "str"}))
        members = [customer for customer in CUSTOMERS if draw.random() < 0.75]
        self.snapshots.write("segments/s", day, pd.DataFrame({"customer_id": members}))

    def _events(self, day: date) -> pd.DataFrame:
        rows = []
        for customer in CUSTOMERS:
            if self.random.random() < 0.4:
                at = datetime(day.year, day.month, day.day, self.random.randrange(24), tzinfo=UTC)
                data = {"amount": self.random.randrange(100)}
                rows.append((f"{customer}-{day}", customer, "buy", pd.Timestamp(at), pd.Timestamp(at), data, False))
        return conform(pd.DataFrame(rows, columns=list(EVENTS)), EVENTS)

    def _starts(self) -> pd.DataFrame:
        at = pd.Timestamp(FIRST + timedelta(days=2), tz="UTC")
        rows = [(f"s{c}", "rich", c, at, {"note": "by hand"}, "waiting", None) for c in CUSTOMERS[:20]]
        return conform(pd.DataFrame(rows, columns=list(STARTS)), STARTS)

    def _answer(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        statuses = [
            self.random.choice(["sent", "sent", "sent", "failed"]) if kind == "send_sms" else "sent"
            for kind in dispatches["action_type"]
        ]
        return pd.DataFrame({"key": dispatches["key"], "status": statuses, "result": [{} for _ in statuses]})
