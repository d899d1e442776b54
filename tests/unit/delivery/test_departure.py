from datetime import UTC, datetime, time, timedelta

import pandas as pd
import pytest

from journey_pipelines.delivery.contact import ContactPolicy, QuietHours
from journey_pipelines.delivery.unsubscribe import UnsubscribeLinks
from journey_pipelines.errors import DeliveryError
from journey_pipelines.store.memory import MemoryStore
from tests.unit.delivery.builders import NOW, departed, dispatches

SMS = {"message": "Hello"}
SIZE = {"encoding": "GSM-7", "segments": 1}
PHONES = {"customer.phone": ["+15550100", "+15550101", "+15550102"]}


def reasons(departure):
    return dict(zip(departure.settled["customer_id"], departure.settled["reason"], strict=True))


def suppressing(channel, *addresses, purpose="all"):
    store = MemoryStore()
    with store.transaction() as transaction:
        rows = pd.DataFrame({"channel": channel, "address": list(addresses), "reason": "asked", "purpose": purpose})
        transaction.add_suppressions(rows)
    return store


def test_a_message_leaves_with_its_address():
    departure = departed(dispatches("send_sms"), SMS, PHONES | {"customer.phone": ["+15550100"]})
    assert departure.leaving["payload"].tolist() == [{"to": "+15550100", "message": "Hello", "length": 5} | SIZE]


@pytest.mark.parametrize("address", [None, "", "   ", float("nan")])
def test_a_customer_without_an_address_is_skipped(address):
    departure = departed(dispatches("send_sms"), SMS, {"customer.phone": [address]})
    assert departure.settled[["status", "reason"]].values.tolist() == [["skipped", "no_address"]]
    assert departure.settled["result"].tolist() == [{"skipped": True, "reason": "no_address"}]


@pytest.mark.parametrize("tokens", [None, [], ["", None], ""])
def test_a_push_without_a_device_is_skipped(tokens):
    departure = departed(dispatches("send_push"), {"title": "T", "body": "B"}, {"customer.device_tokens": [tokens]})
    assert reasons(departure) == {"c0": "no_address"}


def test_a_push_goes_to_all_devices():
    columns = {"customer.device_tokens": [["one", "two"]]}
    departure = departed(dispatches("send_push"), {"title": "T", "body": "B"}, columns)
    assert departure.leaving["payload"].tolist() == [{"to": ["one", "two"], "title": "T", "body": "B", "data": {}}]


@pytest.mark.parametrize("column", ["customer.sms_consent", "customer.consent_sms"])
@pytest.mark.parametrize("refusal", [False, 0, "false", "No"])
def test_a_refusal_of_consent_skips(column, refusal):
    departure = departed(dispatches("send_sms", "send_sms"), SMS, PHONES | {column: [refusal, None]} | two_phones())
    assert reasons(departure) == {"c0": "no_consent"}
    assert departure.leaving["customer_id"].tolist() == ["c1"]


def two_phones():
    return {"customer.phone": ["+15550100", "+15550101"]}


def test_consent_of_another_channel_does_not_matter():
    departure = departed(
        dispatches("send_sms"), SMS, {"customer.phone": ["+15550100"], "customer.email_consent": [False]}
    )
    assert len(departure.leaving) == 1


def test_a_suppressed_address_is_skipped():
    departure = departed(dispatches("send_sms", "send_sms"), SMS, two_phones(), store=suppressing("sms", "+15550101"))
    assert reasons(departure) == {"c1": "suppressed"}


def test_suppression_does_not_heed_the_case_of_an_address():
    columns = {"customer.email": ["Ann@Example.com"]}
    store = suppressing("email", "ann@example.com")
    departure = departed(dispatches("send_email"), {"subject": "S", "body": "B"}, columns, store=store)
    assert reasons(departure) == {"c0": "suppressed"}


@pytest.mark.parametrize(("purpose", "reason"), [("marketing", "no_consent"), ("transactional", None)])
def test_consent_to_a_purpose_counts_for_that_purpose_alone(purpose, reason):
    columns = {"customer.phone": ["+15550100"], "customer.sms_marketing_consent": [False]}
    departure = departed(dispatches("send_sms"), SMS | {"purpose": purpose}, columns)
    assert reasons(departure).get("c0") == reason


def test_a_message_is_marketing_unless_it_says_otherwise():
    columns = {"customer.phone": ["+15550100"], "customer.sms_marketing_consent": [False]}
    assert reasons(departed(dispatches("send_sms"), SMS, columns)) == {"c0": "no_consent"}


def test_whoever_refuses_a_channel_refuses_it_for_every_purpose():
    columns = {"customer.phone": ["+15550100"], "customer.sms_consent": [False]}
    departure = departed(dispatches("send_sms"), SMS | {"purpose": "transactional"}, columns)
    assert reasons(departure) == {"c0": "no_consent"}


def test_who_is_suppressed_for_marketing_gets_what_is_transactional():
    store = suppressing("sms", "+15550100", purpose="marketing")
    columns = two_phones() | {"customer.phone": ["+15550100", "+15550100"]}
    configs = [SMS | {"purpose": "transactional"}, SMS]
    departure = departed(dispatches("send_sms", "send_sms"), configs, columns, store=store)
    assert reasons(departure) == {"c1": "suppressed"}


LINKS = UnsubscribeLinks("https://journeys.example.com", "a secret of the tests")
MAIL = {"subject": "S", "body": '<a href="{{unsubscribe_url}}">Leave</a>'}
MAILBOX = {"customer.email": ["ann@example.com"]}


def test_a_mail_of_marketing_says_how_to_unsubscribe():
    [payload] = departed(dispatches("send_email"), MAIL, MAILBOX, links=LINKS).leaving["payload"]
    url = LINKS.url("c0:node:1")
    assert payload["headers"] == {
        "List-Unsubscribe": f"<{url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert payload["html"] == f'<a href="{url}">Leave</a>'


def test_a_transactional_mail_has_the_link_where_it_asks_for_it_and_no_headers():
    config = MAIL | {"purpose": "transactional"}
    [payload] = departed(dispatches("send_email"), config, MAILBOX, links=LINKS).leaving["payload"]
    assert "headers" not in payload
    assert LINKS.url("c0:node:1") in payload["html"]


def test_a_mail_that_asks_for_a_link_where_there_are_none_fails():
    assert reasons(departed(dispatches("send_email"), MAIL, MAILBOX)) == {"c0": "missing_variable: unsubscribe_url"}


def test_a_push_leaves_for_the_devices_that_are_not_suppressed():
    columns = {"customer.device_tokens": [["one", "two"], ["one"]]}
    config = {"title": "T", "body": "B"}
    departure = departed(dispatches("send_push", "send_push"), config, columns, store=suppressing("push", "one"))
    assert [payload["to"] for payload in departure.leaving["payload"]] == [["two"]]
    assert reasons(departure) == {"c1": "suppressed"}


def test_a_message_older_than_stale_after_is_skipped_before_anything_else():
    due = [NOW - timedelta(days=4), NOW - timedelta(days=3)]
    frame = dispatches("send_sms", "send_sms", due_at=pd.Series(due, dtype="datetime64[us, UTC]"))
    limits = [NOW - timedelta(days=3)] * 2
    departure = departed(frame, SMS, {"customer.phone": [None, "+15550100"]}, stale_before=limits)
    assert reasons(departure) == {"c0": "stale"}
    assert len(departure.leaving) == 1


def test_points_are_never_stale_and_need_neither_address_nor_consent():
    frame = dispatches("award_points", due_at=pd.Timestamp(NOW - timedelta(days=9)))
    departure = departed(frame, {"points": 5}, {"customer.email_consent": [False]}, stale_before=[NOW])
    assert departure.leaving["payload"].tolist() == [{"points": 5, "program_id": 1, "reason": None}]


@pytest.mark.parametrize("config", [{"campaign_id": 5, "channel": "email"}, {"campaign_id": 7}])
def test_a_campaign_heeds_the_consent_of_its_channel(config):
    store = MemoryStore()
    with store.transaction() as transaction:
        transaction.add_campaigns(pd.DataFrame({"campaign_id": [7], "name": ["Spring"], "channel": ["email"]}))
    departure = departed(dispatches("trigger_campaign"), config, {"customer.email_consent": [False]}, store=store)
    assert reasons(departure) == {"c0": "no_consent"}


def test_a_missing_variable_fails_its_row_only():
    columns = two_phones() | {"customer.first_name": [None, "Bea"]}
    departure = departed(dispatches("send_sms", "send_sms"), {"message": "Hi {{customer.first_name}}"}, columns)
    failed = departure.settled[["customer_id", "status", "reason"]].values.tolist()
    assert failed == [["c0", "failed", "missing_variable: customer.first_name"]]
    assert departure.leaving["payload"].tolist() == [{"to": "+15550101", "message": "Hi Bea", "length": 6} | SIZE]


def test_in_quiet_hours_a_message_waits_for_their_end():
    policy = ContactPolicy(quiet_hours=QuietHours(time(21), time(8)))
    zones = ["America/Los_Angeles", "UTC"]
    departure = departed(dispatches("send_sms", "send_sms"), SMS, two_phones(), policy=policy, zones=zones)
    assert departure.leaving["customer_id"].tolist() == ["c1"]
    assert departure.deferred["next_at"].tolist() == [pd.Timestamp("2017-03-01 16:00", tz="UTC")]
    assert departure.deferred["status"].tolist() == ["pending"]
    assert departure.deferred["payload"].tolist() == [{}]


def test_quiet_hours_do_not_hold_points_back():
    policy = ContactPolicy(quiet_hours=QuietHours(time(0), time(23, 59)))
    assert len(departed(dispatches("award_points"), {"points": 5}, {}, policy=policy).leaving) == 1


def test_a_cap_lets_the_first_go_and_defers_the_others_to_local_midnight():
    frame = dispatches("send_sms", "send_sms", "send_sms", customer_id=["ann", "ann", "bob"])
    policy = ContactPolicy(caps={"sms": 1})
    departure = departed(frame, SMS, PHONES, policy=policy, zones=["America/New_York"] * 3)
    assert departure.leaving["key"].tolist() == ["c0:node:1", "c2:node:1"]
    assert departure.deferred["key"].tolist() == ["c1:node:1"]
    assert departure.deferred["next_at"].tolist() == [pd.Timestamp("2017-03-02 05:00", tz="UTC")]


def test_a_message_that_cannot_be_sent_does_not_use_up_the_cap():
    frame = dispatches("send_sms", "send_sms", customer_id=["ann", "ann"])
    columns = two_phones() | {"name": [None, "Ann"]}
    departure = departed(frame, {"message": "Hi {{name}}"}, columns, policy=ContactPolicy(caps={"sms": 1}))
    assert departure.leaving["key"].tolist() == ["c1:node:1"]


@pytest.mark.parametrize(("left", "leaves"), [("2017-03-01 04:59", True), ("2017-03-01 05:00", False)])
def test_a_cap_counts_what_left_since_the_customers_midnight(left, leaves):
    store = MemoryStore()
    earlier = dispatches("send_sms", key=["old"], status="sent", left_at=pd.Timestamp(left, tz="UTC"))
    with store.transaction() as transaction:
        transaction.state.tables["dispatches"] = transaction.state.tables["dispatches"].append(earlier)
    columns = {"customer.phone": ["+15550100"]}
    departure = departed(
        dispatches("send_sms"),
        SMS,
        columns,
        store=store,
        policy=ContactPolicy(caps={"sms": 1}),
        zones=["America/New_York"],
    )
    assert bool(len(departure.leaving)) is leaves


def test_a_cap_of_one_channel_leaves_the_others_alone():
    frame = dispatches("send_sms", "send_email", customer_id=["ann", "ann"])
    configs = [SMS, {"subject": "S", "body": "B"}]
    columns = two_phones() | {"customer.email": ["a@example.com"] * 2}
    assert len(departed(frame, configs, columns, policy=ContactPolicy(caps={"sms": 1})).leaving) == 2


def test_an_unknown_action_type_stops_everything_with_a_sentence():
    with pytest.raises(DeliveryError, match=r"`send_fax` is not installed .*install its package"):
        departed(dispatches("send_fax"), {}, {})


def test_a_config_that_became_wrong_fails_its_rows():
    departure = departed(dispatches("award_points"), {"points": "many"}, {})
    assert departure.settled["reason"].iloc[0].startswith("wrong_config: points: ")


def test_nothing_departs_from_nothing():
    departure = departed(dispatches(), [], {})
    assert [len(part) for part in (departure.leaving, departure.settled, departure.deferred)] == [0, 0, 0]


def test_depart_reads_no_clock():
    early = datetime(2001, 1, 1, tzinfo=UTC)
    assert len(departed(dispatches("send_sms"), SMS, {"customer.phone": ["+15550100"]}, as_of=early).leaving) == 1
