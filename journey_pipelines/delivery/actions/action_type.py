"""What an action type is; subclass it for a new one."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from journey_pipelines.delivery.answers import answers, no_answers
from journey_pipelines.delivery.sandbox import NoValue
from journey_pipelines.delivery.template_store import TemplateStore
from journey_pipelines.delivery.texts import Scope, render_value, values_problems
from journey_pipelines.engine.ports import StoreTransaction
from journey_pipelines.errors import Problem
from journey_pipelines.journeys.catalog import Provided, UnknownPolicy

Purpose = Literal["transactional", "marketing"]
MARKETING: Final[Purpose] = "marketing"


class Parameters(BaseModel):
    """Base of the models of action configs: unknown keys are faults, values are never coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class MessageParameters(Parameters):
    """Base of the models of messages: what a message is for decides whose consent it needs."""

    purpose: Purpose = MARKETING


class ActionType:
    """One type of action: its parameters, its payload and its effect.

    Satisfies `journeys.catalog.ActionTraits`. A type with a `channel` goes out through the channel of that name; one
    without goes out through its own `deliver`. An effect in our own store belongs into `perform`.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    parameters: ClassVar[type[BaseModel]]
    is_message: ClassVar[bool] = False
    policy: ClassVar[UnknownPolicy] = UnknownPolicy.AT_MOST_ONCE
    channel: ClassVar[str | None] = None
    address: ClassVar[str | None] = None  # the customer's profile column that a message needs

    def __init__(self, templates: TemplateStore) -> None:
        self.templates = templates

    def check(self, parameters: BaseModel, provided: Provided) -> list[Problem]:
        """Faults beyond the model; paths are JSON pointers relative to the node's config."""
        return values_problems(parameters.model_dump(exclude_none=True), "", provided.has)

    def channel_of(self, parameters: BaseModel, transaction: StoreTransaction) -> str | None:  # noqa: ARG002 - for subclasses
        """The channel whose consent, suppressions and caps hold for a node with these parameters."""
        return self.channel

    def purpose_of(self, parameters: BaseModel) -> Purpose:
        """What a node with these parameters writes for; marketing, unless its parameters say otherwise."""
        return parameters.purpose if isinstance(parameters, MessageParameters) else MARKETING

    def render(self, parameters: BaseModel, scope: Scope) -> Sequence[dict[str, Any] | NoValue]:
        """One payload for each dispatch of a node, without the address; a NoValue where a variable is missing.

        Raises TemplateError for a template that is gone or not allowed.
        """
        return render_value(parameters.model_dump(exclude_none=True), scope)  # type: ignore[return-value]  # a dict gives dicts

    def deliver(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        """Hand over DISPATCHES rows of a type without a channel, outside transactions, never in a replay.

        Returns key, status, result; by default everything is sent and the effect is left to `perform`.
        """
        return answers(dispatches["key"], "sent")

    def look_up(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        """What is known of DISPATCHES rows without a channel that left before a crash; as `Channel.look_up`.

        By default nothing, except that an effect in our own store is committed together with its result: one whose
        result is unknown did not happen.
        """
        return answers(dispatches["key"], "retry") if self.policy is UnknownPolicy.EXACTLY_ONCE else no_answers()

    def perform(self, sent: pd.DataFrame, transaction: StoreTransaction) -> pd.DataFrame:  # noqa: ARG002 - for subclasses
        """The effect in our own store of DISPATCHES rows just sent, in the transaction that records their results.

        Returns key, status, result (what to add to the action's result) of the rows with an effect.
        """
        return no_answers()
