"""`send_sms`: a message, or a template of text."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, Field, JsonValue, model_validator

from journey_pipelines.delivery.actions.action_type import ActionType, MessageParameters
from journey_pipelines.delivery.actions.message import message_problems, render_message, render_template
from journey_pipelines.delivery.sandbox import NoValue
from journey_pipelines.delivery.sms_segments import MOST_SEGMENTS, measured
from journey_pipelines.delivery.texts import Scope, Text, compile_text
from journey_pipelines.errors import Problem
from journey_pipelines.journeys.catalog import Provided, UnknownPolicy


class SmsParameters(MessageParameters):
    """Config of `send_sms`: `message` or `template`; where both are given, the message is what is sent."""

    message: str | None = Field(default=None, min_length=1)
    template: str | None = Field(default=None, min_length=1)
    variables: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_content(self) -> "SmsParameters":
        if self.message is None and self.template is None:
            raise ValueError("an SMS needs `message` or `template`, found neither; add one")
        return self


class SendSms(ActionType):
    """An SMS; payload {to, message, encoding, length, segments}."""

    name: ClassVar[str] = "send_sms"
    label: ClassVar[str] = "Send SMS"
    parameters: ClassVar[type[BaseModel]] = SmsParameters
    is_message: ClassVar[bool] = True
    policy: ClassVar[UnknownPolicy] = UnknownPolicy.AT_MOST_ONCE
    channel: ClassVar[str | None] = "sms"
    address: ClassVar[str | None] = "phone"

    def check(self, parameters: BaseModel, provided: Provided) -> list[Problem]:
        """Unknown templates, faulty texts, variables that nothing provides."""
        config = _typed(parameters)
        texts: dict[str, Callable[[], Sequence[Text]]] = {}
        if config.message is not None:
            texts["/message"] = lambda: [compile_text(config.message or "")]
        if config.template is not None:
            texts["/template"] = lambda: self.templates.get(config.template or "").plain_texts
        return message_problems(texts, config.variables, provided) or _length_problems(texts)

    def render(self, parameters: BaseModel, scope: Scope) -> Sequence[dict[str, Any] | NoValue]:
        """One payload for each dispatch; one of too many segments fails its send."""
        config = _typed(parameters)
        rendered = self._rendered(config, scope)
        sizes = measured(["" if isinstance(payload, NoValue) else payload["message"] for payload in rendered])
        rows = zip(rendered, sizes.encodings, sizes.lengths, sizes.segments, strict=True)
        return [
            payload
            if isinstance(payload, NoValue)
            else {**payload, "encoding": encoding, "length": length, "segments": segments}
            if segments <= MOST_SEGMENTS
            else NoValue("", reason=f"sms_too_long: {segments} segments, at most {MOST_SEGMENTS}")
            for payload, encoding, length, segments in rows
        ]

    def _rendered(self, config: SmsParameters, scope: Scope) -> Sequence[dict[str, Any] | NoValue]:
        if config.message is not None:
            return render_message({"message": compile_text(config.message)}, config.variables, scope)
        template = self.templates.get(config.template or "")
        return render_template(template, lambda variant: {"message": variant.text}, config.variables, scope)


def _length_problems(texts: Mapping[str, Callable[[], Sequence[Text]]]) -> list[Problem]:
    """Messages without variables that take too many segments."""
    constant = [
        (at, str(text.constant)) for at, compiled in texts.items() for text in compiled() if text.constant is not None
    ]
    sizes = measured([text for _, text in constant])
    return [
        Problem(at, f"the SMS takes {count} segments ({encoding}); at most {MOST_SEGMENTS} are sent: shorten it")
        for (at, _), encoding, count in zip(constant, sizes.encodings, sizes.segments, strict=True)
        if count > MOST_SEGMENTS
    ]


def _typed(parameters: BaseModel) -> SmsParameters:
    assert isinstance(parameters, SmsParameters)
    return parameters
