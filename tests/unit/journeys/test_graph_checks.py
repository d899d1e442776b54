"""Faults of nodes and edges together."""

from typing import Any

import pytest

from journey_pipelines.journeys.checks import check
from tests.unit.journeys.builders import catalog, condition, edge, forked, journey, note, wait

TRUE = {"==": [1, 1]}
SPLIT = {
    "id": "arms",
    "type": "split",
    "config": {"branches": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}]},
}


def problems_of(document: Any) -> dict[str, str]:
    return {problem.path: problem.message for problem in check(document, catalog())}


def test_a_journey_in_a_row_has_no_problem() -> None:
    assert problems_of(journey(note("mail"), wait(), note("again"))) == {}


def test_a_condition_with_both_branches_has_no_problem() -> None:
    assert problems_of(forked(condition("asks", rule=TRUE), "true", "false")) == {}


def test_branches_written_as_booleans_are_understood() -> None:
    assert problems_of(forked(condition("asks", rule=TRUE), True, False)) == {}


def test_an_unknown_node_in_an_edge_is_named_with_its_likeliest_name() -> None:
    found = problems_of(journey(note("mail"), edges=[edge("start", "mial"), edge("mail", "done")]))
    assert found["/edges/0/target"] == "unknown node 'mial'; did you mean 'mail'?"


def test_an_unknown_branch_is_named() -> None:
    found = problems_of(forked(condition("asks", rule=TRUE), "true", "maybe"))
    assert "maybe" in found["/edges/2/branch"]
    assert "'false'" in found["/nodes/1"]


def test_a_branch_of_a_node_with_one_way_out_is_unknown() -> None:
    assert "one way out" in problems_of(forked(wait(), "true"))["/edges/1/branch"]


def test_a_missing_branch_is_named() -> None:
    assert "'timeout'" in problems_of(forked(wait(event="x", timeout="P1D"), "event"))["/nodes/1"]


def test_an_edge_without_the_branch_that_it_needs_is_told_the_branches() -> None:
    found = problems_of(journey(condition("asks", rule=TRUE)))
    assert found["/edges/1"] == "an edge from 'asks' needs a branch: true, false"


def test_two_edges_for_one_branch_are_refused() -> None:
    assert "/edges/1" in problems_of(forked(SPLIT, "a", "a", "b"))["/edges/2"]


def test_a_many_way_condition_needs_else() -> None:
    node = condition("asks", branches=[{"name": "gold", "rule": TRUE}])
    assert problems_of(forked(node, "gold", "else")) == {}
    assert "'else'" in problems_of(forked(node, "gold"))["/nodes/1"]


def test_an_action_may_have_a_failed_branch() -> None:
    assert problems_of(forked(note("mail"), None, "failed")) == {}


def test_an_action_with_only_a_failed_branch_lacks_its_main_way() -> None:
    assert "main way" in problems_of(forked(note("mail"), "failed"))["/nodes/1"]


def test_a_split_with_one_arm_needs_no_branch_name() -> None:
    arm = {"id": "arms", "type": "split", "config": {"branches": [{"name": "all", "weight": 1}]}}
    assert problems_of(journey(arm)) == {}


def test_a_node_without_a_way_out_is_named() -> None:
    found = problems_of(journey(note("mail"), edges=[edge("start", "mail"), edge("start", "done")]))
    assert found["/nodes/1"] == "node 'mail' has no way out; add an edge"


def test_an_unreachable_node_is_named() -> None:
    found = problems_of(journey(note("mail"), edges=[edge("start", "done"), edge("mail", "done")]))
    assert "cannot be reached" in found["/nodes/1"]


def test_a_journey_without_a_start_is_refused() -> None:
    document = journey()
    document["nodes"] = document["nodes"][1:]
    assert "no start node" in problems_of(document)["/nodes"]


def test_a_second_start_is_refused() -> None:
    document = journey()
    document["nodes"].append({"id": "other", "type": "start"})
    document["edges"].append(edge("other", "done"))
    assert "'start'" in problems_of(document)["/nodes/2/type"]


def test_a_journey_without_an_end_is_refused() -> None:
    document = journey(wait())
    document["nodes"] = document["nodes"][:-1]
    document["edges"] = [edge("start", "pause"), edge("pause", "pause")]
    assert "no end node" in problems_of(document)["/nodes"]


def test_an_id_used_twice_is_refused() -> None:
    assert "/nodes/1" in problems_of(journey(note("mail"), note("mail")))["/nodes/2/id"]


def test_an_edge_id_used_twice_is_refused() -> None:
    document = journey(note("mail"))
    document["edges"] = [{**item, "id": "same"} for item in document["edges"]]
    assert "/edges/0" in problems_of(document)["/edges/1/id"]


def test_an_edge_into_the_start_is_refused() -> None:
    document = forked(condition("asks", rule=TRUE), "true")
    document["edges"].append(edge("asks", "start", "false"))
    assert "start node" in problems_of(document)["/edges/2/target"]


def test_an_edge_out_of_an_end_is_refused() -> None:
    document = journey()
    document["edges"].append(edge("done", "done"))
    assert "end node" in problems_of(document)["/edges/1/source"]


def test_a_cycle_without_a_wait_is_refused_with_its_nodes() -> None:
    edges = [
        edge("start", "mail"),
        edge("mail", "asks"),
        edge("asks", "mail", "true"),
        edge("asks", "done", "false"),
    ]
    found = problems_of(journey(note("mail"), condition("asks", rule=TRUE), edges=edges))
    assert "mail -> asks -> mail" in found["/nodes/1"]


def test_a_cycle_through_a_wait_is_allowed() -> None:
    edges = [
        edge("start", "mail"),
        edge("mail", "pause"),
        edge("pause", "asks"),
        edge("asks", "mail", "true"),
        edge("asks", "done", "false"),
    ]
    assert problems_of(journey(note("mail"), wait(), condition("asks", rule=TRUE), edges=edges)) == {}


def test_a_round_that_no_path_leaves_is_refused_unless_an_exit_can_end_it() -> None:
    edges = [
        edge("start", "asks"),
        edge("asks", "pause", "true"),
        edge("asks", "done", "false"),
        edge("pause", "pause"),
    ]
    document = journey(condition("asks", rule=TRUE), wait(), edges=edges)
    assert "no path" in problems_of(document)["/nodes/2"]
    assert problems_of({**document, "exit": {"rule": {"var": "is_closed"}}}) == {}


def test_a_node_with_a_wrong_config_is_still_a_node_for_its_edges() -> None:
    found = problems_of(journey(wait(duration="soon"), note("mail")))
    assert list(found) == ["/nodes/1/config/duration"]


@pytest.mark.parametrize("size", [3_000])
def test_a_long_journey_is_checked_without_recursion(size: int) -> None:
    assert problems_of(journey(*[note(f"n{number}") for number in range(size)])) == {}
