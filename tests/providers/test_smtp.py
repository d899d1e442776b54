"""SMTP beyond the behaviour that all providers share."""

import pytest
from pydantic import ValidationError

from journey_pipelines.delivery.providers.smtp import SmtpConfig
from journey_pipelines.delivery.unsubscribe import unsubscribe_headers
from tests.providers.behaviour import ProviderBehaviour, reasons, statuses
from tests.providers.loopback import LOSE_REPLY, free_port
from tests.providers.smtp_fake import PASSWORD, USERNAME, SmtpFake, SmtpServer
from tests.providers.stage import Stage


class SmtpStage(Stage):
    channel = "email"
    name = "smtp"
    batch = 10
    secrets = (PASSWORD,)

    def __init__(self, *, authority=None, **options):
        super().__init__()
        self.server = SmtpServer(self.fake, authority=authority, **options)
        self.security = "none" if authority is None else "starttls"

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *details):
        self.server.__exit__(*details)

    def make_fake(self):
        return SmtpFake()

    def settings(self):
        return {
            "host": "127.0.0.1",
            "port": self.server.port,
            "security": self.security,
            "username": USERNAME,
            "password": PASSWORD,
            "sender": "shop@example.com",
            "batch": self.batch,
        }

    def wrong_credentials(self):
        return {"password": "another"}

    def address(self, number):
        return f"anna{number}@example.com"

    def payload(self, address, number):
        return {
            "to": address,
            "subject": f"Hello {number}",
            "html": f"<p>Hello {number}</p>",
            "text": f"Hello {number}",
        }

    def taken(self):
        return [address for address, _ in self.fake.accepted]

    def be_unavailable(self, times=1):
        self.fake.mail_replies.extend(["451 4.3.0 not now"] * times)

    def fail_inside(self):
        self.fail(LOSE_REPLY)

    def fail(self, fault):
        self.fake.faults.append(fault)

    @property
    def requests(self):
        return self.fake.connections

    def nowhere(self):
        return {"port": free_port()}


@pytest.fixture
def stage():
    with SmtpStage() as made:
        yield made


@pytest.fixture
def tls_stage(trusted):
    with SmtpStage(authority=trusted) as made:
        yield made


class TestBehaviour(ProviderBehaviour):
    pass


def test_a_mail_arrives_as_it_was_written(stage):
    headers = dict(unsubscribe_headers("https://journeys.example.com/unsubscribe/1"))
    text = "Grüße 🎉\n.a dot first\n..two\n.\nlast"
    changed = {"subject": "Für Sie: 50 % 🎉", "text": text, "html": "<p>Grüße & <b>mehr</b></p>", "headers": headers}
    answered = stage.send(stage.dispatches(1, **changed), sender_name="Der Laden", reply_to="help@example.com")
    [(_, mail)] = stage.fake.accepted
    assert mail["Subject"] == changed["subject"]
    assert mail["From"] == "Der Laden <shop@example.com>"
    assert (mail["To"], mail["Reply-To"]) == ("anna0@example.com", "help@example.com")
    assert {name: mail[name] for name in headers} == headers
    assert mail["Message-ID"] == answered["result"][0]["provider_id"]
    assert mail["Message-ID"].endswith("@example.com>")
    plain, html = mail.iter_parts()
    assert plain.get_content().replace("\r\n", "\n").rstrip("\n") == text
    assert html.get_content().rstrip() == changed["html"]


def test_the_same_dispatch_is_the_same_mail_every_time(stage):
    dispatches = stage.dispatches(1)
    for _ in range(2):
        stage.send(dispatches)
    (_, first), (_, second) = stage.fake.accepted
    assert first.as_bytes() == second.as_bytes()


def test_many_mails_go_over_one_connection(stage):
    assert statuses(stage.send(stage.dispatches(30))) == ["sent"] * 30
    assert stage.requests == 3


def test_a_refused_recipient_costs_no_other_connection(stage):
    stage.refuse_address(stage.address(1))
    answered = stage.send(stage.dispatches(3))
    assert reasons(answered)[1] == "smtp_550 5.1.1: recipient_refused"
    assert stage.requests == 1


def test_a_greylisted_recipient_is_tried_again_alone(stage):
    stage.fake.refusals[stage.address(1)] = "450 4.2.0 try later"
    answered = stage.send(stage.dispatches(3), tries=1)
    assert statuses(answered) == ["sent", "retry", "sent"]
    assert stage.counts().total() == 2


def test_a_connection_that_ends_in_the_middle_is_made_anew_for_the_others(stage):
    stage.fake.mail_replies.append(None)
    answered = stage.send(stage.dispatches(4), tries=1)
    assert statuses(answered) == ["retry", "sent", "sent", "sent"]
    assert stage.requests == 2


def test_a_server_that_says_goodbye_is_greeted_anew(stage):
    stage.fake.mail_replies.append("421 4.3.2 shutting down")
    answered = stage.send(stage.dispatches(3), tries=1)
    assert statuses(answered) == ["retry", "sent", "sent"]


def test_a_lost_reply_leaves_one_mail_of_unknown_fate_and_the_others_leave(stage):
    stage.fail(LOSE_REPLY)
    answered = stage.send(stage.dispatches(4))
    assert statuses(answered) == ["unknown", "sent", "sent", "sent"]
    assert max(stage.counts().values()) == 1


@pytest.mark.parametrize(
    ("reply", "status", "reason"),
    [
        ("552 5.3.4 too large", "failed", "smtp_552 5.3.4: content_refused"),
        ("554 5.6.0 spam, says anna@example.com", "failed", "smtp_554 5.6.0: content_refused"),
        ("451 later", "retry", "smtp_451: content_refused"),
        ("250", "sent", None),
        ("299 hm", "unknown", "smtp_unreadable_answer"),
    ],
)
def test_what_is_said_after_the_dot_counts(stage, reply, status, reason):
    stage.fake.dot_replies.append(reply)
    answered = stage.send(stage.dispatches(1), tries=1)
    assert (statuses(answered), reasons(answered)) == ([status], [reason])


@pytest.mark.parametrize(
    ("reply", "status", "counts"),
    [
        ("550 5.7.1 you may not send as that", "retry", False),
        ("553 5.1.8 sender unknown", "retry", False),
        ("552 5.3.4 too large", "failed", None),
        ("452 4.3.1 no room", "retry", None),
    ],
)
def test_a_sender_that_is_refused_is_the_installations_fault(stage, reply, status, counts):
    stage.fake.mail_replies.append(reply)
    answered = stage.send(stage.dispatches(1), tries=1)
    assert statuses(answered) == [status]
    assert answered["result"][0].get("counts") is counts


def test_a_server_that_relays_for_nobody_does_not_burn_the_audience(stage):
    for number in range(40):
        stage.fake.refusals[stage.address(number)] = "554 5.7.1 relay access denied"
    answered = stage.send(stage.dispatches(40), stop_after=1, connections=1)
    assert set(statuses(answered)) == {"retry"}
    assert all(result["counts"] is False for result in answered["result"])


def test_a_recipient_whom_it_does_not_relay_for_fails_alone(stage):
    stage.fake.refusals[stage.address(1)] = "550 5.7.1 not allowed"
    assert statuses(stage.send(stage.dispatches(3))) == ["sent", "failed", "sent"]


def test_names_of_domains_leave_in_ascii_and_local_parts_as_they_are(stage):
    dispatches = stage.dispatches(2)
    for payload, address in zip(dispatches["payload"], ("anna@bücher.example", "änna@example.com"), strict=True):
        payload["to"] = address
    assert statuses(stage.send(dispatches)) == ["sent", "sent"]
    assert stage.taken() == ["anna@xn--bcher-kva.example", "änna@example.com"]


def test_an_address_that_the_server_cannot_take_fails_alone():
    with SmtpStage(enable_SMTPUTF8=False) as stage:
        dispatches = stage.dispatches(3)
        dispatches["payload"].array[1]["to"] = "änna@example.com"
        answered = stage.send(dispatches)
    assert statuses(answered) == ["sent", "failed", "sent"]
    assert reasons(answered)[1] == "smtp_address_needs_smtputf8"


@pytest.mark.parametrize(
    "changed",
    [
        {"to": "anna@example.com\nBcc: all@example.com"},
        {"to": "anna@example.com, bob@example.com"},
        {"subject": "Hello\r\nBcc: all@example.com"},
        {"headers": {"X-A\r\nBcc": "all@example.com"}},
        {"headers": {"X-A": "1\r\nBcc: all@example.com"}},
    ],
)
def test_no_value_can_add_a_header_or_a_recipient(stage, changed):
    dispatches = stage.dispatches(2)
    dispatches["payload"].array[0].update(changed)
    answered = stage.send(dispatches)
    assert statuses(answered) == ["failed", "sent"]
    assert reasons(answered)[0].startswith("smtp_not_an_email")
    assert stage.taken() == ["anna1@example.com"]


def test_a_server_without_starttls_gets_nothing_in_plain_text(stage):
    answered = stage.send(stage.dispatches(2), security="starttls")
    assert set(reasons(answered)) == {"smtp_not_offered: STARTTLS or AUTH"}
    assert stage.taken() == []


def test_tls_from_the_first_byte(trusted):
    with SmtpStage(authority=trusted, is_tls_at_once=True) as stage:
        assert statuses(stage.send(stage.dispatches(2), security="tls")) == ["sent", "sent"]


POSTFIX = """\
Mar  1 09:00:01 mail postfix/cleanup[7]: 4AAA: message-id={0}
Mar  1 09:00:01 mail postfix/qmgr[8]: 4AAA: from=<shop@example.com>, size=900, nrcpt=1 (queue active)
Mar  1 09:00:02 mail postfix/cleanup[7]: 4BBB: message-id={1}
Mar  1 09:00:03 mail postfix/smtpd[9]: lost connection after DATA from shop[10.0.0.9]
"""
EXIM = "2026-03-01 09:00:01 1uQ-0001-AA <= shop@example.com H=shop P=esmtps S=900 id={0}\n"


@pytest.mark.parametrize(("lines", "bare"), [(POSTFIX, False), (EXIM, True)], ids=["postfix", "exim"])
def test_the_log_of_the_server_tells_what_it_has_taken_over(stage, tmp_path, lines, bare):
    dispatches = stage.dispatches(3)
    stage.send(dispatches)
    ids = [mail["Message-ID"] for _, mail in stage.fake.accepted]
    log = tmp_path / "mail.log"
    log.write_bytes(b"\xff\x00 what\n" + lines.format(*(name.strip("<>") if bare else name for name in ids)).encode())
    channel = stage.channel_with(mail_log=log)
    found = channel.look_up(dispatches)
    assert found[["key", "status"]].values.tolist() == [[dispatches["key"][0], "sent"]]


def test_without_a_log_and_with_one_that_cannot_be_read_nothing_is_known(stage, tmp_path):
    dispatches = stage.dispatches(2)
    for settings in ({}, {"mail_log": tmp_path / "nothing"}, {"mail_log": tmp_path}):
        assert len(stage.channel_with(**settings).look_up(dispatches)) == 0


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"username": "shop"}, "go together"),
        ({"username": "shop", "password": "secret", "security": "none"}, "needs security"),
        ({"port": 0}, "greater than"),
        ({"sender": "nobody"}, "match"),
    ],
)
def test_settings_that_cannot_be_are_said_without_the_password(given, says):
    with pytest.raises(ValidationError, match=says) as raised:
        SmtpConfig(**{"host": "mail.example.com", "sender": "shop@example.com", **given})
    assert "secret" not in str(raised.value)
