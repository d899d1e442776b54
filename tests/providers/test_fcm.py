"""FCM's module beyond the behaviour that all providers share."""

import json
from typing import ClassVar

import firebase_admin
import pytest
from pydantic import ValidationError

from journey_pipelines.delivery.providers.fcm import FcmConfig
from journey_pipelines.delivery.providers.push import collapse_id
from tests.providers.behaviour import HttpBehaviour, reasons, statuses
from tests.providers.fcm_fake import PROJECT, TOKEN, FcmFake, refusal
from tests.providers.loopback import LOSE_REPLY, Fault, Reply
from tests.providers.stage import HttpStage


class FcmStage(HttpStage):
    channel = "push"
    name = "fcm"
    batch = 5
    requests_of_a_batch = 5
    secrets = (TOKEN,)
    error_body: ClassVar = {"error": {"code": 0, "message": "not now"}}

    def make_fake(self):
        return FcmFake()

    def settings(self):
        return {"access_token": TOKEN, "project_id": PROJECT, "url": self.server.url, "batch": self.batch}

    def wrong_credentials(self):
        return {"access_token": "ya29.another"}

    def address(self, number):
        return f"device-of-anna-{number}"

    def payload(self, address, number):
        return {"to": [address], "title": "Hello", "body": f"Hello Anna {number}", "data": {"offer": str(number)}}

    def taken(self):
        return [message["token"] for message in self.fake.accepted]


@pytest.fixture
def stage():
    with FcmStage() as made:
        yield made


@pytest.fixture
def tls_stage(trusted):
    with FcmStage(authority=trusted) as made:
        yield made


class TestBehaviour(HttpBehaviour):
    pass


def to(stage, *devices):
    """One dispatch to these devices."""
    return stage.dispatches(1, to=list(devices))


def only(answered):
    [status], [result] = statuses(answered), answered["result"]
    return status, result


def test_a_message_goes_to_all_devices_and_says_how_many(stage):
    status, result = only(stage.send(to(stage, "phone", "tablet")))
    assert sorted(stage.taken()) == ["phone", "tablet"]
    assert status == "sent"
    assert (result["devices"], result["accepted"]) == (2, 2)
    assert result["provider_id"].startswith(f"projects/{PROJECT}/messages/")


def test_one_device_that_takes_it_is_enough(stage):
    stage.fake.refusals["old"] = (404, "UNREGISTERED")
    status, result = only(stage.send(to(stage, "old", "new")))
    assert status == "sent"
    assert (result["devices"], result["accepted"], result["unregistered"]) == (2, 1, 1)
    assert result["dead_addresses"] == {"old": "fcm_404: UNREGISTERED"}


def test_no_device_that_is_left_fails(stage):
    stage.fake.refusals["old"] = (404, "UNREGISTERED")
    status, result = only(stage.send(to(stage, "old")))
    assert status == "failed"
    assert result["reason"] == "fcm_404: UNREGISTERED"
    assert list(result["dead_addresses"]) == ["old"]


def test_a_device_of_unknown_fate_leaves_the_message_unknown_unless_another_took_it(stage):
    stage.fake.refusals |= {"a": (500, "INTERNAL"), "b": (404, "UNREGISTERED")}
    assert only(stage.send(to(stage, "b", "a")))[0] == "unknown"
    assert only(stage.send(to(stage, "b", "a", "c")))[0] == "sent"


def test_a_wrong_project_is_no_dead_device(stage):
    status, result = only(stage.send(to(stage, "a"), project_id="another"))
    assert status == "retry"
    assert result["counts"] is False
    assert "dead_addresses" not in result


@pytest.mark.parametrize(
    ("status", "code"), [(403, "SENDER_ID_MISMATCH"), (401, "THIRD_PARTY_AUTH_ERROR"), (403, "PERMISSION_DENIED")]
)
def test_what_is_the_installations_fault_is_no_attempt(stage, status, code):
    stage.fake.refusals["a"] = (status, code)
    answered = stage.send(to(stage, "a"))
    assert statuses(answered) == ["retry"]
    assert answered["result"][0]["counts"] is False
    assert reasons(answered) == [f"fcm_{status}: {code}"]


def test_a_device_of_another_project_among_ours_fails_and_stops_nobody(stage):
    dispatches = stage.dispatches(20)
    for number in range(0, 20, 5):
        stage.fake.refusals[stage.address(number)] = (403, "SENDER_ID_MISMATCH")
    answered = stage.send(dispatches, stop_after=1)
    assert statuses(answered) == ["failed", "sent", "sent", "sent", "sent"] * 4


@pytest.mark.parametrize(("status", "code"), [(429, "QUOTA_EXCEEDED"), (503, "UNAVAILABLE")])
def test_fcm_says_how_long_to_wait(stage, status, code):
    body = refusal(status, "X", code=code).body
    stage.server.fail(Fault("reply", Reply(status, body, {"Retry-After": "11"})))
    assert statuses(stage.send(stage.dispatches(1))) == ["sent"]
    assert sum(stage.clock.slept) == pytest.approx(11)


def test_a_message_looks_the_same_every_time_and_is_shown_once(stage):
    dispatches = to(stage, "phone")
    stage.fail(LOSE_REPLY)
    assert only(stage.send(dispatches))[0] == "unknown"
    assert only(stage.send(dispatches))[0] == "sent"
    first, second = stage.fake.accepted
    assert first == second
    once = collapse_id(dispatches["key"][0])
    assert first["android"] == {"collapse_key": once, "notification": {"tag": once}}
    assert first["apns"]["headers"] == {"apns-collapse-id": once}
    assert first["webpush"] == {"headers": {"Topic": once}, "notification": {"tag": once}}


def test_data_are_texts(stage):
    stage.send(stage.dispatches(1, data={"offer": 7, "open": True, "list": ["ä", 1], "word": "ja"}))
    assert stage.fake.accepted[0]["data"] == {"offer": "7", "open": "true", "list": '["ä", 1]', "word": "ja"}


def test_a_message_that_the_library_refuses_fails_alone(stage):
    dispatches = stage.dispatches(4)
    dispatches["payload"].array[2]["title"] = 7
    answered = stage.send(dispatches)
    assert statuses(answered) == ["sent", "sent", "failed", "sent"]
    assert max(stage.counts().values()) == 1


def test_more_devices_than_a_call_may_have_are_asked_for_one_call_after_the_other(stage):
    status, result = only(stage.send(to(stage, *[f"device-{number}" for number in range(13)])))
    assert (status, result["accepted"]) == ("sent", 13)


def test_nothing_is_delivered_in_a_dry_run(stage):
    assert statuses(stage.send(stage.dispatches(2), dry_run=True)) == ["sent", "sent"]
    assert stage.taken() == []
    assert stage.server.requests[0].json["validate_only"] is True


def account(stage, **changed):
    key = stage.fake.service_account(stage.server.url) | changed
    return {"access_token": None, "project_id": None, "credentials": json.dumps(key)}


def test_a_service_account_gets_one_token_for_all_connections(stage):
    assert statuses(stage.send(stage.dispatches(20), **account(stage))) == ["sent"] * 20
    assert stage.fake.exchanges == 1


def test_a_token_that_cannot_be_had_is_asked_for_later(stage):
    given = account(stage, token_uri=f"{stage.nowhere()['url']}/token")
    answered = stage.send(stage.dispatches(1), tries=1, **given)
    assert statuses(answered) == ["retry"]
    assert reasons(answered) == ["fcm_token_unreachable: TransportError"]
    assert stage.requests == 0


def test_a_service_account_that_google_refuses_is_the_installations_fault(stage):
    stage.server.fail(Fault("reply", Reply(400, {"error": "invalid_grant"})))
    answered = stage.send(stage.dispatches(1), **account(stage))
    assert answered["result"].tolist()[0]["counts"] is False
    assert reasons(answered) == ["fcm_token_refused: RefreshError"]


def test_closing_leaves_no_app_behind(stage):
    before = set(firebase_admin._apps)
    stage.send(stage.dispatches(1))
    assert set(firebase_admin._apps) == before


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "exactly one of"),
        ({"access_token": "x", "credentials": "{}", "project_id": "p"}, "exactly one of"),
        ({"access_token": "x"}, "needs project_id"),
        ({"credentials": '{"type": "service_account", "private_key": "secret"}'}, "not the JSON key"),
        ({"credentials": "secret"}, "not the JSON key"),
        ({"credentials": "[]"}, "not the JSON key"),
        ({"credentials_file": "nowhere/key.json"}, "cannot be read"),
    ],
)
def test_a_key_that_is_none_is_said_without_showing_it(given, says):
    with pytest.raises(ValidationError, match=says) as raised:
        FcmConfig(**given)
    assert "secret" not in str(raised.value)
