"""What an explanation consists of: findings, each about one stored fact, with the evaluations that led to it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import pandas as pd

from journey_pipelines.rules.json_values import to_json


class Verdict(StrEnum):
    """Whether computing a step once more came to what the store says."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    UNCHECKED = "unchecked"  # what decided is not there any more; the remark says what
    STATED = "stated"  # nothing decided: there was one way


@dataclass(frozen=True)
class Reading:
    """A value that a rule read, and where it lies; None: the value was absent or null."""

    path: str
    value: Any
    source: str


@dataclass(frozen=True)
class Evaluation:
    """One rule over one customer's values, by the scalar evaluator."""

    of: str  # a branch's name, `entry`, `exit`, `goal` or `event`
    rule: str  # as people read it
    fingerprint: str
    is_true: bool | None  # None: it could not be evaluated
    readings: tuple[Reading, ...] = ()
    fault: str | None = None


@dataclass(frozen=True)
class Finding:
    """One stored fact and its evidence."""

    about: str  # entry | condition | split | wait | ending | refusal | message | absence
    verdict: Verdict
    node_id: str | None = None
    visit: int | None = None
    branch: str | None = None
    at: pd.Timestamp | None = None
    run_id: str | None = None
    snapshot_id: str | None = None
    fingerprint: str | None = None
    evaluations: tuple[Evaluation, ...] = ()
    remark: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)  # of the profile, where no rule read them

    def as_json(self) -> dict[str, Any]:
        """The finding as JSON; the keys stay the same."""
        found = asdict(self)
        found["verdict"] = str(self.verdict)
        found["at"] = None if self.at is None or pd.isna(self.at) else self.at.isoformat()
        found["values"] = to_json(found["values"])
        for evaluation in found["evaluations"]:
            for reading in evaluation["readings"]:
                reading["value"] = to_json(reading["value"])
        return found


def doubts(findings: Sequence[Finding]) -> list[Finding]:
    """Those findings that contradict the store."""
    return [finding for finding in findings if finding.verdict is Verdict.CONTRADICTED]
