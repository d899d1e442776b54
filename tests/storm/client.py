"""A process that runs some days of the world, or that gives purchases one by one and advances after each.

It says `ready` and begins when it is given a line; then it says a line of JSON for each pass.
"""

import argparse
import json
import sys
from pathlib import Path

from journey_pipelines.engine.engine import Engine
from journey_pipelines.engine.passes import Report
from journey_pipelines.store.postgres import PostgresStore
from tests.storm.world import EVENT_DAY, RACED, advance_day, engine, purchases, run_day


def main() -> None:
    """Run as the arguments say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("schema")
    parser.add_argument("outbox", type=Path)
    parser.add_argument("customers", type=int)
    parser.add_argument("chunk_rows", type=int)
    parser.add_argument("days", type=int, nargs="*", help="numbers of days; none: race")
    given = parser.parse_args()
    store = PostgresStore(given.url, schema=given.schema)
    store.transact(lambda transaction: transaction.paused())
    parts = engine(store, given.outbox, given.customers, given.chunk_rows)
    say("ready")
    sys.stdin.readline()
    for day in given.days:
        tell(run_day(parts, day))
    if not given.days:
        race(parts, given.customers)


def race(parts: Engine, customers: int) -> None:
    """What `journeys continue` does for one customer after the other, each followed by an advance."""
    events = purchases(customers).head(RACED)
    for number in range(len(events)):
        one = events.iloc[[number]].reset_index(drop=True)
        parts.store.transact(lambda transaction, one=one: transaction.add_events(one))  # type: ignore[misc]
        tell(advance_day(parts, EVENT_DAY))


def tell(report: Report) -> None:
    """One line about a pass."""
    say(json.dumps({"as_of": report.run.as_of.isoformat(), "held": report.held, "moved": report.moved}))


def say(line: str) -> None:
    """One line on standard output."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
