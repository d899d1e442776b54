"""A process that runs some days of the world, or that advances single customers, some of them after a purchase.

It says `ready`, holding no connection, and begins when it is given a line with the numbers of the days (none: single
customers); then it says a line of JSON for each pass, or for all customers.
"""

import argparse
import json
import logging
import random
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from journey_pipelines.engine.engine import Engine
from journey_pipelines.engine.passes import Report
from journey_pipelines.store.postgres import PostgresStore
from tests.storm.world import DAYS, EVENT_DAY, continue_one, engine, raced, run_day

RACERS = 4


def main() -> None:
    """Run as the arguments say."""
    # it warns of a rollback that a killed server did not answer; what counts is what becomes of the run
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("schema")
    parser.add_argument("outbox", type=Path)
    parser.add_argument("customers", type=int)
    parser.add_argument("chunk_rows", type=int)
    given = parser.parse_args()
    store = PostgresStore(given.url, schema=given.schema)
    store.transact(lambda transaction: transaction.paused())
    store.close()
    parts = engine(store, given.outbox, given.customers, given.chunk_rows)
    say("ready")
    days = [int(day) for day in sys.stdin.readline().split()]
    for day in days:
        tell(run_day(parts, day))
    if not days:
        race(parts, given.customers)


def race(parts: Engine, customers: int) -> None:
    """Advance single customers in several threads, those who buy and those whom a run moves in turn."""
    events, others = raced(customers)
    facts = parts.source.at(DAYS[EVENT_DAY])
    asked: list[tuple[str, pd.DataFrame | None]] = [(customer, None) for customer in others]
    asked += [(row["customer_id"].iloc[0], row.reset_index(drop=True)) for _, row in events.groupby("event_id")]
    random.shuffle(asked)
    with ThreadPoolExecutor(RACERS) as pool:
        made = list(pool.map(lambda one: continue_one(parts, facts, *one), asked))
    outcomes = Counter(one.outcome for one in made)
    say(json.dumps({"held": [one.reason for one in made if one.reason], "outcomes": outcomes}))


def tell(report: Report) -> None:
    """One line about a pass."""
    say(json.dumps({"as_of": report.run.as_of.isoformat(), "held": report.held, "moved": report.moved}))


def say(line: str) -> None:
    """One line on standard output."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
