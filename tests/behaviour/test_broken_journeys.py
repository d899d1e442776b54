"""A journey that is broken is held, and stops no other."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
from pydantic import BaseModel

from journey_pipelines.delivery.actions.send_sms import SendSms
from journey_pipelines.delivery.answers import answers as answer_all
from journey_pipelines.delivery.dispatcher import CallableDispatcher
from journey_pipelines.delivery.no_value import NoValue
from journey_pipelines.delivery.template_store import TemplateStore
from journey_pipelines.delivery.texts import Scope
from journey_pipelines.engine.ports import JourneyStore
from journey_pipelines.journeys.catalog import Catalog
from tests.behaviour.builders import MARCH, action, chain, only, profiles, segments
from tests.behaviour.passes import ACTIONS, Passes

HOUR = timedelta(hours=1)


def test_a_journey_whose_action_type_is_gone_is_held_and_the_others_go_on(store: JourneyStore) -> None:
    broken = chain(action("p", "award_points"), key="broken")
    passes = Passes(store, broken, chain(action("a"), key="whole"))
    without = {name: kind for name, kind in ACTIONS.items() if name != "award_points"}
    passes.engine = replace(passes.engine, catalog=Catalog(actions=without))
    report = passes.run(MARCH)
    assert "award_points" in report.held["broken"]
    assert only(passes.read("executions"))["journey_key"] == "whole"
    assert only(passes.read("holds"))["journey_key"] == "broken"


def test_entries_that_cannot_be_stored_hold_their_journey_only(store: JourneyStore) -> None:
    both = segments({"2017-03-01": ["7", "8\0"]})
    members = {"segment": "loyal", "on": "member"}
    document = chain(action("a"), key="broken", entry=members)
    passes = Passes(store, document, chain(action("a"), key="whole"), segments=both)
    report = passes.run(MARCH)
    assert "error: " in report.held["broken"]
    assert only(passes.read("executions"))["state"] == "COMPLETED"


class Unstorable(SendSms):
    """An SMS whose payload no store takes."""

    name = "unstorable"

    def render(self, parameters: BaseModel, scope: Scope) -> Sequence[dict[str, Any] | NoValue]:
        return [{"message": "\0"}] * scope.size


def test_a_send_that_cannot_be_stored_holds_its_journey_only(store: JourneyStore) -> None:
    broken = chain(action("a", "unstorable", message="Hello"), key="broken")
    actions = {**ACTIONS, "unstorable": Unstorable(TemplateStore())}
    passes = Passes(store, broken, chain(action("a"), key="whole"), dispatcher=CallableDispatcher(actions))
    passes.engine = replace(passes.engine, catalog=Catalog(actions=actions))
    report = passes.run(MARCH)
    assert list(report.held) == ["broken"]
    assert passes.read("dispatches").set_index("journey_key")["status"].to_dict() == {
        "broken": "pending",
        "whole": "sent",
    }
    assert passes.read("executions").set_index("journey_key")["state"].to_dict() == {
        "broken": "IN_PROGRESS",
        "whole": "COMPLETED",
    }


def test_a_value_that_cannot_be_stored_fails_its_send_only(store: JourneyStore) -> None:
    hello = chain(action("a", message="Hello {{customer.first_name}}"), key="whole")
    passes = Passes(store, hello, profiles=profiles(first_name="A\0"))
    assert not passes.run(MARCH).held
    failed = only(passes.read("dispatches"))
    assert (failed["status"], failed["reason"]) == (
        "failed",
        "unsendable_value: customer.first_name holds a NUL character",
    )


def test_an_answer_that_cannot_be_stored_keeps_no_other_from_being_known(store: JourneyStore) -> None:
    def deliver(dispatches: pd.DataFrame) -> pd.DataFrame:
        results = [{"id": "\0" if key == "broken" else "1"} for key in dispatches["journey_key"]]
        return answer_all(dispatches["key"], "sent", results)

    passes = Passes(store, chain(action("a"), key="broken"), chain(action("a"), key="whole"), deliver=deliver)
    assert list(passes.run(MARCH).held) == ["broken"]
    assert passes.read("dispatches").set_index("journey_key")["status"].to_dict() == {
        "broken": "sending",
        "whole": "sent",
    }
    passes.run(MARCH + HOUR)
    assert only(passes.read("dispatches", journey_key="broken"))["status"] == "unknown"
