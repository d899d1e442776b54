"""What the rules of one decision could read of one customer: a document for the scalar evaluator, with its sources.

The same places as `engine.variables` has over columns: features, profile under `customer`, account, context.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from journey_pipelines.evidence.findings import Reading
from journey_pipelines.evidence.snapshot_rows import SnapshotRow, is_missing
from journey_pipelines.rules import Rule
from journey_pipelines.rules.json_values import to_json

RECORDS: Final = ("customer", "account")


@dataclass(frozen=True)
class Reads:
    """Everything that was known of a customer when a decision was made."""

    journey_key: str
    customer_id: str
    features: SnapshotRow
    profile: SnapshotRow
    account: Mapping[str, Any]
    context: Mapping[str, Any]  # start data, `event`, `action_result_<node>`, as they were then

    @property
    def trouble(self) -> str:
        """Why what the decision read is not known any more; empty where it is."""
        return self.features.trouble or self.profile.trouble

    def trouble_for(self, rule: Rule) -> str:
        """The same, as far as this rule is concerned."""
        needs_profile = rule.reads_everything or "customer" in rule.columns
        return self.features.trouble or (self.profile.trouble if needs_profile else "")

    def document(self, rule: Rule) -> dict[str, Any]:
        """The document that the rule sees: a value that is null for the customer is absent, as it is over columns."""
        document = nested(self.features.values or {})
        document |= {key: value for key, value in self.context.items() if not is_missing(value)}
        document |= {"customer_id": self.customer_id, "journey_id": self.journey_key}
        return document | {name: self._record(name, rule) for name in RECORDS}

    def reading(self, path: str) -> Reading:
        """The value behind a dotted name."""
        head = path.partition(".")[0]
        value: Any = self._top(head)
        if path in (self.features.values or {}) and head not in (*RECORDS, *self.context):
            return Reading(path, _json(self.features.values[path]), self._source(head))  # type: ignore[index]
        for part in path.split(".")[1:]:
            value = value.get(part) if isinstance(value, Mapping) else None
        return Reading(path, _json(value), self._source(head))

    def _top(self, head: str) -> Any:
        if head == "customer":
            return self.profile.values
        if head == "account":
            return self.account
        if head in self.context:
            return self.context[head]
        own = {"customer_id": self.customer_id, "journey_id": self.journey_key}
        return own[head] if head in own else nested(self.features.values or {}).get(head)

    def _source(self, head: str) -> str:
        if head == "customer":
            return self.profile.snapshot_id or "no profile snapshot"
        if head == "account":
            return "loyalty account at that time"
        if head in self.context or head == "event" or head.startswith("action_result_"):
            return "context of the execution"
        return self.features.snapshot_id or "no feature snapshot"

    def _record(self, name: str, rule: Rule) -> dict[str, Any]:
        values = dict(self.account if name == "account" else self.profile.values or {})
        # the record as a whole shows its nulls
        if name == "customer" and (name in rule.paths or rule.reads_everything):
            return {**dict.fromkeys(sorted(self.profile.columns)), **values}
        return {key: value for key, value in values.items() if not is_missing(value)}


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values whose names have dots, as objects inside one another.

    >>> nested({"a.b": 1, "c": 2})
    {'c': 2, 'a': {'b': 1}}
    """
    document: dict[str, Any] = {name: value for name, value in values.items() if "." not in name}
    for name in sorted(set(values) - set(document)):
        *heads, last = name.split(".")
        inside = document
        for head in heads:
            found = inside.get(head)
            inside[head] = dict(found) if isinstance(found, Mapping) else {}
            inside = inside[head]
        inside[last] = values[name]
    return document


def _json(value: Any) -> Any:
    return None if is_missing(value) else to_json(value)
