"""The same advance written plainly: one customer at a time through an object-relational mapper, a commit for each."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import pandas as pd
from sqlalchemy import BigInteger, DateTime, Engine, ForeignKey, Identity, create_engine, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from journey_pipelines.bench.costs import BenchmarkError
from journey_pipelines.bench.server import BenchServer
from journey_pipelines.bench.standing import AS_OF, DUE_AT, ENTERED_AT, KEY, RULE, is_engaged
from journey_pipelines.rules import compile_rule

CONDITION: Final = compile_rule(RULE)
TWO_DAYS: Final = timedelta(days=2)

Features = dict[str, dict[str, Any]]


class Base(DeclarativeBase):
    """The tables of the plain engine."""

    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSONB}  # noqa: RUF012 - SQLAlchemy's name


class Execution(Base):
    """One passage of one customer."""

    __tablename__ = "executions"

    id: Mapped[str] = mapped_column(primary_key=True)
    journey_key: Mapped[str]
    customer_id: Mapped[str] = mapped_column(index=True)
    state: Mapped[str]
    node_id: Mapped[str]
    context: Mapped[dict[str, Any]]
    entered_at: Mapped[datetime]
    arrived_at: Mapped[datetime]
    due_at: Mapped[datetime | None] = mapped_column(index=True)


class Transition(Base):
    """One node that was left."""

    __tablename__ = "transitions"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    execution_id: Mapped[str] = mapped_column(ForeignKey("executions.id"), index=True)
    node_id: Mapped[str]
    branch: Mapped[str | None]
    at: Mapped[datetime]


class Dispatch(Base):
    """One action that is asked for."""

    __tablename__ = "dispatches"

    key: Mapped[str] = mapped_column(primary_key=True)
    execution_id: Mapped[str] = mapped_column(ForeignKey("executions.id"), index=True)
    customer_id: Mapped[str]
    action_type: Mapped[str]
    status: Mapped[str]
    payload: Mapped[dict[str, Any]]
    requested_at: Mapped[datetime]


def feature_documents(features: pd.DataFrame) -> Features:
    """Each customer's features as the scalar evaluator takes them."""
    names = ["sessions_1d", "tier", "spend_30d"]
    records: list[dict[str, Any]] = features[names].astype(object).to_dict("records")
    return dict(zip(features["customer_id"].tolist(), records, strict=True))


def move(session: Session, execution: Execution, *, engaged: bool) -> None:
    """Let it leave the wait and the condition, and stop at the action or at the next wait."""
    branch = "true" if engaged else "false"
    session.add(Transition(execution_id=execution.id, node_id="one_day", branch=None, at=AS_OF))
    session.add(Transition(execution_id=execution.id, node_id="engaged", branch=branch, at=AS_OF))
    execution.arrived_at = AS_OF
    if not engaged:
        execution.state, execution.node_id, execution.due_at = "WAITING", "two_days", AS_OF + TWO_DAYS
        return
    execution.state, execution.node_id, execution.due_at = "IN_PROGRESS", "bonus", None
    session.add(
        Dispatch(
            key=f"{execution.id}:bonus:1",
            execution_id=execution.id,
            customer_id=execution.customer_id,
            action_type="award_points",
            status="pending",
            payload={"points": 100, "reason": "engaged"},
            requested_at=AS_OF,
        )
    )


class PlainEngine:
    """Some executions in tables of their own, moved one by one."""

    database: str = "bench_plain"

    def __init__(self, server: BenchServer, features: pd.DataFrame) -> None:
        self.server = server
        self.documents = feature_documents(features)
        self.engaged = int(is_engaged(features).sum())

    @property
    def rows(self) -> int:
        """How many executions it moves."""
        return len(self.documents)

    @property
    def ids(self) -> Sequence[str]:
        """Of the executions; each is named after its customer."""
        return list(self.documents)

    @contextmanager
    def connected(self) -> Iterator[Engine]:
        """A pool of connections for the block."""
        # SQLAlchemy's own choice of a driver depends on its version
        engine = create_engine(self.server.url(self.database).replace("postgresql://", "postgresql+psycopg://"))
        try:
            yield engine
        finally:
            engine.dispose()

    def prepare(self) -> None:
        """Put everybody back into the first wait."""
        self.server.copy_database("template0", self.database)
        with self.connected() as engine, Session(engine) as session:
            Base.metadata.create_all(engine)
            session.add_all(
                Execution(
                    id=customer,
                    journey_key=KEY,
                    customer_id=customer,
                    state="WAITING",
                    node_id="one_day",
                    context={},
                    entered_at=ENTERED_AT,
                    arrived_at=ENTERED_AT,
                    due_at=DUE_AT,
                )
                for customer in self.ids
            )
            session.commit()

    def run(self) -> None:
        """Move everybody: load, decide, write, commit."""
        with self.connected() as engine, Session(engine) as session:
            for key in self.ids:
                execution = session.get_one(Execution, key)
                engaged = bool(CONDITION.scalar(self.documents[execution.customer_id]))
                move(session, execution, engaged=engaged)
                session.commit()

    def check(self) -> None:
        """Raises BenchmarkError where somebody stands where they should not, or something is missing."""
        with self.connected() as engine, Session(engine) as session:
            found = {
                "at the action": _count(session, Execution.node_id == "bonus"),
                "in the next wait": _count(session, Execution.node_id == "two_days"),
                "transitions": _count(session, Transition.at == AS_OF),
                "dispatches": _count(session, Dispatch.requested_at == AS_OF),
            }
        require(found, rows=self.rows, engaged=self.engaged, what=type(self).__name__)


def require(found: dict[str, int], *, rows: int, engaged: int, what: str) -> None:
    """Raises BenchmarkError unless an advance of `rows`, `engaged` of them to the action, left exactly these counts."""
    expected = {
        "at the action": engaged,
        "in the next wait": rows - engaged,
        "transitions": 2 * rows,
        "dispatches": engaged,
    }
    if found != expected:
        raise BenchmarkError(f"{what} left {found}, expected {expected}; it does not do what is compared, mend it")


def _count(session: Session, condition: Any) -> int:
    return session.scalar(select(func.count()).where(condition)) or 0
