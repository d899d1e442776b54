"""Which provider a channel's messages leave through: one sentence for what is wrong, and never a secret in it."""

import pytest

from journey_pipelines.errors import SettingsError
from journey_pipelines.provider_settings import chosen_providers

GIVEN = {
    "JOURNEYS_EMAIL_PROVIDER": "sendgrid",
    "JOURNEYS_SENDGRID_API_KEY": "SG.secret",
    "JOURNEYS_SENDGRID_SENDER": "shop@example.com",
}


def test_everything_goes_to_the_outbox_folder_unless_a_provider_is_chosen() -> None:
    assert chosen_providers({}) == chosen_providers({"JOURNEYS_EMAIL_PROVIDER": "outbox"}) == {}


def test_a_provider_is_set_by_variables_named_after_its_fields() -> None:
    found = chosen_providers({**GIVEN, "JOURNEYS_SENDGRID_RATE": "50", "JOURNEYS_SENDGRID_SANDBOX": "true"})
    config = found["email"].config.model_dump()
    assert (config["api_key"], config["rate"], config["sandbox"]) == ("SG.secret", 50, True)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (
            {"JOURNEYS_EMAIL_PROVIDER": "pigeon"},
            "JOURNEYS_EMAIL_PROVIDER is 'pigeon'; expected one of outbox, sendgrid, ses, smtp.",
        ),
        (
            {"JOURNEYS_SMS_PROVIDER": "sendgrid"},
            "JOURNEYS_SMS_PROVIDER is 'sendgrid'; expected one of outbox, twilio, sns.",
        ),
        ({"JOURNEYS_SENDGRID_API_KEY": None}, "JOURNEYS_SENDGRID_API_KEY is not set, but JOURNEYS_EMAIL_PROVIDER is"),
        ({"JOURNEYS_SENDGRID_RATE": "fast"}, "JOURNEYS_SENDGRID_RATE is 'fast'; expected: Recipients a second"),
        ({"JOURNEYS_SENDGRID_SENDER": "me"}, "JOURNEYS_SENDGRID_SENDER is 'me'; expected: Address of a verified"),
        ({"JOURNEYS_SENDGRID_APIKEY": "SG.secret"}, "JOURNEYS_SENDGRID_APIKEY is no setting of sendgrid; expected one"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_without_a_secret(changed: dict[str, str | None], says: str) -> None:
    given = {name: value for name, value in {**GIVEN, **changed}.items() if value is not None}
    with pytest.raises(SettingsError) as raised:
        chosen_providers(given)
    assert str(raised.value).startswith(says)
    assert "SG.secret" not in str(raised.value)
