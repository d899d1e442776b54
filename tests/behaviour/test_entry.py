"""Entry: by segment, by rules, by hand; once a partition; at most one unfinished execution."""

from datetime import timedelta

import pandas as pd
import pytest

from tests.behaviour.builders import MARCH, chain, days, features, hours, only, run, segments, wait

DATES = ["2017-03-01", "2017-03-02", "2017-03-03"]
IN_LOYAL = {"segment": "loyal"}


def entered(result):
    return sorted(zip(result.executions["customer_id"], result.executions["entered_at"].dt.day, strict=True))


def test_a_customer_enters_by_segment_membership():
    members = segments({"2017-03-01": [], "2017-03-02": ["1"]})
    result = run(chain(entry=IN_LOYAL), days(2), features=features(["1", "2"]), segments=members)
    assert entered(result) == [("1", 2)]


def test_a_customer_enters_by_a_rule_over_features():
    frame = features(["1", "2"], baskets={"1": 0, "2": 3})
    assert entered(run(chain(entry={"rule": {">": [{"var": "baskets"}, 0]}}), days(1), features=frame)) == [("2", 1)]


def test_segment_and_rule_together_mean_both():
    members = segments({"2017-03-01": [], "2017-03-02": ["1", "2"]})
    frame = features(["1", "2", "3"], baskets={"1": 0, "2": 3, "3": 3})
    entry = {**IN_LOYAL, "rule": {">": [{"var": "baskets"}, 0]}}
    assert entered(run(chain(entry=entry), days(2), features=frame, segments=members)) == [("2", 2)]


def test_with_neither_segment_nor_rule_only_manual_starts_enter():
    starts = pd.DataFrame({"customer_id": ["2"], "at": [MARCH]})
    assert entered(run(chain(entry={}), days(2), features=features(["1", "2"]), starts=starts)) == [("2", 1)]


def test_a_manual_start_enters_at_the_first_run_at_or_after_it():
    starts = pd.DataFrame({"customer_id": ["2"], "at": [MARCH + timedelta(hours=1)]})
    assert entered(run(chain(entry={}), days(3), features=features(["2"]), starts=starts)) == [("2", 2)]


def test_join_enters_who_is_new_since_the_previous_snapshot():
    members = segments({"2017-03-01": ["1"], "2017-03-02": ["1", "2"], "2017-03-03": ["1", "2", "3"]})
    result = run(chain(entry=IN_LOYAL), days(3), features=features(["1", "2", "3"]), segments=members)
    assert entered(result) == [("2", 2), ("3", 3)]


def test_join_enters_nobody_at_the_first_run():
    result = run(chain(entry=IN_LOYAL), days(1), segments=segments({"2017-03-01": ["7"]}))
    assert len(result.executions) == 0


def test_join_enters_the_current_members_at_the_first_run_where_existing_ones_are_included():
    members = segments({"2017-03-01": ["7"], "2017-03-02": ["7", "8"]})
    entry = {**IN_LOYAL, "include_existing": True}
    result = run(chain(entry=entry), days(2), features=features(["7", "8"]), segments=members)
    assert entered(result) == [("7", 1), ("8", 2)]


def test_member_enters_everybody_who_is_in_the_segment():
    members = segments({"2017-03-01": ["1", "2"]})
    entry = {**IN_LOYAL, "on": "member"}
    assert entered(run(chain(entry=entry), days(1), features=features(["1", "2"]), segments=members)) == [
        ("1", 1),
        ("2", 1),
    ]


def test_somebody_who_left_and_came_back_joins_again():
    members = segments({"2017-03-01": ["1"], "2017-03-02": ["2"], "2017-03-03": ["1", "2"]})
    entry = {**IN_LOYAL, "reentry": "never"}
    result = run(chain(entry=entry), days(3), features=features(["1", "2"]), segments=members)
    assert entered(result) == [("1", 3), ("2", 2)]


def test_reentry_is_never_by_default():
    entry = {**IN_LOYAL, "on": "member"}
    result = run(chain(entry=entry), days(3), segments=segments({date: ["7"] for date in DATES}))
    assert entered(result) == [("7", 1)]


def test_reentry_after_the_end():
    entry = {**IN_LOYAL, "on": "member", "reentry": "after_end"}
    document = chain(wait("w", duration="P1D"), entry=entry)
    result = run(document, days(4), segments=segments({date: ["7"] for date in DATES}))
    # the second day's run ends the first passage after it has looked at entries
    assert entered(result) == [("7", 1), ("7", 3)]


def test_reentry_after_a_minimum_interval_since_the_last_entry():
    entry = {**IN_LOYAL, "on": "member", "reentry": "P2D"}
    result = run(chain(entry=entry), days(5), segments=segments({date: ["7"] for date in DATES}))
    assert entered(result) == [("7", 1), ("7", 3), ("7", 5)]


def test_an_interval_does_not_let_anybody_in_twice_at_once():
    entry = {**IN_LOYAL, "on": "member", "reentry": "P1D"}
    document = chain(wait("w", duration="P10D"), entry=entry)
    result = run(document, days(5), segments=segments({date: ["7"] for date in DATES}))
    assert entered(result) == [("7", 1)]


@pytest.mark.parametrize("reentry", ["never", "after_end", "P1D"])
def test_enrolling_the_same_partition_twice_adds_nobody(reentry):
    entry = {"rule": {"!!": [{"var": "customer_id"}]}, "reentry": reentry}
    assert len(run(chain(entry=entry), [MARCH, MARCH]).executions) == 1
    assert len(run(chain(entry=entry), hours(3)).executions) == 1


def test_the_same_customer_may_be_in_two_journeys():
    result = run([chain(key="one"), chain(key="two")], days(1))
    assert sorted(result.executions["journey_key"]) == ["one", "two"]


def test_a_manual_start_of_somebody_who_is_in_the_journey_is_refused_with_its_reason():
    starts = pd.DataFrame({"customer_id": ["7", "7"], "at": [MARCH, MARCH + timedelta(days=1)]})
    result = run(chain(wait("w", duration="P9D"), entry={}), days(2), starts=starts)
    assert result.starts["status"].to_list() == ["entered", "refused"]
    assert "already" in result.starts["reason"][1]


def test_the_data_of_a_manual_start_are_in_the_context():
    starts = pd.DataFrame({"customer_id": ["7"], "at": [MARCH], "context": [{"coupon": "ABC"}]})
    document = chain(entry={"context": ["coupon"]})
    assert only(run(document, days(1), starts=starts).executions)["context"] == {"coupon": "ABC"}


def test_a_member_without_features_does_not_pass_an_entry_rule():
    members = segments({"2017-03-01": ["1", "2"]})
    entry = {**IN_LOYAL, "on": "member", "rule": {"<": [{"var": "baskets"}, 5]}}
    result = run(chain(entry=entry), days(1), features=features(["1"], baskets=1), segments=members)
    assert entered(result) == [("1", 1)]


def test_the_order_of_rows_in_the_snapshot_changes_nothing():
    frame = features([str(number) for number in range(20)])
    forth, back = run(chain(), days(1), features=frame), run(chain(), days(1), features=frame[::-1])
    assert forth.executions.equals(back.executions)
    assert forth.transitions.equals(back.transitions)


def test_numeric_customer_ids_become_text():
    assert only(run(chain(), days(1), features=features([7])).executions)["customer_id"] == "7"
