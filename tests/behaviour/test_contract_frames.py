"""Frames as other authors write them: dates and ids of other types, no records at all, answers for some."""

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from journey_pipelines.simulation import simulate
from tests.behaviour.builders import MARCH, action, chain, condition, days, edge, end, features, journey, only, run

NOTHING = pd.DataFrame([])


def sms_to_member(**entry: Any) -> dict[str, Any]:
    """Everybody in the segment `loyal` gets a message."""
    return chain(action("sms"), entry={"segment": "loyal", "on": "member", **entry})


@pytest.mark.parametrize(
    "day",
    [
        "2017-03-01",
        "2017-03-01T00:00:00",
        date(2017, 3, 1),
        pd.Timestamp("2017-03-01"),
        datetime(2017, 3, 1, tzinfo=UTC),
    ],
)
@pytest.mark.parametrize("customer", ["7", 7])
def test_dates_and_ids_may_have_any_usual_type(day: Any, customer: Any) -> None:
    result = simulate(
        sms_to_member(),
        runs=days(1),
        features=pd.DataFrame({"snapshot_date": [day], "customer_id": [customer]}),
        segments=pd.DataFrame({"snapshot_date": [day], "segment": ["loyal"], "customer_id": [customer]}),
        profiles=pd.DataFrame({"customer_id": [customer], "phone": ["+12025550143"]}),
    )
    sent = only(result.dispatches)
    assert (sent["customer_id"], sent["status"]) == ("7", "sent")


@pytest.mark.parametrize("frame", ["segments", "profiles", "events", "starts"])
def test_a_frame_made_of_no_records_is_empty(frame: str) -> None:
    document = chain(action("points", "award_points"))
    assert only(run(document, days(1), **{frame: NOTHING}).executions)["state"] == "COMPLETED"


def test_features_made_of_no_records_hold_the_journey() -> None:
    result = simulate(chain(), runs=days(2), features=NOTHING)
    assert result.executions.empty
    assert len(result.held) == 2


def test_a_deliverer_that_answers_nothing_leaves_everything_unknown() -> None:
    result = run(chain(action("sms")), days(1), deliver=lambda _: NOTHING)
    assert only(result.dispatches)["status"] == "unknown"


def test_a_segment_without_rows_on_a_day_that_has_others_is_empty_then() -> None:
    rows = [("2017-03-01", "loyal", "7"), ("2017-03-02", "lapsed", "7"), ("2017-03-03", "loyal", "7")]
    document = sms_to_member(reentry="after_end")
    segments = pd.DataFrame(rows, columns=["snapshot_date", "segment", "customer_id"])
    result = run(document, days(3), segments=segments)
    assert result.executions["entered_at"].dt.day.to_list() == [1, 3]


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (True, {"===": [{"var": "f"}, True]}),
        (["x", "y"], {"in": ["x", {"var": "f"}]}),
        ({"a": 1}, {"==": [{"var": "f.a"}, 1]}),
        (date(2017, 1, 2), {"==": [{"var": "f"}, "2017-01-02"]}),
        (None, {"===": [{"var": "f"}, None]}),
        (float("nan"), {"===": [{"var": "f"}, None]}),
        (pd.NA, {"===": [{"var": "f"}, None]}),
    ],
)
def test_features_may_hold_any_json_value(value: Any, rule: Any) -> None:
    document = journey(
        [{"id": "start", "type": "start"}, condition("c", rule), end("yes"), end("no")],
        [edge("start", "c"), edge("c", "yes", "true"), edge("c", "no", "false")],
    )
    facts = features(["7", "8"]).assign(f=pd.Series([value, 0], dtype=object))
    outcomes = run(document, [MARCH], features=facts).executions.set_index("customer_id")["outcome"]
    assert outcomes.to_dict() == {"7": "yes", "8": "no"}
