"""Two versions over the same days: figures that reconcile, and exactly those who went another way."""

import copy
import json
from functools import cache

import duckdb
import pytest

from journey_pipelines.errors import JourneysError
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.journey import compile_journey
from journey_pipelines.replay import Kept, Walked, compare, replay
from tests.behaviour.builders import START, action, condition, edge, end, features, journey, wait
from tests.behaviour.passes import ACTIONS
from tests.replay.world import FrameDays, days

PEOPLE = [f"c{number:03d}" for number in range(60)]


def past():
    dates = days(8)
    frame = features(PEOPLE, dates=[str(day) for day in dates])
    numbers = frame["customer_id"].str[1:].astype(int)
    frame["baskets"] = numbers % 10 + frame.groupby("customer_id").cumcount()
    frame["is_closed"] = numbers % 13 == 0
    return FrameDays(frame)


def document(limit=5, days_of_wait=2, rule=None, **keys):
    nodes = [
        START,
        action("hello"),
        wait("w", duration=f"P{days_of_wait}D"),
        condition("many", {">": [{"var": "baskets"}, limit]}),
        action("bonus", "award_points"),
        end("done"),
        end("nothing"),
    ]
    ways = [
        edge("start", "hello"),
        edge("hello", "w"),
        edge("w", "many"),
        edge("many", "bonus", "true"),
        edge("many", "nothing", "false"),
        edge("bonus", "done"),
    ]
    leaves = {"exit": {"rule": {"and": [{"==": [{"var": "is_closed"}, True]}, {">": [{"var": "baskets"}, 3]}]}}}
    entry = {"entry": {"rule": rule}} if rule else {}
    return {**journey(nodes, ways), **leaves, **entry, **keys}


def walked(made):
    return _walked(json.dumps(made))


@cache
def _walked(text):
    made = json.loads(text)
    kept = Kept()
    replayed = replay([made], days(8), past(), actions=ACTIONS, history=kept)
    return Walked(compile_journey(made, Catalog(actions=ACTIONS)), replayed, kept)


CASES = {
    "limit": (document(5), document(7)),
    "wait": (document(days_of_wait=1), document(days_of_wait=3)),
    "entry": (document(rule={">": [{"var": "baskets"}, 2]}), document(rule={">": [{"var": "baskets"}, 4]})),
    "long wait": (document(), document(days_of_wait=20)),
}


def different(first, second):
    """Executions whose transitions differ, by SQL that knows nothing of positions."""
    one, other = (side.kept.table("transitions").drop(columns=["run_id"]) for side in (first, second))
    with duckdb.connect() as connection:
        connection.register("one", one)
        connection.register("other", other)
        names = 'execution_id, node_id, visit, branch, "at"'
        rows = connection.execute(
            f"select distinct execution_id from ((select {names} from one except select {names} from other) union all "
            f"(select {names} from other except select {names} from one))"
        ).fetchall()
    return sorted(name for (name,) in rows)


@pytest.mark.parametrize("case", CASES)
def test_whoever_went_another_way_is_listed_and_nobody_else(case):
    first, second = map(walked, CASES[case])
    divergent = compare(first, second, past()).divergent
    assert sorted(divergent["execution_id"]) == different(first, second)
    assert len(divergent) > 5


@pytest.mark.parametrize("case", CASES)
def test_what_entered_a_node_has_passed_left_or_waits(case):
    compared = compare(*map(walked, CASES[case]), past())
    nodes = compared.nodes
    assert (nodes["entered"] == nodes["passed"] + nodes["exited"] + nodes["waiting"]).all()
    assert nodes.groupby("side")["exited"].sum().gt(0).any()


def test_a_version_against_itself_differs_nowhere():
    side = walked(document())
    compared = compare(side, walked(document()), past())
    assert len(compared.divergent) == 0
    assert (compared.edges["first"] == compared.edges["second"]).all()
    assert (compared.totals["first"] == compared.totals["second"]).all()


def test_another_branch_is_told_with_the_values_that_the_rules_read():
    compared = compare(*map(walked, CASES["limit"]), past())
    told = compared.divergent
    assert set(told["node_id"]) == {"many"}
    assert set(told["what"]) == {"another branch"}
    assert (set(told["first"]), set(told["second"])) == ({"many: true"}, {"many: false"})
    assert {values["baskets"] for values in told["values"]} <= {6, 7}


def test_whoever_enters_on_another_day_or_never_is_told_at_the_entry():
    compared = compare(*map(walked, CASES["entry"]), past())
    told = compared.divergent
    assert set(told["node_id"]) == {"entry"}
    assert all("baskets" in values for values in told["values"])
    entered = compared.totals.set_index("what").loc["entered"]
    assert entered["first"] >= entered["second"] > 0


def test_sends_and_points_are_counted_for_both():
    compared = compare(*map(walked, CASES["limit"]), past())
    totals = compared.totals.set_index("what")
    assert totals.loc["points", "first"] > totals.loc["points", "second"] > 0
    sends = compared.sends.groupby("action_type")[["first", "second"]].sum()
    assert sends.loc["send_sms", "first"] == sends.loc["send_sms", "second"] == totals.loc["messages sent", "first"]


def test_two_journeys_cannot_be_compared():
    with pytest.raises(JourneysError, match="are two journeys"):
        compare(walked(document()), walked(document(key="other")), past())


def test_other_days_cannot_be_compared():
    first = walked(document())
    shorter = replay([document()], days(8)[:3], past(), actions=ACTIONS)
    with pytest.raises(JourneysError, match="other days"):
        compare(first, Walked(copy.copy(first.journey), shorter, Kept()), past())
