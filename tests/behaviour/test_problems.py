"""What is wrong with a journey is told at once, each fault with its path, before the journey can be published."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from journey_pipelines import errors
from journey_pipelines.errors import JourneyDocumentError, JourneysError
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.journey import compile_journey
from tests.behaviour.builders import DONE, START, action, chain, condition, edge, end, journey, wait
from tests.behaviour.passes import ACTIONS
from tests.cli.project import Project

CATALOG = Catalog(actions=ACTIONS, features={"sessions"}, segments={"loyal"})
WRONG = journey(
    [
        START,
        condition("unknown_feature", {">": [{"var": "shoe_size"}, 40]}),
        condition("bad_rule", {"no_such_operator": [1]}),
        action("unknown_type", "send_pigeon"),
        action("variable", message="Hi {{nobody_provides_this}}"),
        wait("dead_end", duration="P1D"),
        action("unreachable"),
        action("round_1"),
        action("round_2"),
        DONE,
        end("never"),
    ],
    [
        edge("start", "unknown_feature"),
        edge("unknown_feature", "bad_rule", "true"),
        edge("unknown_feature", "no_such_node", "false"),
        edge("bad_rule", "unknown_type", "true"),
        edge("bad_rule", "round_1", "false"),
        edge("bad_rule", "done", "no_such_branch"),
        edge("unknown_type", "variable"),
        edge("variable", "dead_end"),
        edge("unreachable", "never"),
        edge("round_1", "round_2"),
        edge("round_2", "round_1"),
    ],
    entry={"segment": "no_such_segment"},
)
FAULTS = {
    "/entry/segment": "no_such_segment",
    "/nodes/1/config/rule/>/0/var": "shoe_size",
    "/nodes/2/config/rule/no_such_operator": "operator",
    "/nodes/3/config/action_type": "send_pigeon",
    "/nodes/4/config/message": "nobody_provides_this",
    "/edges/2/target": "no_such_node",
    "/edges/5/branch": "no_such_branch",
    "/nodes/5": "way out",
    "/nodes/6": "reach",
    "/nodes/7": "wait",
}


def faults_of(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Each problem, with its path."""
    with pytest.raises(JourneyDocumentError) as refused:
        compile_journey(document, CATALOG)
    return [(problem.path, problem.message) for problem in refused.value.problems]


def test_everything_that_is_wrong_is_told_at_once_with_its_path() -> None:
    told = faults_of(WRONG)
    assert [fault for fault in FAULTS.items() if not any(_is_told(fault, problem) for problem in told)] == []


def _is_told(fault: tuple[str, str], problem: tuple[str, str]) -> bool:
    return fault[0] == problem[0] and fault[1] in problem[1]


def test_the_sentence_of_a_refusal_names_the_journey_and_lists_every_problem() -> None:
    with pytest.raises(JourneyDocumentError) as refused:
        compile_journey(WRONG, CATALOG)
    text = str(refused.value)
    assert text.startswith("journey test has ")
    assert all(path in text for path in FAULTS)


def test_a_wrong_document_is_refused_before_the_store_is_asked(tmp_path: Path) -> None:
    answer = Project(tmp_path).call("validate", Project(tmp_path).document(edges=[], timezone="Mars/Olympus"))
    assert answer.exit_code == 1
    assert "/timezone" in answer.stderr
    assert "Traceback" not in answer.output


@pytest.mark.parametrize("name", [name for name, _ in inspect.getmembers(errors, inspect.isclass) if "Error" in name])
def test_every_error_is_of_one_family(name: str) -> None:
    assert issubclass(getattr(errors, name), JourneysError)


def test_a_right_document_has_no_problem() -> None:
    assert compile_journey(chain(action("a")), CATALOG).key == "test"
