"""SNS, by moto's server behind a proxy of ours, beyond the behaviour that all providers share."""

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends
from pydantic import ValidationError

from journey_pipelines.delivery.providers.sns import SnsConfig
from tests.providers.aws_signature import REGION, SECRET_KEY, keys
from tests.providers.behaviour import HttpBehaviour, reasons, statuses
from tests.providers.loopback import Fault, Reply
from tests.providers.moto_proxy import Moto, MotoProxy
from tests.providers.stage import HttpStage

ERROR = "<ErrorResponse><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>"
XML = {"Content-Type": "text/xml"}


def refusal(status, code, text="no"):
    return Reply(status, ERROR.format(code, text).encode(), XML)


class SnsProxy(MotoProxy):
    def unknown_key(self):
        return refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid.")

    def refusal_of(self, request):
        number = request.form["PhoneNumber"]
        if number in self.refused_addresses:
            return refusal(400, "InvalidParameter", f"Invalid parameter: PhoneNumber Reason: {number} is not valid")
        return None


@pytest.fixture(scope="module")
def moto():
    with Moto() as started:
        yield started


class SnsStage(HttpStage):
    channel = "sms"
    name = "sns"
    secrets = (SECRET_KEY,)
    error_body = ERROR.format("Problem", "not now").encode()

    def __init__(self, moto, *, authority=None):
        self._moto = moto
        moto.reset()
        super().__init__(authority=authority)

    def make_fake(self):
        return SnsProxy(self._moto)

    def settings(self):
        return {**keys(), "url": self.server.url, "sender": "Shop"}

    def wrong_credentials(self):
        return {"access_key_id": "AKIAANOTHER"}

    def address(self, number):
        return f"+4366012345{number:02d}"

    def payload(self, address, number):
        return {"to": address, "message": f"Hello Anna {number}", "encoding": "GSM-7", "length": 12, "segments": 1}

    def taken(self):
        return [message[0] for message in self.backend.sms_messages.values()]

    @property
    def backend(self):
        return sns_backends[DEFAULT_ACCOUNT_ID][REGION]


@pytest.fixture
def stage(moto):
    with SnsStage(moto) as made:
        yield made


@pytest.fixture
def tls_stage(moto, trusted):
    with SnsStage(moto, authority=trusted) as made:
        yield made


class TestBehaviour(HttpBehaviour):
    pass


def test_the_message_leaves_as_it_is_with_what_is_set(stage):
    answered = stage.send(
        stage.dispatches(1, message="Grüße 🎉 & <b>+%"), kind="Transactional", origination_number="+15005550006"
    )
    [request] = stage.server.requests
    assert request.form["Message"] == "Grüße 🎉 & <b>+%"
    attributes = {
        request.form[f"MessageAttributes.entry.{number}.Name"]: request.form[
            f"MessageAttributes.entry.{number}.Value.StringValue"
        ]
        for number in (1, 2, 3)
    }
    assert attributes == {
        "AWS.SNS.SMS.SMSType": "Transactional",
        "AWS.SNS.SMS.SenderID": "Shop",
        "AWS.MM.SMS.OriginationNumber": "+15005550006",
    }
    assert answered["result"][0]["provider_id"] in stage.backend.sms_messages


@pytest.mark.parametrize(
    ("reply", "status", "counts"),
    [
        (refusal(400, "Throttled"), "retry", None),
        (refusal(400, "ThrottledException"), "retry", None),
        (refusal(403, "AuthorizationError"), "retry", False),
        (refusal(400, "OptInRequired"), "retry", False),
        (refusal(400, "InvalidParameterValue"), "failed", None),
        (refusal(500, "InternalError"), "unknown", None),
        (Reply(200, b"<html>welcome</html>"), "unknown", None),
        (Reply(200, b"not even XML"), "unknown", None),
    ],
)
def test_each_answer_means_what_it_says(stage, reply, status, counts):
    stage.fail(Fault("reply", reply))
    answered = stage.send(stage.dispatches(1), tries=1)
    assert statuses(answered) == [status]
    assert answered["result"][0].get("counts") is counts


def test_whoever_has_opted_out_goes_on_the_list(stage):
    number = stage.address(0)
    stage.fail(Fault("reply", refusal(400, "InvalidParameter", f"{number} is opted out")))
    answered = stage.send(stage.dispatches(1))
    assert (statuses(answered), reasons(answered)) == (["failed"], ["sns_opted_out"])
    assert answered["result"][0]["dead_addresses"] == {number: "sns_opted_out"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"access_key_id": "AKIA"}, "go together"),
        ({"region": "Frankfurt!"}, "match"),
        ({"kind": "Secret"}, "Promotional"),
    ],
)
def test_settings_that_cannot_be_are_said_without_the_secret(given, says):
    whole = {"region": REGION} if "access_key_id" in given else keys()
    with pytest.raises(ValidationError, match=says) as raised:
        SnsConfig(**{**whole, **given})
    assert SECRET_KEY not in str(raised.value)
