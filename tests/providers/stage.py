"""Where a provider's module meets a fake: what to send, how to fail, and what was taken over."""

from collections import Counter

import pandas as pd

from journey_pipelines.delivery.providers.registry import provider_kind
from journey_pipelines.engine.frames import DISPATCHES, conform
from tests.providers.clock import StillClock
from tests.providers.loopback import Fault, Loopback, Reply, free_port

LEFT_AT = pd.Timestamp("2026-03-01T09:00:00Z")


def dispatches_of(action_type, payloads):
    """DISPATCHES rows that are about to leave, one for each payload."""
    count = len(payloads)
    numbers = range(count)
    frame = pd.DataFrame(
        {
            "key": [f"6f9619ff-8b86-d011-b42d-{number:012d}:hello:1" for number in numbers],
            "execution_id": [f"6f9619ff-8b86-d011-b42d-{number:012d}" for number in numbers],
            "journey_key": "welcome",
            "journey_version": 1,
            "customer_id": [f"c{number}" for number in numbers],
            "node_id": "hello",
            "visit": 1,
            "action_type": action_type,
            "priority": 0,
            "status": "sending",
            "attempt": 1,
            "payload": payloads,
            "requested_at": LEFT_AT,
            "due_at": LEFT_AT,
            "next_at": pd.NaT,
            "left_at": LEFT_AT,
            "settled_at": pd.NaT,
            "reason": None,
            "result": [{}] * count,
            "run_id": "run",
            "snapshot_id": None,
        }
    )
    return conform(frame, DISPATCHES)


class Stage:
    """Base of all stages. A subclass says what is the provider's own.

    channel, name: as in the registry. fake: the fake, which has `accepted` and `refused_addresses`.
    """

    channel: str
    name: str
    batch = 1  # most recipients of a request
    requests_of_a_batch = 1  # of those that have many: of a full one
    secrets: tuple[str, ...] = ()

    def __init__(self):
        self.fake = self.make_fake()
        self.clock = StillClock()

    # what a subclass says

    def make_fake(self):
        raise NotImplementedError

    def settings(self):
        """The provider's required configuration, with where the fake is."""
        raise NotImplementedError

    def wrong_credentials(self):
        """Configuration that the fake refuses."""
        raise NotImplementedError

    def address(self, number):
        raise NotImplementedError

    def payload(self, address, number):
        raise NotImplementedError

    def taken(self):
        """Addresses that the fake has taken a message over for, as often as it did."""
        raise NotImplementedError

    # what all share

    def channel_with(self, **overrides):
        kind = provider_kind(self.channel, self.name)
        given = {"timeout": 0.5, "rate": 1e6, "connections": 2, **self.settings(), **overrides}
        return kind.open(kind.config(**given), clock=self.clock.clock)

    def dispatches(self, count, **changed):
        payloads = [self.payload(self.address(number), number) | changed for number in range(count)]
        return dispatches_of(f"send_{self.channel}", payloads)

    def send(self, dispatches, **overrides):
        channel = self.channel_with(**overrides)
        try:
            answered = channel.send(dispatches)
        finally:
            channel.close()
        assert answered["key"].tolist() == dispatches["key"].tolist()
        return answered

    def counts(self):
        return Counter(self.taken())

    def refuse_address(self, address):
        self.fake.refused_addresses.add(address)


class HttpStage(Stage):
    """Base of the stages of providers that speak HTTP."""

    error_body: object = b"{}"

    def __init__(self, *, authority=None):
        super().__init__()
        self.server = self.make_server(authority)

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *details):
        self.server.__exit__(*details)

    def make_server(self, authority):
        return Loopback(self.fake, authority=authority)

    def limit_rate(self, seconds, times=1):
        self.server.fail(*[Fault("reply", Reply(429, self.error_body, {"Retry-After": str(seconds)}))] * times)

    def be_unavailable(self, times=1):
        self.server.fail(*[Fault("reply", Reply(503, self.error_body))] * times)

    def fail_inside(self, status=500):
        self.server.fail(Fault("reply", Reply(status, self.error_body)))

    def fail(self, fault):
        self.server.fail(fault)

    @property
    def requests(self):
        return len(self.server.requests)

    def nowhere(self):
        """Configuration that leads where nobody listens."""
        return {"url": f"http://127.0.0.1:{free_port()}"}
