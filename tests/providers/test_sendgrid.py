"""SendGrid's module beyond the behaviour that all providers share."""

from typing import ClassVar

import pytest

from tests.providers.behaviour import HttpBehaviour, reasons, statuses
from tests.providers.loopback import Fault, Reply
from tests.providers.sendgrid_fake import KEY, SendGridFake
from tests.providers.stage import HttpStage

HTML = "<html>\n<body>\n<p>Hello {name}</p>\n<p>Points: {points}</p>\n<p>Bye</p>\n</body>\n</html>"


class SendGridStage(HttpStage):
    channel = "email"
    name = "sendgrid"
    batch = 1000
    secrets = (KEY,)
    error_body: ClassVar = {"errors": [{"message": "not now", "field": None}]}

    def make_fake(self):
        return SendGridFake()

    def settings(self):
        return {"api_key": KEY, "sender": "shop@example.com", "url": self.server.url}

    def wrong_credentials(self):
        return {"api_key": "SG.another"}

    def address(self, number):
        return f"anna{number}@example.com"

    def payload(self, address, number):
        html = HTML.replace("{name}", f"Anna {number}").replace("{points}", str(number * 7))
        return {"to": address, "subject": f"Welcome, Anna {number}", "html": html, "text": f"Hello Anna {number}\nBye"}

    def taken(self):
        return [mail["to"] for mail in self.fake.accepted]


@pytest.fixture
def stage():
    with SendGridStage() as made:
        yield made


@pytest.fixture
def tls_stage(trusted):
    with SendGridStage(authority=trusted) as made:
        yield made


class TestBehaviour(HttpBehaviour):
    pass


def mails(stage):
    return {mail["dispatch"]: mail for mail in stage.fake.accepted}


def test_a_thousand_mails_are_one_request_and_each_is_the_customers_own(stage):
    dispatches = stage.dispatches(1000)
    stage.send(dispatches)
    assert stage.requests == 1
    found = mails(stage)
    for key, payload in zip(dispatches["key"], dispatches["payload"], strict=True):
        assert {name: found[key][name] for name in ("to", "subject", "text", "html")} == payload


def test_texts_that_share_nothing_leave_in_requests_of_their_own(stage):
    dispatches = stage.dispatches(4)
    for number in (1, 3):
        dispatches["payload"].array[number]["html"] = f"<p>Hallo {number}</p>\n<p>Ganz anders</p>"
    stage.send(dispatches)
    assert stage.requests == 2
    assert [mails(stage)[key]["html"] for key in dispatches["key"]] == [one["html"] for one in dispatches["payload"]]


def test_a_mail_that_differs_in_more_than_substitutions_may_hold_leaves_alone(stage):
    dispatches = stage.dispatches(3)
    dispatches["payload"].array[1]["html"] = HTML.replace("{points}", "x" * 10_001).replace("{name}", "Anna 1")
    assert statuses(stage.send(dispatches)) == ["sent"] * 3
    assert stage.requests == 2
    assert [mails(stage)[key]["html"] for key in dispatches["key"]] == [one["html"] for one in dispatches["payload"]]


def test_short_texts_go_together_however_different_they_are(stage):
    dispatches = stage.dispatches(300)
    for number, payload in enumerate(dispatches["payload"]):
        del payload["html"]
        payload["text"] = f"Hi {number}"
    assert statuses(stage.send(dispatches)) == ["sent"] * 300
    assert stage.requests == 1
    assert [mails(stage)[key]["text"] for key in dispatches["key"]] == [one["text"] for one in dispatches["payload"]]


def test_long_texts_of_several_languages_leave_in_a_request_for_each(stage):
    dispatches = stage.dispatches(6)
    for number, payload in enumerate(dispatches["payload"]):
        language = ["en", "de", "fr"][number % 3]
        payload["html"] = "\n".join(
            [f"<p>{number}</p>", *[f"<p>{language} {line} {'x' * 200}</p>" for line in range(80)]]
        )
    assert statuses(stage.send(dispatches)) == ["sent"] * 6
    assert stage.requests == 3
    assert [mails(stage)[key]["html"] for key in dispatches["key"]] == [one["html"] for one in dispatches["payload"]]


def test_a_rate_limit_with_the_time_of_its_reset_alone_is_waited_for(stage):
    headers = {"X-RateLimit-Reset": "1800000012", "Date": "Fri, 15 Jan 2027 08:00:00 GMT"}
    stage.server.fail(Fault("reply", Reply(429, stage.error_body, headers)))
    assert statuses(stage.send(stage.dispatches(1))) == ["sent"]
    assert sum(stage.clock.slept) == pytest.approx(12)


def test_an_address_comes_once_in_a_request(stage):
    dispatches = stage.dispatches(4)
    dispatches["payload"].array[3]["to"] = stage.address(0).upper()
    assert statuses(stage.send(dispatches)) == ["sent"] * 4
    assert stage.requests == 2


def test_several_poison_recipients_cost_one_request_each(stage):
    for number in (3, 500, 999):
        stage.refuse_address(stage.address(number))
    answered = stage.send(stage.dispatches(1000))
    assert [number for number, status in enumerate(statuses(answered)) if status == "failed"] == [3, 500, 999]
    assert reasons(answered)[3] == "sendgrid_400: personalizations.to.0.email"
    assert stage.requests == 4
    assert max(stage.counts().values()) == 1


@pytest.mark.parametrize("nothing", [None, "", "null"])
def test_a_refusal_that_names_no_field_is_found_by_halves(stage, nothing):
    silent = Fault("reply", Reply(400, {"errors": [{"message": "bad", "field": nothing}]}))
    stage.server.fail(silent)
    stage.refuse_address(stage.address(5))
    answered = stage.send(stage.dispatches(8), connections=1)
    assert statuses(answered) == ["sent"] * 5 + ["failed"] + ["sent"] * 2
    assert max(stage.counts().values()) == 1


def test_a_request_that_is_too_large_is_parted(stage):
    stage.server.fail(Fault("reply", Reply(413, b"")))
    assert statuses(stage.send(stage.dispatches(10))) == ["sent"] * 10
    assert stage.requests == 3
    assert max(stage.counts().values()) == 1


def test_an_unverified_sender_is_the_installations_fault(stage):
    stage.server.fail(Fault("reply", Reply(400, {"errors": [{"message": "x", "field": "from"}]})))
    answered = stage.send(stage.dispatches(2))
    assert statuses(answered) == ["retry", "retry"]
    assert answered["result"].tolist() == [{"reason": "sendgrid_400: from", "counts": False}] * 2


@pytest.mark.parametrize("hostile", ["-0.1-", "%name%", "{{name}}", "\u2028", "<script>", "💥" * 50])
def test_no_value_is_read_as_a_tag_of_another(stage, hostile):
    dispatches = stage.dispatches(3)
    for payload in dispatches["payload"]:
        payload["html"] = payload["html"].replace("Points", hostile)
        payload["subject"] = hostile + payload["subject"]
    assert statuses(stage.send(dispatches)) == ["sent"] * 3
    assert [mails(stage)[key]["html"] for key in dispatches["key"]] == [one["html"] for one in dispatches["payload"]]


def test_only_the_dispatch_key_goes_where_sendgrid_keeps_no_personal_data(stage):
    stage.send(stage.dispatches(2))
    sent = stage.server.requests[0].json["personalizations"]
    assert [one["custom_args"] for one in sent] == [{"dispatch": key} for key in stage.dispatches(2)["key"]]


def test_headers_of_a_message_are_handed_on(stage):
    stage.send(stage.dispatches(1, headers={"List-Unsubscribe": "<https://example.com/u/1>"}))
    assert stage.fake.accepted[0]["headers"] == {"List-Unsubscribe": "<https://example.com/u/1>"}


def test_the_sandbox_is_asked_for(stage):
    stage.send(stage.dispatches(1), sandbox=True, sender_name="The shop", reply_to="help@example.com")
    sent = stage.server.requests[0].json
    assert sent["mail_settings"] == {"sandbox_mode": {"enable": True}}
    assert sent["from"] == {"email": "shop@example.com", "name": "The shop"}
    assert sent["reply_to"] == {"email": "help@example.com"}


def test_nobody_can_be_asked_what_became_of_a_mail(stage):
    assert len(stage.channel_with().look_up(stage.dispatches(2))) == 0
