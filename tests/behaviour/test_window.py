"""An action's window is the customer's local time: a send that falls outside moves to its next opening."""

from datetime import UTC, datetime, timedelta

from tests.behaviour.builders import MARCH, action, chain, only, profiles, run

DAYTIME = {"from": "08:00", "to": "21:00"}


def sent_at(window, runs, **frames):
    result = run(chain(action("a", window=window)), runs, **frames)
    return result.dispatches["requested_at"].to_list(), only(result.executions)


def test_a_send_inside_the_window_leaves_at_once():
    times, _ = sent_at(DAYTIME, [MARCH])
    assert times == [MARCH]


def test_a_send_outside_the_window_moves_to_the_next_opening():
    night = datetime(2017, 3, 1, 22, tzinfo=UTC)
    times, execution = sent_at(DAYTIME, [night])
    assert times == []
    assert execution["due_at"].to_pydatetime() == datetime(2017, 3, 2, 8, tzinfo=UTC)
    times, execution = sent_at(DAYTIME, [night, datetime(2017, 3, 2, 8, tzinfo=UTC)])
    assert len(times) == 1
    assert execution["state"] == "COMPLETED"


def test_the_window_is_the_customers_local_time():
    times, execution = sent_at(DAYTIME, [MARCH], profiles=profiles(timezone="America/Los_Angeles"))  # 04:00 there
    assert times == []
    assert execution["due_at"].to_pydatetime() == datetime(2017, 3, 1, 16, tzinfo=UTC)


def test_the_window_opens_on_its_weekdays_only():
    _, execution = sent_at({**DAYTIME, "weekdays": ["mon", "tue"]}, [MARCH])
    assert execution["due_at"].to_pydatetime() == datetime(2017, 3, 6, 8, tzinfo=UTC)


def test_a_window_may_last_over_midnight():
    late = {"from": "20:00", "to": "02:00"}
    assert len(sent_at(late, [datetime(2017, 3, 1, 1, tzinfo=UTC)])[0]) == 1
    assert len(sent_at(late, [datetime(2017, 3, 1, 23, tzinfo=UTC)])[0]) == 1
    assert len(sent_at(late, [MARCH])[0]) == 0


def test_a_run_that_misses_the_opening_and_comes_outside_waits_for_the_next_one():
    night = datetime(2017, 3, 1, 22, tzinfo=UTC)
    times, execution = sent_at(DAYTIME, [night, night + timedelta(days=1)])
    assert times == []
    assert execution["due_at"].to_pydatetime() == datetime(2017, 3, 3, 8, tzinfo=UTC)
