"""The page behind unsubscribe links, over real sockets and both stores."""

import pandas as pd
import pytest

from journey_pipelines.store.memory import MemoryStore
from tests.behaviour.builders import MARCH, action, chain, only
from tests.behaviour.passes import Passes
from tests.store.conftest import store
from tests.web.served import LINKS, Served

__all__ = ["store"]

MAIL = action("a", "send_email", subject="Hello", body="Hi")


@pytest.fixture
def passes(store):
    made = Passes(store, chain(MAIL))
    made.run(MARCH)
    return made


@pytest.fixture
def served(store):
    with Served(store) as made:
        yield made


def path_of(passes):
    return "/unsubscribe/" + LINKS.url(only(passes.read("dispatches"))["key"]).rpartition("/")[2]


def suppressed(store, purpose="marketing"):
    with store.transaction() as transaction:
        return transaction.suppressed("email", pd.Index(["c7@example.com"]), purpose=purpose).tolist()


def test_a_look_at_the_page_changes_nothing(passes, served, store):
    answer = served.ask("GET", path_of(passes))
    assert answer.status == 200
    assert "<button>Unsubscribe</button>" in answer.body
    assert "c7@example.com" not in answer.body
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert suppressed(store) == []


def test_one_click_suppresses_the_address_for_marketing_alone(passes, served, store):
    body, headers = b"List-Unsubscribe=One-Click", {"Content-Type": "application/x-www-form-urlencoded"}
    answer = served.ask("POST", path_of(passes), body, headers)
    assert (answer.status, "You are unsubscribed" in answer.body) == (200, True)
    assert suppressed(store) == ["c7@example.com"]
    assert suppressed(store, "transactional") == []
    receipt = only(passes.read("receipts"))
    assert (receipt["provider"], receipt["outcome"]) == ("unsubscribe_link", "unsubscribed")


def test_whoever_asks_twice_is_answered_twice_and_is_off_the_list_again_after_a_change_of_mind(passes, served, store):
    for _ in range(2):
        assert served.ask("POST", path_of(passes)).status == 200
    with store.transaction() as transaction:
        transaction.remove_suppressions("email", pd.Index(["c7@example.com"]))
    assert served.ask("POST", path_of(passes)).status == 200
    assert suppressed(store) == ["c7@example.com"]


def test_the_next_mail_does_not_leave(passes, served, store):
    served.ask("POST", path_of(passes))
    passes.publish(chain(MAIL, key="other"))
    passes.run(MARCH + pd.Timedelta(days=1))
    assert only(passes.read("dispatches", journey_key="other"))["reason"] == "suppressed"


@pytest.mark.parametrize("token", ["x", "NmY5NjpoZWxsbzox.AAAA", "%00", "..%2f", "a" * 5_000])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_is_none_of_ours_leads_nowhere(method, token):
    with Served(MemoryStore()) as served:
        assert served.ask(method, f"/unsubscribe/{token}").status == 404


def test_a_link_of_a_message_that_is_gone_says_so():
    with Served(MemoryStore()) as served:
        answer = served.ask("POST", "/unsubscribe/" + LINKS.url("6f96:hello:1").rpartition("/")[2])
    assert answer.status == 404
    assert "too old" in answer.body
