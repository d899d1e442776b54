"""The analysts' views, against the same figures from the rows in pandas."""

from typing import Any

import pandas as pd
import psycopg
import pytest

from journey_pipelines.engine.erasure import replace_customer, withdraw
from journey_pipelines.store.doctor import examine
from journey_pipelines.store.postgres import PostgresStore
from tests.behaviour.builders import MARCH
from tests.behaviour.passes import Passes
from tests.store.six_days import DAY, PEOPLE, six_day_journey, six_days


@pytest.fixture
def passes(postgres_store: PostgresStore) -> Passes:
    """Six days of a journey with arms, failures, skips, a goal and people who still wait."""
    return six_days(postgres_store, six_day_journey())


def view(url: str, name: str) -> pd.DataFrame:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(f"SELECT * FROM journeys.{name}".encode())
        assert cursor.description is not None
        return pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description])


def counts(frame: pd.DataFrame, by: list[str], count: str) -> dict[Any, int]:
    filled = frame.assign(**{name: frame[name].astype(object).where(frame[name].notna(), None) for name in by})
    return {tuple(row[:-1]): int(row[-1]) for row in filled[[*by, count]].itertuples(index=False)}


def counted(rows: pd.DataFrame, by: list[str]) -> dict[Any, int]:
    filled = rows[by].astype(object).where(rows[by].notna(), None)
    return {key: int(size) for key, size in filled.groupby(by, dropna=False).size().items()} if len(by) > 1 else {}


def plain(found: dict[Any, int]) -> dict[Any, int]:
    return {tuple(None if part != part else part for part in key): size for key, size in found.items()}


def dated(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    return rows.assign(day=rows[column].dt.tz_convert("UTC").dt.date)


def test_entries_and_passages_are_those_of_the_rows(passes: Passes, postgres_url: str) -> None:
    entries = view(postgres_url, "journey_entries")
    by = ["journey_key", "journey_version", "day", "entered_via"]
    assert counts(entries, by, "entered") == plain(counted(dated(passes.read("executions"), "entered_at"), by))
    by = ["journey_key", "journey_version", "node_id", "branch", "day"]
    passages = view(postgres_url, "node_passages")
    assert counts(passages, by, "passed") == plain(counted(dated(passes.read("transitions"), "at"), by))


def test_what_came_to_a_node_has_passed_it_ended_there_or_stands_there(passes: Passes, postgres_url: str) -> None:
    arrivals = view(postgres_url, "node_arrivals")
    executions, transitions = passes.read("executions"), passes.read("transitions")
    places = ["execution_id", "node_id", "visit"]
    here = executions.rename(columns={"current_node_id": "node_id"})[places]
    ever = pd.concat([transitions[places], here]).drop_duplicates()
    assert arrivals.groupby("node_id")["arrived"].sum().to_dict() == ever.groupby("node_id").size().to_dict()
    first = arrivals[arrivals["node_id"] == "start"].set_index("day")["arrived"].to_dict()
    assert first == dated(executions, "entered_at").groupby("day").size().to_dict()
    at_wait = transitions[(transitions["node_id"] == "hello") | (transitions["branch"] == "holdout")]
    expected = dated(at_wait, "at").groupby("day").size().to_dict()
    assert arrivals[arrivals["node_id"] == "w"].set_index("day")["arrived"].to_dict() == expected


def test_ends_say_how_and_how_long_it_took(passes: Passes, postgres_url: str) -> None:
    ends = view(postgres_url, "journey_ends")
    ended = passes.read("executions").query("state in ('COMPLETED', 'FAILED')")
    assert ends["ended"].sum() == len(ended)
    assert ends.loc[ends["is_converted"], "ended"].sum() == (ended["outcome"] == "goal").sum() > 0
    assert set(ends["failure"].dropna()) == {"action_failed", "missing_variable"}
    converted = ended[ended["outcome"] == "goal"]
    expected = (converted["ended_at"] - converted["entered_at"]).median()
    assert ends.loc[ends["is_converted"], "median_time"].max() >= expected


def test_whoever_stands_somewhere_is_counted_with_since_when(passes: Passes, postgres_url: str) -> None:
    standing = view(postgres_url, "node_standing").set_index("node_id")
    inside = passes.read("executions").query("state in ('IN_PROGRESS', 'WAITING')")
    assert standing["customers"].to_dict() == inside["current_node_id"].value_counts().to_dict()
    assert standing.loc["w", "oldest_arrived_at"] == inside["arrived_at"].min()


def test_fewer_and_fewer_get_as_far_as_the_later_nodes(passes: Passes, postgres_url: str) -> None:
    survival = view(postgres_url, "node_survival").set_index("node_id")
    executions, transitions = passes.read("executions"), passes.read("transitions")
    places = pd.concat(
        [transitions[["execution_id", "node_id"]], executions.rename(columns={"current_node_id": "node_id"})]
    )
    expected = places.groupby("node_id")["execution_id"].nunique()
    assert survival["reached"].to_dict() == expected.to_dict()
    assert survival.loc["start", "share"] == 1.0
    assert survival.loc["w", "share"] == pytest.approx(expected["w"] / len(executions))


def test_sends_are_told_by_status_and_reason_with_what_providers_told_later(passes: Passes, postgres_url: str) -> None:
    sends = view(postgres_url, "node_sends")
    dispatches = passes.read("dispatches")
    by_status = sends.groupby("status")["dispatches"].sum().to_dict()
    assert by_status == dispatches["status"].value_counts().to_dict()
    assert set(sends["reason"].dropna()) >= {"no_consent", "missing_variable"}
    assert (int(sends["delivered"].sum()), int(sends["bounced"].sum())) == (5, 1)


def test_points_are_those_that_were_awarded(passes: Passes, postgres_url: str) -> None:
    points = view(postgres_url, "node_points")
    assert points["points"].sum() == passes.read("points_transactions")["points"].sum() > 0
    assert set(points["node_id"]) == {"bonus"}


def test_arms_of_a_split_are_set_side_by_side(passes: Passes, postgres_url: str) -> None:
    arms = view(postgres_url, "split_arms").set_index("arm")
    took = passes.read("transitions").query("node_id == 'arms'")
    assert arms["executions"].to_dict() == took["branch"].value_counts().to_dict()
    ended = passes.read("executions").query("outcome == 'goal'")["execution_id"]
    assert arms["converted"].sum() == took["execution_id"].isin(ended).sum() > 0


def test_no_view_names_a_customer(passes: Passes, postgres_url: str) -> None:
    names = [
        "journey_entries",
        "journey_ends",
        "node_arrivals",
        "node_passages",
        "node_standing",
        "node_survival",
        "node_sends",
        "node_points",
        "split_arms",
    ]
    for name in names:
        found = view(postgres_url, name)
        assert len(found), name
        assert not {"customer_id", "execution_id", "payload", "context"} & set(found.columns), name


NAMING = ("executions", "transitions", "dispatches", "entries_kept")  # views with rows of customers, not counts


def views(url: str) -> dict[str, list[str]]:
    """Every view of the store: its rows as text, or how many they are where they name customers."""
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT viewname FROM pg_views WHERE schemaname = 'journeys'").fetchall()
    frames = {name: view(url, name) for (name,) in names}
    return {
        name: [str(len(frame))] if name in NAMING else sorted(map(str, frame.astype("str").to_numpy().tolist()))
        for name, frame in frames.items()
    }


def test_forgetting_customers_changes_no_count(
    passes: Passes, postgres_store: PostgresStore, postgres_url: str
) -> None:
    forgotten = PEOPLE[::3]
    at = MARCH + 5 * DAY
    for customer in forgotten:
        postgres_store.transact(lambda transaction, who=customer: withdraw(transaction, who, at=at))  # type: ignore[misc]
    before = views(postgres_url)
    assert len(before) > len(NAMING) + 6
    for customer in forgotten:
        postgres_store.transact(lambda transaction, who=customer: replace_customer(transaction, who, at=at))  # type: ignore[misc]
    assert views(postgres_url) == before
    assert not set(passes.read("executions")["customer_id"]) & set(forgotten)
    assert examine(postgres_store).faults == []
