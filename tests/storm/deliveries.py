"""Mails and SMS that leave while their process is killed again and again, and what the providers took over.

Each process is forked from one that has imported everything, so that a hundred of them cost little. The fakes run in
the process that kills: a kill comes some requests after the last one, in the middle of whatever goes on then.
"""

import multiprocessing
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from journey_pipelines.delivery.actions.registry import load_actions
from journey_pipelines.delivery.answers import answers
from journey_pipelines.delivery.channel_dispatcher import ChannelDispatcher
from journey_pipelines.delivery.providers.provider_channel import ProviderChannel
from journey_pipelines.delivery.providers.registry import provider_kind
from journey_pipelines.engine.engine import Engine
from journey_pipelines.engine.frame_source import FrameSource
from journey_pipelines.engine.passes import advance_pass, run_pass
from journey_pipelines.engine.ports import Run
from journey_pipelines.engine.states import SETTLED
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.store.doctor import examine
from journey_pipelines.store.postgres import PostgresStore
from tests.behaviour.builders import MARCH, action, chain
from tests.providers.loopback import LOSE_REPLY, Fault, Loopback, Reply
from tests.providers.sendgrid_fake import KEY, SendGridFake
from tests.providers.twilio_fake import ACCOUNT, SENDER, TOKEN, TwilioFake

LOST_REPLIES = 0.02
UNAVAILABLE = 0.03
SEND_ROWS = 40
SECONDS_OF_A_REQUEST = 0.004
MOST_SECONDS_AFTER_A_REQUEST = 0.03
RECOVERY_HOURS = (1, 1, 1, *(25,) * 8)
JOURNEYS = (
    chain(
        action(
            "mail",
            "send_email",
            subject="Hello {{customer_id}}",
            template="welcome_email",
            variables={"customer_name": "{{customer.first_name}}", "points_balance": "{{account.points_balance}}"},
        ),
        key="mails",
    ),
    chain(action("text", message="Hello {{customer_id}}"), key="texts"),
)


class Resending(ChannelDispatcher):
    """The naive way: what is of unknown fate is sent again at once, whoever may have it."""

    def reconcile(self, unknown: pd.DataFrame) -> pd.DataFrame:
        return answers(unknown["key"], "retry")


@dataclass(frozen=True)
class World:
    """What a process needs to know."""

    store_url: str
    schema: str
    provider_urls: dict[str, str]
    customers: int
    is_naive: bool

    def store(self) -> PostgresStore:
        """The journey store."""
        return PostgresStore(self.store_url, schema=self.schema)

    def engine(self, store: PostgresStore) -> Engine:
        """The live engine with both providers, handing over few messages at once."""
        actions = load_actions()
        channels = {"email": self._sendgrid(), "sms": self._twilio()}
        dispatcher = (Resending if self.is_naive else ChannelDispatcher)(actions, channels)
        return Engine(store, self._source(), dispatcher, Catalog(actions=actions), send_rows=SEND_ROWS)

    def _source(self) -> FrameSource:
        ids = pd.Series(range(self.customers)).astype("str").str.zfill(5)
        features = pd.DataFrame({"snapshot_date": f"{MARCH:%Y-%m-%d}", "customer_id": ids})
        profiles = pd.DataFrame({"customer_id": ids, "first_name": "Customer " + ids})
        profiles = profiles.assign(email="c" + ids + "@example.com", phone="+120255" + ids)
        return FrameSource(features, None, profiles, segment_names=[])

    def _sendgrid(self) -> ProviderChannel:
        return self._open("email", "sendgrid", api_key=KEY, sender="shop@example.com")

    def _twilio(self) -> ProviderChannel:
        keys = {"account_sid": ACCOUNT, "auth_token": TOKEN, "sender": SENDER}
        return self._open("sms", "twilio", **keys, connections=8, list_delay=0.05)

    def _open(self, channel: str, name: str, **settings: Any) -> ProviderChannel:
        kind = provider_kind(channel, name)
        assert kind is not None
        # a 503 is left to the next run
        return kind.open(kind.config(url=self.provider_urls[name], rate=1e6, tries=1, timeout=5, **settings))


def run(world: World, number: int, as_of: datetime) -> None:
    """One run, in this process: customers enter with the first one."""
    store = world.store()
    one = Run(f"run-{number}", as_of, kind="run" if number == 1 else "advance")
    (run_pass if number == 1 else advance_pass)(world.engine(store), one)
    store.close()


@dataclass
class Provider:
    """A fake that takes some time, loses replies and is unavailable at times; it counts its requests for the storm."""

    fake: Any
    note: Callable[[], None]

    def answer(self, request: Any) -> Any:
        self.note()
        time.sleep(SECONDS_OF_A_REQUEST / 2)
        reply = self.fake.answer(request)
        time.sleep(SECONDS_OF_A_REQUEST / 2)
        return reply


class Unreliable(Loopback):
    """Draws the fault of each request."""

    def __init__(self, provider: Provider, draw: random.Random) -> None:
        super().__init__(provider)
        self._draw = draw

    def next_fault(self) -> Fault | None:
        drawn = self._draw.random()
        if drawn < LOST_REPLIES:
            return LOSE_REPLY
        return Fault("reply", Reply(503, b"{}")) if drawn < LOST_REPLIES + UNAVAILABLE else None


@dataclass
class DeliveryStorm:
    """One storm from its start to the end of recovery."""

    store_url: str
    customers: int
    kills: int
    draw: random.Random
    is_naive: bool = False
    requests: int = field(default=0, init=False)
    runs: int = field(default=0, init=False)
    _progress: threading.Condition = field(default_factory=threading.Condition, init=False)

    def __post_init__(self) -> None:
        self.sendgrid, self.twilio = SendGridFake(), TwilioFake()
        # forked from a process that has imported everything and started no thread
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload([__name__])

    def blow(self) -> None:
        """Kill as often as asked for, then let runs recover until nothing is open."""
        servers = [Unreliable(Provider(fake, self._note), self.draw) for fake in (self.sendgrid, self.twilio)]
        with servers[0], servers[1]:
            urls = dict(zip(("sendgrid", "twilio"), (server.url for server in servers), strict=True))
            self.world = World(self.store_url, "storm", urls, self.customers, self.is_naive)
            self.store = self.world.store()
            with self.store.transaction() as transaction:
                for document in JOURNEYS:
                    transaction.publish(document, at=MARCH - timedelta(days=1))
            for _ in range(self.kills):
                self._kill_one()
                if self.is_naive and max(self.taken().values(), default=0) > 1:
                    return  # it has shown what it was run for
            self.open_after_kills = self._open_count()
            self._recover()

    def statuses(self) -> pd.DataFrame:
        """All dispatches as they ended: key, customer_id, action_type, status, is_confirmed."""
        with self.store.transaction() as transaction:
            found = transaction.read("dispatches")
        confirmed = [result.get("confirmed") is not False for result in found["result"]]
        return found[["key", "customer_id", "action_type", "status"]].assign(is_confirmed=confirmed)

    def taken(self) -> Counter[tuple[str, str]]:
        """What the providers took over, (action type, customer), as often as they did."""
        mails = [("send_email", mail["to"][1:6]) for mail in self.sendgrid.accepted]
        texts = [("send_sms", text["body"].removeprefix("Hello ")) for text in self.twilio.accepted]
        return Counter(mails + texts)

    def faults(self) -> list[str]:
        """What does not hold together in the store."""
        return [str(fault) for fault in examine(self.store).faults]

    def _note(self) -> None:
        with self._progress:
            self.requests += 1
            self._progress.notify_all()

    def _kill_one(self) -> None:
        """Start a run and kill it some requests later, between two of its steps or within one."""
        typical = max((self.customers + self.customers // SEND_ROWS) // max(self.kills, 1), 1)
        until = self.requests + self.draw.randint(1, 2 * typical)
        process = self._start()
        with self._progress:
            self._progress.wait_for(lambda: self.requests >= until or not process.is_alive(), timeout=10)
        time.sleep(self.draw.uniform(0, MOST_SECONDS_AFTER_A_REQUEST))
        assert process.exitcode is None, f"run {self.runs} ended by itself before its kill"
        process.kill()
        process.join()

    def _recover(self) -> None:
        """Runs an hour apart, for retries, then days apart, when what stayed of unknown fate is settled."""
        at = MARCH + timedelta(minutes=self.runs)
        for hours in RECOVERY_HOURS:
            at += timedelta(hours=hours)
            self.runs += 1
            run(self.world, self.runs, at)
            if not self._open_count():
                return

    def _start(self) -> Any:
        self.runs += 1
        at = MARCH + timedelta(minutes=self.runs)
        process = self._processes.Process(target=run, args=(self.world, self.runs, at), daemon=True)
        process.start()
        return process

    def _open_count(self) -> int:
        statuses = self.statuses()["status"]
        return int((~statuses.isin(SETTLED)).sum())
