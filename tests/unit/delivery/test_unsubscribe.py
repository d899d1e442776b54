import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_pipelines.delivery.unsubscribe import UnsubscribeLinks

LINKS = UnsubscribeLinks("https://journeys.example.com/", "a secret of the tests")


def token_of(key, links=LINKS):
    return links.url(key).rpartition("/")[2]


@given(st.text(max_size=60).filter(lambda text: not any("\ud800" <= character <= "\udfff" for character in text)))
def test_a_token_names_its_dispatch_again(key):
    assert LINKS.read(token_of(key)) == key


def test_a_link_is_plain_ascii_without_anything_to_escape():
    assert LINKS.url("6f96:wëlcome & more:1").replace("_", "-").isascii()
    assert not set(LINKS.url("6f96:<b>:1")) & set("<>&\"' ?#")


@pytest.mark.parametrize(
    "token",
    ["", ".", "a", "ä.b", "NmY5NjpoZWxsbzox.", "NmY5NjpoZWxsbzox.AAAA", "\x00", "=.=", "a.b.c", "%2e", "x" * 10_000],
)
def test_what_is_no_token_of_ours_names_nothing(token):
    assert LINKS.read(token) is None


def test_a_token_of_another_secret_names_nothing():
    assert LINKS.read(token_of("a:b:1", UnsubscribeLinks("https://journeys.example.com", "another secret"))) is None


def test_a_token_cannot_be_made_to_name_another_dispatch():
    named, _, signature = token_of("a:b:1").partition(".")
    other = token_of("a:b:2").partition(".")[0]
    assert LINKS.read(f"{other}.{signature}") is None
    assert LINKS.read(f"{named}.{signature}") == "a:b:1"
