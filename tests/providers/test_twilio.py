"""Twilio's module beyond the behaviour that all providers share."""

from typing import ClassVar

import pandas as pd
import pytest

from tests.providers.behaviour import HttpBehaviour, reasons, statuses
from tests.providers.loopback import LOSE_REPLY, Fault, Reply
from tests.providers.stage import HttpStage
from tests.providers.twilio_fake import ACCOUNT, SENDER, SERVICE, TOKEN, TwilioFake, refusal

PROBLEM = {"type": "https://www.twilio.com/docs/api/errors", "title": "No", "detail": "It cannot be sent"}


class TwilioStage(HttpStage):
    channel = "sms"
    name = "twilio"
    secrets = (TOKEN, "are waiting")
    error_body: ClassVar = {"code": None, "message": "not now"}

    def make_fake(self):
        return TwilioFake()

    def settings(self):
        return {"account_sid": ACCOUNT, "auth_token": TOKEN, "sender": SENDER, "url": self.server.url}

    def wrong_credentials(self):
        return {"auth_token": "another"}

    def address(self, number):
        return f"+1202555{number:04d}"

    def payload(self, address, number):
        return {"to": address, "message": f"Hi Anna {number}, your points are waiting."}

    def taken(self):
        return [text["to"] for text in self.fake.accepted]

    def look_up(self, dispatches, **overrides):
        channel = self.channel_with(**overrides)
        try:
            return channel.look_up(dispatches)
        finally:
            channel.close()


@pytest.fixture
def stage():
    with TwilioStage() as made:
        yield made


@pytest.fixture
def tls_stage(trusted):
    with TwilioStage(authority=trusted) as made:
        yield made


class TestBehaviour(HttpBehaviour):
    pass


def test_the_text_and_the_sender_are_handed_over(stage):
    answered = stage.send(stage.dispatches(1))
    [text] = stage.fake.accepted
    assert (text["body"], text["from"]) == ("Hi Anna 0, your points are waiting.", SENDER)
    assert answered["result"][0] == {"provider": "twilio", "provider_id": text["sid"]}


def test_a_messaging_service_chooses_the_sender(stage):
    assert statuses(stage.send(stage.dispatches(1), sender=None, messaging_service=SERVICE)) == ["sent"]
    assert stage.fake.accepted[0]["messaging_service_sid"] == SERVICE


@pytest.mark.parametrize("given", [{"sender": None}, {"messaging_service": SERVICE}])
def test_there_is_one_sender(stage, given):
    with pytest.raises(ValueError, match="set a sender or a messaging service, and not both"):
        stage.channel_with(**given)


def test_callbacks_tell_the_dispatch(stage):
    dispatches = stage.dispatches(1)
    stage.send(dispatches, status_callback="https://example.com/webhooks/twilio")
    assert stage.server.requests[0].form["StatusCallback"] == (
        "https://example.com/webhooks/twilio?dispatch=" + dispatches["key"][0].replace(":", "%3A")
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (21211, "invalid_number"),
        (21408, "region_not_enabled"),
        (21610, "unsubscribed"),
        (21614, "not_a_mobile_number"),
        (21617, "text_too_long"),
    ],
)
def test_what_is_the_customers_fails_alone(stage, code, reason):
    stage.fake.codes[stage.address(1)] = code
    answered = stage.send(stage.dispatches(3))
    assert statuses(answered) == ["sent", "failed", "sent"]
    assert reasons(answered)[1] == f"twilio_{code}: {reason}"


@pytest.mark.parametrize("code", [20003, 21606, 21703])
def test_what_is_the_installations_counts_as_no_attempt(stage, code):
    stage.server.fail(Fault("reply", refusal(400, code, "no")))
    answered = stage.send(stage.dispatches(1))
    assert answered["result"][0] == {"reason": f"twilio_{code}", "counts": False}


@pytest.mark.parametrize(("status", "code"), [(429, 20429), (400, 21611), (503, 20503), (429, 63038)])
def test_what_passes_is_tried_again(stage, status, code):
    stage.server.fail(Fault("reply", refusal(status, code, "later")))
    assert statuses(stage.send(stage.dispatches(1))) == ["sent"]
    assert len(stage.clock.slept) == 1


@pytest.mark.parametrize(
    ("status", "code", "expected"), [(400, 21614, "failed"), (400, 21606, "retry"), (500, 20500, "unknown")]
)
def test_errors_of_the_newer_form_mean_the_same(stage, status, code, expected):
    stage.server.fail(Fault("reply", Reply(status, {**PROBLEM, "status": status, "code": code})))
    assert statuses(stage.send(stage.dispatches(1))) == [expected]


def test_an_error_without_a_code_means_what_its_status_says(stage):
    stage.server.fail(Fault("reply", Reply(502, b"<html>bad gateway</html>")))
    answered = stage.send(stage.dispatches(1))
    assert (statuses(answered), reasons(answered)) == (["unknown"], ["twilio_502"])


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b'{"sid": null}'])
def test_an_acceptance_that_cannot_be_read_is_of_unknown_fate(stage, body):
    stage.server.fail(Fault("reply", Reply(201, body)))
    assert statuses(stage.send(stage.dispatches(1))) == ["unknown"]


class TestLookUp:
    def test_what_was_taken_over_without_an_answer_is_found(self, stage):
        dispatches = stage.dispatches(2)
        stage.fail(LOSE_REPLY)
        assert statuses(stage.send(dispatches[:1])) == ["unknown"]
        answered = stage.look_up(dispatches)
        assert dict(zip(answered["key"], answered["status"], strict=True)) == {
            dispatches["key"][0]: "sent",
            dispatches["key"][1]: "retry",
        }
        assert answered["result"][0] == {"provider": "twilio", "provider_id": stage.fake.accepted[0]["sid"]}

    def test_what_is_not_listed_yet_is_asked_for_again_before_it_counts_as_not_taken_over(self, stage):
        dispatches = stage.dispatches(1)

        class SlowToList(type(stage.fake)):
            def _list(self, query):
                reply = super()._list(query)
                if not stage.clock.slept:
                    reply.body["messages"] = []
                return reply

        stage.fake.__class__ = SlowToList
        stage.fail(LOSE_REPLY)
        stage.send(dispatches)
        assert statuses(stage.look_up(dispatches, list_delay=10)) == ["sent"]
        assert stage.clock.slept == [10]

    def test_what_twilio_could_not_deliver_has_failed(self, stage):
        stage.send(stage.dispatches(1))
        stage.fake.accepted[0].update(status="undelivered", error_code=30007)
        answered = stage.look_up(stage.dispatches(1))
        assert (statuses(answered), reasons(answered)) == (["failed"], ["twilio_30007: filtered"])

    def test_the_list_is_read_page_by_page(self, stage):
        stage.send(stage.dispatches(1))
        for number in range(120):
            stage.fake.accepted.append({**stage.fake.accepted[0], "sid": f"SM{number:032d}", "body": f"Other {number}"})
        assert statuses(stage.look_up(stage.dispatches(1))) == ["sent"]
        assert stage.requests == 1 + 3

    def test_reading_ends_a_day_before_they_left(self, stage):
        stage.send(stage.dispatches(1))
        stage.fake.accepted[0]["date_created"] = "Fri, 27 Feb 2026 08:59:59 +0000"
        assert statuses(stage.look_up(stage.dispatches(1))) == ["retry"]

    def test_an_as_of_ahead_of_the_clock_hides_nothing(self, stage):
        dispatches = stage.dispatches(1)
        stage.send(dispatches)
        ahead = dispatches.assign(left_at=dispatches["left_at"] + pd.Timedelta(days=30))
        assert statuses(stage.look_up(ahead)) == ["sent"]

    def test_as_many_equal_texts_to_a_number_count_as_sent_as_are_listed(self, stage):
        dispatches = stage.dispatches(3)
        for payload in dispatches["payload"]:
            payload.update(to=stage.address(0), message="Hello")
        stage.send(dispatches[:2])
        assert sorted(statuses(stage.look_up(dispatches))) == ["retry", "sent", "sent"]

    @pytest.mark.parametrize(
        "listed",
        [
            "Sent from your Twilio trial account - Hi Anna 0, your points are waiting.",
            "Hi Anna 0 your  points are waiting…",
        ],
    )
    def test_a_text_that_twilio_has_dressed_is_recognised(self, stage, listed):
        stage.send(stage.dispatches(1))
        stage.fake.accepted[0]["body"] = listed
        assert statuses(stage.look_up(stage.dispatches(1))) == ["sent"]

    def test_what_the_customer_wrote_is_not_ours(self, stage):
        stage.send(stage.dispatches(1))
        stage.fake.accepted[0]["direction"] = "inbound"
        assert statuses(stage.look_up(stage.dispatches(1))) == ["retry"]

    @pytest.mark.parametrize(
        "fault", [LOSE_REPLY, Fault("reply", Reply(503, b"{}")), Fault("reply", Reply(200, b"[]"))]
    )
    def test_a_list_that_cannot_be_read_tells_nothing_and_keeps_nobody_else(self, stage, fault):
        dispatches = stage.dispatches(2)
        stage.send(dispatches)
        stage.fail(fault)
        answered = stage.look_up(dispatches, connections=1)
        assert statuses(answered) == ["sent"]

    def test_nobody_reachable_tells_nothing(self, stage):
        assert len(stage.look_up(stage.dispatches(2), **stage.nowhere())) == 0


@pytest.mark.parametrize(("code", "is_dead"), [(21610, True), (21211, True), (21614, True), (21408, False)])
def test_numbers_that_will_never_be_reached_are_told(stage, code, is_dead):
    stage.fail(Fault("reply", Reply(400, {"code": code, "message": "no", "status": 400})))
    [result] = stage.send(stage.dispatches(1))["result"]
    assert list(result.get("dead_addresses", {})) == [stage.address(0)] * is_dead
