"""Runs the checks, all over one moment of the store, and says in sentences what they found."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from journey_pipelines.engine.frames import TEXT, TIME
from journey_pipelines.store.doctor.checks import FAULTS, NOTES, Check
from journey_pipelines.store.postgres import PostgresStore
from journey_pipelines.store.postgres.session import Session
from journey_pipelines.store.statements import statements

ROWS: Final = {"example": TEXT, "since": TIME}


@dataclass(frozen=True)
class Finding:
    """What one check found: how many, one of them, and the earliest time that belongs to them."""

    check: str
    table: str
    count: int
    example: str
    since: str | None
    sentence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}"


@dataclass(frozen=True)
class Findings:
    """What is wrong, what is no fault but good to know, and how many checks looked."""

    faults: Sequence[Finding]
    notes: Sequence[Finding]
    checks: int

    def as_json(self) -> dict[str, Any]:
        """What `journeys doctor --json` prints."""
        return {
            "is_sound": not self.faults,
            "checks": self.checks,
            "faults": [asdict(finding) for finding in self.faults],
            "notes": [asdict(finding) for finding in self.notes],
        }


def examine(store: PostgresStore) -> Findings:
    """Every check, over one and the same moment, beside runs that go on meanwhile. Writes and locks nothing."""
    with store.looking() as session:
        return look_at(session)


def look_at(session: Session) -> Findings:
    """Every check, over what this transaction sees."""
    return Findings(_found(session, FAULTS), _found(session, NOTES), len(FAULTS) + len(NOTES))


def _found(session: Session, checks: Sequence[Check]) -> list[Finding]:
    return [finding for check in checks if (finding := _look(session, check)) is not None]


def _look(session: Session, check: Check) -> Finding | None:
    rows = session.frame(statements("doctor")[check.name], ROWS)
    if not len(rows):
        return None
    count, example = len(rows), str(rows["example"].min())
    earliest = rows["since"].min()
    since = None if earliest is None or earliest != earliest else earliest.to_pydatetime().astimezone(UTC)
    return Finding(
        check=check.name,
        table=check.table,
        count=count,
        example=example,
        since=None if since is None else since.isoformat(),
        sentence=_sentence(check, count, example, since),
        remedy=check.remedy,
    )


def _sentence(check: Check, count: int, example: str, since: datetime | None) -> str:
    what = check.one if count == 1 else check.several
    named = f"it is {example}" if count == 1 else f"such as {example}"
    time = "" if since is None else f", since {since:%Y-%m-%d %H:%M} UTC"
    return f"{check.table}: {count:,} {what} ({named}{time})."
