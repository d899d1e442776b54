"""`journeys migrate`: the plan, the map, and what it makes of those inside."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.project import Project, by_hand
from tests.cli.test_live_commands import done, refused, rows, waiting_customer

MAP = "from_version: 1\nto_version: 2\nnodes:\n  purchase: bought\n"


def renamed() -> dict[str, Any]:
    """The journey with its wait under another name, and a shorter one in front of it."""
    document = by_hand()
    nodes = [{"id": "short", "type": "wait", "config": {"duration": "P1D"}}]
    text = json.dumps(document).replace('purchase"', 'bought"').replace("customer.bought", "customer.purchase")
    made: dict[str, Any] = json.loads(text)
    made["nodes"] = [*made["nodes"], *nodes]
    made["edges"] = [e for e in made["edges"] if e["source"] != "start"]
    made["edges"] += [{"source": "start", "target": "short"}, {"source": "short", "target": "bought"}]
    return made


@pytest.fixture
def inside(stored: Project) -> Project:
    """Customer 1 waits in version 1; version 2 is out."""
    waiting_customer(stored)
    changed = renamed()
    done(stored, "publish", stored.document(nodes=changed["nodes"], edges=changed["edges"]))
    return stored


def test_the_plan_alone_moves_nobody(inside: Project) -> None:
    assert "keep" in done(inside, "migrate", "by-hand", "--plan")
    said = done(inside, "migrate", "by-hand", "--map", inside.write("map.yaml", MAP), "--plan")
    assert "move to bought" in said
    assert rows(inside, "executions")[0]["journey_version"] == 1


def test_a_map_moves_those_inside_and_the_story_says_so(inside: Project) -> None:
    at = ("--as-of", "2017-03-01T23:59:59")
    said = done(inside, "migrate", "by-hand", "--map", inside.write("map.yaml", MAP), "--yes", *at)
    assert "1 customer moved to version 2, 0 journeys ended." in said
    [execution] = rows(inside, "executions")
    assert (execution["journey_version"], execution["current_node_id"]) == (2, "bought")
    story = done(inside, "explain", "1")
    assert "2017-03-01 23:59 UTC  From purchase a migration took them out of version 1" in story
    assert "contradict" not in story
    assert "holds together" in done(inside, "doctor")


def test_nobody_is_moved_without_a_yes(inside: Project) -> None:
    answer = inside.call("migrate", "by-hand", "--map", inside.write("map.yaml", MAP))
    assert answer.exit_code != 0
    assert rows(inside, "executions")[0]["journey_version"] == 1


def test_the_figures_come_as_json(inside: Project) -> None:
    text = MAP.replace("bought", "end")
    found = json.loads(done(inside, "migrate", "by-hand", "--map", inside.write("map.yaml", text), "--yes", "--json"))
    assert (found["moved"], found["ended"], found["staying"]) == ({}, {"purchase": 1}, {})
    assert found["plan"] == [{"version": 1, "node": "purchase", "count": 1, "fate": "end"}]
    assert "was ended by a migration" in done(inside, "explain", "1")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (MAP.replace("to_version: 2", "to_version: 3"), "the newest version of by-hand is 2"),
        (MAP.replace("from_version: 1", "from_version: 2"), "expected an older one than 2"),
        (MAP.replace("bought", "nowhere"), "version 2 has no node 'nowhere'"),
        ("nodes: {}", "/from_version"),
    ],
)
def test_a_map_that_does_not_fit_moves_nobody(inside: Project, text: str, told: str) -> None:
    said = refused(inside, "migrate", "by-hand", "--map", inside.write("map.yaml", text), "--yes")
    assert told in said
    assert "map.yaml" in said


def test_an_unknown_journey_is_named(stored: Project) -> None:
    assert "here is no journey nobody" in refused(stored, "migrate", "nobody", "--plan")


def test_a_map_that_is_not_there_is_named(inside: Project) -> None:
    assert "cannot be read" in refused(inside, "migrate", "by-hand", "--map", str(Path("nowhere.yaml")), "--yes")
