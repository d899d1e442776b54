import sys
from collections import Counter
from pathlib import Path

from journey_pipelines.delivery.contact import ContactPolicy
from tests.unit.delivery.builders import departed, dispatches

DELIVERY = str(Path(__file__).parents[3] / "journey_pipelines" / "delivery")
CONFIGS = {
    "send_email": {
        "subject": 'Welcome, {{customer.first_name|default("friend")}}',
        "template": "welcome_email",
        "variables": {"customer_name": "{{name}}", "points_balance": "{{account.points_balance}}"},
    },
    "send_push": {"title": "T", "body": "Hi {{name}}", "data": {"offer": "{{account.points_balance}}"}},
    "award_points": {"points": 5, "reason": "For {{name}}"},
    "trigger_campaign": {"campaign_id": 5, "channel": "email"},
}


def calls_of_departure(count):
    """How often each function of delivery is called for `count` dispatches of each type."""
    types = list(CONFIGS) * count
    size = len(types)
    columns = {
        "customer.email": ["a@example.com", None] * (size // 2),
        "customer.device_tokens": [["one", "two"]] * size,
        "customer.email_consent": [True] * size,
        "name": ["Ann"] * size,
        "account.points_balance": [150.0] * size,
    }
    frame, configs = dispatches(*types), [CONFIGS[name] for name in types]
    policy = ContactPolicy(caps={"email": 1})
    departed(frame, configs, columns, policy=policy)
    calls: Counter[str] = Counter()

    def count_call(frame, event, _):
        if event == "call" and frame.f_code.co_filename.startswith(DELIVERY):
            calls[frame.f_code.co_qualname] += 1

    sys.setprofile(count_call)
    try:
        departed(frame, configs, columns, policy=policy)
    finally:
        sys.setprofile(None)
    return calls


def test_departure_takes_as_many_steps_for_many_dispatches_as_for_few():
    assert calls_of_departure(1000) == calls_of_departure(10)
