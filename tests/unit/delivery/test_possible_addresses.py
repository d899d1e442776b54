from collections import Counter

import pandas as pd
import pytest

from journey_pipelines.delivery import possible_addresses
from journey_pipelines.delivery.possible_addresses import possible_emails, possible_phones
from tests.unit.delivery.builders import departed, dispatches
from tests.unit.delivery.test_departure import reasons, suppressing

SMS = {"message": "Hello"}
EMAIL = {"subject": "S", "body": "B"}


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("+15055550115", "+15055550115"),
        ("+1 (505) 555-0115", "+15055550115"),
        ("+49 30 123456", "+4930123456"),
        ("+15550100", "+15550100"),
        ("5055550115", None),
        ("+1", None),
        ("+1555010012345678", None),
        ("+999123456789", None),
        ("phone", None),
    ],
)
def test_numbers_leave_in_e164_and_impossible_ones_do_not(written, sent):
    departure = departed(dispatches("send_sms"), SMS, {"customer.phone": [written]})
    if sent is None:
        assert reasons(departure) == {"c0": "invalid_address"}
        assert departure.settled["status"].tolist() == ["skipped"]
    else:
        assert departure.leaving["payload"].iloc[0]["to"] == sent


@pytest.mark.parametrize("address", ["Ann.O'Neill+x@Example.com", "ü@example.com", "a@bücher.example", "a@mail.test"])
def test_possible_email_addresses_leave_as_they_are_written(address):
    departure = departed(dispatches("send_email"), EMAIL, {"customer.email": [address]})
    assert departure.leaving["payload"].iloc[0]["to"] == address


IMPOSSIBLE = [
    "ann",
    "ann@",
    "@example.com",
    "a b@example.com",
    "a@@example.com",
    ".a@example.com",
    "a..b@example.com",
    "a@exa mple.com",
    "a@-example.com",
    "a@example.com\r\nBcc: all@example.com",
    "a@" + ".".join(["x" * 60] * 5),
]


@pytest.mark.parametrize("address", IMPOSSIBLE)
def test_impossible_email_addresses_are_skipped(address):
    columns = {"customer.email": [address, "bob@example.com"]}
    departure = departed(dispatches("send_email", "send_email"), EMAIL, columns)
    assert reasons(departure) == {"c0": "invalid_address"}
    assert departure.leaving["customer_id"].tolist() == ["c1"]


def test_a_device_token_is_not_judged():
    departure = departed(dispatches("send_push"), {"title": "T", "body": "B"}, {"customer.device_tokens": [["x y"]]})
    assert len(departure.leaving) == 1


def test_who_refused_is_told_from_who_cannot_be_reached():
    columns = {"customer.phone": ["12", "+1"], "customer.sms_consent": [False, True]}
    assert reasons(departed(dispatches("send_sms", "send_sms"), SMS, columns)) == {
        "c0": "no_consent",
        "c1": "invalid_address",
    }


def test_suppression_does_not_heed_how_a_number_is_written():
    columns = {"customer.phone": ["+1 (505) 555-0115"]}
    departure = departed(dispatches("send_sms"), SMS, columns, store=suppressing("sms", "+15055550115"))
    assert reasons(departure) == {"c0": "suppressed"}


def test_the_short_way_for_plain_addresses_judges_as_the_library_does():
    locals_ = ["a", "a.b", "a..b", ".a", "a.", "a+b", "_", "-", "x" * 64, "x" * 65, "ü", "a b", ""]
    domains = ["example.com", "exa_mple.com", "localhost", "x" * 63 + ".de", "x" * 64 + ".de", "a..b", "", "ü.de"]
    addresses = pd.Series([f"{local}@{domain}" for local in locals_ for domain in domains], dtype="str")
    expected = [possible_addresses._is_email(address) for address in addresses]
    assert possible_emails(addresses).notna().tolist() == expected


def test_each_distinct_domain_and_number_is_judged_once(monkeypatch):
    calls: Counter[str] = Counter()
    real = possible_addresses.validate_email
    monkeypatch.setattr(
        possible_addresses, "validate_email", lambda address, **how: calls.update([address]) or real(address, **how)
    )
    possible_emails(pd.Series([f"c{number}@example.com" for number in range(100)], dtype="str"))
    assert calls == {"a@example.com": 1}
    parsed: Counter[str] = Counter()
    parse = possible_addresses.phonenumbers.parse
    monkeypatch.setattr(
        possible_addresses.phonenumbers,
        "parse",
        lambda number, region: parsed.update([number]) or parse(number, region),
    )
    possible_phones(pd.Series(["+15055550115"] * 100, dtype="str"))
    assert parsed == {"+15055550115": 1}
