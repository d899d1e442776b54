"""`journeys replay`: a journey over past days of the sample warehouse, alone and beside another one."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click import BadParameter

from journey_pipelines.cli.documents import with_changes
from tests.cli.project import Project
from tests.cli.test_live_commands import done, refused, rows

DAYS = ("--from", "2017-03-01", "--to", "2017-03-05")
ROOT = Path(__file__).parents[2]


def welcome(project: Project) -> str:
    """The sample's first journey, in the project."""
    return project.write("welcome.yaml", (ROOT / "journeys" / "welcome.yaml").read_text(encoding="utf-8"))


def replayed(project: Project, *arguments: str) -> dict[str, Any]:
    """What `--json` says."""
    found: dict[str, Any] = json.loads(done(project, "replay", *arguments, "--json"))
    return found


def test_a_replay_builds_what_is_missing_and_comes_to_the_same_hash_again(stored: Project) -> None:
    file = welcome(stored)
    first = replayed(stored, file, *DAYS, "--build")
    again = replayed(stored, file, *DAYS)
    assert first["hash"] == again["hash"]
    assert first["entered"]["welcome"] > 0
    assert (first["from"], first["to"], first["days"]) == ("2017-03-01", "2017-03-05", 5)
    assert first["rows_per_second"] > 0
    assert rows(stored, "executions") == rows(stored, "dispatches") == rows(stored, "runs") == []


def test_several_journeys_are_walked_each_as_if_it_were_alone(stored: Project, tmp_path: Path) -> None:
    files = [welcome(stored), stored.write("retention.yaml", (ROOT / "journeys" / "retention.yaml").read_text("utf-8"))]
    found = replayed(stored, *files, *DAYS, "--build", "--out", str(tmp_path / "rows"))
    assert found == {**found, "welcome": {**found["welcome"], "hash": replayed(stored, files[0], *DAYS)["hash"]}}
    assert list(found) == ["welcome", "retention"]
    for key in found:
        assert len(pd.read_parquet(tmp_path / "rows" / key / "executions.parquet")) == found[key]["entered"][key]
    said = done(stored, "replay", *files, *DAYS)
    assert "entered welcome" in said
    assert "entered retention" in said


def test_two_journeys_cannot_be_compared_nor_one_named_twice(stored: Project) -> None:
    file = welcome(stored)
    assert "compare one journey" in stored.call("replay", file, file, *DAYS, "--set", "name=x").stderr
    assert "named twice" in stored.call("replay", file, file, *DAYS).stderr


def test_its_rows_are_written_where_they_are_asked_for(stored: Project, tmp_path: Path) -> None:
    out = tmp_path / "rows"
    found = replayed(stored, welcome(stored), *DAYS, "--build", "--out", str(out))
    entered = pd.read_parquet(out / "executions.parquet")
    assert len(entered) == found["entered"]["welcome"]
    assert {file.stem for file in out.iterdir()} == {"executions", "transitions", "dispatches", "points_transactions"}


def test_dispatches_fail_as_often_as_is_said(stored: Project) -> None:
    found = replayed(stored, welcome(stored), *DAYS, "--build", "--failing", "send_email=1")
    statuses = {row["status"] for row in found["sends"] if row["action_type"] == "send_email"}
    assert "failed" in statuses
    assert "sent" not in statuses


def test_a_changed_version_is_shown_beside_the_journey(stored: Project) -> None:
    document = welcome(stored)
    said = done(stored, "replay", document, *DAYS, "--build", "--set", "nodes.welcome_email.config.subject=Hello")
    assert "0 customers went another way." in said
    changes = ("--set", "entry.segment=at_risk")
    found = replayed(stored, document, *DAYS, *changes)
    totals = {row["what"]: (row["first"], row["second"]) for row in found["totals"]}
    assert totals["entered"] == (found["first"]["entered"]["welcome"], found["second"]["entered"]["welcome"])
    assert len(found["divergent"]) == sum(totals["entered only here"])


def test_a_published_version_is_compared_with_the_newest(stored: Project) -> None:
    file = welcome(stored)
    done(stored, "publish", file)
    renamed = Path(file).read_text(encoding="utf-8").replace("segment: new_customers", "segment: lapsed")
    assert "lapsed" in renamed
    done(stored, "publish", stored.write("welcome.yaml", renamed))
    found = replayed(stored, "welcome", *DAYS, "--build", "--against", "1")
    assert found["first"]["entered"] != found["second"]["entered"]
    assert "has no version 9 (known: 1, 2)" in refused(stored, "replay", "welcome", *DAYS, "--against", "9")


def test_missing_snapshots_are_named_and_nothing_is_walked(stored: Project) -> None:
    said = refused(stored, "replay", welcome(stored), "--from", "2017-07-01", "--to", "2017-07-02")
    assert "of 2017-07-01" in said
    assert "--build" in said


def test_an_unknown_journey_is_named(stored: Project) -> None:
    assert "here is no journey nobody" in refused(stored, "replay", "nobody", *DAYS)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--from", "2017-03-02", "--to", "2017-03-01"), "lies before"),
        ((*DAYS, "--failing", "send_sms"), "is no share"),
        ((*DAYS, "--failing", "send_sms=often"), "is no share"),
        ((*DAYS, "--learn", "--failing", "send_sms=1"), "the same thing twice"),
        ((*DAYS, "--set", "nodes.nobody.config=1"), "there is no nodes.nobody in the document"),
        ((*DAYS, "--set", "name"), "has no ="),
    ],
)
def test_options_that_make_no_sense_are_refused(stored: Project, options: tuple[str, ...], told: str) -> None:
    answer = stored.call("replay", welcome(stored), *options)
    assert answer.exit_code != 0
    assert told in answer.stderr


def test_a_share_beyond_one_is_refused(stored: Project) -> None:
    said = refused(stored, "replay", welcome(stored), *DAYS, "--failing", "send_sms=2")
    assert "expected a number from 0 to 1" in said


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("name=Other", {"name": "Other"}),
        ("nodes.b.config.points=200", {"nodes": [{"id": "a"}, {"id": "b", "config": {"points": 200}}]}),
        ("nodes.0.id=first", {"nodes": [{"id": "first"}, {"id": "b", "config": {"points": 1}}]}),
        ("entry={rule: true}", {"entry": {"rule": True}}),
    ],
)
def test_a_change_reaches_what_its_path_names(change: str, expected: dict[str, Any]) -> None:
    document = {"name": "One", "nodes": [{"id": "a"}, {"id": "b", "config": {"points": 1}}]}
    assert with_changes(document, [change]) == {**document, **expected}
    assert document["name"] == "One"


@pytest.mark.parametrize("change", ["nodes.c.id=1", "name.first=1", "nodes.7=1", "name=[1"])
def test_a_change_that_leads_nowhere_is_refused(change: str) -> None:
    with pytest.raises(BadParameter):
        with_changes({"name": "One", "nodes": [{"id": "a"}]}, [change])
