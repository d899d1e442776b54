"""`journeys doctor`, through the real command and a real database."""

import json

import psycopg

from tests.cli.project import Project


def test_a_store_that_holds_together_is_said_to(stored: Project) -> None:
    stored.store.transact(lambda transaction: transaction.paused())
    answer = stored.call("doctor")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith("The store holds together: 22 checks.")


def break_a_balance(project: Project) -> None:
    project.store.transact(lambda transaction: transaction.paused())
    with psycopg.connect(project.store_url) as connection:
        connection.execute("INSERT INTO journeys.loyalty_accounts VALUES ('7', 1, 5)")


def test_what_is_wrong_is_a_sentence_and_an_exit_code(stored: Project) -> None:
    break_a_balance(stored)
    answer = stored.call("doctor")
    assert answer.exit_code == 1
    assert "1 fault found by 22 checks." in answer.stdout
    assert "Wrong: loyalty_accounts: 1 balance is not the sum of its awards (it is 7, program 1)." in answer.stdout


def test_what_is_wrong_is_json_for_programs(stored: Project) -> None:
    break_a_balance(stored)
    answer = stored.call("doctor", "--json")
    assert answer.exit_code == 1
    found = json.loads(answer.stdout)
    assert (found["is_sound"], found["checks"], found["notes"]) == (False, 22, [])
    assert {key: found["faults"][0][key] for key in ("check", "table", "count", "example", "since")} == {
        "check": "wrong_balance",
        "table": "loyalty_accounts",
        "count": 1,
        "example": "7, program 1",
        "since": None,
    }


def test_a_store_that_nobody_reaches_is_told(project: Project) -> None:
    answer = project.call("doctor")
    assert answer.exit_code == 1
    assert "JOURNEYS_STORE_URL" in answer.stderr
