"""The examples do what their pages say."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from journey_pipelines.delivery.actions.registry import load_actions
from journey_pipelines.delivery.contact import ContactPolicy
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.checks import check
from journey_pipelines.journeys.document import read_document
from journey_pipelines.snapshots.warehouse import Warehouse
from tests.docs.pages import ROOT, page

RECIPES = page("docs/howto/add-a-journey.md").blocks("yaml")
ENDS = [{"id": "start", "type": "start"}, {"id": "done", "type": "end"}]


@pytest.fixture(scope="session")
def catalog(project: Path) -> Catalog:
    warehouse = Warehouse(f"duckdb:///{project}/.journeys/warehouse.duckdb")
    return Catalog(load_actions(), warehouse.feature_names(), frozenset(warehouse.segments()))


def printed(code: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    exec(compile(code, "example", "exec"), {"__name__": "example"})
    return lines(capsys.readouterr().out)


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_the_readme_shows_the_welcome_journey_as_it_is() -> None:
    [document] = page("README.md").blocks("yaml")
    assert read_document(document) == read_document(ROOT / "journeys" / "welcome.yaml")


def test_the_rehearsal_of_the_readme_prints_what_it_shows(monkeypatch, capsys) -> None:
    monkeypatch.chdir(ROOT)
    [code] = page("README.md").blocks("python")
    assert printed(code, capsys) == lines(page("README.md").blocks("")[-1])


def test_the_journey_of_the_tutorial_can_be_published(project, catalog) -> None:
    assert check(project / "journeys" / "thanks.yaml", catalog) == []


def test_the_rehearsal_of_the_tutorial_prints_what_it_shows(project, monkeypatch, capsys) -> None:
    monkeypatch.chdir(project)
    tutorial = page("docs/tutorial.md")
    [code] = tutorial.blocks("python")
    [shown] = [block for block in tutorial.blocks("") if block.startswith("state\n")]
    assert printed(code, capsys) == lines(shown)


def test_the_tutorial_shows_the_faults_as_they_are_reported(project, catalog) -> None:
    tutorial = page("docs/tutorial.md")
    [document] = tutorial.blocks("yaml")
    mistakes = {"segment: loyal": "segment: loyals", "favourite_": "favorite_", "branch: timeout": "branch: late"}
    for right, wrong in mistakes.items():
        assert right in document
        document = document.replace(right, wrong)
    [shown] = [block for block in tutorial.blocks("") if block.startswith("Error:")]
    assert [f"  {problem}" for problem in check(document, catalog)] == lines(shown)[1:]


def test_the_journey_of_the_howto_can_be_published(catalog) -> None:
    assert check(RECIPES[0], catalog) == []


@pytest.mark.parametrize("recipe", RECIPES[1:])
def test_recipe_of_the_howto_can_be_published(recipe: str, catalog) -> None:
    parts: dict[str, Any] = dict(read_document(recipe))
    document = {"key": "recipe", "name": "Recipe", **parts, "nodes": [*ENDS, *parts["nodes"]]}
    assert check(document, catalog) == []


def test_the_contact_policy_of_the_settings_can_be_read() -> None:
    [policy] = page("docs/reference/settings.md").blocks("yaml")
    assert ContactPolicy.parse(yaml.safe_load(policy)).caps == {"email": 2, "sms": 1}


def test_the_day_of_the_howto_on_warehouses_can_be_looked_at(project, monkeypatch, capsys) -> None:
    monkeypatch.chdir(project)
    [code] = page("docs/howto/connect-a-warehouse.md").blocks("python")
    assert printed(code, capsys)[0] == "['at_risk', 'lapsed', 'loyal', 'new_customers']"


def test_the_sample_is_built_as_its_page_says(project, monkeypatch, capsys) -> None:
    monkeypatch.chdir(project)
    [code] = page("docs/sample-warehouse.md").blocks("python")
    assert printed(code, capsys) == []


def test_the_custom_action_of_the_example_is_as_its_readme_says() -> None:
    [node] = page("examples/custom_action/README.md").blocks("yaml")
    source = (ROOT / "examples" / "custom_action" / "journeys_call_note" / "__init__.py").read_text()
    assert re.search(rf'"{yaml.safe_load(node)[0]["config"]["action_type"]}"', source)
