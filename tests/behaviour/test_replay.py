"""Replay: the same engine over history, in frames of its own, without any way to a provider."""

import subprocess
import sys
from datetime import timedelta

import pandas as pd

from journey_pipelines.store.memory import MemoryStore
from tests.behaviour.builders import MARCH, action, chain, days, edge, event, features, journey, profiles, run, wait
from tests.behaviour.passes import Passes

DAY = timedelta(days=1)
SIMULATE_ALL_ACTIONS = """
import sys
from datetime import UTC, datetime

def refuse(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen"):
        raise SystemExit(f"a simulation did {event} {arguments}")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise SystemExit(f"a simulation wrote {arguments[0]}")

from tests.behaviour.builders import action, chain, features, profiles
from journey_pipelines.simulation import simulate

sys.addaudithook(refuse)
document = chain(
    action("mail", "send_email", subject="Hello", body="<p>Hello</p>"),
    action("sms"),
    action("push", "send_push", title="Hello", body="You"),
    action("points", "award_points"),
    action("campaign", "trigger_campaign", campaign_id=5),
)
people = profiles(device_tokens={"7": ["t"]})
result = simulate(document, runs=[datetime(2017, 3, 1, tzinfo=UTC)], features=features(), profiles=people)
assert result.dispatches["status"].to_list() == ["sent"] * 5, result.dispatches
ways_out = [
    name
    for name in sys.modules
    if name.startswith(("journey_pipelines.delivery.channel", "journey_pipelines.store.postgres"))
    or name.split(".")[0] in {"psycopg", "sqlalchemy", "requests", "httpx", "sendgrid", "twilio", "smtplib"}
]
assert ways_out == [], ways_out
"""


def test_a_simulation_loads_no_channel_opens_no_connection_and_writes_no_file() -> None:
    ended = subprocess.run([sys.executable, "-B", "-c", SIMULATE_ALL_ACTIONS], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_a_simulation_gives_what_live_passes_over_the_same_history_give() -> None:
    document = journey(
        [
            {"id": "start", "type": "start"},
            action("hello"),
            wait("bought", event="customer.purchase", timeout="P1D"),
            action("bonus", "award_points"),
            {"id": "done", "type": "end"},
        ],
        [
            edge("start", "hello"),
            edge("hello", "bought"),
            edge("bought", "bonus", "event"),
            edge("bought", "done", "timeout"),
            edge("bonus", "done"),
        ],
    )
    people = [str(number) for number in range(20)]
    events = [
        event(f"e{number}", MARCH + timedelta(hours=number), customer_id=str(number), received_at=MARCH + number * DAY)
        for number in range(1, 12)
    ]
    frames = {"features": features(people), "profiles": profiles(people), "events": events}
    passes = Passes(MemoryStore(), document, **frames)
    passes.run(*days(4))
    result = run(document, days(4), **frames)
    for table in ("executions", "transitions", "dispatches"):
        live = passes.read(table)
        pd.testing.assert_frame_equal(getattr(result, table)[live.columns], live, obj=table)
    assert len(result.dispatches) > len(people)


def test_a_simulation_touches_neither_its_frames_nor_its_document() -> None:
    document = chain(action("a", message="Hello {{customer.first_name}}"))
    frames = {"features": features(), "profiles": profiles(first_name="Ada")}
    copies = {name: frame.copy() for name, frame in frames.items()}
    before = repr(document)
    run(document, days(2), **frames)
    assert repr(document) == before
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, copies[name], obj=name)


def test_a_replay_says_what_would_have_been_sent() -> None:
    result = run(
        chain(action("a", message="Hello {{customer.first_name}}")), days(1), profiles=profiles(first_name="A")
    )
    assert [payload["message"] for payload in result.dispatches["payload"]] == ["Hello A"]
