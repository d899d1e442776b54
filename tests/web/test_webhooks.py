"""Webhooks over real sockets: who is believed, what is kept, what follows."""

import logging
from datetime import timedelta

import pandas as pd
import pytest

from journey_pipelines.delivery.receipts.sendgrid_events import SendGridEvents
from journey_pipelines.errors import SettingsError
from journey_pipelines.store.memory import MemoryStore
from journey_pipelines.store.postgres import PostgresStore
from journey_pipelines.web.bodies import MOST_BYTES
from tests.behaviour.builders import MARCH, action, answers, chain, only
from tests.behaviour.passes import Passes
from tests.cli.project import NOWHERE
from tests.web.served import NOW, Served, event

SID = "SM" + "a" * 32


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def served(store):
    with Served(store) as made:
        yield made


def told(store):
    with store.transaction() as transaction:
        frame = transaction.read("receipts")
    return frame[["dispatch_key", "outcome", "reason"]].astype(object).where(frame.notna(), None).values.tolist()


def suppressed(store, *addresses, channel="email", purpose="marketing"):
    with store.transaction() as transaction:
        return transaction.suppressed(channel, pd.Index(addresses), purpose=purpose).tolist()


def test_deliveries_become_receipts_and_what_is_of_no_interest_is_left_out(served, store):
    answer = served.sendgrid(event("delivered"), event("open", number=2), event("click", number=3))
    assert (answer.status, answer.body) == (204, "")
    assert told(store) == [["6f96:hello:1", "delivered", None]]
    assert suppressed(store, "ann@example.com") == []


def test_the_same_event_counts_once(served, store):
    for _ in range(3):
        assert served.sendgrid(event("bounce", status="5.1.1"), event("bounce", status="5.1.1")).status == 204
    assert told(store) == [["6f96:hello:1", "failed", "bounced: 5.1.1"]]


@pytest.mark.parametrize(
    ("fields", "reason", "purposes"),
    [
        ({"event": "bounce", "type": "bounce", "status": "5.1.1"}, "bounced: 5.1.1", ["marketing", "transactional"]),
        ({"event": "bounce", "type": "blocked", "status": "ann@example.com"}, "blocked", []),
        ({"event": "dropped", "reason": "Bounced Address"}, "bounced", ["marketing", "transactional"]),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, "unsubscribed", ["marketing"]),
        ({"event": "dropped", "reason": "something about ann@example.com"}, "dropped", []),
        ({"event": "spamreport"}, "complained", ["marketing", "transactional"]),
        ({"event": "unsubscribe"}, "unsubscribed", ["marketing"]),
        ({"event": "group_unsubscribe"}, "unsubscribed", ["marketing"]),
        ({"event": "deferred", "response": "later"}, None, []),
    ],
)
def test_what_sendgrid_tells_suppresses_for_the_right_purposes(served, store, fields, reason, purposes):
    served.sendgrid(event("processed") | fields)
    assert [row[2] for row in told(store)] == [reason]
    listed = [
        purpose
        for purpose in ("marketing", "transactional")
        if suppressed(store, "ann@example.com", purpose=purpose) == ["ann@example.com"]
    ]
    assert listed == purposes


def test_a_bounce_of_a_mail_that_is_none_of_ours_suppresses_too(served, store):
    stranger = event("bounce")
    del stranger["dispatch"]
    served.sendgrid(stranger)
    assert told(store) == [[None, "failed", "bounced"]]
    assert suppressed(store, "ann@example.com") == ["ann@example.com"]


def test_an_address_that_was_taken_off_the_list_stays_off_when_the_event_comes_again(served, store):
    served.sendgrid(event("bounce"))
    with store.transaction() as transaction:
        transaction.remove_suppressions("email", pd.Index(["ann@example.com"]))
    served.sendgrid(event("bounce"))
    assert suppressed(store, "ann@example.com") == []


HOSTILE = [
    None,
    7,
    [],
    {},
    event("delivered", sg_event_id=None),
    event("delivered", sg_event_id="a\0b"),
    event("delivered", timestamp="soon"),
    event("delivered", timestamp=1e300),
    event("delivered", timestamp=True),
    event(["delivered"]),
    event("delivered", sg_event_id="x" * 2_000),
]


def test_events_that_cannot_be_read_do_not_lose_the_others(served, store):
    odd = event("bounce", number=2, dispatch={"a": 1}, email=["ann@example.com"], type=7, status={"a": 1})
    assert served.sendgrid(*HOSTILE, odd, event("delivered", number=3)).status == 204
    assert [row[:2] for row in told(store)] == [[None, "failed"], ["6f96:hello:1", "delivered"]]


def test_a_request_that_sendgrid_did_not_sign_is_refused(served, store):
    assert served.sendgrid(event("bounce"), sign=b"[]").status == 403
    assert served.ask("POST", "/webhooks/sendgrid", b"[]").status == 403
    headers = {"X-Twilio-Email-Event-Webhook-Signature": "%%%", "X-Twilio-Email-Event-Webhook-Timestamp": "1"}
    assert served.ask("POST", "/webhooks/sendgrid", b"[]", headers).status == 403
    assert served.ask("POST", "/webhooks/sendgrid", b"\xff\xfe", headers).status == 403
    assert told(store) == []


def test_a_key_that_is_none_is_said_so():
    with pytest.raises(SettingsError, match="JOURNEYS_SENDGRID_WEBHOOK_KEY is no public key"):
        SendGridEvents("secret")


def test_a_body_beyond_all_measure_is_refused(served):
    answer = served.ask("POST", "/webhooks/sendgrid", b" " * (MOST_BYTES + 1))
    assert answer.status == 413


def test_unknown_paths_and_methods_are_said_so(served):
    assert served.ask("POST", "/webhooks/mailgun").status == 404
    assert served.ask("GET", "/webhooks/sendgrid").status == 405
    assert served.ask("GET", "/healthz").body == "ok"


def status_of(status, **fields):
    return {"MessageSid": SID, "MessageStatus": status, "To": "+15005550101", "From": "+15005550006", **fields}


def test_a_status_callback_becomes_a_receipt(served, store):
    assert served.twilio(status_of("sent"), dispatch="6f96:hello:1").status == 204
    assert served.twilio(status_of("delivered"), dispatch="6f96:hello:1").status == 204
    assert served.twilio(status_of("delivered"), dispatch="6f96:hello:1").status == 204
    assert told(store) == [["6f96:hello:1", "accepted", None], ["6f96:hello:1", "delivered", None]]


@pytest.mark.parametrize(
    ("code", "reason", "is_listed"),
    [("30005", "twilio_30005: unknown_number", True), ("30003", "twilio_30003", False), ("", "undelivered", False)],
)
def test_an_undelivered_sms_suppresses_numbers_that_are_dead(served, store, code, reason, is_listed):
    served.twilio(status_of("undelivered", ErrorCode=code), dispatch="6f96:hello:1")
    assert told(store) == [["6f96:hello:1", "failed", reason]]
    assert suppressed(store, "+15005550101", channel="sms") == ["+15005550101"] * is_listed


def test_an_answer_stop_suppresses_whoever_sent_it(served, store):
    fields = {"MessageSid": SID, "From": "+15005550101", "To": "+15005550006", "Body": "STOP", "OptOutType": "STOP"}
    assert served.twilio(fields).status == 204
    assert suppressed(store, "+15005550101", channel="sms", purpose="transactional") == ["+15005550101"]


def test_a_request_that_twilio_did_not_sign_is_refused(served, store):
    fields = status_of("delivered")
    assert served.twilio(fields, token="another").status == 403
    assert served.twilio(fields, url="https://elsewhere.example.com/webhooks/twilio").status == 403
    assert served.ask("POST", "/webhooks/twilio", b"MessageSid=SM1&MessageStatus=delivered").status == 403
    assert told(store) == []


def test_a_form_that_is_none_is_refused(served):
    assert served.ask("POST", "/webhooks/twilio", b"\xff").status == 400
    assert served.ask("POST", "/webhooks/twilio", b"no form").status == 400
    assert served.twilio({"AccountSid": "AC1"}).status == 400


def test_a_store_that_is_away_lets_the_provider_send_again():
    with Served(PostgresStore(NOWHERE)) as served:
        answer = served.sendgrid(event("bounce"))
        assert (answer.status, answer.headers["retry-after"]) == (503, "60")
        assert served.ask("GET", "/healthz").status == 503


def test_a_webhook_settles_what_is_of_unknown_fate(served, store):
    passes = Passes(store, chain(action("a")), deliver=answers("unknown"))
    passes.run(MARCH)
    key = only(passes.read("dispatches"))["key"]
    served.sendgrid(event("delivered", dispatch=key, timestamp=MARCH.timestamp()))
    passes.run(MARCH + timedelta(hours=1))
    row = only(passes.read("dispatches"))
    assert (row["status"], row["result"]["delivery"]) == ("sent", "delivered")


def test_nothing_personal_is_logged(served, store, caplog):
    with caplog.at_level(logging.DEBUG):
        served.sendgrid(event("bounce"), sign=b"")
        served.sendgrid(event("bounce", reason="550 no such user ann@example.com"))
        served.twilio(status_of("undelivered", ErrorCode="30005"), dispatch="6f96:hello:1")
        served.twilio(status_of("failed"), token="another")
    assert "receipts" in caplog.text
    for shown in ("ann@example.com", "Ann@", "+15005550101", "15005550101"):
        assert shown not in caplog.text


def test_the_time_of_a_callback_is_that_of_its_arrival(served, store):
    served.twilio(status_of("delivered"), dispatch="6f96:hello:1")
    with store.transaction() as transaction:
        assert only(transaction.read("receipts"))["at"] == NOW
