"""Two runs at once, and a run that is killed: real threads, real processes, one Postgres."""

import signal
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pandas as pd
import psycopg
import pytest

from journey_pipelines.delivery.channel_dispatcher import ChannelDispatcher
from journey_pipelines.delivery.channels import LocalOutbox
from journey_pipelines.delivery.dispatcher import CallableDispatcher
from journey_pipelines.engine.passes import run_pass
from journey_pipelines.engine.ports import JourneyStore, Run
from journey_pipelines.errors import StoreError
from journey_pipelines.store.postgres import PostgresStore
from tests.behaviour.builders import MARCH, action, chain, features, wait
from tests.behaviour.passes import ACTIONS, Passes
from tests.store.rows import changes

DAY = timedelta(days=1)
PEOPLE = [str(number) for number in range(200)]
DOCUMENT = chain(action("hello"), action("bonus", "award_points"), wait("w", duration="P1D"), action("bye"))

RUN_IN_A_PROCESS = """
import os, signal, sys
from datetime import datetime
from journey_pipelines.delivery.channel_dispatcher import ChannelDispatcher
from journey_pipelines.delivery.channels import LocalOutbox
from journey_pipelines.engine.passes import run_pass
from journey_pipelines.engine.ports import Run
from journey_pipelines.store.postgres import PostgresStore
from tests.behaviour.builders import features
from tests.behaviour.passes import ACTIONS, Passes
from tests.behaviour.test_runs_at_once import PEOPLE

url, folder, run_id, as_of, is_killed = sys.argv[1:]

class Outbox(LocalOutbox):
    def send(self, dispatches):
        sent = super().send(dispatches)
        if is_killed == "killed" and dispatches["node_id"].iloc[0] == "hello":
            os.kill(os.getpid(), signal.SIGKILL)
        return sent

dispatcher = ChannelDispatcher(ACTIONS, {"sms": Outbox(folder)})
passes = Passes(PostgresStore(url), features=features(PEOPLE), dispatcher=dispatcher, chunk_rows=30)
print("ready", flush=True)
sys.stdin.readline()
run_pass(passes.engine, Run(run_id, datetime.fromisoformat(as_of)))
"""


def start_process(url: str, folder: Path, run_id: str, *, is_killed: bool = False) -> "subprocess.Popen[str]":
    """A process that is ready to run the first day; it begins when its standard input is closed."""
    arguments = [url, str(folder), run_id, MARCH.isoformat(), "killed" if is_killed else "whole"]
    process = subprocess.Popen(
        [sys.executable, "-c", RUN_IN_A_PROCESS, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    return process


def finish(process: "subprocess.Popen[str]") -> int:
    process.communicate(timeout=100)
    return process.returncode


def lines(folder: Path) -> int:
    """How many messages reached the outbox."""
    return sum(len(path.read_text().splitlines()) for path in folder.rglob("*.jsonl"))


def assert_everybody_is_through_the_first_day(passes: Passes) -> None:
    executions = passes.read("executions")
    assert Counter(executions["current_node_id"]) == {"w": len(PEOPLE)}
    assert Counter(passes.read("transitions")["node_id"]) == dict.fromkeys(("start", "hello", "bonus"), len(PEOPLE))
    assert passes.read("points_transactions")["balance_after"].to_list() == [100] * len(PEOPLE)
    assert set(passes.read("dispatches")["status"]) == {"sent"}


def test_two_runs_at_once_never_advance_an_execution_twice(store: JourneyStore) -> None:
    lock, barrier, keys = threading.Lock(), threading.Barrier(2), []

    def deliver(dispatches: pd.DataFrame) -> pd.DataFrame:
        with lock:
            keys.extend(dispatches["key"])
        return pd.DataFrame({"key": dispatches["key"], "status": "sent", "result": None})

    everybody = features(PEOPLE)
    dispatcher = CallableDispatcher(ACTIONS, deliver)
    passes = Passes(store, DOCUMENT, features=everybody, dispatcher=dispatcher, chunk_rows=20)

    def run_at_once(name: str) -> None:
        barrier.wait(60)
        run_pass(passes.engine, Run(name, MARCH))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run_at_once, ["one", "two"]))
    passes.run(MARCH)
    assert Counter(keys).most_common(1)[0][1] == 1
    assert_everybody_is_through_the_first_day(passes)


def test_two_processes_at_once_send_each_message_once(store_url: str, tmp_path: Path) -> None:
    store = PostgresStore(store_url)
    dispatcher = ChannelDispatcher(ACTIONS, {"sms": LocalOutbox(tmp_path)})
    passes = Passes(store, DOCUMENT, features=features(PEOPLE), dispatcher=dispatcher)
    both = [start_process(store_url, tmp_path, run_id) for run_id in ("one", "two")]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(finish, both)) == [0, 0]
    passes.run(MARCH)
    assert_everybody_is_through_the_first_day(passes)
    assert lines(tmp_path) == len(PEOPLE)
    store.close()


def test_a_killed_run_is_finished_by_the_next_without_sending_twice(store_url: str, tmp_path: Path) -> None:
    store = PostgresStore(store_url)
    dispatcher = ChannelDispatcher(ACTIONS, {"sms": LocalOutbox(tmp_path)})
    passes = Passes(store, DOCUMENT, features=features(PEOPLE), dispatcher=dispatcher)
    assert finish(start_process(store_url, tmp_path, "killed", is_killed=True)) == -signal.SIGKILL
    assert "sending" in set(passes.read("dispatches")["status"])
    with store.run_lock("killed"):  # waits until the server has noticed
        pass
    passes.run(MARCH)
    assert_everybody_is_through_the_first_day(passes)
    assert lines(tmp_path) == len(PEOPLE)
    store.close()


LET_THEM_IN_AGAIN = """
    INSERT INTO journeys.unfinished (journey_key, customer_id) SELECT journey_key, customer_id FROM journeys.executions
"""


def test_a_second_unfinished_execution_is_refused_by_the_database_itself(
    store_url: str, postgres_store: PostgresStore
) -> None:
    passes = Passes(postgres_store, DOCUMENT)
    passes.run(MARCH)
    with psycopg.connect(store_url) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(LET_THEM_IN_AGAIN)
    passes.run(MARCH + DAY)
    assert passes.read("executions")["state"].to_list() == ["COMPLETED"]
    with psycopg.connect(store_url) as connection:
        connection.execute(LET_THEM_IN_AGAIN)  # the first one has ended by now


def test_a_dispatch_key_exists_once_for_ever(store: JourneyStore) -> None:
    passes = Passes(store, DOCUMENT)
    passes.run(MARCH)
    again = passes.read("dispatches").head(1).assign(status="pending")
    with pytest.raises(StoreError, match="dispatch"), store.transaction() as transaction:
        transaction.save(changes(requested=again))
