"""Consent, suppression and caps are looked at when a send leaves, not when it was planned; and arms stay the same."""

from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from journey_pipelines.delivery.contact import ContactPolicy
from journey_pipelines.delivery.dispatcher import CallableDispatcher
from journey_pipelines.engine.passes import advance_pass, enrol_pass
from journey_pipelines.engine.ports import JourneyStore, Run
from journey_pipelines.store.memory import MemoryStore
from tests.behaviour.builders import MARCH, START, action, answers, chain, edge, end, features, journey, only, profiles
from tests.behaviour.passes import ACTIONS, Passes
from tests.store.rows import suppressions

HOUR = timedelta(hours=1)


def plan_sends(passes: Passes, as_of: datetime = MARCH) -> None:
    """Everything of a run but the deliveries: the sends wait in the outbox."""
    enrol_pass(passes.engine, Run("entries", as_of, kind="entries"))
    advance_pass(passes.engine, Run("plan", as_of, kind="advance"), delivers=False)
    assert set(passes.read("dispatches")["status"]) == {"pending"}


def later(passes: Passes, **columns: Any) -> Passes:
    """The same store, read with other profiles."""
    other = Passes(passes.store, features=features(), profiles=profiles(**columns))
    other.count = passes.count + 100
    return other


def test_consent_that_was_withdrawn_since_the_plan_refuses(store: JourneyStore) -> None:
    passes = Passes(store, chain(action("a")), profiles=profiles(sms_consent=True))
    plan_sends(passes)
    later(passes, sms_consent=False).advance(MARCH + HOUR)
    assert only(passes.read("dispatches"))["reason"] == "no_consent"
    assert only(passes.read("executions"))["state"] == "COMPLETED"


def test_consent_that_was_given_since_the_plan_counts(store: JourneyStore) -> None:
    passes = Passes(store, chain(action("a")), profiles=profiles(sms_consent=False))
    plan_sends(passes)
    later(passes, sms_consent=True).advance(MARCH + HOUR)
    assert only(passes.read("dispatches"))["status"] == "sent"


def test_consent_that_was_withdrawn_since_the_first_attempt_refuses_the_retry(store: JourneyStore) -> None:
    document = chain(action("a", retry={"attempts": 3, "backoff": "PT1H"}))
    passes = Passes(store, document, deliver=answers("retry"))
    passes.run(MARCH)
    later(passes, sms_consent=False).advance(MARCH + HOUR)
    assert only(passes.read("dispatches"))["reason"] == "no_consent"


def test_an_address_that_was_suppressed_since_the_plan_is_skipped(store: JourneyStore) -> None:
    passes = Passes(store, chain(action("a")))
    plan_sends(passes)
    with store.transaction() as transaction:
        transaction.add_suppressions(suppressions("+12025550143", channel="sms"))
    passes.advance(MARCH + HOUR)
    assert only(passes.read("dispatches"))["reason"] == "suppressed"


def test_a_cap_that_another_journey_used_up_since_the_plan_defers(store: JourneyStore) -> None:
    capped = CallableDispatcher(ACTIONS, policy=ContactPolicy(caps={"sms": 1}))
    passes = Passes(store, chain(action("a"), key="one"), dispatcher=capped)
    plan_sends(passes)
    passes.publish(chain(action("a"), key="other", priority=9))
    passes.run(MARCH + HOUR)
    sent = passes.read("dispatches").set_index("journey_key")["status"]
    assert sent.to_dict() == {"one": "pending", "other": "sent"}


def test_the_text_is_written_when_the_send_leaves(store: JourneyStore) -> None:
    document = chain(action("a", message="Hi {{customer.first_name}}"))
    passes = Passes(store, document, profiles=profiles(first_name="Ada"))
    plan_sends(passes)
    later(passes, first_name="Grace").advance(MARCH + HOUR)
    assert only(passes.read("dispatches"))["payload"]["message"] == "Hi Grace"


def test_the_arm_is_the_same_with_and_without_a_retry_and_in_either_store(store: JourneyStore) -> None:
    people = [str(number) for number in range(60)]
    arms = {"branches": [{"name": "a", "weight": 50}, {"name": "b", "weight": 50}]}
    document = journey(
        [
            START,
            action("hello", retry={"attempts": 3, "backoff": "PT1H"}),
            {"id": "arms", "type": "split", "config": arms},
            end("a"),
            end("b"),
        ],
        [edge("start", "hello"), edge("hello", "arms"), edge("arms", "a", "a"), edge("arms", "b", "b")],
    )

    def outcomes(passes: Passes) -> pd.Series:
        passes.run(MARCH, MARCH + HOUR)
        return passes.read("executions").set_index("customer_id")["outcome"]

    retried = outcomes(Passes(store, document, features=features(people), deliver=answers("retry", "sent")))
    at_once = outcomes(Passes(MemoryStore(), document, features=features(people[::-1])))
    assert retried.to_dict() == at_once.to_dict()
    assert set(retried) == {"a", "b"}
