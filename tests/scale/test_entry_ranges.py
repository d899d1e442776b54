"""Entry rules that other processes look at let in whom the rule by hand lets in."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from journey_pipelines.compute import LocalProcesses
from journey_pipelines.engine.compute import Compute
from journey_pipelines.engine.passes import Report, enrol_pass
from journey_pipelines.engine.ports import Run
from journey_pipelines.snapshots.parquet import FEATURES, SEGMENTS, SnapshotStore
from journey_pipelines.store.postgres import PostgresStore
from tests.behaviour.builders import MARCH, chain, wait
from tests.behaviour.passes import PUBLISHED_AT
from tests.scale.pickled import Pickled
from tests.scale.project import CUSTOMERS, ROWS_OF_A_PART, Project
from tests.storm.world import DAYS, people
from tests.unit.snapshots.builders import damage

ACTIVE = {">": [{"var": "sessions"}, 1]}
JOINED = chain(wait("w", duration="P9D"), key="joined", entry={"segment": "loyal", "rule": ACTIVE})
EVERYBODY = people(CUSTOMERS)
MEMBERS = [EVERYBODY["customer_id"][::3], EVERYBODY["customer_id"][::2]]  # of each day


@contextmanager
def local_processes() -> Iterator[Compute]:
    """Two, ended at the end of the block."""
    with closing(LocalProcesses(2, ranges=3)) as compute:
        yield compute


@contextmanager
def pickled() -> Iterator[Compute]:
    """In this process."""
    yield Pickled(ranges=3)


@pytest.fixture
def project(store_url: str, tmp_path: Path) -> Project:
    """With a segment, which some join on the second day."""
    project = Project.make(tmp_path / "project", store_url)
    snapshots = SnapshotStore(project.settings.snapshots, rows_of_a_part=ROWS_OF_A_PART)
    for day, members in zip(DAYS[:2], MEMBERS, strict=True):
        snapshots.write(f"{SEGMENTS}/loyal", day.date(), members.to_frame().reset_index(drop=True))
    with closing(PostgresStore(store_url)) as store, store.transaction() as transaction:
        transaction.publish(JOINED, at=PUBLISHED_AT)
    return project


def enrol(project: Project, compute: Compute) -> list[Report]:
    engine = project.engine(compute)
    return [enrol_pass(engine, Run(f"day {number}", at)) for number, at in enumerate(DAYS[:2])]


def entered(project: Project, key: str) -> list[str]:
    executions = project.rows()["executions"]
    return sorted(executions.loc[executions["journey_key"] == key, "customer_id"])


@pytest.mark.parametrize("computing", [pickled, local_processes])
def test_who_joined_and_satisfies_the_rule_enters_wherever_the_rule_is_evaluated(
    project: Project, computing: Callable[[], AbstractContextManager[Compute]]
) -> None:
    with computing() as compute:
        reports = enrol(project, compute)
    is_new = EVERYBODY["customer_id"].isin(MEMBERS[1]) & ~EVERYBODY["customer_id"].isin(MEMBERS[0])
    expected = EVERYBODY.loc[is_new & (EVERYBODY["sessions"] > 1), "customer_id"].tolist()
    assert [report.held for report in reports] == [{}, {}]
    assert entered(project, "joined") == expected
    assert entered(project, "storm") == EVERYBODY["customer_id"].tolist()
    assert [report.entered["storm"] for report in reports] == [CUSTOMERS * 4 // 5, CUSTOMERS // 5]


def test_entries_by_rule_go_through_the_port_range_by_range(project: Project) -> None:
    compute = Pickled(ranges=3)
    enrol(project, compute)
    assert compute.done == ["select_range"] * 9  # one journey on the first day, two on the second


def test_a_limit_counts_those_of_all_processes(project: Project, store_url: str) -> None:
    limited = chain(wait("w", duration="P9D"), key="limited", max_entries_per_run=79)
    with closing(PostgresStore(store_url)) as store, store.transaction() as transaction:
        transaction.publish(limited, at=PUBLISHED_AT)
    report = enrol_pass(project.engine(Pickled(ranges=3)), Run("first", MARCH))
    assert "would make 80 entries" in report.held["limited"]
    assert entered(project, "limited") == []


def test_a_damaged_part_holds_the_journey_as_it_does_here(project: Project) -> None:
    path = SnapshotStore(project.settings.snapshots).path(FEATURES, DAYS[0].date())
    damage(path, row_group=2, column="customer_id")
    report = enrol_pass(project.engine(Pickled(ranges=3)), Run("first", DAYS[0]))
    assert report.held["storm"].startswith("lost_snapshot: ")
    assert entered(project, "storm") == []
