"""`journeys suppress`, through the real command and a real database."""

import pandas as pd

from tests.cli.project import Project


def listed(project: Project, channel: str, *addresses: str, purpose: str = "marketing") -> list[str]:
    with project.store.transaction() as transaction:
        return list(transaction.suppressed(channel, pd.Index(addresses), purpose=purpose))


def test_addresses_are_put_on_the_list_as_it_writes_them(stored: Project) -> None:
    answer = stored.call("suppress", "email", " Ann@Example.com", "bob@example.com")
    assert answer.stdout == "2 entries added to the list of email.\n", answer.output
    assert listed(stored, "email", "ann@example.com", "bob@example.com") == ["ann@example.com", "bob@example.com"]
    assert stored.call("suppress", "sms", "+1 (555) 0100").stdout == "1 entry added to the list of sms.\n"
    assert listed(stored, "sms", "+15550100") == ["+15550100"]


def test_marketing_alone_can_be_suppressed(stored: Project) -> None:
    stored.call("suppress", "email", "ann@example.com", "--marketing")
    assert listed(stored, "email", "ann@example.com") == ["ann@example.com"]
    assert listed(stored, "email", "ann@example.com", purpose="transactional") == []


def test_an_address_is_taken_off_the_list_again(stored: Project) -> None:
    stored.call("suppress", "email", "ann@example.com")
    answer = stored.call("suppress", "email", "Ann@example.com", "--remove")
    assert answer.stdout == "1 entry removed from the list of email.\n"
    assert listed(stored, "email", "ann@example.com") == []
    assert stored.call("suppress", "email", "ann@example.com", "--remove").stdout.startswith("0 entries removed")


def test_a_device_is_listed_by_its_token_as_it_is(stored: Project) -> None:
    stored.call("suppress", "push", "AbC")
    assert listed(stored, "push", "AbC", "abc") == ["AbC"]


def test_an_unknown_channel_is_wrong_usage(stored: Project) -> None:
    answer = stored.call("suppress", "fax", "1")
    assert answer.exit_code == 2
    assert "'email', 'sms', 'push'" in answer.stderr
