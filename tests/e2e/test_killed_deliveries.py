"""Nothing is sent twice or lost, whenever the sending process is killed."""

import random

import pandas as pd
import pytest

from tests.storm.deliveries import DeliveryStorm

SEED = 20170302
CUSTOMERS = 2_000
KILLS = 100


@pytest.mark.timeout(900)
def test_a_hundred_kills_send_nothing_twice_and_lose_nothing(store_url: str) -> None:
    storm = DeliveryStorm(store_url, CUSTOMERS, KILLS, random.Random(SEED))
    storm.blow()
    taken, ended = storm.taken(), storm.statuses()
    assert max(taken.values()) == 1
    assert storm.open_after_kills > 0
    assert ended["action_type"].value_counts().to_dict() == {"send_email": CUSTOMERS, "send_sms": CUSTOMERS}
    assert set(ended["status"]) <= {"sent", "failed"}
    is_taken = pd.MultiIndex.from_frame(ended[["action_type", "customer_id"]]).isin(taken.keys())
    is_sent = (ended["status"] == "sent").to_numpy()
    assert not (is_taken & ~is_sent).any()
    assert not (is_sent & ended["is_confirmed"].to_numpy() & ~is_taken).any()
    assert storm.faults() == []


@pytest.mark.timeout(900)
def test_sending_again_what_is_of_unknown_fate_would_send_twice(store_url: str) -> None:
    storm = DeliveryStorm(store_url, CUSTOMERS, KILLS, random.Random(SEED), is_naive=True)
    storm.blow()
    assert sum(count > 1 for count in storm.taken().values()) > 0
