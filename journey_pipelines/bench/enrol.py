"""What an enrolment costs: a large segment of which an entry rule lets few in."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from journey_pipelines.bench.costs import BenchmarkError, best
from journey_pipelines.bench.rounds import Contender, described_rounds, figures_of, measure_rounds
from journey_pipelines.bench.server import BenchServer, bench_server
from journey_pipelines.bench.standing import SCHEMA, SNAPSHOT_DATE, customer_ids
from journey_pipelines.bench.whole_engine import engine_over, publish
from journey_pipelines.engine.frame_source import FrameSource
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
    """One dated snapshot of the candidates' features, of whom the rule lets about 2 % in."""
    random = np.random.default_rng(seed)
    tiers = np.array(["bronze", "silver", "gold", "platinum"], dtype=object)
    return pd.DataFrame(
        {
            "snapshot_date": SNAPSHOT_DATE,
            "customer_id": pd.Series(customer_ids(np.arange(candidates)), dtype="str"),
            "visits_7d": random.integers(0, 10, candidates),
            "tier": pd.Series(random.choice(tiers, candidates), dtype="str"),
            "spend_30d": (random.random(candidates) * 100).round(2),
        }
    )


def select_by_hand(features: pd.DataFrame) -> pd.Series:
    """Who enters, in plain pandas: members of the segment whose features satisfy the rule, by customer."""
    members = features[["customer_id"]].drop_duplicates()
    known = members.merge(features, on="customer_id")
    enters = (known["visits_7d"] > 7) & (known["tier"] == "gold") & (known["spend_30d"] >= 60)
    return known.loc[enters, "customer_id"].sort_values(ignore_index=True)


class OurEnrolment:
    """One enrolment of the whole segment into an empty store."""

    database: Final = "bench_enrol"

    def __init__(self, server: BenchServer, features: pd.DataFrame, expected: pd.Series) -> None:
        self._server = server
        members = features[["snapshot_date", "customer_id"]].assign(segment=SEGMENT)
        self._source = FrameSource(features, members, None, segment_names=[SEGMENT])
        self._expected = expected
        self.rows = len(features)

    def prepare(self) -> None:
        """Nobody has entered."""
        self._server.copy_database(EMPTY_DATABASE, self.database)

    def run(self) -> None:
        """The pass, from an engine without open connections."""
        with engine_over(self._server.url(self.database), self._source) as engine:
            enrol_pass(engine, Run("bench", AS_OF))

    def check(self) -> None:
        """Raises BenchmarkError unless exactly those entered whom plain pandas selects."""
        with self._server.connected(self.database) as connection:
            connection.execute(f"SET search_path TO {SCHEMA}")
            found = [customer for (customer,) in connection.execute(ENTERED, {"as_of": AS_OF})]
        if found != self._expected.tolist():
            raise BenchmarkError(
                f"{len(found)} entered, plain pandas selects {len(self._expected)}, or others; "
                "the enrolment or bench/enrol.py has a fault"
            )


class ByHand:
    """The selection alone in plain pandas; nobody is written anywhere."""

    def __init__(self, features: pd.DataFrame) -> None:
        self._features = features
        self._selected: pd.Series | None = None
        self.rows = len(features)

    def prepare(self) -> None:
        """Forget the last selection."""
        self._selected = None

    def run(self) -> None:
        """Select."""
        self._selected = select_by_hand(self._features)

    def check(self) -> None:
        """Our enrolment is checked against it."""


def measure(candidates: int, *, rounds: int) -> dict[str, Any]:
    """Everything, as one JSON document. Raises BenchmarkError where others entered than plain pandas selects."""
    features = make_features(candidates)
    expected = select_by_hand(features)
    with bench_server() as server:
        server.copy_database("template0", EMPTY_DATABASE)
        publish(server.url(EMPTY_DATABASE), DOCUMENT)
        contenders: dict[str, Contender] = {
            "ours": OurEnrolment(server, features, expected),
            "pandas": ByHand(features),
        }
        costs = measure_rounds(server, contenders, rounds)
    ours, by_hand = best(costs["ours"]), best(costs["pandas"])
    return {
        "candidates": candidates,
        "entrants": len(expected),
        "rounds": rounds,
        "measured": described_rounds(costs),
        "ratios": {"cpu_to_pandas": ours.cpu_seconds / by_hand.cpu_seconds},
    }


def figures(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What people read: who, what, and the figure."""
    for name, one in found["measured"].items():
        yield from figures_of(name, one)
    yield "ours", "against the selection in pandas", f"{found['ratios']['cpu_to_pandas']:.1f} times its processor time"
