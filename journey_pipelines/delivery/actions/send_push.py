"""`send_push`: a notification on the customer's devices."""

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, Field, JsonValue

from journey_pipelines.delivery.actions.action_type import ActionType, MessageParameters
from journey_pipelines.delivery.printing import Column
from journey_pipelines.delivery.sandbox import NoValue
from journey_pipelines.delivery.texts import Scope, assemble, compile_text, render_value
from journey_pipelines.journeys.catalog import UnknownPolicy


class PushParameters(MessageParameters):
    """Config of `send_push`: `title`, `body` and `data` for the app."""

    title: str = Field(min_length=1)
    body: str = Field(min_length=1)
    data: dict[str, JsonValue] = Field(default_factory=dict)


class SendPush(ActionType):
    """A push notification; payload {to: [tokens], title, body, data}."""

    name: ClassVar[str] = "send_push"
    label: ClassVar[str] = "Send push notification"
    parameters: ClassVar[type[BaseModel]] = PushParameters
    is_message: ClassVar[bool] = True
    policy: ClassVar[UnknownPolicy] = UnknownPolicy.AT_LEAST_ONCE
    channel: ClassVar[str | None] = "push"
    address: ClassVar[str | None] = "device_tokens"

    def render(self, parameters: BaseModel, scope: Scope) -> Sequence[dict[str, Any] | NoValue]:
        """One payload for each dispatch."""
        assert isinstance(parameters, PushParameters)
        parts: dict[str, Column] = {
            "title": compile_text(parameters.title).column(scope),
            "body": compile_text(parameters.body).column(scope),
            "data": render_value(parameters.data, scope),
        }
        return assemble(parts, scope.size)
