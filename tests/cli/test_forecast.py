"""`journeys forecast`: bands from a replay of the sample, and the run that leaves them."""

import json
from dataclasses import replace
from pathlib import Path

from journey_pipelines.engine.bands import Band
from tests.cli.project import Project
from tests.cli.test_live_commands import done, refused

DAYS = ("--from", "2017-03-01", "--to", "2017-03-05")
ROOT = Path(__file__).parents[2]


def published(project: Project) -> None:
    text = (ROOT / "journeys" / "welcome.yaml").read_text(encoding="utf-8")
    done(project, "publish", project.write("welcome.yaml", text))


def test_a_saved_forecast_holds_the_run_that_leaves_it_until_it_is_approved(stored: Project) -> None:
    published(stored)
    said = done(stored, "forecast", "welcome", *DAYS, "--build", "--save")
    assert "Monday" in said
    assert "send_email" in said
    assert "This holds until another version is published" in said
    with stored.store.transaction() as transaction:
        [made] = transaction.forecasts("welcome")
    narrow = {what: [Band(500, 600)] * 7 for what in made.bands}
    with stored.store.transaction() as transaction:
        transaction.save_forecast(replace(made, bands=narrow))
    done(stored, "run", "--date", "2017-03-01")
    assert "expected were 500 to 600 for a Thursday" in done(stored, "run", "--date", "2017-03-02")
    held = json.loads(done(stored, "status", "--json"))["journeys"][0]["held"]
    done(stored, "approve", held["run_id"])
    done(stored, "run", "--date", "2017-03-02")
    assert json.loads(done(stored, "status", "--json"))["journeys"][0]["held"] is None


def test_a_forecast_that_is_only_looked_at_is_not_stored(stored: Project) -> None:
    published(stored)
    found = json.loads(done(stored, "forecast", "welcome", *DAYS, "--build", "--json"))
    assert found["is_saved"] is False
    assert (found["from"], found["to"], found["version"]) == ("2017-03-02", "2017-03-05", 1)
    assert found["bands"]["entrants"]["Monday"]["low"] <= found["bands"]["entrants"]["Monday"]["high"]
    with stored.store.transaction() as transaction:
        assert transaction.forecasts("welcome") == []


def test_a_journey_that_is_not_published_has_no_forecast(stored: Project) -> None:
    assert "is not published" in refused(stored, "forecast", "welcome", *DAYS)


def test_too_few_days_are_refused(stored: Project) -> None:
    published(stored)
    assert "too few for bands" in refused(stored, "forecast", "welcome", *DAYS, "--build", "--warm-up", "3")
