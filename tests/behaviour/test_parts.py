"""Snapshots in many parts: who enters, what holds a journey and what a run may do is decided over all of them."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from journey_pipelines.engine import admission
from journey_pipelines.engine.enrolment import REFUSED_TWICE, REFUSED_UNFINISHED, ROWS_FOR_AN_ENTRANT
from journey_pipelines.engine.frames import STARTS, conform
from journey_pipelines.engine.ports import JourneyStore
from journey_pipelines.snapshots.parquet import FEATURES, SEGMENTS, SnapshotStore
from journey_pipelines.store.memory import MemoryStore
from tests.behaviour.builders import MARCH, action, chain, features, only, profiles, segments, wait
from tests.behaviour.parted import read_in_parts
from tests.behaviour.passes import Passes
from tests.unit.snapshots.builders import damage

DAY = timedelta(days=1)
DAYS = [MARCH, MARCH + DAY, MARCH + 2 * DAY]
DATES = ["2017-03-01", "2017-03-02", "2017-03-03"]
PEOPLE = [f"c{number}" for number in range(40)]
FEW = PEOPLE[:7]
MEMBERS = {"segment": "loyal", "on": "member"}


class Crash(BaseException):
    """The end of a process between two of its steps."""


def in_parts(store: JourneyStore, folder: Path, *documents: dict[str, Any], **frames: Any) -> Passes:
    """Passes over files with about ten rows in a part, and entrants about ten at once."""
    frames.setdefault("features", features(PEOPLE, dates=DATES[:1]))
    return read_in_parts(Passes(store, *documents, chunk_rows=10 * ROWS_FOR_AN_ENTRANT, **frames), folder, DAYS)


def add_starts(store: JourneyStore, people: Sequence[str], *, prefix: str = "s") -> None:
    """A manual start of each, waiting since yesterday."""
    frame = pd.DataFrame({"customer_id": people}).assign(
        start_id=[f"{prefix}{number}" for number in range(len(people))],
        journey_key="test",
        at=MARCH - DAY,
        context=[{} for _ in people],
        status="waiting",
    )
    with store.transaction() as transaction:
        transaction.add_starts(conform(frame, STARTS))


def assert_nothing_but_the_hold(passes: Passes, reason: str) -> None:
    """Nobody entered or was marked, no start was settled, no snapshot accepted."""
    assert only(passes.read("holds"))["reason"].startswith(reason)
    assert not len(passes.read("executions"))
    assert not len(passes.read("dispatches"))
    assert set(passes.read("starts")["status"]) <= {"waiting"}
    with passes.store.transaction() as transaction:
        assert transaction.accepted("test") is None


def test_everybody_of_every_part_enters_once(store: JourneyStore, tmp_path: Path) -> None:
    visits = dict.fromkeys(PEOPLE[5:], 3)
    document = chain(wait("w", duration="P9D"), entry={"rule": {">": [{"var": "visits"}, 1]}})
    passes = in_parts(store, tmp_path, document, features=features(PEOPLE, dates=DATES[:1], visits=visits))
    assert passes.engine.source.at(MARCH).parts == 4
    assert passes.run(MARCH).entered == {"test": 35}
    assert passes.run(MARCH).entered == {"test": 0}
    assert sorted(passes.read("executions")["customer_id"]) == sorted(PEOPLE[5:])


def test_who_joined_a_segment_is_found_in_parts_of_two_days(tmp_path: Path) -> None:
    members = segments({DATES[0]: PEOPLE[:30], DATES[1]: PEOPLE[4:]})
    passes = in_parts(
        MemoryStore(), tmp_path, chain(wait("w", duration="P9D"), entry={"segment": "loyal"}), segments=members
    )
    passes.run(*DAYS[:2])
    assert sorted(passes.read("executions")["customer_id"]) == sorted(PEOPLE[30:])


def test_manual_starts_are_settled_wherever_the_customer_belongs(store: JourneyStore, tmp_path: Path) -> None:
    passes = in_parts(store, tmp_path, chain(wait("w", duration="P9D"), entry={}))
    add_starts(store, [*FEW, "nobody", FEW[0]])
    passes.run(MARCH)
    assert sorted(passes.read("executions")["customer_id"]) == sorted([*FEW, "nobody"])
    settled = passes.read("starts").set_index("start_id")["reason"]
    assert settled.dropna().to_dict() == {"s8": REFUSED_TWICE}


def test_who_is_started_by_hand_does_not_enter_by_the_rule_as_well(tmp_path: Path) -> None:
    passes = in_parts(MemoryStore(), tmp_path, chain(wait("w", duration="P9D")))
    add_starts(passes.store, FEW)
    assert passes.run(MARCH).entered == {"test": 40}
    add_starts(passes.store, FEW[:1], prefix="again")
    passes.run(MARCH + DAY)
    entered = passes.read("executions").set_index("customer_id")["entered_via"]
    assert (entered == "manual").sum() == len(FEW)
    assert only(passes.read("starts", start_id="again0"))["reason"] == REFUSED_UNFINISHED


@pytest.mark.parametrize(("limit", "entered"), [(40, 40), (39, 0)])
def test_entries_of_all_parts_count_together(store: JourneyStore, tmp_path: Path, limit: int, entered: int) -> None:
    passes = in_parts(store, tmp_path, chain(wait("w", duration="P9D"), max_entries_per_run=limit))
    report = passes.run(MARCH)
    assert len(passes.read("executions")) == entered
    if not entered:
        assert report.held == {
            "test": "too_many_entries: this run would make 40 entries, the journey allows 39 for one run"
        }


@pytest.mark.parametrize(("limit", "sent"), [(40, 50), (39, 10)])
def test_sends_of_all_parts_and_of_those_who_are_due_count_together(
    store: JourneyStore, tmp_path: Path, limit: int, sent: int
) -> None:
    members = segments({DATES[0]: PEOPLE[:10], DATES[1]: PEOPLE})
    document = chain(action("a"), wait("w", duration="P1D"), action("b"), max_sends_per_run=limit, entry=MEMBERS)
    frames = {"features": features(PEOPLE, dates=DATES), "profiles": profiles(PEOPLE), "segments": members}
    passes = in_parts(store, tmp_path, document, **frames)
    passes.run(MARCH)
    # 10 who have waited, 30 who enter
    report = passes.run(MARCH + DAY)
    assert len(passes.read("dispatches", status="sent")) == sent
    assert ("would make 40 sends" in str(report.held)) is (limit < 40)


def test_a_journey_that_is_held_while_its_entrants_are_written_keeps_nothing_of_them(
    store: JourneyStore, tmp_path: Path
) -> None:
    passes = in_parts(store, tmp_path, chain(action("a"), max_entries_per_run=39))
    add_starts(store, FEW)
    passes.run(MARCH)
    assert_nothing_but_the_hold(passes, "too_many_entries")


def test_a_guard_that_holds_writes_nothing_but_the_hold(store: JourneyStore, tmp_path: Path) -> None:
    twice = features([*PEOPLE, PEOPLE[3], PEOPLE[3], PEOPLE[9]], dates=DATES[:1])
    passes = in_parts(store, tmp_path, chain(action("a")), features=twice, profiles=profiles(PEOPLE))
    add_starts(store, FEW)
    passes.run(MARCH)
    assert_nothing_but_the_hold(passes, "duplicate_customers: 2 customers, c3 among them, are more than once")


def test_a_run_that_dies_before_it_notes_the_hold_has_written_nothing_and_the_next_one_holds(
    store: JourneyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Crash

    passes = in_parts(store, tmp_path, chain(action("a"), max_entries_per_run=39))
    add_starts(store, FEW)
    with monkeypatch.context() as patched:
        patched.setattr(admission, "_held", die)
        with pytest.raises(Crash):
            passes.run(MARCH)
    assert not len(passes.read("executions"))
    assert not len(passes.read("holds"))
    passes.run(MARCH)
    assert_nothing_but_the_hold(passes, "too_many_entries")


def test_an_approved_hold_lets_everybody_of_every_part_in(tmp_path: Path) -> None:
    passes = in_parts(MemoryStore(), tmp_path, chain(wait("w", duration="P9D"), max_entries_per_run=39))
    passes.run(MARCH)
    with passes.store.transaction() as transaction:
        transaction.approve("run-1", at=MARCH)
    assert passes.run(MARCH).entered == {"test": 40}


def test_a_segment_whose_earlier_file_is_gone_holds_before_anybody_of_a_later_part_enters(tmp_path: Path) -> None:
    members = segments({DATES[0]: PEOPLE[:20], DATES[1]: PEOPLE})
    passes = in_parts(MemoryStore(), tmp_path, chain(entry={"segment": "loyal"}), segments=members)
    passes.run(MARCH)
    SnapshotStore(tmp_path).path(f"{SEGMENTS}/loyal", MARCH.date()).unlink()
    assert passes.run(MARCH + DAY).held["test"].startswith("lost_snapshot: ")
    assert not len(passes.read("executions"))


def test_a_part_that_is_damaged_holds_and_takes_back_those_who_were_let_in(store: JourneyStore, tmp_path: Path) -> None:
    passes = in_parts(store, tmp_path, chain(wait("w", duration="P9D")))
    add_starts(store, FEW)
    path = SnapshotStore(tmp_path).path(FEATURES, MARCH.date())
    damage(path, row_group=3, column="customer_id")
    assert "cannot be read" in passes.run(MARCH).held["test"]
    assert_nothing_but_the_hold(passes, "lost_snapshot: ")


def test_who_vanished_or_came_back_is_marked_in_every_part(store: JourneyStore, tmp_path: Path) -> None:
    there = {DATES[0]: PEOPLE, DATES[1]: PEOPLE[6:], DATES[2]: PEOPLE[3:]}
    frame = pd.concat([features(people, dates=[date]) for date, people in there.items()])
    passes = in_parts(store, tmp_path, chain(wait("w", duration="P30D")), features=frame)
    missing = []
    for day in DAYS:
        passes.run(day)
        rows = passes.read("executions")
        missing.append(sorted(rows.loc[rows["missing_since"].notna(), "customer_id"]))
    assert missing == [[], PEOPLE[:6], PEOPLE[:3]]
