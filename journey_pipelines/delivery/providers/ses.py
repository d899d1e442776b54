"""E-mail through Amazon SES, version 2 of its API, by boto3.

Sources: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html and
https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-api.html. Up to 50 mails go in one request, as one
template that is sent with it and what it says for each; SES does not escape values, which are escaped already.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field

from journey_pipelines.delivery.providers import outcomes
from journey_pipelines.delivery.providers.aws import AwsConfig, aws_client, is_unverified, of_aws_error
from journey_pipelines.delivery.providers.message import Message
from journey_pipelines.delivery.providers.outcomes import Outcome
from journey_pipelines.delivery.providers.skeleton import alike, most_substitution_bytes, skeleton_of

MOST_DESTINATIONS: Final = 50
MOST_REQUEST_BYTES: Final = 900_000  # of 1 MB
MOST_DATA: Final = 262_144  # characters, of one destination
SHORT_BYTES: Final = 10_000
MOST_TAG: Final = 256
TEMPLATE_SIGN: Final = "{{"  # a text that has it is no template of ours
PARTS: Final = {"text": "Text", "html": "Html"}
TRANSIENT: Final = frozenset({"ACCOUNT_THROTTLED", "ACCOUNT_DAILY_QUOTA_EXCEEDED", "TRANSIENT_FAILURE"})
REFUSED: Final = frozenset({"MESSAGE_REJECTED", "INVALID_PARAMETER", "FAILED"})
CONFIGURATION: Final = frozenset(
    {
        "ACCOUNT_SENDING_PAUSED",
        "ACCOUNT_SUSPENDED",
        "CONFIGURATION_SET_NOT_FOUND",
        "CONFIGURATION_SET_SENDING_PAUSED",
        "INVALID_SENDING_POOL_NAME",
        "MAIL_FROM_DOMAIN_NOT_VERIFIED",
        "TEMPLATE_NOT_FOUND",
    }
)


class SesConfig(AwsConfig):
    """Amazon SES."""

    sender: str = Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$", description="Address of a verified sender")
    sender_name: str | None = Field(
        default=None, pattern=r'^[^"\r\n]+$', description="Name beside the sender's address"
    )
    reply_to: str | None = Field(default=None, pattern=r"^[^@\s<>]+@[^@\s<>]+$", description="Where answers go")
    configuration_set: str | None = Field(default=None, pattern=r"^[\w-]+$", description="Configuration set")
    batch: int = Field(default=MOST_DESTINATIONS, ge=1, le=MOST_DESTINATIONS, description="Mails of one request")
    rate: float = Field(default=14, gt=0, description="Recipients a second, over all connections together")


class Ses:
    """Satisfies `Provider`."""

    name: ClassVar[str] = "ses"
    listed_after: ClassVar[float] = 0.0

    def __init__(self, config: SesConfig) -> None:
        self._config = config
        self._client = aws_client("sesv2", config)
        sender = config.sender if config.sender_name is None else f'"{config.sender_name}" <{config.sender}>'
        self._shared: dict[str, Any] = {
            "FromEmailAddress": sender,
            **({"ReplyToAddresses": [config.reply_to]} if config.reply_to else {}),
            **({"ConfigurationSetName": config.configuration_set} if config.configuration_set else {}),
        }

    def batches(self, messages: Sequence[Message]) -> Iterable[Sequence[Message]]:
        """Messages of alike texts together; what holds the sign of a variable, or is too large, alone."""
        for members in alike(messages, short_bytes=SHORT_BYTES):
            alone = [message for message in members if _must_go_alone(message)]
            yield from ([message] for message in alone)
            keys = {message.key for message in alone}
            yield from self._full([message for message in members if message.key not in keys])

    def send(self, batch: Sequence[Message]) -> Sequence[Outcome]:
        """See `Provider`."""
        try:
            if len(batch) == 1:
                return [self._send_one(batch[0])]
            answer = self._client.send_bulk_email(**self._shared, **self._bulk(batch))
        except (ClientError, BotoCoreError) as error:
            found = of_aws_error(self.name, error)
            if found.status == "failed" and len(batch) > 1:
                return [outcomes.again(int(number >= len(batch) // 2)) for number in range(len(batch))]
            return [found] * len(batch)
        results = answer.get("BulkEmailEntryResults") or []
        if len(results) != len(batch):
            return [outcomes.unknown("ses_unreadable_answer: not one result for each")] * len(batch)
        return [_of_result(result) for result in results]

    def look_up(self, messages: Sequence[Message]) -> Sequence[Outcome | None]:
        """Nothing: SES cannot be asked for a message without its id."""
        return [None] * len(messages)

    def close(self) -> None:
        """See `Provider`."""
        self._client.close()

    def _full(self, members: Sequence[Message]) -> Iterable[Sequence[Message]]:
        """Requests as full as they may be, in number and size."""
        batch: list[Message] = []
        size = 0
        for message in members:
            more = most_substitution_bytes(message)
            if batch and (len(batch) == self._config.batch or size + more > MOST_REQUEST_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(message)
            size += more
        if batch:
            yield batch

    def _send_one(self, message: Message) -> Outcome:
        payload = message.payload
        parts = {name: _content(payload[part]) for part, name in PARTS.items() if payload.get(part)}
        answer = self._client.send_email(
            **self._shared,
            Destination={"ToAddresses": [payload["to"]]},
            Content={
                "Simple": {
                    "Subject": _content(payload["subject"]),
                    "Body": parts or {"Text": _content(" ")},
                    **_named("Headers", _headers(message)),
                }
            },
            **_named("EmailTags", _tags(message)),
        )
        return _accepted(answer.get("MessageId"))

    def _bulk(self, batch: Sequence[Message]) -> dict[str, Any]:
        skeleton = skeleton_of(batch)
        names = {tag: f"line{number}" for number, tag in enumerate(skeleton.substitutions[0])}
        contents = dict(skeleton.contents) or {"text": " "}
        for tag, name in names.items():
            contents = {part: text.replace(tag, f"{{{{{name}}}}}") for part, text in contents.items()}
        template = {"Subject": "{{subject}}", **{PARTS[part]: text for part, text in contents.items()}}
        pairs = zip(batch, skeleton.substitutions, strict=True)
        return {
            "DefaultContent": {"Template": {"TemplateContent": template, "TemplateData": "{}"}},
            "BulkEmailEntries": [_entry(message, values, names) for message, values in pairs],
        }


def tag_of(key: str) -> str:
    """A dispatch's key as the value of a message tag, which takes letters, digits, `_` and `-`.

    >>> tag_of("6f96:hello:1")
    'NmY5NjpoZWxsbzox'
    """
    return urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _entry(message: Message, values: Mapping[str, str], names: Mapping[str, str]) -> dict[str, Any]:
    data = {"subject": message.payload["subject"], **{names[tag]: value for tag, value in values.items()}}
    content = {"ReplacementTemplate": {"ReplacementTemplateData": json.dumps(data, ensure_ascii=False)}}
    return {
        "Destination": {"ToAddresses": [message.payload["to"]]},
        "ReplacementEmailContent": content,
        **_named("ReplacementHeaders", _headers(message)),
        **_named("ReplacementTags", _tags(message)),
    }


def _must_go_alone(message: Message) -> bool:
    texts = (message.payload.get(part) or "" for part in PARTS)
    return most_substitution_bytes(message) > MOST_DATA or any(TEMPLATE_SIGN in text for text in texts)


def _content(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}


def _headers(message: Message) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in (message.payload.get("headers") or {}).items()]


def _tags(message: Message) -> list[dict[str, str]]:
    """What SES's events name the dispatch by; a key that is too long for a tag goes without."""
    tag = tag_of(message.key)
    return [{"Name": "dispatch", "Value": tag}] if len(tag) <= MOST_TAG else []


def _named(name: str, values: list[dict[str, str]]) -> dict[str, Any]:
    return {name: values} if values else {}


def _of_result(result: Mapping[str, Any]) -> Outcome:
    """What became of one mail of a request."""
    status = str(result.get("Status"))
    named = f"ses_{status.lower()}"
    if status == "SUCCESS":
        return _accepted(result.get("MessageId"))
    if status in CONFIGURATION or is_unverified(result.get("Error")):
        return outcomes.misconfigured(named if status in CONFIGURATION | REFUSED else "ses_not_verified")
    if status in TRANSIENT:
        return outcomes.retry(named)
    return outcomes.failed(named) if status in REFUSED else outcomes.unknown("ses_unreadable_answer: status")


def _accepted(message_id: Any) -> Outcome:
    if not message_id:
        return outcomes.unknown("ses_unreadable_answer: no MessageId")
    return outcomes.sent(provider=Ses.name, provider_id=str(message_id))
