from dataclasses import dataclass

import pandas as pd
import pytest
from pydantic import ValidationError

from journey_pipelines.delivery.actions import load_actions
from journey_pipelines.errors import Problem
from journey_pipelines.journeys.catalog import ActionTraits, UnknownPolicy
from journey_pipelines.store.memory import MemoryStore
from tests.unit.delivery.builders import departed, dispatches, leaving

ACTIONS = load_actions()
GUIDE = [
    {
        "action_type": "send_email",
        "subject": "Welcome to our Loyalty Program!",
        "template": "welcome_email",
        "variables": {"customer_name": "{{customer.first_name}}", "points_balance": "{{account.points_balance}}"},
    },
    {
        "action_type": "send_sms",
        "message": "You've earned {{points}} points!",
        "template": "points_notification",
        "variables": {"points": 100},
    },
    {
        "action_type": "send_push",
        "title": "New Offer Available!",
        "body": "Check out our latest promotion",
        "data": {"offer_id": "123", "deep_link": "/offers/123"},
    },
    {"action_type": "award_points", "points": 100, "program_id": 1, "reason": "Welcome bonus"},
    {"action_type": "trigger_campaign", "campaign_id": 5, "channel": "email"},
]


@dataclass(frozen=True)
class Known:
    names: frozenset[str] = frozenset()

    def has(self, path):
        return path.split(".")[0] in {"customer", "account"} or path in self.names


def problems(action_type, *known, **config):
    action = ACTIONS[action_type]
    return action.check(action.parameters.model_validate(config), Known(frozenset(known)))


@pytest.mark.parametrize("config", GUIDE, ids=[config["action_type"] for config in GUIDE])
def test_the_guides_configs_are_accepted_as_they_stand(config):
    own = {key: value for key, value in config.items() if key != "action_type"}
    assert problems(config["action_type"], **own) == []


@pytest.mark.parametrize("name", ACTIONS)
def test_every_type_has_the_traits_that_the_engine_reads(name):
    action: ActionTraits = ACTIONS[name]
    assert action.name == name
    assert action.parameters.model_config["extra"] == "forbid"


def test_traits_of_the_guides_types():
    assert {name: (action.is_message, action.policy) for name, action in ACTIONS.items()} == {
        "send_email": (True, UnknownPolicy.AT_MOST_ONCE),
        "send_sms": (True, UnknownPolicy.AT_MOST_ONCE),
        "send_push": (True, UnknownPolicy.AT_LEAST_ONCE),
        "award_points": (False, UnknownPolicy.EXACTLY_ONCE),
        "trigger_campaign": (True, UnknownPolicy.EXACTLY_ONCE),
    }


@pytest.mark.parametrize(
    ("action_type", "config"),
    [
        ("send_email", {"subject": "S"}),
        ("send_email", {"subject": "S", "template": "welcome_email", "body": "B"}),
        ("send_email", {"template": "welcome_email"}),
        ("send_email", {"subject": "S", "body": "B", "cc": "x"}),
        ("send_sms", {}),
        ("send_sms", {"message": ""}),
        ("send_sms", {"message": 5}),
        ("send_push", {"title": "T"}),
        ("award_points", {}),
        ("award_points", {"points": 0}),
        ("award_points", {"points": -5}),
        ("award_points", {"points": 1.5}),
        ("award_points", {"points": "100"}),
        ("award_points", {"points": True}),
        ("award_points", {"points": 10**12}),
        ("trigger_campaign", {"campaign_id": "five"}),
        ("trigger_campaign", {"campaign_id": 0}),
    ],
)
def test_a_wrong_config_is_refused(action_type, config):
    with pytest.raises(ValidationError):
        ACTIONS[action_type].parameters.model_validate(config)


def test_check_finds_every_fault_at_once():
    found = problems(
        "send_email",
        subject="Hi {{nick}}",
        template="welcome_email",
        variables={"customer_name": "{{custmer.first_name}}", "a/b": "{% for %}"},
    )
    assert [problem.path for problem in found] == [
        "/variables/customer_name",
        "/variables/a~1b",
        "/subject",
        "/template",
    ]
    assert "nothing provides the variable `points_balance`" in found[-1].message


def test_check_finds_an_unknown_template():
    [problem] = problems("send_email", subject="S", template="welcome_mail")
    assert problem.path == "/template"
    assert "there is no template `welcome_mail`" in problem.message


def test_check_accepts_what_has_a_default_or_is_provided():
    assert problems("send_sms", "code", message='{{code}} {{nick|default("you")}}') == []


@pytest.mark.parametrize(
    ("action_type", "config", "path"),
    [
        ("send_sms", {"message": "{{nick}}"}, "/message"),
        ("send_sms", {"template": "points_notification"}, "/template"),
        ("send_push", {"title": "T", "body": "{{nick}}"}, "/body"),
        ("send_push", {"title": "T", "body": "B", "data": {"x": ["{{nick}}"]}}, "/data/x/0"),
        ("award_points", {"points": 1, "reason": "for {{nick}}"}, "/reason"),
    ],
)
def test_check_says_where(action_type, config, path):
    assert problems(action_type, **config)[0].path == path


def test_a_problem_is_one_sentence_with_the_next_step():
    assert problems("send_sms", message="Hi {{nick}}") == [
        Problem("/message", 'nothing provides the variable `nick`; provide it or write {{nick|default("...")}}')
    ]


def test_an_email_is_rendered_in_both_forms_with_typed_variables():
    columns = {"customer.email": ["a@example.com"], "customer.first_name": ["A&B"], "account.points_balance": [150.0]}
    config = {key: value for key, value in GUIDE[0].items() if key != "action_type"}
    [payload] = departed(dispatches("send_email"), config, columns).leaving["payload"]
    assert payload["to"] == "a@example.com"
    assert payload["subject"] == "Welcome to our Loyalty Program!"
    assert payload["template"] == "welcome_email"
    assert payload["variables"] == {"customer_name": "A&B", "points_balance": 150}
    assert "A&amp;B" in payload["html"]
    assert "Welcome, A&B!" in payload["text"]
    assert "150 points" in payload["text"]


def test_an_email_without_a_value_names_the_variable_of_the_expression():
    columns = {"customer.email": ["a@example.com"], "account.points_balance": [150.0]}
    config = {key: value for key, value in GUIDE[0].items() if key != "action_type"}
    departure = departed(dispatches("send_email"), config, columns)
    assert departure.settled["reason"].tolist() == ["missing_variable: customer.first_name"]


def test_a_default_in_the_template_stands_in_for_a_variable_of_the_config():
    config = {"message": 'Hi {{name|default("friend")}}', "variables": {"name": "{{customer.first_name}}"}}
    [payload] = departed(dispatches("send_sms"), config, {"customer.phone": ["+15550100"]}).leaving["payload"]
    assert (payload["to"], payload["message"]) == ("+15550100", "Hi friend")


def test_a_config_variable_that_nothing_reads_still_has_to_have_a_value():
    config = {"message": "Hi", "variables": {"name": "{{customer.first_name}}"}}
    departure = departed(dispatches("send_sms"), config, {"customer.phone": ["+15550100"]})
    assert departure.settled["reason"].tolist() == ["missing_variable: customer.first_name"]


def test_a_subject_is_one_line():
    columns = {"customer.email": ["a@example.com"], "name": ["A\r\nBcc: evil@example.com"]}
    [payload] = departed(dispatches("send_email"), {"subject": "Hi {{name}}", "body": "B"}, columns).leaving["payload"]
    assert payload["subject"] == "Hi A Bcc: evil@example.com"


def test_the_message_of_an_sms_wins_over_its_template():
    config = {"message": "short", "template": "points_notification", "variables": {"points": 100}}
    [payload] = departed(dispatches("send_sms"), config, {"customer.phone": ["+15550100"]}).leaving["payload"]
    assert payload["message"] == "short"


def test_inline_html_gets_a_text_part():
    columns = {"customer.email": ["a@example.com"], "name": ["<Ann>"]}
    config = {"subject": "S", "body": "<p>Hi {{name}}</p>"}
    [payload] = departed(dispatches("send_email"), config, columns).leaving["payload"]
    assert (payload["html"], payload["text"]) == ("<p>Hi &lt;Ann&gt;</p>", "Hi <Ann>")


def test_points_are_earned_once_for_each_dispatch():
    sent = leaving("award_points", [{"points": 100, "program_id": 1, "reason": None}] * 2, customer_id=["ann", "ann"])
    with MemoryStore().transaction() as transaction:
        first = ACTIONS["award_points"].perform(sent, transaction)
        again = ACTIONS["award_points"].perform(sent, transaction)
        balances = transaction.balances(pd.Index(["ann"]))
    assert first["result"].tolist() == [
        {"points": 100, "program_id": 1, "new_balance": 100},
        {"points": 100, "program_id": 1, "new_balance": 200},
    ]
    assert again["result"].tolist() == first["result"].tolist()
    assert balances["points_balance"].tolist() == [200]


def test_a_campaign_leaves_an_execution_and_an_unknown_one_fails():
    sent = leaving("trigger_campaign", [{"campaign_id": 5}, {"campaign_id": 6, "channel": "email"}])
    with MemoryStore(known_campaigns=[5]).transaction() as transaction:
        answer = ACTIONS["trigger_campaign"].perform(sent, transaction)
        recorded = transaction.read("campaign_executions")
    assert answer[["key", "status"]].values.tolist() == [["c0:node:1", "sent"], ["c1:node:1", "failed"]]
    assert answer["result"].tolist() == [
        {"campaign_id": 5, "channel": None, "campaign_execution": "c0:node:1"},
        {"campaign_id": 6, "reason": "unknown_campaign: 6"},
    ]
    assert recorded["dispatch_key"].tolist() == ["c0:node:1"]


def test_a_campaign_uses_its_own_channel_unless_the_config_names_one():
    store = MemoryStore(known_campaigns=[])
    with store.transaction() as transaction:
        transaction.add_campaigns(pd.DataFrame({"campaign_id": [7], "name": ["Spring"], "channel": ["email"]}))
        sent = leaving("trigger_campaign", [{"campaign_id": 7}, {"campaign_id": 7, "channel": "sms"}])
        answer = ACTIONS["trigger_campaign"].perform(sent, transaction)
    assert [result["channel"] for result in answer["result"]] == ["email", "sms"]


def test_messages_have_no_effect_in_our_own_store():
    sent = leaving("send_sms", [{"to": "+1", "message": "m"}])
    with MemoryStore().transaction() as transaction:
        assert ACTIONS["send_sms"].perform(sent, transaction).empty
