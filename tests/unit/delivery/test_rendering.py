from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from tests.unit.delivery.builders import departed, dispatches


def said(message, **columns):
    """What an SMS says, or why it fails."""
    values = {name: [value] for name, value in columns.items()} | {"customer.phone": ["+15550100"]}
    departure = departed(dispatches("send_sms"), {"message": message}, values)
    return departure.leaving["payload"].iloc[0]["message"] if len(departure.leaving) else departure.settled["reason"][0]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (150.0, "150"),
        (2.5, "2.5"),
        (0, "0"),
        (np.int64(7), "7"),
        (np.array(["DELI", "MEAT"]), "DELI, MEAT"),
        (["DELI", "MEAT"], "DELI, MEAT"),
        (pd.Timestamp("2017-03-01 09:30", tz="UTC"), "2017-03-01T09:30:00+00:00"),
        (date(2017, 3, 1), "2017-03-01"),
        (Decimal("2.50"), "2.5"),
    ],
)
def test_a_cell_is_printed_as_people_write_it(value, shown):
    assert said("{{x}}", x=value) == shown


@pytest.mark.parametrize("value", [None, float("nan"), pd.NaT, pd.NA, "", "  "])
def test_a_cell_without_a_value_is_missing_and_never_blank(value):
    assert said("Hi {{x}}", x=value) == "missing_variable: x"


def test_an_element_of_a_list_can_be_read():
    assert said("{{favourites[1]}}", favourites=["DELI", "MEAT"]) == "MEAT"
    assert said("{{favourites[2]}}", favourites=["DELI", "MEAT"]) == "missing_variable: favourites.2"


def test_typed_cells_stand_in_payloads_as_json():
    columns = {"customer.email": ["a@example.com"], "at": [pd.Timestamp("2017-03-01")], "n": [np.float64(3)]}
    config = {"subject": "S", "body": "B", "variables": {"at": "{{at}}", "n": "{{n}}"}}
    [payload] = departed(dispatches("send_email"), config, columns).leaving["payload"]
    assert payload["variables"] == {"at": "2017-03-01T00:00:00", "n": 3}
    assert type(payload["variables"]["n"]) is int


def test_a_column_is_read_once_however_many_nodes_want_it():
    reads = []

    class Counting(dict):
        def get(self, path, default=None):
            reads.append(path)
            return super().get(path, default)

    columns = Counting({"customer.phone": ["+15550100", "+15550101"], "name": ["Ann", "Bob"]})
    departed(dispatches("send_sms", "send_sms"), [{"message": "Hi {{name}}"}, {"message": "Bye {{name}}"}], columns)
    asked = ["customer.consent_sms", "customer.phone", "customer.sms_consent", "customer.sms_marketing_consent", "name"]
    assert sorted(reads) == asked
