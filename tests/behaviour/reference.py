"""The slow, obvious version of the engine: one customer at a time, plain Python, no pandas.

Written from the sentences of the behaviour contract, not from the engine. It knows segments and rules for entry, goals
and exits, all node types, retries, unknown fates, staleness, windows and missing customers; guards, caps, several
journeys and templates beyond one variable are tested elsewhere.
"""

import re
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from journey_pipelines.engine.identity import chances
from journey_pipelines.rules import compile_rule

Answer = Callable[[str, str, int], str]  # customer, node, attempt at that node so far -> status
_DURATION = re.compile(r"^(-?)P(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$")
_DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_UNFINISHED = ("NOT_STARTED", "IN_PROGRESS", "WAITING")
_MESSAGES = ("send_sms", "send_email", "send_push")


def at_wall(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a wall time: moved forward by the gap where it does not exist, the first where it exists twice."""
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def add(start: datetime, duration: str, zone: ZoneInfo) -> datetime:
    """Months, weeks and days on the calendar of the zone, then hours, minutes and seconds as elapsed time."""
    found = _DURATION.match(duration)
    assert found, duration
    sign = -1 if found[1] else 1
    months, weeks, days, hours, minutes, seconds = (sign * int(part or 0) for part in found.groups()[1:])
    moved = start
    if months or weeks or days:
        wall = start.astimezone(zone).replace(tzinfo=None)
        month = wall.year * 12 + wall.month - 1 + months
        year, number = month // 12, month % 12 + 1
        wall = wall.replace(year=year, month=number, day=min(wall.day, monthrange(year, number)[1]))
        moved = at_wall(wall + timedelta(weeks=weeks, days=days), zone)
    return moved + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def clock(text: str) -> time:
    """A time of day."""
    return time.fromisoformat(text)


def next_local(after: datetime, config: Mapping[str, Any], zone: ZoneInfo) -> datetime:
    """The next local time on one of the weekdays, later than `after`."""
    wall = after.astimezone(zone)
    for ahead in range(-1, 9):
        day = wall.date() + timedelta(days=ahead)
        if _DAYS[day.weekday()] in config.get("weekdays", _DAYS):
            instant = at_wall(datetime.combine(day, clock(config.get("time", "00:00"))), zone)
            if instant > after:
                return instant
    raise AssertionError(config)


def opening(now: datetime, window: Mapping[str, Any], zone: ZoneInfo) -> datetime:
    """`now` where the window is open, else its next opening."""
    opens, closes = clock(window.get("from", "00:00")), clock(window.get("to", "23:59:59.999999"))
    day = now.astimezone(zone).date()
    later = []
    for ahead in range(-1, 9):
        first = day + timedelta(days=ahead)
        if _DAYS[first.weekday()] not in window.get("weekdays", _DAYS):
            continue
        last = first if opens < closes else first + timedelta(days=1)
        start, stop = at_wall(datetime.combine(first, opens), zone), at_wall(datetime.combine(last, closes), zone)
        if start <= now < stop:
            return now
        if start > now:
            later.append(start)
    return min(later)


def instant(value: Any, zone: ZoneInfo) -> datetime:
    """The instant that an ISO text means: local where it names no zone."""
    parsed = datetime.fromisoformat(value)
    return at_wall(parsed, zone) if parsed.tzinfo is None else parsed.astimezone(UTC)


def is_true(rule: Any, row: Mapping[str, Any]) -> bool:
    """Truthiness of a rule on one row."""
    value = compile_rule({"!!": [rule]}).scalar(dict(row))
    assert isinstance(value, bool)
    return value


@dataclass
class Execution:
    """One passage of one customer."""

    number: int
    customer: str
    entered_at: datetime
    node: str
    is_manual: bool = False  # then it was perhaps never in the segment, and cannot leave it
    state: str = "NOT_STARTED"
    due_at: datetime | None = None
    came_due_at: datetime | None = None  # decides staleness
    arrived_at: datetime | None = None
    ended_at: datetime | None = None
    missing_since: datetime | None = None
    outcome: str | None = None
    failure: str | None = None
    visits: dict[str, int] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)
    dispatch: dict[str, Any] | None = None
    left_in_run: set[str] = field(default_factory=set)


@dataclass
class World:
    """What one simulation is given."""

    document: Mapping[str, Any]
    features: Sequence[Mapping[str, Any]]
    segments: Sequence[tuple[str, str, str]]
    profiles: Mapping[str, Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]
    starts: Sequence[Mapping[str, Any]]
    answer: Answer

    def __post_init__(self) -> None:
        self.nodes = {node["id"]: node for node in self.document["nodes"]}
        self.ways = {(e["source"], e.get("branch")): e["target"] for e in self.document["edges"]}
        self.executions: list[Execution] = []
        self.transitions: list[dict[str, Any]] = []
        self.dispatches: list[dict[str, Any]] = []
        self.balance: dict[str, int] = {}
        self.attempts: dict[tuple[str, str], int] = {}
        self.accepted: set[str] | None = None
        self.enrolled_on: dict[str, date] = {}
        self.started: set[int] = set()

    # facts

    def newest(self, rows: Sequence[Any], day: str, dated: Callable[[Any], str]) -> list[Any]:
        """The rows of the newest date on or before the day."""
        dates = [dated(row) for row in rows if dated(row) <= day]
        return [row for row in rows if dates and dated(row) == max(dates)]

    def zone(self, customer: str) -> ZoneInfo:
        """The customer's time zone, else the journey's, else UTC."""
        return ZoneInfo(self.profiles.get(customer, {}).get("timezone") or self.document.get("timezone") or "UTC")

    def row(self, execution: Execution) -> dict[str, Any]:
        """The context that rules see."""
        features = {k: v for k, v in self.today.get(execution.customer, {}).items() if k != "snapshot_date"}
        account = {"points_balance": self.balance.get(execution.customer, 0)}
        profile = self.profiles.get(execution.customer, {})
        return {
            **features,
            **execution.context,
            "customer_id": execution.customer,
            "account": account,
            "customer": profile,
        }

    # one run

    def run(self, as_of: datetime) -> None:
        """Enrol, then advance everybody."""
        self.as_of = as_of
        day = as_of.date().isoformat()
        rows = self.newest(self.features, day, lambda row: row["snapshot_date"])
        self.today = {row["customer_id"]: row for row in rows}
        if not self.today:
            return
        members = self.newest(self.segments, day, lambda row: row[0])
        self.members = {customer for _, segment, customer in members if segment == self.entry.get("segment")}
        self.enrol()
        for execution in self.executions:
            if execution.state in _UNFINISHED:
                execution.left_in_run = set()
                self.advance(execution)

    @property
    def entry(self) -> Mapping[str, Any]:
        """The document's entry section."""
        entry: Mapping[str, Any] = self.document.get("entry", {})
        return entry

    def enrol(self) -> None:
        """Manual starts, then those whom segment and rule admit."""
        for number, start in enumerate(self.starts):
            if number not in self.started and start["at"] <= self.as_of:
                self.started.add(number)
                if self.may_enter(start["customer_id"], manual=True):
                    self.enter(start["customer_id"], start["context"], is_manual=True)
        if "segment" in self.entry or "rule" in self.entry:
            for customer in sorted(self.members if "segment" in self.entry else self.today):
                if self.is_admitted(customer) and self.may_enter(customer, manual=False):
                    self.enter(customer, {}, is_manual=False)
        self.accepted = self.members

    def is_admitted(self, customer: str) -> bool:
        """Whether segment and rule both hold."""
        if "segment" in self.entry:
            has_before = customer in self.accepted if self.accepted is not None else not self.entry["include_existing"]
            if customer not in self.members or (self.entry["on"] == "join" and has_before):
                return False
        if "rule" not in self.entry:
            return True
        if customer not in self.today:
            return False
        row = {**self.today[customer], "account": {"points_balance": self.balance.get(customer, 0)}}
        row = {**row, "customer": self.profiles.get(customer, {})}
        return is_true(self.entry["rule"], row)

    def may_enter(self, customer: str, *, manual: bool) -> bool:
        """Re-entry: never, after the end, or after an interval since the last entry."""
        earlier = [execution for execution in self.executions if execution.customer == customer]
        if not earlier:
            return True
        reentry = self.entry.get("reentry", "never")
        if earlier[-1].state in _UNFINISHED or reentry == "never":
            return False
        if not manual and self.enrolled_on.get(customer) == self.as_of.date():
            return False
        return reentry == "after_end" or add(earlier[-1].entered_at, reentry, self.zone(customer)) <= self.as_of

    def enter(self, customer: str, context: Mapping[str, Any], *, is_manual: bool) -> None:
        """A new execution before its start node."""
        self.enrolled_on[customer] = self.as_of.date()
        number = 1 + sum(execution.customer == customer for execution in self.executions)
        start = next(node["id"] for node in self.document["nodes"] if node["type"] == "start")
        execution = Execution(number, customer, self.as_of, start, due_at=self.as_of, context=dict(context))
        execution.came_due_at, execution.is_manual = self.as_of, is_manual
        self.executions.append(execution)

    # one execution

    def advance(self, execution: Execution) -> None:
        """Move until it is blocked or has ended."""
        if execution.customer not in self.today:
            self.miss(execution)
            return
        execution.missing_since = None
        while execution.state in _UNFINISHED and self.is_due(execution):
            if execution.dispatch is not None and execution.dispatch["status"] == "unknown":
                self.resolve(execution)
                continue
            if self.leaves_early(execution):
                return
            self.resume(execution)

    def miss(self, execution: Execution) -> None:
        """No row in the newest feature snapshot: stay, and fail when the grace is over."""
        execution.missing_since = execution.missing_since or self.as_of
        grace = self.document.get("missing_grace", "P3D")
        if add(execution.missing_since, grace, self.zone(execution.customer)) <= self.as_of:
            self.fail(execution, "customer_gone")

    def is_due(self, execution: Execution) -> bool:
        """Whether it wants to be looked at now."""
        is_passed = execution.due_at is not None and execution.due_at <= self.as_of
        node = self.nodes[execution.node]
        is_waiting = execution.state == "WAITING" and node["type"] == "wait"
        return is_passed or (is_waiting and self.matching_event(execution) is not None)

    def leaves_early(self, execution: Execution) -> bool:
        """Goal, then exit rule, then the segment that was left."""
        goal, exit_ = self.document.get("goal"), self.document.get("exit", {})
        if goal is not None and self.meets(goal, execution):
            self.complete(execution, "goal")
        elif ("rule" in exit_ and is_true(exit_["rule"], self.row(execution))) or self.has_left(execution):
            self.complete(execution, "exit_rule")
        return execution.state == "COMPLETED"

    def has_left(self, execution: Execution) -> bool:
        """Whether it entered by the segment that it must not leave, and is no longer in it."""
        is_watched = self.document.get("exit", {}).get("on_leave_segment", False) and not execution.is_manual
        return is_watched and execution.customer not in self.members

    def meets(self, goal: Mapping[str, Any], execution: Execution) -> bool:
        """A goal by event, filtered by its rule, or by rule alone."""
        if "event" not in goal:
            return is_true(goal["rule"], self.row(execution))
        return next(self.events_for(execution, goal, execution.entered_at, self.as_of), None) is not None

    def events_for(
        self, execution: Execution, wanted: Mapping[str, Any], since: datetime, until: datetime
    ) -> Iterator[Mapping[str, Any]]:
        """Events of the type after `since` and at or before `until` that are known now, the earliest first."""
        for event in sorted(self.events, key=lambda event: (event["occurred_at"], event["event_id"])):
            is_known = event["received_at"] <= self.as_of and event["customer_id"] == execution.customer
            is_timely = event["event_type"] == wanted["event"] and since < event["occurred_at"] <= until
            if is_known and is_timely and ("rule" not in wanted or is_true(wanted["rule"], event["data"])):
                yield event

    def matching_event(self, execution: Execution) -> Mapping[str, Any] | None:
        """The event that ends this wait, if there is one."""
        config = self.nodes[execution.node]["config"]
        if "event" not in config or execution.arrived_at is None:
            return None
        since = execution.entered_at if config.get("since") == "entry" else execution.arrived_at
        deadline = add(execution.arrived_at, config["timeout"], self.zone(execution.customer))
        return next(self.events_for(execution, config, since, min(deadline, self.as_of)), None)

    def resume(self, execution: Execution) -> None:
        """Go on from where it stands: a start, a wait that is over, an action with news."""
        node = self.nodes[execution.node]
        if execution.state == "NOT_STARTED":
            self.visit(execution, node["id"])
            return
        if node["type"] == "wait":
            self.end_wait(execution)
        elif execution.state == "WAITING":
            execution.came_due_at = execution.due_at
            self.request(execution)
        else:
            self.redeliver(execution)

    def end_wait(self, execution: Execution) -> None:
        """By its event, its timeout or its due time."""
        config = self.nodes[execution.node]["config"]
        event = self.matching_event(execution)
        execution.came_due_at = execution.due_at
        branch = None
        if "event" in config:
            branch = "timeout" if event is None else "event"
        if event is not None:
            execution.came_due_at = event["occurred_at"]
            execution.context["event"] = dict(event["data"])
        self.leave(execution, branch)

    def leave(self, execution: Execution, branch: str | None) -> None:
        """Note the transition, go on to the next node."""
        node = execution.node
        ways = [way for way in self.ways if way[0] == node]
        named = branch if any(way[1] is not None for way in ways) else None
        self.note(execution, named)
        execution.left_in_run.add(node)
        self.visit(execution, self.ways.get((node, branch)) or self.ways[(node, None)])

    def note(self, execution: Execution, branch: str | None) -> None:
        """One transition."""
        self.transitions.append(
            {
                "customer_id": execution.customer,
                "number": execution.number,
                "node_id": execution.node,
                "visit": execution.visits[execution.node],
                "branch": branch,
                "at": self.as_of,
            }
        )

    def visit(self, execution: Execution, node_id: str) -> None:
        """Arrive at a node and do what it says."""
        execution.node = node_id
        execution.arrived_at = self.as_of
        execution.due_at = None
        execution.visits[node_id] = execution.visits.get(node_id, 0) + 1
        node = self.nodes[node_id]
        if node["type"] == "start":
            self.leave(execution, None)
        elif node["type"] == "end":
            self.note(execution, None)
            self.complete(execution, node_id)
        elif node["type"] == "condition":
            self.leave(execution, self.branch_of(execution, node["config"]))
        elif node["type"] == "split":
            self.leave(execution, self.arm_of(execution, node))
        elif node["type"] == "wait":
            self.begin_wait(execution, node["config"])
        else:
            self.begin_action(execution, node["config"])

    def branch_of(self, execution: Execution, config: Mapping[str, Any]) -> str:
        """The branch whose rule is the first to hold."""
        row = self.row(execution)
        if "rule" in config:
            return "true" if is_true(config["rule"], row) else "false"
        return next((branch["name"] for branch in config["branches"] if is_true(branch["rule"], row)), "else")

    def arm_of(self, execution: Execution, node: Mapping[str, Any]) -> str:
        """The arm that the hash of journey, node and customer draws."""
        branches = node["config"]["branches"]
        drawn = chances(self.document["key"], node["id"], pd.Series([execution.customer]))[0]
        total = sum(branch["weight"] for branch in branches)
        bounds = list(accumulate(branch["weight"] / total for branch in branches))
        return str(branches[min(bisect_right(bounds, drawn), len(branches) - 1)]["name"])

    def begin_wait(self, execution: Execution, config: Mapping[str, Any]) -> None:
        """Wait until the due time; a past one does not hold anybody."""
        zone = self.zone(execution.customer)
        execution.state = "WAITING"
        if "event" in config:
            execution.due_at = add(self.as_of, config["timeout"], zone)
        elif "duration" in config:
            execution.due_at = add(self.as_of, config["duration"], zone)
        elif "until_attribute" in config:
            value = self.row(execution).get(config["until_attribute"])
            if value is None and config.get("if_missing") != "continue":
                self.fail(execution, "missing_attribute")
                return
            when = self.as_of if value is None else add(instant(value, zone), config.get("offset", "P0D"), zone)
            execution.due_at = when
        elif "at" in config["until"]:
            execution.due_at = instant(config["until"]["at"], zone)
        else:
            execution.due_at = next_local(self.as_of, config["until"], zone)

    # actions

    def begin_action(self, execution: Execution, config: Mapping[str, Any]) -> None:
        """Request the dispatch now, or at the window's next opening."""
        if "window" in config:
            opens_at = opening(self.as_of, config["window"], self.zone(execution.customer))
            if opens_at > self.as_of:
                execution.state, execution.due_at = "WAITING", opens_at
                return
        self.request(execution)

    def request(self, execution: Execution) -> None:
        """Put the dispatch into the outbox and try it."""
        window = self.nodes[execution.node]["config"].get("window")
        if window and opening(self.as_of, window, self.zone(execution.customer)) > self.as_of:
            execution.due_at = opening(self.as_of, window, self.zone(execution.customer))
            return
        execution.state, execution.due_at = "IN_PROGRESS", None
        execution.dispatch = {
            "customer_id": execution.customer,
            "number": execution.number,
            "node_id": execution.node,
            "visit": execution.visits[execution.node],
            "status": "pending",
            "requested_at": self.as_of,
            "attempts": 0,
        }
        self.dispatches.append(execution.dispatch)
        self.send(execution, execution.came_due_at or self.as_of)

    def send(self, execution: Execution, came_due_at: datetime) -> None:
        """Skip, or hand over and take the answer."""
        config, dispatch = self.nodes[execution.node]["config"], execution.dispatch
        assert dispatch is not None
        reason = self.why_not(execution, config, came_due_at)
        if reason is not None:
            self.settle(execution, *reason)
            return
        dispatch["attempts"] += 1
        place = (execution.customer, execution.node)
        status = self.answer(*place, self.attempts.get(place, 0))
        self.attempts[place] = self.attempts.get(place, 0) + 1
        zone = self.zone(execution.customer)
        retry = {"attempts": 3, "backoff": "PT1H", **config.get("retry", {})}
        if status == "retry" and dispatch["attempts"] < retry["attempts"]:
            dispatch["status"], execution.due_at = "retry", add(self.as_of, retry["backoff"], zone)
        elif status == "retry":
            self.settle(execution, "failed", "retries_exhausted")
        elif status == "unknown":
            settle_after = self.document.get("settle_after", "P1D")
            dispatch["status"], execution.due_at = "unknown", add(self.as_of, settle_after, zone)
        else:
            self.settle(execution, status, "action_failed")

    def why_not(self, execution: Execution, config: Mapping[str, Any], came_due_at: datetime) -> tuple[str, str] | None:
        """Why a message does not leave: stale, no consent, no address, no value for its variable."""
        if config["action_type"] not in _MESSAGES:
            return None
        zone, profile = self.zone(execution.customer), self.profiles.get(execution.customer, {})
        stale_after = self.document.get("stale_after")
        if stale_after is not None and add(came_due_at, stale_after, zone) < self.as_of:
            return "skipped", "stale"
        if profile.get("sms_consent") is False:
            return "skipped", "consent"
        if profile.get("phone") is None:
            return "skipped", "no_address"
        variable = re.search(r"\{\{(\w+)\}\}", config.get("message", ""))
        if variable and self.row(execution).get(variable[1]) is None:
            return "failed", "missing_variable"
        return None

    def resolve(self, execution: Execution) -> None:
        """An unknown fate that nobody settled: a message counts as sent, points are tried again."""
        assert execution.dispatch is not None
        execution.came_due_at = execution.due_at
        if self.nodes[execution.node]["config"]["action_type"] in ("send_sms", "send_email"):
            self.settle(execution, "sent", "")
        else:
            execution.dispatch["status"] = "retry"

    def redeliver(self, execution: Execution) -> None:
        """A retry whose time has come."""
        assert execution.due_at is not None
        due_at, execution.due_at = execution.due_at, None
        execution.came_due_at = due_at
        self.send(execution, due_at)

    def settle(self, execution: Execution, status: str, reason: str) -> None:
        """The result is known: keep it and go on, unless goal or exit come first."""
        dispatch, node = execution.dispatch, self.nodes[execution.node]
        assert dispatch is not None
        dispatch["status"] = status
        if status == "sent" and node["config"]["action_type"] == "award_points":
            balance = self.balance.get(execution.customer, 0) + node["config"]["points"]
            self.balance[execution.customer] = balance
        execution.context[f"action_result_{node['id']}"] = {"success": status == "sent"}
        execution.due_at = self.as_of
        if self.leaves_early(execution):
            return
        if status != "failed":
            self.leave(execution, None)
        elif (node["id"], "failed") in self.ways:
            self.leave(execution, "failed")
        else:
            self.fail(execution, reason)

    def complete(self, execution: Execution, outcome: str) -> None:
        """Ended well."""
        self.finish(execution, "COMPLETED")
        execution.outcome = outcome

    def fail(self, execution: Execution, code: str) -> None:
        """Ended badly."""
        self.finish(execution, "FAILED")
        execution.failure = code

    def finish(self, execution: Execution, state: str) -> None:
        """No more dates; what is still out will not go."""
        execution.state, execution.due_at, execution.ended_at = state, None, self.as_of
        if execution.dispatch is not None and execution.dispatch["status"] in ("retry", "unknown"):
            is_message = self.nodes[execution.node]["config"]["action_type"] in _MESSAGES
            is_perhaps_out = execution.dispatch["status"] == "unknown" and is_message
            execution.dispatch["status"] = "sent" if is_perhaps_out else "skipped"
