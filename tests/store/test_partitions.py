"""Partitions by date: so many days have one of their own, whoever counts them."""

from contextlib import closing
from dataclasses import replace
from datetime import date

from journey_pipelines.store.postgres.address import parse_address
from journey_pipelines.store.postgres.connections import Connections
from journey_pipelines.store.postgres.migration import migrate
from journey_pipelines.store.postgres.partitions import ENDED, STANDING, Partitioned, Partitions


def bucket_of(url: str, table: Partitioned, day: date) -> date:
    """As a process that has just begun finds or makes it."""
    address = parse_address(url)
    with closing(Connections(address, "journeys")) as connections:
        return Partitions(connections, address).buckets(table, [day])[day]


def test_beyond_the_most_days_a_month_shares_a_partition_in_every_process(store_url: str) -> None:
    migrate(store_url)
    days = [date(2017, 3, number) for number in (1, 2, 3, 4)]
    for table, shared in ((STANDING, date(2017, 3, 1)), (ENDED, date(2017, 3, 31))):
        few = replace(table, most_days=2)
        assert [bucket_of(store_url, few, day) for day in days] == [days[0], days[1], shared, shared]
        assert bucket_of(store_url, few, days[1]) == days[1]
