"""What an enrolment costs: a large segment of which an entry rule lets few in."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from journey_pipelines.bench.costs import BenchmarkError, Cost, best, measure_alone
from journey_pipelines.bench.rounds import described_rounds, figures_of, measure_rounds
from journey_pipelines.bench.server import BenchServer, bench_server
from journey_pipelines.bench.snapshot_files import SnapshotFiles, in_another_process, snapshot_files
from journey_pipelines.bench.standing import SCHEMA, customer_ids
from journey_pipelines.bench.whole_engine import engine_over, publish
from journey_pipelines.engine.passes import enrol_pass
from journey_pipelines.engine.ports import Run

EMPTY_DATABASE: Final = "bench_empty"
SEGMENT: Final = "shoppers"
AS_OF: Final = datetime(2017, 3, 1, 12, tzinfo=UTC)
RULE: Final = {
    "and": [
        {">": [{"var": "visits_7d"}, 7]},
        {"==": [{"var": "tier"}, "gold"]},
        {">=": [{"var": "spend_30d"}, 60]},
    ]
}
DOCUMENT: Final[dict[str, Any]] = {
    "key": "loyal",
    "name": "Loyal",
    "entry": {"segment": SEGMENT, "on": "member", "rule": RULE},
    "nodes": [{"id": "start", "type": "start"}, {"id": "done", "type": "end"}],
    "edges": [{"source": "start", "target": "done"}],
}
ENTERED: Final = "SELECT customer_id FROM executions WHERE entered_at = %(as_of)s ORDER BY customer_id"


def make_features(candidates: int, seed: int = 0) -> pd.DataFrame:
    """The candidates' features, of whom the rule lets about 2 % in."""
    random = np.random.default_rng(seed)
    tiers = np.array(["bronze", "silver", "gold", "platinum"], dtype=object)
    return pd.DataFrame(
        {
            "customer_id": pd.Series(customer_ids(np.arange(candidates)), dtype="str"),
            "visits_7d": random.integers(0, 10, candidates),
            "tier": pd.Series(random.choice(tiers, candidates), dtype="str"),
            "spend_30d": (random.random(candidates) * 100).round(2),
        }
    )


def select_by_hand(features: pd.DataFrame, members: pd.DataFrame) -> pd.Series:
    """Who enters, in plain pandas: members of the segment whose features satisfy the rule, by customer."""
    known = members.merge(features, on="customer_id")
    enters = (known["visits_7d"] > 7) & (known["tier"] == "gold") & (known["spend_30d"] >= 60)
    return known.loc[enters, "customer_id"].sort_values(ignore_index=True)


def write_snapshots(candidates: int, files: SnapshotFiles) -> pd.Series:
    """Files in which all candidates are members of the segment; gives those who are to enter."""
    features = make_features(candidates)
    files.write(features, features["customer_id"])
    return select_by_hand(features, features[["customer_id"]])


class OurEnrolment:
    """One enrolment of the whole segment into an empty store."""

    database: Final = "bench_enrol"

    def __init__(self, server: BenchServer, candidates: int, files: SnapshotFiles, expected: pd.Series) -> None:
        self._server = server
        self._files = files
        self._expected = expected
        self.rows = candidates

    def prepare(self) -> None:
        """Nobody has entered."""
        self._server.copy_database(EMPTY_DATABASE, self.database)

    def run(self) -> None:
        """The pass, from an engine without open connections."""
        with engine_over(self._server.url(self.database), self._files.source) as engine:
            enrol_pass(engine, Run("bench", AS_OF))

    def check(self) -> None:
        """Raises BenchmarkError unless exactly those entered whom plain pandas selects."""
        with self._server.connected(self.database) as connection:
            connection.execute(f"SET search_path TO {SCHEMA}")
            found = [customer for (customer,) in connection.execute(ENTERED, {"as_of": AS_OF})]
        _require(found, self._expected, "the enrolment")


def cost_by_hand(candidates: int, files: SnapshotFiles, expected: pd.Series) -> Cost:
    """Reading the same files whole and selecting in plain pandas; nobody is written anywhere."""
    selected: list[pd.Series] = []

    def select() -> None:
        features, members = map(pd.read_parquet, files.paths)
        selected.append(select_by_hand(features, members))

    cost = measure_alone(candidates, select)
    _require(selected[0].tolist(), expected, "the selection from the files")
    return cost


def _require(found: list[str], expected: pd.Series, what: str) -> None:
    if found != expected.tolist():
        raise BenchmarkError(
            f"{what} gave {len(found)}, plain pandas selects {len(expected)}, or others; "
            "the enrolment or bench/enrol.py has a fault"
        )


def measure(candidates: int, *, rounds: int) -> dict[str, Any]:
    """Everything, as one JSON document. Raises BenchmarkError where others entered than plain pandas selects."""
    with bench_server() as server, snapshot_files(SEGMENT) as files:
        expected = in_another_process(write_snapshots, candidates, files)
        server.copy_database("template0", EMPTY_DATABASE)
        publish(server.url(EMPTY_DATABASE), DOCUMENT)
        ours = OurEnrolment(server, candidates, files, expected)
        costs: dict[str, list[Cost]] = {"ours": [], "pandas": []}
        for _ in range(rounds):
            costs["ours"] += measure_rounds(server, {"ours": ours}, 1)["ours"]
            # it holds all rows at once, and so in a process of its own
            costs["pandas"].append(in_another_process(cost_by_hand, candidates, files, expected))
    least = {name: best(of_one) for name, of_one in costs.items()}
    return {
        "candidates": candidates,
        "entrants": len(expected),
        "rounds": rounds,
        "measured": described_rounds(costs),
        "ratios": {"cpu_to_pandas": least["ours"].cpu_seconds / least["pandas"].cpu_seconds},
    }


def figures(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What people read: who, what, and the figure."""
    for name, one in found["measured"].items():
        yield from figures_of(name, one)
    yield "ours", "against the selection in pandas", f"{found['ratios']['cpu_to_pandas']:.1f} times its processor time"
