"""`send_email`: a template or an inline body, with a subject."""

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, Field, JsonValue, model_validator

from journey_pipelines.delivery.actions.action_type import ActionType, MessageParameters
from journey_pipelines.delivery.actions.message import message_problems, render_message, render_template
from journey_pipelines.delivery.plain_text import plain_text
from journey_pipelines.delivery.sandbox import NoValue
from journey_pipelines.delivery.template_store import MessageTemplate
from journey_pipelines.delivery.texts import Scope, Text, compile_text
from journey_pipelines.errors import Problem
from journey_pipelines.journeys.catalog import Provided, UnknownPolicy


class EmailParameters(MessageParameters):
    """Config of `send_email`: `subject` and either `template` or `body` (text, or HTML where it has tags)."""

    subject: str = Field(min_length=1)
    template: str | None = Field(default=None, min_length=1)
    body: str | None = Field(default=None, min_length=1)
    variables: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_one_content(self) -> "EmailParameters":
        if (self.template is None) == (self.body is None):
            found = "both" if self.template else "neither"
            raise ValueError(f"an e-mail needs either `template` or `body`, found {found}; keep exactly one")
        return self


class SendEmail(ActionType):
    """An e-mail; payload {to, subject, template, variables, html, text}."""

    name: ClassVar[str] = "send_email"
    label: ClassVar[str] = "Send e-mail"
    parameters: ClassVar[type[BaseModel]] = EmailParameters
    is_message: ClassVar[bool] = True
    policy: ClassVar[UnknownPolicy] = UnknownPolicy.AT_MOST_ONCE
    channel: ClassVar[str | None] = "email"
    address: ClassVar[str | None] = "email"

    def check(self, parameters: BaseModel, provided: Provided) -> list[Problem]:
        """Unknown templates, faulty texts, variables that nothing provides."""
        config = _typed(parameters)
        content_at = "/template" if config.template is not None else "/body"
        texts: dict[str, Callable[[], Sequence[Text]]] = {
            "/subject": lambda: [compile_text(config.subject)],
            content_at: lambda: self._texts(config),
        }
        return message_problems(texts, config.variables, provided)

    def render(self, parameters: BaseModel, scope: Scope) -> Sequence[dict[str, Any] | NoValue]:
        """One payload for each dispatch; the subject is one line."""
        config = _typed(parameters)
        payloads = self._rendered(config, scope)
        template = {} if config.template is None else {"template": config.template}
        return [
            payload
            if isinstance(payload, NoValue)
            else {**template, **payload, "subject": " ".join(payload["subject"].split())}
            for payload in payloads
        ]

    def _rendered(self, config: EmailParameters, scope: Scope) -> Sequence[dict[str, Any] | NoValue]:
        subject = {"subject": compile_text(config.subject)}
        if config.template is None:
            texts = subject | _body_texts(config.body or "")
            return render_message(texts, config.variables, scope, shows_variables=True)
        template = self.templates.get(config.template)
        return render_template(
            template, lambda variant: subject | _forms(variant), config.variables, scope, shows_variables=True
        )

    def _texts(self, config: EmailParameters) -> Sequence[Text]:
        if config.template is not None:
            return self.templates.get(config.template).texts
        return list(_body_texts(config.body or "").values())


def _forms(template: MessageTemplate) -> dict[str, Text]:
    return {"text": template.text} if template.html is None else {"html": template.html, "text": template.text}


def _body_texts(body: str) -> dict[str, Text]:
    if not re.search(r"<[a-zA-Z!/]", body):
        return {"text": compile_text(body)}
    return {"html": compile_text(body, is_html=True), "text": compile_text(plain_text(body))}


def _typed(parameters: BaseModel) -> EmailParameters:
    assert isinstance(parameters, EmailParameters)
    return parameters
