"""What a journey document may name: action types, templates, features and segments, as far as they are known."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel

from journey_pipelines.errors import Problem


class UnknownPolicy(StrEnum):
    """What becomes of a dispatch whose fate nobody knows when `settle_after` has passed."""

    AT_MOST_ONCE = "at_most_once"  # goes on as sent, with `confirmed: false`
    AT_LEAST_ONCE = "at_least_once"  # is sent again, with the same collapse id
    EXACTLY_ONCE = "exactly_once"  # cannot happen: the effect is in our own transaction


class ActionTraits(Protocol):
    """What the engine and the checks know of an action type; the registry in `delivery` has the whole."""

    @property
    def name(self) -> str:
        """The `action_type` of journey documents."""

    @property
    def parameters(self) -> type[BaseModel]:
        """The model of the node's config (without `action_type`, `retry`, `window`)."""

    @property
    def is_message(self) -> bool:
        """Whether it reaches the customer: staleness, consent, caps and `max_sends_per_run` apply to messages only."""

    @property
    def policy(self) -> UnknownPolicy:
        """How a dispatch with unknown fate is settled."""

    def check(self, parameters: BaseModel, provided: "Provided") -> list[Problem]:
        """Faults beyond the model: unknown templates, variables that nothing provides. Paths relative to the config."""


class Provided(Protocol):
    """Which variables a node of a journey can read."""

    def has(self, path: str) -> bool:
        """Whether a dotted variable (`customer.first_name`, `baskets_30d`, `points`) is provided by something."""


@dataclass(frozen=True)
class Catalog:
    """Everything that documents may refer to; None means not known here, and then not checked."""

    actions: Mapping[str, ActionTraits] = field(default_factory=dict)
    features: Collection[str] | None = None
    segments: Collection[str] | None = None
