import pytest

from journey_pipelines.delivery.actions import load_actions
from journey_pipelines.delivery.sms_segments import MOST_SEGMENTS, measured
from journey_pipelines.errors import JourneyDocumentError
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.journey import compile_journey
from tests.unit.delivery.builders import departed, dispatches
from tests.unit.journeys.builders import journey


def size(message):
    found = measured([message])
    return found.encodings[0], found.lengths[0], found.segments[0]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("", ("GSM-7", 0, 1)),
        ("a" * 160, ("GSM-7", 160, 1)),
        ("a" * 161, ("GSM-7", 161, 2)),
        ("a" * 306, ("GSM-7", 306, 2)),
        ("a" * 307, ("GSM-7", 307, 3)),
        ("€" * 80, ("GSM-7", 160, 1)),
        ("[" + "a" * 159, ("GSM-7", 161, 2)),
        ("я" * 70, ("UCS-2", 70, 1)),
        ("я" * 71, ("UCS-2", 71, 2)),
        ("я" * 134, ("UCS-2", 134, 2)),
        ("я" * 135, ("UCS-2", 135, 3)),
        ("😀" * 35, ("UCS-2", 70, 1)),
        ("ç", ("UCS-2", 1, 1)),
        ("Çàñ¿ΔΩ\r\n\f", ("GSM-7", 10, 1)),
        ("`", ("UCS-2", 1, 1)),
    ],
)
def test_the_size_is_that_which_networks_carry(message, expected):
    assert size(message) == expected


def test_a_character_of_two_places_is_never_cut():
    assert size("a" * 152 + "€" + "a" * 152)[1:] == (306, 3)
    assert size("a" * 151 + "€" + "a" * 153)[1:] == (306, 2)
    assert size("я" * 66 + "😀" + "я" * 66)[1:] == (134, 3)


def test_the_payload_says_what_the_message_costs():
    columns = {"customer.phone": ["+15550100", "+15550101"], "name": ["Ann", "Zoë 😀" + "x" * 80]}
    departure = departed(dispatches("send_sms", "send_sms"), {"message": "Hi {{name}}"}, columns)
    told = [
        tuple(payload[name] for name in ("encoding", "length", "segments")) for payload in departure.leaving.payload
    ]
    assert told == [("GSM-7", 6, 1), ("UCS-2", 89, 2)]


def test_a_message_of_too_many_segments_fails_its_send_only():
    columns = {"customer.phone": ["+15550100", "+15550101"], "name": ["x" * 153 * MOST_SEGMENTS, "Ann"]}
    departure = departed(dispatches("send_sms", "send_sms"), {"message": "{{name}}!"}, columns)
    assert departure.settled["reason"].tolist() == ["sms_too_long: 11 segments, at most 10"]
    assert departure.leaving["customer_id"].tolist() == ["c1"]


def validate(message):
    node = {"id": "act", "type": "action", "config": {"action_type": "send_sms", "message": message}}
    compile_journey(journey(node), Catalog(actions=load_actions()))


@pytest.mark.parametrize(("letter", "places"), [("a", 153), ("я", 67)])
def test_a_constant_message_of_too_many_segments_is_refused(letter, places):
    validate(letter * places * MOST_SEGMENTS)
    with pytest.raises(JourneyDocumentError) as refused:
        validate(letter * places * MOST_SEGMENTS + letter)
    [problem] = refused.value.problems
    assert problem.path == "/nodes/1/config/message"
    assert "takes 11 segments" in problem.message
