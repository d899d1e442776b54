"""Random small journeys, and ten days of random customers, events and answers to walk through them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.behaviour.reference import Answer

FIRST_DAY = datetime(2024, 3, 8, tzinfo=UTC)  # New York changes its clocks on the tenth
CUSTOMERS = ["c1", "c2", "c3", "c4", "c5"]
EVENTS = ["buy", "visit"]
IS_LARGE = {">": [{"var": "amount"}, 50]}
KINDS = ["sms", "sms", "points", "two-way", "many-way", "wait", "wait", "wait", "event", "event", "split"]
WINDOWS: list[dict[str, Any]] = [
    {"from": "08:00", "to": "21:00"},
    {"from": "21:00", "to": "06:00"},
    {"from": "09:00", "to": "17:00", "weekdays": ["mon", "tue"]},
    {"from": "22:00", "to": "02:30", "weekdays": ["sat", "sun"]},
]
ENTRIES: list[dict[str, Any]] = [
    {"segment": "s", "on": "join", "include_existing": False},
    {"segment": "s", "on": "join", "include_existing": True},
    {"segment": "s", "on": "member", "include_existing": False},
    {"segment": "s", "on": "member", "include_existing": False, "rule": {"!=": [{"var": "g"}, "z"]}},
    {"rule": {">": [{"var": "f"}, 0]}},
    {},
]
GOALS: list[dict[str, Any]] = [
    {"event": "buy"},
    {"event": "visit", "rule": IS_LARGE},
    {"rule": {">": [{"var": "f"}, 2]}},
]
ATTRIBUTES = [None, "2024-03-11", "2024-03-09T10:00:00", "2024-03-13T12:00:00+00:00", "2024-03-10T02:30:00"]


@dataclass(frozen=True)
class History:
    """What happened in the ten days."""

    features: list[dict[str, Any]]
    segments: list[tuple[str, str, str]]
    profiles: dict[str, dict[str, Any]]
    events: list[dict[str, Any]]
    starts: list[dict[str, Any]]
    runs: list[datetime]


class JourneyWriter:
    """Writes one journey: nodes in a row whose edges lead forward, or back where they come out of a wait."""

    def __init__(self, random: Random) -> None:
        self.random = random
        count = random.randrange(2, 7)
        self.kinds = {f"n{number}": random.choice(KINDS) for number in range(count)}
        self.ids = list(self.kinds)
        self.edges: list[dict[str, Any]] = [{"source": "start", "target": self.ids[0]}]

    def document(self) -> dict[str, Any]:
        """The journey; nodes that nobody reaches are left out."""
        nodes: dict[str, Any] = {
            node_id: getattr(self, kind.replace("-", "_"))(node_id) for node_id, kind in self.kinds.items()
        }
        nodes |= {"start": {"type": "start"}, "done": {"type": "end"}, "done2": {"type": "end"}}
        reached, waiting = set(), ["start"]
        while waiting:
            node_id = waiting.pop()
            if node_id not in reached:
                reached.add(node_id)
                waiting += [edge["target"] for edge in self.edges if edge["source"] == node_id]
        return {
            "key": "k",
            "name": "K",
            "timezone": self.random.choice(["America/New_York", "UTC", "Europe/Berlin"]),
            **self.sections(),
            "nodes": [{"id": node_id, **node} for node_id, node in nodes.items() if node_id in reached],
            "edges": [edge for edge in self.edges if edge["source"] in reached],
        }

    def sections(self) -> dict[str, Any]:
        """Entry, staleness, exit and goal."""
        random = self.random
        reentry = random.choice(["never", "never", "after_end", "P2D", "PT30H"])
        sections: dict[str, Any] = {"entry": {**random.choice(ENTRIES), "reentry": reentry, "context": ["tier"]}}
        if random.random() < 0.3:
            sections["stale_after"] = random.choice(["PT6H", "P1D", "P2D"])
        if random.random() < 0.3:
            sections["exit"] = {"rule": self.rule(None)}
            if "segment" in sections["entry"] and random.random() < 0.5:
                sections["exit"]["on_leave_segment"] = True
        if random.random() < 0.3:
            sections["goal"] = random.choice(GOALS)
        return sections

    def rule(self, node_id: str | None) -> dict[str, Any]:
        """A rule over features, account, event and results of the actions before the node."""
        rules: list[dict[str, Any]] = [
            {">": [{"var": "f"}, self.random.randrange(4)]},
            {"==": [{"var": "g"}, self.random.choice(["x", "y", None])]},
            {"<": [{"var": "f"}, {"var": "h"}]},
            {">=": [{"var": "account.points_balance"}, self.random.choice([5, 10, 20])]},
            {"!": [{"var": "b"}]},
        ]
        before = self.ids[: self.ids.index(node_id)] if node_id else []
        if "event" in [self.kinds[one] for one in before]:
            rules.append({">": [{"var": "event.amount"}, 50]})
        if self.random.random() < 0.3:  # not provided on every path; the checks say so where it never is
            rules += [{"var": f"action_result_{one}.success"} for one in before if self.kinds[one] in ("sms", "points")]
        return self.random.choice(rules)

    def lead(self, source: str, branch: str | None = None, *, may_return: bool = False) -> None:
        """An edge to one of the next nodes or an end; back to any earlier one where that is allowed."""
        number = self.ids.index(source)
        targets = [*self.ids[number + 1 : number + 3], "done", "done2"]
        if may_return and self.random.random() < 0.3:
            targets = self.ids[: number + 1]
        edge = {"source": source, "target": self.random.choice(targets)}
        self.edges.append({**edge, "branch": branch} if branch else edge)

    def action(self, node_id: str, config: dict[str, Any]) -> dict[str, Any]:
        """An action with or without retries and a failed branch."""
        if self.random.random() < 0.4:
            backoff = self.random.choice(["PT1H", "PT12H", "P1D", "PT7H"])
            config["retry"] = {"attempts": self.random.randrange(1, 5), "backoff": backoff}
        self.lead(node_id)
        if self.random.random() < 0.5:
            self.lead(node_id, "failed")
        return {"type": "action", "config": config}

    def sms(self, node_id: str) -> dict[str, Any]:
        """A message that needs a feature, or nothing."""
        config: dict[str, Any] = {"action_type": "send_sms", "message": self.random.choice(["Hi", "Hi {{g}}"])}
        if self.random.random() < 0.25:
            config["window"] = self.random.choice(WINDOWS)
        return self.action(node_id, config)

    def points(self, node_id: str) -> dict[str, Any]:
        """Some points."""
        return self.action(
            node_id, {"action_type": "award_points", "points": self.random.choice([5, 10]), "reason": "r"}
        )

    def two_way(self, node_id: str) -> dict[str, Any]:
        """A condition with true and false."""
        self.lead(node_id, "true")
        self.lead(node_id, "false")
        return {"type": "condition", "config": {"rule": self.rule(node_id)}}

    def many_way(self, node_id: str) -> dict[str, Any]:
        """A condition with named branches."""
        names = [f"b{number}" for number in range(self.random.randrange(1, 4))]
        for name in [*names, "else"]:
            self.lead(node_id, name)
        branches = [{"name": name, "rule": self.rule(node_id)} for name in names]
        return {"type": "condition", "config": {"branches": branches}}

    def split(self, node_id: str) -> dict[str, Any]:
        """Two or three arms."""
        names = [f"a{number}" for number in range(self.random.randrange(2, 4))]
        for name in names:
            self.lead(node_id, name)
        branches = [{"name": name, "weight": self.random.choice([1, 50, 33.3])} for name in names]
        return {"type": "split", "config": {"branches": branches}}

    def event(self, node_id: str) -> dict[str, Any]:
        """A wait for an event."""
        random = self.random
        config: dict[str, Any] = {"event": random.choice(EVENTS)}
        config["timeout"] = random.choice(["PT6H", "P1D", "P2D", "P1W", "PT25H"])
        if random.random() < 0.4:
            config["rule"] = IS_LARGE
        if random.random() < 0.15:
            config["since"] = "entry"
        for branch in ("event", "timeout"):
            self.lead(node_id, branch, may_return="since" not in config)
        return {"type": "wait", "config": config}

    def wait(self, node_id: str) -> dict[str, Any]:
        """A wait of one of the other kinds; those that may be over on arrival lead forward only."""
        random = self.random
        until: dict[str, Any] = {"weekdays": random.sample(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], 2)}
        if random.random() < 0.8:
            until = {"time": random.choice(["09:00", "00:00", "02:30", "23:30"]), **random.choice([until, {}])}
        at = random.choice(["2024-03-10T02:30", "2024-03-12T09:00", "2024-03-01", "2024-03-14"])
        attribute: dict[str, Any] = {"until_attribute": "d", "offset": random.choice(["-P1D", "PT6H", "P1W", "-PT3H"])}
        attribute |= random.choice([{}, {"if_missing": "continue"}])
        duration: dict[str, Any] = {
            "duration": random.choice(["PT6H", "P1D", "P2D", "P1W", "PT24H", "P1M", "P1DT2H", "PT1M"])
        }
        config: dict[str, Any] = random.choice([duration, duration, {"until": until}, {"until": {"at": at}}, attribute])
        self.lead(node_id, may_return="duration" in config or config.get("until") == until)
        return {"type": "wait", "config": config}


def random_history(random: Random, *, missing: float) -> History:
    """Ten days; `missing` is the chance that a customer lacks a day's feature row."""
    days = [(FIRST_DAY + timedelta(days=n)).date().isoformat() for n in range(10) if n == 0 or random.random() < 0.8]
    features = [
        {"snapshot_date": day, "customer_id": customer, **_feature_values(random)}
        for day in days
        for customer in CUSTOMERS
        if random.random() >= missing
    ]
    segments = [(day, "other", "nobody") for day in days]
    segments += [(day, "s", customer) for day in days for customer in CUSTOMERS if random.random() < 0.7]
    profiles = {customer: _profile(random) for customer in CUSTOMERS if random.random() < 0.9}
    events = [_event(random, number) for number in range(random.randrange(14))]
    starts = [_start(random) for _ in range(random.choice([0, 0, 2, 4]))]
    return History(features, segments, profiles, events, sorted(starts, key=lambda s: s["at"]), _runs(random))


def random_answers(seed: str, statuses: list[str]) -> Answer:
    """The same answer for the same customer, node and attempt."""
    return lambda customer, node, attempt: Random(f"{seed}/{customer}/{node}/{attempt}").choice(statuses)


def _feature_values(random: Random) -> dict[str, Any]:
    return {
        "f": random.choice([0, 1, 2, 3, None]),
        "g": random.choice(["x", "y", "z", None]),
        "h": random.choice([1, 2.5]),
        "b": random.choice([True, False, None]),
        "d": random.choice(ATTRIBUTES),
    }


def _profile(random: Random) -> dict[str, Any]:
    return {
        "phone": random.choice(["+12025550143"] * 5 + [None]),
        "timezone": random.choice([None, None, "America/New_York", "Asia/Tokyo", "Europe/Berlin"]),
        "sms_consent": random.choice([True, None, True, False]),
    }


def _event(random: Random, number: int) -> dict[str, Any]:
    occurred_at = FIRST_DAY + timedelta(hours=random.choice([1, 6, 12, 24]) * random.randrange(200) % 240)
    return {
        "event_id": f"e{number:02}",
        "customer_id": random.choice(CUSTOMERS),
        "event_type": random.choice(EVENTS),
        "occurred_at": occurred_at,
        "received_at": occurred_at + timedelta(hours=random.choice([0, 0, 1, 30])),
        "data": random.choice([{"amount": 60}, {"amount": 10}, {}]),
    }


def _start(random: Random) -> dict[str, Any]:
    return {
        "customer_id": random.choice(CUSTOMERS),
        "at": FIRST_DAY + timedelta(hours=random.randrange(200)),
        "context": random.choice([{"tier": "gold"}, {}]),
    }


def _runs(random: Random) -> list[datetime]:
    """Daily with gaps, twice a day, every six hours, or at any minute."""
    days = [FIRST_DAY + timedelta(days=number) for number in range(12)]
    any_minutes = [day + timedelta(minutes=random.randrange(1440)) for day in days for _ in range(2)]
    kinds = [
        [day + timedelta(hours=12) for day in days if random.random() < 0.8],
        [day + timedelta(hours=hour) for day in days for hour in (2, 15)],
        [day + timedelta(hours=hour) for day in days for hour in (0, 6, 12, 18)],
        sorted(set(any_minutes)),
    ]
    return random.choice(kinds)
