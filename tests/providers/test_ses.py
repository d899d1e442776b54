"""SES beyond the behaviour that all providers share: bulk by a fake, single mails by moto's server too."""

from typing import ClassVar

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends
from pydantic import ValidationError

from journey_pipelines.delivery.providers.ses import SesConfig, tag_of
from journey_pipelines.delivery.unsubscribe import unsubscribe_headers
from tests.providers.aws_signature import REGION, SECRET_KEY, keys
from tests.providers.behaviour import HttpBehaviour, reasons, statuses
from tests.providers.loopback import Fault, Reply
from tests.providers.moto_proxy import Moto, MotoProxy
from tests.providers.ses_fake import BULK, SINGLE, SesFake, refusal
from tests.providers.stage import HttpStage

HTML = "<html>\n<body>\n<p>Hello {name}</p>\n<p>Points: {points}</p>\n<p>Bye</p>\n</body>\n</html>"


class SesStage(HttpStage):
    channel = "email"
    name = "ses"
    batch = 50
    secrets = (SECRET_KEY,)
    error_body: ClassVar = {"message": "not now"}

    def make_fake(self):
        return SesFake()

    def settings(self):
        return {**keys(), "url": self.server.url, "sender": "shop@example.com"}

    def wrong_credentials(self):
        return {"access_key_id": "AKIAANOTHER"}

    def address(self, number):
        return f"anna{number}@example.com"

    def payload(self, address, number):
        html = HTML.replace("{name}", f"Anna {number}").replace("{points}", str(number * 7))
        return {"to": address, "subject": f"Welcome, Anna {number}", "html": html, "text": f"Hello Anna {number}\nBye"}

    def taken(self):
        return [mail["to"] for mail in self.fake.accepted]


@pytest.fixture
def stage():
    with SesStage() as made:
        yield made


@pytest.fixture
def tls_stage(trusted):
    with SesStage(authority=trusted) as made:
        yield made


class TestBehaviour(HttpBehaviour):
    pass


def by_address(stage):
    return {mail["to"]: mail for mail in stage.fake.accepted}


def paths(stage):
    return [request.path for request in stage.server.requests]


STRANGE = ["<b>&amp; \"quotes\" 'single'</b>", "$1 \\1 \\\\", "Grüße 🎉", "-1.2-", "{ {x} }", "}}", "a\tb", "%s", "\\"]


def test_everybody_gets_exactly_what_was_written(stage):
    dispatches = stage.dispatches(len(STRANGE))
    for payload, strange in zip(dispatches["payload"], STRANGE, strict=True):
        payload["html"] = payload["html"].replace("Hello", f"Hello {strange}")
        payload["text"] = f"{strange}\n{strange} and more\n\nBye"
        payload["subject"] = f"For you: {strange}"
    assert set(statuses(stage.send(dispatches))) == {"sent"}
    assert paths(stage) == [BULK]
    found = by_address(stage)
    for payload in dispatches["payload"]:
        mail = found[payload["to"]]
        assert {part: mail[part] for part in ("subject", "html", "text")} == {
            part: payload[part] for part in ("subject", "html", "text")
        }


def test_a_request_carries_fifty_mails(stage):
    assert set(statuses(stage.send(stage.dispatches(120)))) == {"sent"}
    assert paths(stage) == [BULK] * 3


def test_a_text_that_looks_like_a_template_goes_alone_and_as_it_is(stage):
    dispatches = stage.dispatches(3)
    dispatches["payload"].array[1]["text"] = "Write {{subject}} and {{#each x}}"
    assert set(statuses(stage.send(dispatches))) == {"sent"}
    assert sorted(paths(stage)) == [BULK, SINGLE]
    assert by_address(stage)["anna1@example.com"]["text"] == "Write {{subject}} and {{#each x}}"


def test_a_subject_that_looks_like_a_template_is_a_value(stage):
    dispatches = stage.dispatches(2)
    dispatches["payload"].array[1]["subject"] = "{{line0}} {{nothing}}"
    assert set(statuses(stage.send(dispatches))) == {"sent"}
    assert by_address(stage)["anna1@example.com"]["subject"] == "{{line0}} {{nothing}}"


@pytest.mark.parametrize("count", [1, 3])
def test_headers_tags_and_names_are_told(stage, count):
    dispatches = stage.dispatches(count, headers=dict(unsubscribe_headers("https://journeys.example.com/u/1")))
    stage.send(dispatches, sender_name="Der Laden", reply_to="help@example.com")
    for mail, key in zip(sorted(stage.fake.accepted, key=lambda mail: mail["to"]), dispatches["key"], strict=True):
        assert mail["from"] == '"Der Laden" <shop@example.com>'
        assert mail["reply_to"] == ["help@example.com"]
        assert mail["headers"] == dict(unsubscribe_headers("https://journeys.example.com/u/1"))
        assert mail["tags"] == {"dispatch": tag_of(key)}


@pytest.mark.parametrize(
    ("status", "told", "becomes", "counts"),
    [
        ("MESSAGE_REJECTED", "spam", "failed", None),
        ("INVALID_PARAMETER", "no", "failed", None),
        ("FAILED", "no", "failed", None),
        ("MESSAGE_REJECTED", "Email address is not verified. anna1@example.com", "retry", False),
        ("ACCOUNT_THROTTLED", "no", "retry", None),
        ("TRANSIENT_FAILURE", "no", "retry", None),
        ("ACCOUNT_SENDING_PAUSED", "no", "retry", False),
        ("SOMETHING_NEW", "no", "unknown", None),
    ],
)
def test_each_status_of_a_mail_means_what_it_says(stage, status, told, becomes, counts):
    stage.fake.statuses["anna1@example.com"] = (status, told)
    answered = stage.send(stage.dispatches(3), tries=1)
    assert statuses(answered) == ["sent", becomes, "sent"]
    assert answered["result"][1].get("counts") is counts
    assert "anna1" not in str(reasons(answered)[1])


@pytest.mark.parametrize(
    ("reply", "becomes", "counts"),
    [
        (refusal(400, "MailFromDomainNotVerifiedException", "no"), "retry", False),
        (refusal(404, "NotFoundException", "Configuration set <x> does not exist"), "retry", False),
        (refusal(400, "MessageRejected", "Email address is not verified: shop@example.com"), "retry", False),
        (refusal(400, "LimitExceededException", "Daily message quota exceeded"), "retry", None),
        (refusal(400, "BadRequestException", "no"), "failed", None),
        (Reply(200, b"not JSON"), "unknown", None),
        (Reply(200, b"{}"), "unknown", None),
    ],
)
def test_each_refusal_means_what_it_says(stage, reply, becomes, counts):
    stage.fail(Fault("reply", reply))
    answered = stage.send(stage.dispatches(1), tries=1)
    assert statuses(answered) == [becomes]
    assert answered["result"][0].get("counts") is counts


def test_a_request_that_is_refused_whole_is_parted_until_the_one_at_fault_is_found(stage):
    answer = stage.fake.answer
    stage.fake.answer = lambda request: (
        refusal(400, "BadRequestException", "no") if b"anna3@example.com" in request.body else answer(request)
    )
    answered = stage.send(stage.dispatches(8))
    assert statuses(answered) == ["sent"] * 3 + ["failed"] + ["sent"] * 4
    assert max(stage.counts().values()) == 1


def test_too_few_results_leave_all_of_unknown_fate(stage):
    stage.fail(Fault("reply", Reply(200, {"BulkEmailEntryResults": [{"Status": "SUCCESS", "MessageId": "1"}]})))
    assert statuses(stage.send(stage.dispatches(3))) == ["unknown"] * 3


def test_large_mails_share_requests_of_less_than_a_megabyte(stage):
    dispatches = stage.dispatches(10)
    for number, payload in enumerate(dispatches["payload"]):
        payload["html"] = f"<p>{number}</p>\n" + "<p>x</p>\n" * 20_000
    assert set(statuses(stage.send(dispatches, timeout=10))) == {"sent"}
    assert len(paths(stage)) > 1


class SesProxy(MotoProxy):
    def unknown_key(self):
        return refusal(403, "UnrecognizedClientException", "no")


class MotoStage(SesStage):
    def __init__(self, moto):
        self._moto = moto
        super().__init__()

    def make_fake(self):
        return SesProxy(self._moto)


def test_moto_takes_single_mails_over_once_its_sender_is_verified():
    with Moto() as moto, MotoStage(moto) as stage:
        moto.reset()
        backend = ses_backends[DEFAULT_ACCOUNT_ID][REGION]
        answered = stage.send(stage.dispatches(1), tries=1)
        assert (statuses(answered), answered["result"][0]["counts"]) == (["retry"], False)
        backend.verify_email_identity("shop@example.com")
        assert statuses(stage.send(stage.dispatches(1))) == ["sent"]
        [message] = backend.sent_messages
    assert message.destinations["ToAddresses"] == ["anna0@example.com"]
    assert message.subject == "Welcome, Anna 0"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"secret_access_key": None}, "go together"),
        ({"sender_name": 'a" <b@c>'}, "match"),
        ({"batch": 51}, "less than"),
    ],
)
def test_settings_that_cannot_be_are_said_without_the_secret(given, says):
    with pytest.raises(ValidationError, match=says) as raised:
        SesConfig(**{**keys(), "sender": "shop@example.com", **given})
    assert SECRET_KEY not in str(raised.value)
