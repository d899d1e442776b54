"""Action: blocks until its result is known; retries; failures; skips; one row for each visit."""

from datetime import timedelta

import pandas as pd
import pytest

from journey_pipelines.errors import DeliveryError
from tests.behaviour.builders import (
    DONE,
    MARCH,
    START,
    action,
    answers,
    chain,
    days,
    edge,
    end,
    features,
    hours,
    journey,
    only,
    profiles,
    run,
    visited,
    wait,
)


def with_failed_edge(node):
    return journey(
        [START, node, DONE, end("sorry")],
        [edge("start", node["id"]), edge(node["id"], "done"), edge(node["id"], "sorry", "failed")],
    )


def test_an_action_blocks_until_its_result_is_known():
    result = run(chain(action("a")), days(1), deliver=answers("retry"))
    execution = only(result.executions)
    assert execution["state"] == "IN_PROGRESS"
    assert execution["current_node_id"] == "a"
    assert visited(result) == ["start"]


def test_the_result_lands_in_the_context():
    result = run(chain(action("a")), days(1), deliver=answers("sent", result={"message_id": "m1"}))
    assert only(result.executions)["context"]["action_result_a"] == {
        "success": True,
        "action": "send_sms",
        "customer_id": "7",
        "at": "2017-03-01T12:00:00+00:00",
        "message_id": "m1",
    }


def test_success_follows_from_the_status_whatever_the_answer_says():
    result = run(with_failed_edge(action("a")), days(1), deliver=answers("failed", result={"success": True}))
    assert only(result.executions)["context"]["action_result_a"]["success"] is False


def test_a_transient_error_is_retried_after_the_backoff_across_runs():
    deliver = answers("retry", "sent")
    result = run(chain(action("a", retry={"attempts": 3, "backoff": "PT2H"})), hours(4), deliver=deliver)
    assert len(deliver.calls) == 2
    assert deliver.calls[0] == deliver.calls[1]
    assert only(result.executions)["ended_at"].to_pydatetime() == MARCH + timedelta(hours=2)
    assert only(result.dispatches)["attempt"] == 2


def test_attempts_count_the_first_one():
    deliver = answers("retry")
    result = run(chain(action("a", retry={"attempts": 2, "backoff": "PT1H"})), hours(5), deliver=deliver)
    assert len(deliver.calls) == 2
    assert only(result.executions)["state"] == "FAILED"
    assert only(result.executions)["failure"].startswith("retries_exhausted: ")
    assert only(result.dispatches)["status"] == "failed"


def test_a_retry_waits_at_least_as_long_as_the_provider_asks():
    deliver = answers("retry", "sent", result={"reason": "busy", "retry_after": 9000})
    result = run(chain(action("a", retry={"attempts": 3, "backoff": "PT1H"})), hours(5), deliver=deliver)
    assert only(result.executions)["ended_at"].to_pydatetime() == MARCH + timedelta(hours=3)


def test_a_retry_never_comes_before_its_backoff():
    deliver = answers("retry", "sent", result={"retry_after": 60})
    result = run(chain(action("a", retry={"attempts": 3, "backoff": "PT2H"})), hours(4), deliver=deliver)
    assert only(result.executions)["ended_at"].to_pydatetime() == MARCH + timedelta(hours=2)


@pytest.mark.parametrize("nonsense", ["soon", None, True, -5, [3], 1e300])
def test_a_time_to_wait_that_is_none_delays_a_month_at_most(nonsense):
    deliver = answers("retry", "sent", result={"retry_after": nonsense})
    result = run(chain(action("a", retry={"attempts": 3, "backoff": "PT1H"})), days(33), deliver=deliver)
    assert only(result.executions)["state"] == "COMPLETED"


def test_a_try_that_does_not_count_is_no_attempt():
    deliver = answers("retry", "retry", "retry", "sent", result={"reason": "wrong key", "counts": False})
    result = run(chain(action("a", retry={"attempts": 2, "backoff": "PT1H"})), hours(5), deliver=deliver)
    assert len(deliver.calls) == 4
    assert only(result.executions)["state"] == "COMPLETED"
    assert only(result.dispatches)["attempt"] == 1


def test_a_permanent_error_takes_the_failed_branch():
    result = run(with_failed_edge(action("a")), days(1), deliver=answers("failed"))
    assert only(result.executions)["outcome"] == "sorry"
    assert only(result.transitions[result.transitions["node_id"] == "a"])["branch"] == "failed"


def test_a_permanent_error_without_a_failed_branch_fails_the_execution():
    result = run(chain(action("a")), days(1), deliver=answers("failed", result={"reason": "no such number"}))
    execution = only(result.executions)
    assert execution["state"] == "FAILED"
    assert execution["failure"] == "action_failed: send_sms at a: no such number"


def test_a_success_takes_the_other_edge_of_an_action_with_a_failed_branch():
    assert only(run(with_failed_edge(action("a")), days(1)).executions)["outcome"] == "done"


def test_consecutive_actions_run_in_one_pass():
    deliver = answers("sent")
    result = run(chain(action("a"), action("b"), action("c", "award_points")), days(1), deliver=deliver)
    assert only(result.executions)["state"] == "COMPLETED"
    assert len(deliver.calls) == 3
    assert result.dispatches["node_id"].to_list() == ["a", "b", "c"]


def test_each_wave_is_delivered_in_bulk():
    sizes = []

    def deliver(dispatches):
        sizes.append(len(dispatches))
        return pd.DataFrame({"key": dispatches["key"], "status": "sent", "result": None})

    run(chain(action("a"), action("b")), days(1), features=features(map(str, range(50))), deliver=deliver)
    assert sizes == [50, 50]


@pytest.mark.parametrize("phone", [None, "", "   "])
def test_a_customer_without_an_address_is_skipped_and_goes_on(phone):
    result = run(chain(action("a")), days(1), profiles=profiles(phone=phone))
    assert only(result.executions)["state"] == "COMPLETED"
    assert only(result.dispatches)["status"] == "skipped"
    assert only(result.dispatches)["reason"] == "no_address"
    assert only(result.executions)["context"]["action_result_a"]["success"] is False


def test_false_consent_refuses_and_the_customer_goes_on():
    people = profiles(["1", "2", "3"], sms_consent={"1": False, "2": None, "3": True})
    result = run(chain(action("a")), days(1), features=features(["1", "2", "3"]), profiles=people)
    assert set(result.executions["state"]) == {"COMPLETED"}
    dispatches = result.dispatches.set_index("customer_id")
    assert dispatches["status"].to_dict() == {"1": "skipped", "2": "sent", "3": "sent"}
    assert dispatches["reason"]["1"] == "no_consent"


def test_a_suppressed_address_is_skipped():
    suppressions = pd.DataFrame({"channel": ["sms"], "address": ["+12025550143"]})
    result = run(chain(action("a")), days(1), suppressions=suppressions)
    assert only(result.dispatches)["reason"] == "suppressed"


def test_absent_profiles_mean_no_address():
    result = run(chain(action("a")), days(1), profiles=profiles([]))
    assert only(result.dispatches)["reason"] == "no_address"


def test_a_variable_without_a_value_fails_that_one_send_and_touches_no_other():
    people = profiles(["1", "2"], first_name={"1": None, "2": "Ada"})
    document = chain(action("a", message="Hi {{customer.first_name}}"))
    result = run(document, days(1), features=features(["1", "2"]), profiles=people)
    dispatches = result.dispatches.set_index("customer_id")
    assert dispatches["status"].to_dict() == {"1": "failed", "2": "sent"}
    assert dispatches["reason"]["1"] == "missing_variable: customer.first_name"
    assert dispatches["payload"]["2"]["message"] == "Hi Ada"
    failed = result.executions.set_index("customer_id").loc["1"]
    assert failed["state"] == "FAILED"
    assert failed["failure"] == "missing_variable: customer.first_name"


def test_a_variable_with_a_default_is_sent():
    document = chain(action("a", message='Hi {{customer.first_name|default("friend")}}'))
    result = run(document, days(1), profiles=profiles(first_name=None))
    assert only(result.dispatches)["payload"]["message"] == "Hi friend"


def test_points_are_awarded_and_the_balance_is_in_the_result():
    result = run(chain(action("a", "award_points"), action("b", "award_points")), days(1))
    assert only(result.executions)["context"]["action_result_b"]["new_balance"] == 200


def test_the_deliverer_gets_what_leaves_of_every_action_type():
    seen = []

    def deliver(dispatches):
        seen.append(dispatches)
        return pd.DataFrame({"key": dispatches["key"], "status": "sent", "result": None})

    document = chain(action("a"), action("b", "award_points"), action("c", "trigger_campaign", campaign_id=5))
    result = run(document, days(1), deliver=deliver)
    everything = pd.concat(seen)
    assert everything["action_type"].to_list() == ["send_sms", "award_points", "trigger_campaign"]
    assert set(result.dispatches.columns) == set(everything.columns)
    assert everything["payload"].iloc[1] == {"points": 100, "program_id": 1, "reason": "Bonus"}


def test_an_answer_that_is_none_is_refused():
    with pytest.raises(DeliveryError, match="status"):
        run(chain(action("a")), days(1), deliver=answers("delivered"))


def test_the_welcome_template_needs_only_name_and_balance():
    document = chain(
        action(
            "mail",
            "send_email",
            subject="Welcome to our Loyalty Program!",
            template="welcome_email",
            variables={"customer_name": "{{customer.first_name}}", "points_balance": "{{account.points_balance}}"},
        )
    )
    payload = only(run(document, days(1), profiles=profiles(first_name="Ada")).dispatches)["payload"]
    assert "Ada" in payload["html"]
    assert payload["variables"] == {"customer_name": "Ada", "points_balance": 0}


def test_a_push_goes_to_the_devices():
    document = chain(action("a", "send_push", title="New Offer", body="Look", data={"offer_id": "123"}))
    result = run(document, days(1), profiles=profiles(device_tokens={"7": ["t1", "t2"]}))
    assert only(result.dispatches)["payload"]["to"] == ["t1", "t2"]


def test_a_retry_looks_at_consent_again_when_it_leaves():
    deliver = answers("retry", "sent")
    document = chain(action("a", retry={"attempts": 3, "backoff": "P1D"}), exit={"rule": {"var": "is_closed"}})
    frame = features(dates=["2017-03-01", "2017-03-02"], is_closed=False)
    result = run(document, days(2), features=frame, deliver=deliver)
    assert only(result.dispatches)["status"] == "sent"


def test_dispatches_are_in_request_order():
    document = chain(action("a"), wait("w", duration="P1D"), action("b"))
    result = run(document, days(2))
    assert result.dispatches["node_id"].to_list() == ["a", "b"]
    assert result.dispatches["requested_at"].is_monotonic_increasing
