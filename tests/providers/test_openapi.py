"""What the modules ask and what the fakes answer, judged by the vendors' own OpenAPI documents."""

import json
import urllib.error
import urllib.request

import pytest

from tests.providers.behaviour import reasons, statuses
from tests.providers.loopback import Fault, Reply
from tests.providers.prism import prism, require
from tests.providers.sendgrid_fake import KEY
from tests.providers.test_sendgrid import SendGridStage
from tests.providers.test_twilio import TwilioStage
from tests.providers.twilio_fake import PATH, SERVICE

SENDGRID = "tsg_mail_v3.yaml"
TWILIO = "twilio_api_v2010.yaml"


@pytest.fixture(scope="module")
def sendgrid(tmp_path_factory):
    """A stage, the URL of Prism in front of its fake, and Prism's log."""
    document = require(SENDGRID)
    log = tmp_path_factory.mktemp("prism") / "sendgrid.txt"
    with SendGridStage() as stage, prism(document, stage.server.url, log) as url:
        yield stage, url, log


@pytest.fixture(scope="module")
def twilio(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prism")
    document, log = folder / TWILIO, folder / "twilio.txt"
    # it calls the addresses of a list's pages absolute; its own examples, and the library, have them relative
    document.write_text(require(TWILIO).read_text().replace("format: uri\n", "format: uri-reference\n"))
    with TwilioStage() as stage, prism(document, stage.server.url, log) as url:
        yield stage, url, log


def through(stage, url, dispatches, **overrides):
    return stage.send(dispatches, **{"url": url, "timeout": 30, **overrides})


class TestSendGrid:
    def test_mails_of_every_form_are_as_the_document_says(self, sendgrid):
        stage, url, log = sendgrid
        everyday = stage.dispatches(30, headers={"List-Unsubscribe": "<https://example.com/u/1>"})
        plain = stage.dispatches(3, html=None)
        for dispatches in (everyday, plain):
            assert set(statuses(through(stage, url, dispatches))) == {"sent"}
        more = {"sandbox": True, "sender_name": "The shop", "reply_to": "help@example.com"}
        assert statuses(through(stage, url, stage.dispatches(1), **more)) == ["sent"]
        assert "VIOLATION" not in log.read_text().upper()

    def test_refusals_are_as_the_document_says(self, sendgrid):
        stage, url, log = sendgrid
        stage.refuse_address(stage.address(1))
        answered = through(stage, url, stage.dispatches(3))
        assert statuses(answered) == ["sent", "failed", "sent"]
        assert reasons(answered)[1] == "sendgrid_400: personalizations.to.0.email"
        answered = through(stage, url, stage.dispatches(1), **stage.wrong_credentials())
        assert reasons(answered) == ["sendgrid_401"]
        assert "VIOLATION" not in log.read_text().upper()

    def test_a_request_against_the_document_is_refused(self, sendgrid):
        _, url, _ = sendgrid
        assert refusal(f"{url}/v3/mail/send", {"personalizations": []}, {"Authorization": f"Bearer {KEY}"}) == 422

    def test_an_answer_against_the_document_is_refused(self, sendgrid):
        stage, url, _ = sendgrid
        stage.server.fail(Fault("reply", Reply(400, {"errors": "none"})))
        assert statuses(through(stage, url, stage.dispatches(1))) == ["unknown"]


class TestTwilio:
    def test_texts_and_their_list_are_as_the_document_says(self, twilio):
        stage, url, log = twilio
        dispatches = stage.dispatches(3)
        callback = {"status_callback": "https://example.com/webhooks/twilio"}
        assert statuses(through(stage, url, dispatches, **callback)) == ["sent"] * 3
        service = {"sender": None, "messaging_service": SERVICE}
        assert statuses(through(stage, url, stage.dispatches(1), **service)) == ["sent"]
        assert statuses(stage.look_up(dispatches, url=url, timeout=30)) == ["sent"] * 3
        assert "VIOLATION" not in log.read_text().upper()

    def test_every_page_of_a_list_is_as_the_document_says(self, twilio):
        stage, url, log = twilio
        dispatches = stage.dispatches(1)
        first = next(text for text in stage.fake.accepted if text["to"] == dispatches["payload"][0]["to"])
        stage.fake.accepted += [{**first, "sid": f"SM{number:032d}"} for number in range(60)]
        assert statuses(stage.look_up(dispatches, url=url, timeout=30)) == ["sent"]
        assert "PageToken" in stage.server.requests[-1].path
        assert "VIOLATION" not in log.read_text().upper()

    def test_refusals_keep_their_meaning(self, twilio):
        stage, url, _ = twilio
        stage.fake.codes[stage.address(1)] = 21610
        assert statuses(through(stage, url, stage.dispatches(2))) == ["sent", "failed"]

    def test_a_request_against_the_document_is_refused(self, twilio):
        _, url, _ = twilio
        assert refusal(url + PATH.replace("ACa1", "XX"), {}, {}) in (401, 422)

    def test_an_answer_against_the_document_is_refused(self, twilio):
        stage, url, _ = twilio
        stage.server.fail(Fault("reply", Reply(201, {"sid": 7})))
        assert statuses(through(stage, url, stage.dispatches(1))) == ["unknown"]


def refusal(url, body, headers):
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}, method="POST"
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    return refused.value.code
