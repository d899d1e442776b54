"""What a provider is, and what all of them can be set to."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from journey_pipelines.delivery.providers.message import Message
from journey_pipelines.delivery.providers.outcomes import Outcome


class Provider(Protocol):
    """Sends batches of messages, in several threads at once. One behaviour suite runs against every provider.

    It tries each request once: whether and when to try again is decided in `provider_channel.py` alone.
    """

    @property
    def name(self) -> str:
        """As in the registry."""

    @property
    def listed_after(self) -> float:
        """Seconds after which a look-up surely finds what was taken over; 0 where a look-up finds nothing anyway."""

    def batches(self, messages: Sequence[Message]) -> Iterable[Sequence[Message]]:
        """What one request each can carry; every message once."""

    def send(self, batch: Sequence[Message]) -> Sequence[Outcome]:
        """Ask for the delivery of one batch, in one request; one outcome for each message, in order.

        What it raises counts as unknown for the whole batch.
        """

    def look_up(self, messages: Sequence[Message]) -> Sequence[Outcome | None]:
        """What the provider knows of messages of unknown fate: sent, failed, retry where it has not got them, None
        where it cannot tell. What it has not got is looked up once more when `listed_after` is over."""

    def close(self) -> None:
        """End its connections."""


class ProviderConfig(BaseModel):
    """What every provider can be set to, by JOURNEYS_<PROVIDER>_<FIELD> or as fields of its Dagster resource."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    rate: float = Field(default=100, gt=0, description="Recipients a second, over all connections together")
    connections: int = Field(default=4, ge=1, le=64, description="Requests that are under way at once, at most")
    timeout: float = Field(
        default=30, gt=0, description="Seconds to wait for an answer; after that the fate is unknown"
    )
    tries: int = Field(default=3, ge=1, description="Tries within one run of what was provably not taken over")
    patience: float = Field(
        default=60, ge=0, description="Seconds to wait within one run for a provider that asks to wait"
    )
    stop_after: int = Field(default=3, ge=1, description="Configuration errors in a row that stop the run's sends")
