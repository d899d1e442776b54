"""Messages leave through providers' resources in Dagster, and nothing that is logged or shown names a customer."""

import logging
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from tests.behaviour.builders import action, chain
from tests.orchestration.project import DAY, Project
from tests.providers.loopback import LOSE_REPLY, Fault, Loopback, Reply
from tests.providers.sendgrid_fake import KEY, SendGridFake
from tests.providers.twilio_fake import ACCOUNT, SENDER, TOKEN, TwilioFake

JOURNEY = chain(
    action("mail", "send_email", subject="Hello {{customer.first_name}}", body="<p>{{customer.last_name}}</p>"),
    action("text", message="Hello {{customer.first_name}} {{customer.last_name}}"),
    key="hello",
    entry={"rule": {">=": [{"var": "baskets_30d"}, 12]}},
)


class Servers:
    """A SendGrid and a Twilio on loopback."""

    def __init__(self) -> None:
        self.sendgrid, self.twilio = SendGridFake(), TwilioFake()
        self.mails, self.texts = Loopback(self.sendgrid), Loopback(self.twilio)


@pytest.fixture
def servers(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    made = Servers()
    with made.mails, made.texts:
        settings = {
            "EMAIL_PROVIDER": "sendgrid",
            "SENDGRID_API_KEY": KEY,
            "SENDGRID_SENDER": "shop@example.com",
            "SENDGRID_URL": made.mails.url,
            "SMS_PROVIDER": "twilio",
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_SENDER": SENDER,
            "TWILIO_URL": made.texts.url,
            "TWILIO_LIST_DELAY": "0.05",
            "PUBLIC_URL": "https://journeys.example.com",
            "UNSUBSCRIBE_SECRET": "the secret of the links",
        }
        for name, value in settings.items():
            monkeypatch.setenv(f"JOURNEYS_{name}", value)
        yield made


def shown(project: Project, *results: dg.ExecuteInProcessResult) -> str:
    """Everything that Dagster keeps of these runs."""
    records = [record for result in results for record in project.instance.all_logs(result.run_id)]
    return "\n".join(f"{record.user_message} {record!r} {record.dagster_event!r}" for record in records)


def personal(rows: Any) -> set[str]:
    """Addresses and texts of these dispatches."""
    payloads = rows.loc[rows["status"] != "pending", "payload"].tolist()
    texts = {payload["message"] for payload in payloads if "message" in payload}
    return texts | {payload["to"] for payload in payloads if "to" in payload}


def test_a_days_messages_leave_through_the_providers_and_name_nobody(
    project: Project, servers: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    project.publish_document(JOURNEY)
    with caplog.at_level(logging.DEBUG):
        results = [project.run_day(DAY)]
        servers.mails.fail(Fault("reply", Reply(503, b"{}")))
        servers.texts.fail(LOSE_REPLY, Fault("reply", Reply(500, b"{}")))
        first = project.dispatch(DAY)
        results += [first, project.dispatch(DAY)]
    rows = project.rows("dispatches")
    sent = rows[rows["status"] == "sent"]
    mails = len(servers.sendgrid.accepted)
    assert sent["action_type"].value_counts()["send_email"] == mails > 100
    assert len(servers.twilio.accepted) == len({text["to"] for text in servers.twilio.accepted})
    mail = servers.sendgrid.accepted[0]
    assert "https://journeys.example.com/unsubscribe/" in str(mail)
    [materialized] = [
        event for event in first.get_asset_materialization_events() if event.asset_key == dg.AssetKey("deliveries")
    ]
    figures = materialized.materialization.metadata["providers"].value
    assert figures["email"]["sent"] == mails
    everything = shown(project, *results) + caplog.text
    assert "deliveries" in everything
    secrets = {KEY, TOKEN, "the secret of the links"}
    assert [text for text in personal(rows) | secrets if text in everything] == []


def test_a_channel_that_breaks_is_logged_without_whom_it_was_to_reach(caplog: pytest.LogCaptureFixture) -> None:
    from journey_pipelines.delivery.actions import load_actions
    from journey_pipelines.delivery.channel_dispatcher import ChannelDispatcher
    from tests.providers.stage import dispatches_of

    class Broken:
        def send(self, dispatches: Any) -> Any:
            raise RuntimeError(f"cannot send {dispatches['payload'].tolist()}")

        look_up = send

    dispatcher = ChannelDispatcher(load_actions(), {"sms": Broken()})
    rows = dispatches_of("send_sms", [{"to": "+43 660 1234567", "message": "Hello"}])
    [result] = dispatcher.deliver(rows)["result"]
    assert len(dispatcher.reconcile(rows)) == 0
    assert "660" not in str(result) + caplog.text
    assert "RuntimeError: cannot send" in caplog.text
    assert "test_delivery_in_dagster.py" in caplog.text
