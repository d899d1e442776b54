"""The sample project's journeys are the guide's two examples."""

import re
from pathlib import Path

import pytest

from journey_pipelines.delivery.actions.registry import load_actions
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.checks import check
from journey_pipelines.journeys.journey import Journey, compile_journey

FOLDER = Path(__file__).parents[3] / "journeys"
FEATURES = ("baskets_30d", "sessions_1d", "is_closed", "churn_risk")
SEGMENTS = ("new_customers", "at_risk", "loyal", "lapsed")


def sample(name: str) -> Journey:
    return compile_journey(FOLDER / f"{name}.yaml", Catalog(load_actions(), FEATURES, SEGMENTS))


def walk(journey: Journey, *branches: str) -> list[str]:
    """The nodes on the way from start to end, with these branches where there is a choice."""
    visited, choices = [journey.start], list(branches)
    while (node := visited[-1]) != "done":
        following = journey.way(node, None) or journey.way(node, choices.pop(0))
        assert following is not None
        visited.append(following)
    return visited


@pytest.mark.parametrize("name", ["welcome", "retention"])
def test_every_sample_can_be_published(name: str) -> None:
    assert sample(name).key == name


def test_the_welcome_journey_is_the_guides_first_example() -> None:
    journey = sample("welcome")
    assert journey.entry.segment == "new_customers"
    assert walk(journey, "true") == ["start", "welcome_email", "one_day", "engaged", "bonus", "done"]
    assert walk(journey, "false") == ["start", "welcome_email", "one_day", "engaged", "reminder", "done"]


def test_the_retention_journey_is_the_guides_second_example() -> None:
    journey = sample("retention")
    assert journey.entry.segment == "at_risk"
    assert "churn_risk" in journey.paths
    assert walk(journey, "true") == ["start", "churn_risk", "retention_offer", "campaign", "done"]
    assert walk(journey, "false") == ["start", "churn_risk", "loyalty_points", "done"]


REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "journey-document.md"


def test_the_example_of_the_reference_can_be_published() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", REFERENCE.read_text(), re.DOTALL)
    assert examples
    assert all(check(example, Catalog(load_actions(), FEATURES, SEGMENTS)) == [] for example in examples)
