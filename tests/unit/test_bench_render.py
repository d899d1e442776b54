"""`journeys bench render` compares mails that are equal, and says what they cost."""

import json

import pytest
from click.testing import CliRunner

from journey_pipelines.bench import render
from journey_pipelines.bench.costs import BenchmarkError
from journey_pipelines.cli.program import journeys


def test_the_command_gives_one_json_document() -> None:
    command = ["bench", "render", "--rows", "300", "--rounds", "2", "--json"]
    found = json.loads(CliRunner().invoke(journeys, command, catch_exceptions=False).stdout)
    assert {name: one["rows"] for name, one in found["measured"].items()} == {
        "ours": 300,
        "plain": 300,
        "plain_compiled_each": 300,
    }
    assert all(ratio > 0 for ratio in found["ratios"].values())


def test_people_read_what_a_hundred_thousand_mails_would_cost() -> None:
    done = CliRunner().invoke(journeys, ["bench", "render", "--rows", "50", "--rounds", "1"], catch_exceptions=False)
    assert "s for 100,000" in done.stdout


def test_mails_that_differ_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(render.CONFIG["variables"], "points_balance", 7)  # type: ignore[index]
    with pytest.raises(BenchmarkError, match=r"mail 0 of 'plain' is not that of 'ours'"):
        render.measure(5, rounds=1)
