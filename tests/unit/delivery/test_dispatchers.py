import pandas as pd
import pytest

from journey_pipelines.delivery.actions import load_actions
from journey_pipelines.delivery.answers import answers
from journey_pipelines.delivery.channel_dispatcher import ChannelDispatcher
from journey_pipelines.delivery.channels import LocalOutbox
from journey_pipelines.delivery.dispatcher import CallableDispatcher
from journey_pipelines.engine.frames import DISPATCHES, stack
from journey_pipelines.engine.ports import Dispatcher
from journey_pipelines.errors import DeliveryError
from journey_pipelines.store.memory import MemoryStore
from tests.unit.delivery.builders import leaving

ACTIONS = load_actions()
TWO = leaving("send_sms", [{"to": "+1", "message": "a"}, {"to": "+2", "message": "b"}])


def answering(*rows, columns=("key", "status", "result")):
    return lambda _: pd.DataFrame(list(rows), columns=list(columns))


def test_without_a_callable_everything_is_sent():
    dispatcher: Dispatcher = CallableDispatcher(ACTIONS)
    assert dispatcher.deliver(TWO)["status"].tolist() == ["sent", "sent"]


def test_the_callable_gets_all_types_in_one_call_with_the_columns_of_dispatches():
    given = []

    def deliver(frame):
        given.append(frame)
        return answers(frame["key"], "sent")

    points = leaving("award_points", [{"points": 1}], key=["p"])
    CallableDispatcher(ACTIONS, deliver).deliver(stack([TWO, points], DISPATCHES))
    assert [list(frame["key"]) for frame in given] == [["c0:node:1", "c1:node:1", "p"]]
    assert list(given[0].columns) == list(DISPATCHES)


def test_what_the_callable_does_to_its_frame_stays_there():
    frame = TWO.copy()

    def deliver(given):
        given["key"] = "x"
        return pd.DataFrame({"key": [], "status": [], "result": []})

    CallableDispatcher(ACTIONS, deliver).deliver(frame)
    pd.testing.assert_frame_equal(frame, TWO)


def test_the_callable_is_not_called_for_nothing():
    assert CallableDispatcher(ACTIONS, answering(("x", "sent", {}))).deliver(TWO.iloc[:0]).empty


def test_a_key_without_an_answer_stays_without_one():
    answer = CallableDispatcher(ACTIONS, answering(("c1:node:1", "failed", {"reason": "gone"}))).deliver(TWO)
    assert answer.values.tolist() == [["c1:node:1", "failed", {"reason": "gone"}]]


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_a_null_result_is_an_empty_one(nothing):
    answer = CallableDispatcher(ACTIONS, answering(("c0:node:1", "sent", nothing))).deliver(TWO)
    assert answer["result"].tolist() == [{}]


def test_an_answer_without_results_has_empty_ones():
    deliver = answering(("c0:node:1", "sent"), columns=("key", "status"))
    assert CallableDispatcher(ACTIONS, deliver).deliver(TWO)["result"].tolist() == [{}]


@pytest.mark.parametrize(
    ("deliver", "sentence"),
    [
        (lambda _: None, "the `deliver` callable returned NoneType; expected a DataFrame with key, status, result"),
        (answering(("c0:node:1", {}), columns=("key", "result")), "lacks `status`; expected the columns"),
        (answering(("c9:node:1", "sent", {})), "answered for `c9:node:1`, which it was not given"),
        (answering(("c0:node:1", "sent", {}), ("c0:node:1", "sent", {})), "answered twice for `c0:node:1`"),
        (answering(("c0:node:1", "delivered", {})), "status `delivered`; expected one of sent, failed, retry, unknown"),
        (answering(("c0:node:1", None, {})), "status `"),
        (answering(("c0:node:1", "sent", "ok")), "a result that is str; expected a dict for each dispatch"),
    ],
)
def test_an_answer_that_is_none_is_refused_with_a_sentence(deliver, sentence):
    with pytest.raises(DeliveryError, match=sentence):
        CallableDispatcher(ACTIONS, deliver).deliver(TWO)


def test_a_callable_dispatcher_cannot_be_asked_about_unknown_ones():
    assert CallableDispatcher(ACTIONS).reconcile(TWO).empty


def test_live_messages_go_through_the_channel_of_their_type(tmp_path):
    dispatcher: Dispatcher = ChannelDispatcher(ACTIONS, {"sms": LocalOutbox(tmp_path)})
    assert dispatcher.deliver(TWO)["status"].tolist() == ["sent", "sent"]
    assert [path.parent.name for path in tmp_path.rglob("*.jsonl")] == ["sms"]


def test_live_points_are_sent_and_take_effect_with_perform():
    dispatcher = ChannelDispatcher(ACTIONS, {})
    points = leaving("award_points", [{"points": 7, "program_id": 1, "reason": None}])
    assert dispatcher.deliver(points)["status"].tolist() == ["sent"]
    with MemoryStore().transaction() as transaction:
        effects = dispatcher.perform(points, transaction)
    assert effects["result"].tolist() == [{"points": 7, "program_id": 1, "new_balance": 7}]


def test_what_has_no_channel_is_tried_again_later():
    answer = ChannelDispatcher(ACTIONS, {}).deliver(TWO)
    assert answer["status"].tolist() == ["retry", "retry"]
    assert answer["result"].tolist() == [{"reason": "channel_not_configured: sms"}] * 2


def test_reconcile_tells_what_left_from_what_did_not(tmp_path):
    dispatcher = ChannelDispatcher(ACTIONS, {"sms": LocalOutbox(tmp_path)})
    before = dispatcher.deliver(TWO.iloc[:1])
    found = ChannelDispatcher(ACTIONS, {"sms": LocalOutbox(tmp_path)}).reconcile(TWO)
    assert found["status"].tolist() == ["sent", "retry"]
    assert found["result"].tolist()[0] == before["result"].tolist()[0]


def test_an_effect_in_our_own_store_with_unknown_result_did_not_happen():
    points = leaving("award_points", [{"points": 7}])
    assert ChannelDispatcher(ACTIONS, {}).reconcile(points)["status"].tolist() == ["retry"]


def test_reconcile_says_nothing_of_a_channel_that_is_gone():
    assert ChannelDispatcher(ACTIONS, {}).reconcile(TWO).empty


def test_performing_nothing_gives_no_effects():
    with MemoryStore().transaction() as transaction:
        assert CallableDispatcher(ACTIONS).perform(TWO.iloc[:0], transaction).empty


class BrokenOutbox(LocalOutbox):
    """A channel that raises whatever it is asked."""

    def send(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        raise ConnectionResetError("the provider hung up")

    def look_up(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        raise ConnectionResetError("the provider hung up")


def test_a_channel_that_raises_leaves_its_dispatches_unknown_and_the_others_known(tmp_path):
    dispatcher = ChannelDispatcher(ACTIONS, {"sms": BrokenOutbox(tmp_path)})
    points = leaving("award_points", [{"points": 7}]).assign(key="p")
    answer = dispatcher.deliver(pd.concat([TWO, points], ignore_index=True)).set_index("key")
    assert answer["status"].to_list() == ["unknown", "unknown", "sent"]
    assert answer["result"].iloc[0] == {"error": "ConnectionResetError: the provider hung up"}


def test_a_look_up_that_raises_tells_nothing(tmp_path):
    assert ChannelDispatcher(ACTIONS, {"sms": BrokenOutbox(tmp_path)}).reconcile(TWO).empty
