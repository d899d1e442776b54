"""`journeys validate`."""

import pytest

from tests.cli.project import Project


def test_a_right_document_is_fine(project: Project) -> None:
    answer = project.call("validate", project.document())
    assert answer.exit_code == 0
    assert "fine (journey by-hand, 3 nodes)" in answer.stdout


def test_without_a_warehouse_it_says_what_was_not_checked(project: Project) -> None:
    answer = project.call("validate", project.document())
    assert "Features and segments are not checked" in answer.stderr


def test_every_problem_of_every_document_is_listed(project: Project) -> None:
    first = project.document(key="first", entry={"reentry": "sometimes"}, timezone="Mars/Olympus")
    second = project.document(key="second", edges=[])
    answer = project.call("validate", first, second, project.document())
    assert answer.exit_code == 1
    assert "/entry/reentry" in answer.stderr
    assert "/timezone" in answer.stderr
    assert "second.json has" in answer.stderr
    assert "2 of 3 documents cannot be published" in answer.stderr
    assert "by-hand.json: fine" in answer.stdout


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [("a.yaml", "key: [", "a.yaml"), ("a.json", "{", "is not JSON"), ("a.yaml", "", "found nothing")],
)
def test_an_unreadable_document_is_named(project: Project, name: str, text: str, complaint: str) -> None:
    answer = project.call("validate", project.write(name, text))
    assert answer.exit_code == 1
    assert complaint in answer.stderr


def test_a_missing_document_is_named(project: Project) -> None:
    answer = project.call("validate", "nowhere.yaml")
    assert answer.exit_code == 1
    assert "there is no such file" in answer.stderr
