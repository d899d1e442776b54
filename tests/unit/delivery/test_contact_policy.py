from datetime import time

import pytest

from journey_pipelines.delivery.contact import ContactPolicy, QuietHours
from journey_pipelines.errors import SettingsError


def test_a_policy_restricts_nothing_unless_it_says_so():
    assert ContactPolicy.parse({}) == ContactPolicy()


def test_a_policy_is_read_from_settings():
    policy = ContactPolicy.parse({"caps": {"email": 2}, "quiet_hours": {"from": "21:00", "to": "08:00"}})
    assert policy == ContactPolicy(caps={"email": 2}, quiet_hours=QuietHours(time(21), time(8)))


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"caps": {"email": "many"}}, "caps.email"),
        ({"caps": {"email": -1}}, "caps.email"),
        ({"quiet_hours": {"from": "9 pm", "to": "08:00"}}, "quiet_hours.from"),
        ({"quiet_hours": {"from": "21:00"}}, "quiet_hours.to"),
        ({"quiet_hours": {"from": "21:00", "to": "21:00"}}, "nothing could ever leave"),
        ({"limits": {}}, "limits"),
        (None, "the contact policy"),
        (["caps"], "the contact policy"),
    ],
)
def test_a_wrong_policy_is_named_by_its_place(settings, place):
    with pytest.raises(SettingsError, match=rf"contact policy: .*{place}"):
        ContactPolicy.parse(settings)
