"""Guards: a snapshot that cannot be trusted holds the journey, never raises, and loses nobody."""

from datetime import time, timedelta

import pandas as pd
import pytest

from journey_pipelines.delivery.contact import ContactPolicy, QuietHours
from tests.behaviour.builders import MARCH, action, answers, chain, days, features, only, profiles, run, segments, wait

PEOPLE = [str(number) for number in range(200)]
DATES = ["2017-03-01", "2017-03-02", "2017-03-03"]
IN_LOYAL = {"segment": "loyal", "on": "member"}


def held_days(result):
    return [at.day for at in result.held["run_as_of"]]


def shrinking(*sizes):
    """Feature snapshots of so many customers on consecutive days."""
    return pd.concat([features(PEOPLE[:size], dates=[date]) for size, date in zip(sizes, DATES, strict=False)])


def test_a_feature_snapshot_smaller_by_more_than_half_holds_the_journey():
    result = run(chain(wait("w", duration="P1D")), days(2), features=shrinking(200, 99))
    assert held_days(result) == [2]
    assert "99" in only(result.held)["reason"]
    assert "200" in only(result.held)["reason"]
    assert set(result.executions["state"]) == {"WAITING"}


def test_a_feature_snapshot_smaller_by_just_half_does_not():
    assert len(run(chain(), days(2), features=shrinking(200, 100)).held) == 0


def test_a_snapshot_of_fewer_than_100_rows_may_shrink():
    assert len(run(chain(), days(2), features=shrinking(99, 1)).held) == 0


def test_the_next_good_snapshot_releases_the_journey():
    result = run(chain(wait("w", duration="P1D")), days(3), features=shrinking(200, 50, 200))
    assert held_days(result) == [2]
    assert set(result.executions["state"]) == {"COMPLETED"}


def test_a_held_journey_is_compared_with_the_last_accepted_snapshot():
    assert held_days(run(chain(), days(3), features=shrinking(200, 50, 50))) == [2, 3]


def test_a_feature_snapshot_that_holds_a_customer_twice_holds_the_journey():
    frame = pd.concat([features(["1", "2"]), features(["2"])])
    result = run(chain(action("a")), days(1), features=frame)
    assert "duplicate" in only(result.held)["reason"]
    assert len(result.executions) == 0


def test_an_empty_feature_snapshot_holds_the_journey():
    result = run(chain(), days(1), features=features([]))
    assert held_days(result) == [1]


def test_a_journey_whose_rules_name_no_feature_is_held_too():
    document = chain(wait("w", duration="P1D"), action("a"), entry=IN_LOYAL)
    members = segments({date: ["1"] for date in DATES})
    result = run(document, days(2), features=shrinking(200, 50), segments=members)
    assert held_days(result) == [2]
    assert len(result.dispatches) == 0


def test_a_segment_smaller_by_more_than_half_holds_the_journeys_that_use_it():
    members = segments({"2017-03-01": PEOPLE, "2017-03-02": PEOPLE[:10]})
    loyal = chain(wait("w", duration="P1D"), key="loyal", entry=IN_LOYAL)
    other = chain(key="other")
    result = run([loyal, other], days(2), features=features(PEOPLE), segments=members)
    assert result.held["journey_key"].to_list() == ["loyal"]


def test_a_segment_without_rows_in_a_frame_counts_as_empty():
    members = pd.concat([segments({"2017-03-01": PEOPLE}), segments({"2017-03-02": ["1"]}, segment="other")])
    result = run(chain(entry=IN_LOYAL), days(2), features=features(PEOPLE), segments=members)
    assert held_days(result) == [2]
    few = pd.concat([segments({"2017-03-01": ["1"]}), segments({"2017-03-02": ["1"]}, segment="other")])
    assert len(run(chain(entry=IN_LOYAL), days(2), features=features(PEOPLE), segments=few).held) == 0


def test_nobody_exits_because_of_a_snapshot_that_holds_the_journey():
    members = segments({"2017-03-01": PEOPLE, "2017-03-02": PEOPLE[:10], "2017-03-03": PEOPLE})
    document = chain(wait("w", duration="P1D"), entry=IN_LOYAL, exit={"on_leave_segment": True})
    result = run(document, days(3), features=features(PEOPLE), segments=members)
    assert set(result.executions["outcome"]) == {"done"}


def test_who_joined_while_the_journey_was_held_enters_when_it_is_released():
    members = segments({"2017-03-01": PEOPLE[:-1], "2017-03-02": PEOPLE[:9], "2017-03-03": PEOPLE})
    result = run(chain(entry={"segment": "loyal"}), days(3), features=features(PEOPLE), segments=members)
    assert result.executions["customer_id"].to_list() == ["199"]


def test_more_entries_than_the_journey_allows_hold_it():
    result = run(chain(max_entries_per_run=10), days(1), features=features(PEOPLE[:11]))
    assert len(result.executions) == 0
    assert "11" in only(result.held)["reason"]
    assert len(run(chain(max_entries_per_run=10), days(1), features=features(PEOPLE[:10])).executions) == 10


def test_more_sends_than_the_journey_allows_hold_it_before_anybody_enters():
    deliver = answers("sent")
    document = chain(action("a"), action("b"), max_sends_per_run=19)
    result = run(document, days(1), features=features(PEOPLE[:10]), deliver=deliver)
    assert "20" in only(result.held)["reason"]
    assert len(result.executions) == 0
    assert deliver.calls == []


def test_sends_that_would_be_skipped_and_points_do_not_count():
    document = chain(action("a"), action("b", "award_points"), max_sends_per_run=5)
    people = profiles(PEOPLE[:10], sms_consent={person: number < 5 for number, person in enumerate(PEOPLE[:10])})
    result = run(document, days(1), features=features(PEOPLE[:10]), profiles=people)
    assert len(result.held) == 0


def test_sends_of_those_who_wait_count_too():
    document = chain(wait("w", duration="P1D"), action("a"), max_sends_per_run=9)
    result = run(document, days(2), features=features(PEOPLE[:10]))
    assert held_days(result) == [2]
    assert set(result.executions["state"]) == {"WAITING"}


def gone_after(date, back=None):
    dates = [f"2017-03-{day:02d}" for day in range(1, 11)]
    frame = pd.concat([features(["1"], dates=dates), features(["7"], dates=dates)])
    is_gone = (frame["customer_id"] == "7") & (frame["snapshot_date"] > date)
    if back is not None:
        is_gone &= frame["snapshot_date"] < back
    return frame[~is_gone]


def passage(document, count, frame, **frames):
    result = run(document, days(count), features=frame, profiles=profiles(["1", "7"]), **frames)
    return result, result.executions.set_index("customer_id").loc["7"]


def test_a_customer_without_features_stays_for_the_grace_and_then_fails():
    document = chain(wait("w", duration="P1D"), action("a"))
    result, execution = passage(document, 4, gone_after("2017-03-01"))
    assert execution["state"] == "WAITING"
    result, execution = passage(document, 5, gone_after("2017-03-01"))
    assert execution["state"] == "FAILED"
    assert execution["failure"].startswith("customer_gone: ")
    assert "7" not in set(result.dispatches["customer_id"])


def test_the_grace_is_configurable():
    document = chain(wait("w", duration="P1D"), missing_grace="P1D")
    assert passage(document, 3, gone_after("2017-03-01"))[1]["state"] == "FAILED"


def test_a_customer_who_is_not_due_is_gone_as_well():
    document = chain(wait("w", duration="P30D"))
    assert passage(document, 5, gone_after("2017-03-01"))[1]["state"] == "FAILED"


def test_a_customer_who_comes_back_within_the_grace_goes_on():
    document = chain(wait("w", duration="P1D"))
    _, execution = passage(document, 4, gone_after("2017-03-01", back="2017-03-04"))
    assert execution["state"] == "COMPLETED"


def test_the_same_id_coming_back_after_the_grace_does_not_resume_it():
    document = chain(wait("w", duration="P1D"))
    _, execution = passage(document, 9, gone_after("2017-03-01", back="2017-03-07"))
    assert execution["state"] == "FAILED"


def test_a_retry_of_a_customer_who_is_gone_is_not_sent():
    deliver = answers("retry")
    document = chain(action("a", retry={"attempts": 99, "backoff": "P1D"}))
    result, execution = passage(document, 6, gone_after("2017-03-01"), deliver=deliver)
    assert execution["failure"].startswith("customer_gone: ")
    row = only(result.dispatches[result.dispatches["customer_id"] == "7"])
    assert (row["status"], row["reason"], row["attempt"]) == ("skipped", "customer_gone", 1)


def test_a_send_deferred_over_the_night_does_not_leave_for_a_customer_who_is_missing():
    night, quiet = MARCH + timedelta(hours=11), ContactPolicy(quiet_hours=QuietHours(time(21), time(8)))
    document = chain(action("a"))
    frame = gone_after("2017-03-01", back="2017-03-03")
    runs = [night, night + timedelta(hours=13), night + timedelta(days=1, hours=13)]
    away = run(document, runs[:2], features=frame, profiles=profiles(["1", "7"]), policy=quiet)
    assert away.dispatches.set_index("customer_id")["status"].to_dict() == {"1": "sent", "7": "pending"}
    back = run(document, runs, features=frame, profiles=profiles(["1", "7"]), policy=quiet)
    assert set(back.dispatches["status"]) == {"sent"}


@pytest.mark.parametrize("gap", [timedelta(0), timedelta(days=2)])
def test_a_run_before_the_first_snapshot_is_held(gap):
    result = run(chain(), [MARCH - gap], features=features(dates=["2017-03-05"]))
    assert "no feature snapshot" in only(result.held)["reason"]
