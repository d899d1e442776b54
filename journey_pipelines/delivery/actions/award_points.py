"""`award_points`: points on the customer's loyalty account, in the transaction that records the result."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

import pandas as pd
from pydantic import BaseModel, Field

from journey_pipelines.delivery.actions.action_type import ActionType, Parameters
from journey_pipelines.delivery.answers import answers
from journey_pipelines.delivery.sandbox import NoValue
from journey_pipelines.delivery.texts import Scope, assemble, compile_text
from journey_pipelines.engine.frames import POINTS_TRANSACTIONS, conform
from journey_pipelines.engine.ports import StoreTransaction
from journey_pipelines.journeys.catalog import UnknownPolicy

DEFAULT_PROGRAM: Final = 1
MOST_POINTS: Final = 1_000_000_000


class PointsParameters(Parameters):
    """Config of `award_points`: whole `points` above zero, the program (default 1) and a reason for the statement."""

    points: int = Field(gt=0, le=MOST_POINTS)
    program_id: int = Field(default=DEFAULT_PROGRAM, gt=0, le=2**31 - 1)
    reason: str | None = None


class PointsService:
    """Awards points inside one store transaction; the dispatch key makes an award happen once."""

    def __init__(self, transaction: StoreTransaction) -> None:
        self._transaction = transaction

    def earn_points(self, awards: pd.DataFrame) -> pd.DataFrame:
        """Find or create the accounts and add the points of POINTS_TRANSACTIONS rows without `balance_after`.

        Returns them with it, in the order given; for an award that was made before, what was recorded then.
        """
        return self._transaction.earn_points(awards)


class AwardPoints(ActionType):
    """Points; payload {points, program_id, reason}, result {points, program_id, new_balance}."""

    name: ClassVar[str] = "award_points"
    label: ClassVar[str] = "Award points"
    parameters: ClassVar[type[BaseModel]] = PointsParameters
    policy: ClassVar[UnknownPolicy] = UnknownPolicy.EXACTLY_ONCE

    def render(self, parameters: BaseModel, scope: Scope) -> Sequence[dict[str, Any] | NoValue]:
        """One payload for each dispatch."""
        assert isinstance(parameters, PointsParameters)
        reason = None if parameters.reason is None else compile_text(parameters.reason).column(scope)
        return assemble(
            {
                "points": [parameters.points] * scope.size,
                "program_id": [parameters.program_id] * scope.size,
                "reason": [None] * scope.size if reason is None else reason,
            },
            scope.size,
        )

    def perform(self, sent: pd.DataFrame, transaction: StoreTransaction) -> pd.DataFrame:
        """Award the points and answer with the new balances."""
        payloads = pd.DataFrame(sent["payload"].tolist(), columns=["points", "program_id", "reason"], index=sent.index)
        awards = pd.DataFrame(
            {
                "dispatch_key": sent["key"],
                "customer_id": sent["customer_id"],
                **payloads.to_dict("series"),
                "at": sent["left_at"].fillna(sent["requested_at"]),
                "balance_after": 0,
            }
        )
        typed = conform(awards, POINTS_TRANSACTIONS)
        earned = PointsService(transaction).earn_points(typed.drop(columns="balance_after"))
        columns = [earned[name].tolist() for name in ("points", "program_id", "balance_after")]
        names = ("points", "program_id", "new_balance")
        results = [dict(zip(names, figures, strict=True)) for figures in zip(*columns, strict=True)]
        return answers(earned["dispatch_key"], "sent", results)
