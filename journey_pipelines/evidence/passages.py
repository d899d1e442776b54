"""One execution with its rows, and its context as it was before each of its transitions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd

from journey_pipelines.engine.events import describe
from journey_pipelines.engine.migration import MIGRATED
from journey_pipelines.engine.passed import mark_of
from journey_pipelines.evidence.archive import Archive, Row
from journey_pipelines.evidence.evaluations import evaluate_over
from journey_pipelines.evidence.findings import Evaluation, Reading
from journey_pipelines.journeys.journey import Journey
from journey_pipelines.journeys.nodes import ActionNode, EventWait, Node
from journey_pipelines.rules import Rule

OWN_FIELDS = ("event_id", "event_type", "customer_id", "occurred_at", "received_at", "data")


@dataclass(frozen=True)
class Passage:
    """`execution` is an EXECUTIONS row; the others are its rows, in the order in which they were written."""

    execution: Row
    journey: Journey
    transitions: Sequence[Row]
    dispatches: Sequence[Row]
    versions: Mapping[int, Journey] = field(default_factory=dict)  # those on which it was, where there are several

    def node_of(self, left: Row) -> Node | None:
        """The node of a transition, in the version on which it was left."""
        version = left.get("journey_version", self.journey.version)
        return self.versions.get(version, self.journey).nodes.get(left["node_id"])

    @property
    def customer_id(self) -> str:
        """Who it is about."""
        return str(self.execution["customer_id"])

    def arrived_at(self, number: int) -> datetime:
        """When it came to the node of this transition: the `as_of` of the run that left the node before."""
        before = self.transitions[number - 1]["run_as_of"] if number else self.execution["entered_at"]
        arrived: datetime = before.to_pydatetime()
        return arrived

    def context_before(self, number: int, archive: Archive) -> dict[str, Any]:
        """Start data, results and event as the decision of this transition saw them."""
        stored = self.execution["context"]
        context = {key: stored[key] for key in self.journey.entry.context if key in stored}
        results = {(row["node_id"], row["visit"]): row["result"] for row in self.dispatches}
        for place, left in enumerate(self.transitions[:number]):
            node = self.node_of(left)
            if left["branch"] == MIGRATED:
                context |= self._carried()
            elif isinstance(node, ActionNode):
                key = f"action_result_{node.id}"
                context[key] = results.get((node.id, left["visit"])) or stored.get(key)
            elif isinstance(node, EventWait) and left["branch"] == "event":
                context["event"] = self._event(place, node, archive)
        return context

    def _carried(self) -> dict[str, Any]:
        """Results of actions that were passed on another version, under the names that they have in this one."""
        visits, stored = self.execution["visits"], self.execution["context"]
        names = [f"action_result_{node_id}" for node_id in self.journey.nodes if mark_of(node_id) in visits]
        return {name: stored[name] for name in names if name in stored}

    def _event(self, number: int, node: EventWait, archive: Archive) -> Any:
        """What the context kept of the event that ended a wait: the stored one, or an earlier one found once more."""
        later = [
            left
            for left in self.transitions[number + 1 :]
            if left["branch"] == "event" and isinstance(self.node_of(left), EventWait)
        ]
        if not later:
            return self.execution["context"].get("event")
        event, _ = self.event_of(number, node, archive)
        return None if event is None else described(event)

    def event_of(self, number: int, node: EventWait, archive: Archive) -> tuple[Row | None, Evaluation | None]:
        """The first event that counted for the wait of this transition, with its filter's evaluation."""
        since = self.arrived_at(number)
        if node.since == "entry" and self.transitions[number]["visit"] == 1:
            since = self.execution["entered_at"].to_pydatetime()
        as_of = self.transitions[number]["run_as_of"].to_pydatetime()
        return first_event(archive.events(self.customer_id, node.event, after=since, as_of=as_of), node.rule)


def first_event(events: Sequence[Row], rule: Rule | None) -> tuple[Row | None, Evaluation | None]:
    """The first event that passes the filter, and the filter's evaluation over it (or over the last one refused)."""
    evaluation = None
    for event in events:
        if rule is None:
            return event, None
        evaluation = event_evaluation(rule, event)
        if evaluation.is_true:
            return event, evaluation
    return None, evaluation


def event_evaluation(rule: Rule, event: Row) -> Evaluation:
    """A filter over one event: its own fields and those of its data."""
    document = {**event["data"], **{name: event[name] for name in OWN_FIELDS}}
    document = {name: value for name, value in document.items() if value is not None}
    readings = [Reading(path, _at(document, path), f"event {event['event_id']}") for path in sorted(rule.paths)]
    return evaluate_over("event", rule, document, readings)


def described(event: Row) -> dict[str, object]:
    """An event as the context keeps it."""
    return describe(pd.DataFrame([event]).assign(occurred_at=pd.Series([event["occurred_at"]]).dt.as_unit("us")))[0]


def _at(document: Mapping[str, Any], path: str) -> Any:
    value: Any = document
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
