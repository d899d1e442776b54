"""What counts as naming a customer, and which messages of the outbox are theirs."""

import json
from pathlib import Path

import pandas as pd
import pytest

from journey_pipelines.delivery.channels import LocalOutbox
from journey_pipelines.delivery.channels.erasure import erase_messages, find_messages
from journey_pipelines.erasure.identifiers import Identifiers, addresses_of, identified
from journey_pipelines.snapshots.parquet import PROFILES, SnapshotStore
from tests.store import rows
from tests.unit.snapshots.builders import DAY

ANN = Identifiers("ann-1", frozenset({"Ann@Example.com", "+1 (555) 010-0199"}))


@pytest.mark.parametrize(
    "text", ["ann-1", "customer ann-1.", '{"a": "ann-1"}', "to ANN@example.com", "<ann@example.com>", "+15550100199"]
)
def test_an_id_or_an_address_names_a_customer(text: str) -> None:
    assert ANN.is_in(text)


@pytest.mark.parametrize(
    "text", ["ann-10", "joann-1", "Ann-1", "ann-1@example.com", "joann@example.com", "+155501001990"]
)
def test_what_only_looks_like_it_names_nobody(text: str) -> None:
    assert not ANN.is_in(text)


def test_a_number_is_an_id_only_where_an_id_stands() -> None:
    who = Identifiers("17")
    assert [who.is_in(text) for text in ("17", '{"customer_id": "17"}', '{"customer_id":"17"}')] == [True] * 3
    assert [who.is_in(text) for text in ("2017", "on the 17 th", '{"amount": 17}', '{"tier": "17"}')] == [False] * 4


@pytest.mark.parametrize("customer", ["a\\b", 'say "hi"', "two\nlines", "Zoë", "50%", "x" * 300])
def test_an_id_is_found_as_json_writes_it(customer: str) -> None:
    line = json.dumps({"customer_id": customer, "text": "…"}, ensure_ascii=False)
    assert Identifiers(customer).is_in(line)


def test_addresses_of_others_are_known_from_every_day(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    tokens = [["token-of-a"], ["token-of-b", "token-of-both"]]
    first = pd.DataFrame({"customer_id": ["a", "b"], "email": ["a@x.org", "b@x.org"], "device_tokens": tokens})
    later = pd.DataFrame({"customer_id": ["a", "c"], "email": ["a2@x.org", "a@x.org"], "phone": ["+15550101", None]})
    files = [store.write(PROFILES, DAY, first).path, store.write(PROFILES, DAY.replace(day=2), later).path]
    who = identified("a", files, addresses_of([{"to": "old@x.org"}, {"to": ["token-of-both"]}, {}]))
    assert who.addresses == {"a2@x.org", "+15550101", "token-of-a", "old@x.org"}
    assert who.shared == {"a@x.org", "token-of-both"}


def sms(*customers: str) -> pd.DataFrame:
    """One SMS to each, of the executions e0, e1 and so on."""
    names = [f"e{number}" for number in range(len(customers))]
    payload = [{"to": "+1555", "text": f"Hi {who}"} for who in customers]
    return rows.dispatches(*names, customer_id=list(customers), action_type="send_sms", payload=payload)


def test_lines_go_and_those_of_others_stay_where_they_are(tmp_path: Path) -> None:
    outbox = LocalOutbox(tmp_path)
    outbox.send(sms("a", "b", "a"))
    [path] = tmp_path.rglob("*.jsonl")
    before = path.read_bytes()
    erase_messages(find_messages(tmp_path, "a", {"e0", "e2"}))
    after = path.read_bytes()
    assert len(after) == len(before)
    assert after.split(b"\n")[1] == before.split(b"\n")[1]
    assert [json.loads(line).get("customer_id") for line in after.splitlines()] == [None, "b", None]
    outbox.send(sms("x", "b", "y", "c").iloc[[1, 3]].reset_index(drop=True))
    assert [json.loads(line).get("customer_id") for line in path.read_bytes().splitlines()] == [None, "b", None, "c"]


def test_mails_of_a_customer_whose_file_names_look_the_same_stay(tmp_path: Path) -> None:
    payload = [{"to": "a@example.com", "subject": "Hi"}, {"to": "b@example.com", "subject": "Hi"}]
    LocalOutbox(tmp_path).send(rows.dispatches("e0", "e1", customer_id=["a.b", "a_b"], payload=payload))
    erase_messages(find_messages(tmp_path, "a.b", {"e0"}))
    [left] = tmp_path.rglob("*.eml")
    assert b"b@example.com" in left.read_bytes()
