"""Migration: who stands in an older version goes on in the newest, and nobody is sent a passed node again."""

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from journey_pipelines.engine.migration import Migration, migrate
from journey_pipelines.engine.ports import JourneyStore, Run
from journey_pipelines.engine.publication import publication_plan
from journey_pipelines.errors import MigrationMapError
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.journey import compile_journey
from journey_pipelines.journeys.migration_map import MigrationMap, check_map, read_map
from journey_pipelines.store.doctor import examine
from journey_pipelines.store.memory import MemoryStore
from journey_pipelines.store.postgres import PostgresStore
from tests.behaviour.builders import (
    DONE,
    MARCH,
    START,
    action,
    answers,
    chain,
    condition,
    days,
    edge,
    end,
    event,
    features,
    journey,
    only,
    wait,
)
from tests.behaviour.passes import ACTIONS, Passes

DAY = timedelta(days=1)
NOON = MARCH + timedelta(hours=1)
PEOPLE = [f"c{number:02d}" for number in range(6)]
FIRST = chain(action("hello"), wait("pause", duration="P3D"), action("more"))
CATALOG = Catalog(actions=ACTIONS)


def carried_out(passes: Passes, nodes: dict[str, str | None], at: Any = NOON) -> Any:
    """Migrate from the version before the newest one."""

    def work(transaction: Any) -> Any:
        old, new = (
            compile_journey(found.document, CATALOG, version=found.version) for found in transaction.versions()[-2:]
        )
        made = MigrationMap(old.version, new.version, nodes)
        return migrate(transaction, Migration(made, old, new, Run(f"migrate-{at:%d%H}", at, kind="migrate")))

    done = passes.store.transact(work)
    assert_sound(passes)
    return done


def assert_sound(passes: Passes) -> None:
    if isinstance(passes.store, PostgresStore):
        assert [fault.sentence for fault in examine(passes.store).faults] == []


def sent(passes: Passes) -> list[str]:
    """Nodes that were sent, in order."""
    found: list[str] = passes.read("dispatches", status="sent")["node_id"].to_list()
    return found


def standing(passes: Passes) -> Any:
    return only(passes.read("executions"))


def test_a_wait_keeps_its_due_time_and_the_way_goes_on_in_the_new_version(store: JourneyStore) -> None:
    passes = Passes(store, FIRST)
    passes.run(MARCH)
    before = standing(passes)
    passes.publish(chain(action("hello"), wait("longer", duration="P9D"), action("other")))
    assert carried_out(passes, {"pause": "longer"})["moved"] == {"pause": 1}
    moved = standing(passes)
    assert (moved["journey_version"], moved["current_node_id"], moved["state"]) == (2, "longer", "WAITING")
    assert (moved["due_at"], moved["arrived_at"]) == (before["due_at"], before["arrived_at"])
    passes.run(*days(3, first=MARCH + DAY))
    assert sent(passes) == ["hello", "other"]
    assert standing(passes)["outcome"] == "done"
    assert_sound(passes)


def test_nobody_is_sent_a_passed_node_again(store: JourneyStore) -> None:
    passes = Passes(store, FIRST)
    passes.run(MARCH)
    passes.publish(chain(wait("early", duration="P1D"), action("hello"), action("more")))
    carried_out(passes, {"pause": "early"})
    passes.run(*days(3, first=MARCH + DAY))
    assert sent(passes) == ["hello", "more"]
    assert standing(passes)["outcome"] == "done"
    assert_sound(passes)


def test_nobody_is_sent_a_passed_node_again_under_another_name(store: JourneyStore) -> None:
    passes = Passes(store, FIRST)
    passes.run(MARCH)
    renamed = chain(wait("early", duration="P1D"), action("greeting"), action("more"))
    passes.publish(renamed)
    carried_out(passes, {"pause": "early", "hello": "greeting"})
    passes.run(*days(3, first=MARCH + DAY))
    assert sent(passes) == ["hello", "more"]
    assert "action_result_greeting" in standing(passes)["context"]


def test_a_mark_holds_through_further_migrations() -> None:
    passes = Passes(MemoryStore(), FIRST)
    passes.run(MARCH)
    passes.publish(chain(wait("early", duration="P9D"), action("greeting"), action("more")))
    carried_out(passes, {"pause": "early", "hello": "greeting"})
    passes.publish(chain(wait("first", duration="P1D"), action("welcome"), action("more")))
    carried_out(passes, {"early": "first", "greeting": "welcome"}, NOON + timedelta(hours=1))
    passes.run(*days(3, first=MARCH + DAY))
    assert sent(passes) == ["hello", "more"]
    assert_sound(passes)


def test_a_name_of_an_older_version_that_comes_back_is_passed_still() -> None:
    passes = Passes(MemoryStore(), FIRST)
    passes.run(MARCH)
    passes.publish(chain(wait("early", duration="P9D"), action("more")))
    carried_out(passes, {"pause": "early"})
    passes.publish(chain(wait("first", duration="P1D"), action("hello"), action("more")))
    carried_out(passes, {"early": "first"}, NOON + timedelta(hours=1))
    passes.run(*days(3, first=MARCH + DAY))
    assert sent(passes) == ["hello", "more"]
    assert standing(passes)["outcome"] == "done"


def test_who_is_held_by_a_run_at_this_moment_stays(postgres_store: PostgresStore, store_url: str) -> None:
    passes = Passes(postgres_store, FIRST, features=features(PEOPLE))
    passes.run(MARCH)
    passes.publish(chain(wait("longer", duration="P9D")))
    held = passes.read("executions")["execution_id"].head(2)
    other = PostgresStore(store_url)
    with other.transaction() as transaction:
        assert len(transaction.lock_executions(pd.Index(held))) == 2
        done = carried_out(passes, {"pause": "longer"})
    other.close()
    assert (done["moved"], done["staying"]) == ({"pause": 4}, {"pause": 2})
    assert carried_out(passes, {"pause": "longer"}, NOON + timedelta(hours=1))["moved"] == {"pause": 2}


def test_who_is_put_at_an_action_is_sent_it_at_the_next_run_once() -> None:
    passes = Passes(MemoryStore(), FIRST)
    passes.run(MARCH)
    passes.publish(chain(action("hello"), action("offer"), wait("pause", duration="P3D")))
    carried_out(passes, {"pause": "offer"})
    passes.advance(NOON)
    assert sent(passes) == ["hello", "offer"]
    assert standing(passes)["current_node_id"] == "pause"
    assert_sound(passes)


def test_who_is_put_at_an_action_that_they_passed_goes_on_behind_it() -> None:
    passes = Passes(MemoryStore(), FIRST)
    passes.run(MARCH)
    passes.publish(chain(action("hello"), wait("pause", duration="P30D")))
    carried_out(passes, {"pause": "hello"})
    passes.advance(NOON)
    assert sent(passes) == ["hello"]
    assert standing(passes)["current_node_id"] == "pause"


def test_an_action_that_comes_round_counts_its_visits_on(store: JourneyStore) -> None:
    def looping(letter: str, pause: str) -> dict[str, Any]:
        nodes = [START, wait(pause, duration="P1D"), action(letter), condition("again", {"var": "more"}), DONE]
        ways = [
            ("start", pause),
            (pause, letter),
            (letter, "again"),
            ("again", pause, "true"),
            ("again", "done", "false"),
        ]
        return journey(nodes, [edge(*way) for way in ways])

    passes = Passes(store, looping("letter", "pause"), features=features(more=True))
    passes.run(*days(3))
    passes.publish(looping("mail", "day"))
    carried_out(passes, {"pause": "day", "letter": "mail"}, MARCH + 2 * DAY + timedelta(hours=1))
    passes.run(MARCH + 3 * DAY)
    found = passes.read("dispatches")
    assert found[["node_id", "visit"]].to_numpy().tolist() == [["letter", 1], ["letter", 2], ["mail", 3]]
    assert_sound(passes)


def test_who_failed_an_action_takes_the_failed_way_of_its_successor() -> None:
    store = MemoryStore()
    ways = [edge("start", "hello"), edge("hello", "pause"), edge("hello", "pause", "failed"), edge("pause", "done")]
    first = journey([START, action("hello"), wait("pause", duration="P3D"), DONE], ways)
    passes = Passes(store, first, deliver=answers("failed"))
    passes.run(MARCH)
    ways = [edge("start", "early"), edge("early", "hello"), edge("hello", "done"), edge("hello", "lost", "failed")]
    passes.publish(journey([START, wait("early", duration="P1D"), action("hello"), DONE, end("lost")], ways))
    carried_out(passes, {"pause": "early"})
    passes.run(*days(3, first=MARCH + DAY))
    assert standing(passes)["outcome"] == "lost"
    assert_sound(passes)


def test_an_event_that_came_after_the_arrival_ends_the_wait_of_the_new_version() -> None:
    store = MemoryStore()
    bought = event("e1", MARCH + timedelta(hours=6))
    first = chain(wait("pause", duration="P30D"))
    passes = Passes(store, first, events=[bought])
    passes.run(MARCH)
    nodes = [START, wait("purchase", event="customer.purchase", timeout="P9D"), end("bought"), DONE]
    ways = [edge("start", "purchase"), edge("purchase", "bought", "event"), edge("purchase", "done", "timeout")]
    passes.publish(journey(nodes, ways))
    carried_out(passes, {"pause": "purchase"}, MARCH + timedelta(hours=8))
    passes.run(MARCH + DAY)
    assert standing(passes)["outcome"] == "bought"


def test_those_whom_the_map_ends_are_out_at_once(store: JourneyStore) -> None:
    passes = Passes(store, FIRST, features=features(PEOPLE))
    passes.run(MARCH)
    passes.publish(chain(action("other")))
    assert carried_out(passes, {"pause": None})["ended"] == {"pause": 6}
    assert set(passes.read("executions")["outcome"]) == {"migrated"}
    passes.run(*days(3, first=MARCH + DAY))
    assert set(sent(passes)) == {"hello"}


def test_who_is_put_at_an_end_has_reached_it(store: JourneyStore) -> None:
    passes = Passes(store, FIRST)
    passes.run(MARCH)
    passes.publish(chain(wait("pause", duration="P3D")))
    assert carried_out(passes, {"pause": "done"})["moved"] == {"pause": 1}
    ended = standing(passes)
    assert (ended["state"], ended["outcome"], ended["current_node_id"]) == ("COMPLETED", "done", "done")
    told = passes.read("transitions")[["journey_version", "node_id", "branch"]].fillna("").to_numpy().tolist()
    assert told[-2:] == [[1, "pause", "migrated"], [2, "done", ""]]


def test_whose_send_is_under_way_stays_until_it_is_settled() -> None:
    store = MemoryStore()
    document = chain(action("hello", retry={"attempts": 3, "backoff": "P1D"}), wait("pause", duration="P3D"))
    passes = Passes(store, document, deliver=answers("retry", "sent"))
    passes.run(MARCH)
    passes.publish(chain(action("greeting"), wait("pause", duration="P3D")))
    nodes = {"hello": "greeting", "pause": "pause"}
    done = carried_out(passes, nodes)
    assert (done["moved"], done["staying"]) == ({}, {"hello": 1})
    passes.run(MARCH + DAY)
    assert carried_out(passes, nodes, MARCH + DAY + timedelta(hours=1))["moved"] == {"pause": 1}
    assert sent(passes) == ["hello"]


def test_a_send_that_has_not_left_is_skipped_where_the_map_ends_the_journey() -> None:
    store = MemoryStore()
    document = chain(action("hello", retry={"attempts": 3, "backoff": "P1D"}))
    passes = Passes(store, document, deliver=answers("retry"))
    passes.run(MARCH)
    passes.publish(chain(action("greeting")))
    assert carried_out(passes, {"hello": None})["ended"] == {"hello": 1}
    row = only(passes.read("dispatches"))
    assert (row["status"], row["reason"]) == ("skipped", "migrated")


def test_who_waits_for_the_window_of_an_action_waits_for_it_still() -> None:
    store = MemoryStore()
    window = {"from": "20:00", "to": "21:00"}
    passes = Passes(store, chain(action("hello", window=window)))
    passes.run(MARCH)
    passes.publish(chain(action("greeting", window=window)))
    carried_out(passes, {"hello": "greeting"})
    passes.advance(MARCH + timedelta(hours=8, minutes=30))
    assert sent(passes) == ["greeting"]
    assert_sound(passes)


def test_whoever_stands_elsewhere_finishes_on_the_version_that_they_entered(store: JourneyStore) -> None:
    passes = Passes(store, FIRST)
    passes.run(MARCH)
    passes.publish(chain(action("hello"), wait("pause", duration="P3D")))
    carried_out(passes, {"hello": "hello"})
    passes.run(*days(3, first=MARCH + DAY))
    assert sent(passes) == ["hello", "more"]


def test_a_migration_that_breaks_leaves_nobody_moved(store: JourneyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = Passes(store, FIRST, features=features(PEOPLE))
    passes.run(MARCH)
    passes.publish(chain(wait("longer", duration="P9D")))
    before = passes.read("executions")
    monkeypatch.setattr("journey_pipelines.engine.migration._staying", broken)
    with pytest.raises(RuntimeError):
        carried_out(passes, {"pause": "longer"})
    pd.testing.assert_frame_equal(passes.read("executions"), before)
    assert len(passes.read("runs", kind="migrate")) == 0


def broken(*_: Any) -> None:
    raise RuntimeError


def test_carried_out_again_it_finds_nobody_and_its_run_keeps_the_figures(store: JourneyStore) -> None:
    passes = Passes(store, FIRST)
    passes.run(MARCH)
    passes.publish(chain(wait("longer", duration="P9D")))
    done = carried_out(passes, {"pause": "longer"})
    assert carried_out(passes, {"pause": "longer"}) == done
    assert carried_out(passes, {"pause": "longer"}, NOON + timedelta(hours=1))["moved"] == {}
    assert passes.read("runs", kind="migrate")["summary"].iloc[0]["moved"] == {"pause": 1}


def test_chunks_go_together(store: JourneyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journey_pipelines.engine.migration.CHUNK_ROWS", 2)
    passes = Passes(store, FIRST, features=features(PEOPLE))
    passes.run(MARCH)
    passes.publish(chain(wait("longer", duration="P9D")))
    assert carried_out(passes, {"pause": "longer"})["moved"] == {"pause": 6}
    assert set(passes.read("executions")["journey_version"]) == {2}


def test_the_plan_says_what_a_map_makes_of_whom() -> None:
    passes = Passes(MemoryStore(), FIRST, features=features(PEOPLE))
    passes.run(MARCH)
    with passes.store.transaction() as transaction:
        counts = transaction.status_counts()
    fates = [
        only(publication_plan(counts, "test", MigrationMap(1, 2, nodes)))["fate"]
        for nodes in ({"pause": "longer"}, {"pause": None}, {"hello": None})
    ]
    assert fates == ["move to longer", "end", "keep"]


def test_all_that_is_wrong_with_a_map_is_told_at_once() -> None:
    old = compile_journey(
        journey(
            [START, condition("rich", {"var": "x"}), wait("w", duration="P1D"), action("a"), DONE],
            [
                edge("start", "rich"),
                edge("rich", "w", "true"),
                edge("rich", "a", "false"),
                edge("w", "a"),
                edge("a", "done"),
            ],
        ),
        CATALOG,
    )
    new = compile_journey(chain(wait("day", duration="P1D")), CATALOG, version=2)
    nodes = {"rich": "day", "nobody": "day", "w": "nowhere", "a": "day", "start": "done"}
    with pytest.raises(MigrationMapError) as raised:
        check_map(MigrationMap(1, 2, nodes), old, new)
    told = {problem.path: problem.message for problem in raised.value.problems}
    assert set(told) == {"/nodes/rich", "/nodes/nobody", "/nodes/w", "/nodes/a"}
    assert "nobody stands at a condition" in told["/nodes/rich"]
    assert "has no node 'nobody'" in told["/nodes/nobody"]
    assert "version 2 has no node 'nowhere'" in told["/nodes/w"]
    assert "cannot be put at the wait day" in told["/nodes/a"]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("[1]", {""}),
        ("{from_version: 1, to_version: 2}", {"/nodes"}),
        ("{from_version: one, to_version: 0, nodes: {a: 1, b: {from: c}}, more: 1}", None),
        ("{nodes: [", {""}),
    ],
)
def test_a_map_that_is_none_is_refused(text: str, paths: set[str] | None) -> None:
    with pytest.raises(MigrationMapError) as raised:
        read_map(text)
    expected = {"/from_version", "/to_version", "/nodes/a", "/nodes/b", "/more"} if paths is None else paths
    assert expected <= {problem.path for problem in raised.value.problems}


def test_a_node_named_end_is_reached_by_its_long_form() -> None:
    assert read_map("{from_version: 1, to_version: 2, nodes: {a: {to: end}, b: end}}").nodes == {"a": "end", "b": None}
