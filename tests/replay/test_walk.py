"""A walk over past days: what it comes to, what it keeps, and what it never does."""

import subprocess
import sys
from datetime import timedelta

import pandas as pd
import pytest

from journey_pipelines.errors import JourneysError, SnapshotError
from journey_pipelines.replay import Kept, ResponseModel, replay, walk
from journey_pipelines.snapshots.days import end_of_day
from tests.behaviour.builders import START, action, chain, condition, edge, end, event, features, journey, wait
from tests.behaviour.passes import ACTIONS
from tests.replay.world import FIRST, FrameDays, at, days

PEOPLE = [f"c{number:03d}" for number in range(40)]
WAITING = chain(action("hello"), wait("w", duration="P3D"), action("bonus", "award_points"))


def past(count=6, **options):
    frame = features(
        PEOPLE,
        dates=[str(day) for day in days(count)],
    )
    return FrameDays(frame.assign(baskets=[len(who) + int(who[1:]) % 5 for who in frame["customer_id"]]), **options)


def walked(*documents, count=6, **options):
    kept = Kept()
    given = options.pop("past", None) or past(count)
    return replay(list(documents), days(count), given, actions=ACTIONS, history=kept, **options), kept


def test_everybody_is_walked_through_their_days():
    replayed, kept = walked(WAITING)
    assert replayed.entered == {"test": 40}
    assert replayed.digest.flow.droplevel("journey_key").to_dict() == {
        ("bonus", ""): 40,
        ("done", ""): 40,
        ("hello", ""): 40,
        ("start", ""): 40,
        ("w", ""): 40,
    }
    assert replayed.digest.points == {"Bonus": 4_000}
    assert replayed.customer_days == 240
    assert len(kept.table("transitions")) == 200
    assert kept.table("transitions")["at"].max() == pd.Timestamp(end_of_day(FIRST + timedelta(days=3)))


def test_rows_are_as_any_other_frame_outside_of_the_walk():
    rows = walked(WAITING)[1].table("executions")
    expected = pd.DataFrame({"customer_id": ["a"]}).dtypes["customer_id"]
    assert rows["customer_id"].dtype == rows.columns.dtype == expected
    assert rows["customer_id"].dtype.storage == rows.columns.dtype.storage == expected.storage


def test_twice_is_the_same_hash_and_another_journey_another_one():
    first, second = walked(WAITING)[0], walked(WAITING)[0]
    assert first.hash == second.hash
    assert (
        walked(chain(action("hello"), wait("w", duration="P2D"), action("bonus", "award_points")))[0].hash != first.hash
    )


def test_what_has_ended_leaves_the_memory_and_nothing_is_lost():
    replayed, kept = walked(WAITING, count=12)
    rows = {name: len(kept.table(name)) for name in ("executions", "transitions", "dispatches", "points_transactions")}
    assert (
        rows
        == replayed.digest.rows
        == {"executions": 40, "transitions": 200, "dispatches": 80, "points_transactions": 40}
    )
    for name, key in (("executions", "execution_id"), ("dispatches", "key"), ("points_transactions", "dispatch_key")):
        assert kept.table(name)[key].is_unique


def test_when_rows_are_handed_over_changes_nothing(monkeypatch):
    monkeypatch.setattr(walk, "DAYS_BETWEEN_HANDING_OVER", 1)
    daily, _ = walked(WAITING, count=12)
    monkeypatch.setattr(walk, "DAYS_BETWEEN_HANDING_OVER", 100)
    at_the_end, _ = walked(WAITING, count=12)
    assert daily.hash == at_the_end.hash
    assert daily.digest.flow.to_dict() == at_the_end.digest.flow.to_dict()


def test_whoever_ended_long_ago_does_not_enter_again():
    assert walked(chain(action("hello")), count=10)[0].entered == {"test": 40}


def test_events_come_when_they_were_received_and_later_ones_do_not():
    document = chain(wait("w", event="customer.purchase", timeout="P2D"))
    ways = [edge("start", "w"), edge("w", "done", "event"), edge("w", "done", "timeout")]
    day = FIRST + timedelta(days=1)
    events = [event("e", at(day), customer_id="c001", received_at=at(day + timedelta(days=1)))]
    replayed, _ = walked({**document, "edges": ways}, past=past(events=events))
    flow = replayed.digest.flow.droplevel("journey_key")
    assert (flow["w", "event"], flow["w", "timeout"]) == (1, 39)


def test_rows_of_days_to_come_change_nothing():
    rule = {"nodes": [START, condition("many", {">": [{"var": "baskets"}, 5]}), action("hello"), end("done")]}
    ways = [edge("start", "many"), edge("many", "hello", "true"), edge("many", "done", "false"), edge("hello", "done")]
    document = journey(rule["nodes"], ways)
    short = walked(document, count=3)[0]
    planted = past(12, events=[event("e", at(FIRST + timedelta(days=9)), customer_id="c001")])
    assert walked(document, count=3, past=planted)[0].hash == short.hash


def test_as_many_fail_as_the_rates_say_and_always_the_same():
    first, kept = walked(chain(action("hello")), response=ResponseModel({"send_sms": 0.3}))
    second, again = walked(chain(action("hello")), response=ResponseModel({"send_sms": 0.3}))
    failed = kept.table("dispatches").query("status == 'failed'")["key"]
    assert 3 <= len(failed) <= 22
    assert sorted(failed) == sorted(again.table("dispatches").query("status == 'failed'")["key"])
    assert first.hash == second.hash
    nobody = walked(chain(action("hello")), response=ResponseModel({"send_email": 1.0}))[0]
    assert nobody.digest.sends.index.get_level_values("status").unique().tolist() == ["sent"]


def test_rates_are_learnt_from_past_dispatches():
    rows = [
        ("a", "send_sms", "sent", 97),
        ("b", "send_sms", "failed", 3),
        ("a", "send_email", "sent", 5),
        ("a", "send_email", "unknown", 9),
    ]
    counts = pd.DataFrame(rows, columns=["journey_key", "action_type", "status", "count"])
    assert ResponseModel.learnt(counts) == ResponseModel({"send_sms": 0.03})
    assert ResponseModel.learnt(counts.head(0)) == ResponseModel()


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(JourneysError, match="expected a number from 0 to 1"):
        ResponseModel({"send_sms": share})


def test_a_missing_day_is_named_before_anything_is_walked():
    with pytest.raises(SnapshotError, match="2017-03-05"):
        replay([WAITING], days(6), past(4), actions=ACTIONS)


@pytest.mark.parametrize("wrong", [[], [FIRST, FIRST], [FIRST + timedelta(days=1), FIRST]])
def test_days_have_an_order(wrong):
    with pytest.raises(JourneysError, match="ascending order"):
        replay([WAITING], wrong, past(), actions=ACTIONS)


def test_what_a_journey_breaks_with_is_raised():
    document = chain(action("hello", message="{{customer.nickname}}"))
    replayed, kept = walked(document)
    assert set(kept.table("dispatches")["reason"]) == {"missing_variable: customer.nickname"}
    assert replayed.held == {}


IMPORTED = """
import sys
import journey_pipelines.replay
ways_out = ("channels", "channel_dispatcher", "providers")
libraries = ("sendgrid", "twilio", "boto3", "firebase_admin", "aioapns", "smtplib", "psycopg", "urllib3")
print([name for name in ways_out if f"journey_pipelines.delivery.{name}" in sys.modules])
print([name for name in libraries if name in sys.modules])
"""


def test_a_replay_imports_no_provider_no_channel_and_no_database():
    said = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["[]", "[]"]
