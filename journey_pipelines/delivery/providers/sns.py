"""SMS through Amazon SNS, by boto3.

Source: https://docs.aws.amazon.com/sns/latest/dg/sms_sending-overview.html. A request is one message to one number.
"""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field

from journey_pipelines.delivery.providers import outcomes
from journey_pipelines.delivery.providers.aws import AwsConfig, aws_client, of_aws_error
from journey_pipelines.delivery.providers.message import Message
from journey_pipelines.delivery.providers.outcomes import Outcome


class SnsConfig(AwsConfig):
    """Amazon SNS."""

    sender: str | None = Field(default=None, pattern=r"^[A-Za-z0-9]{1,11}$", description="Name that messages come from")
    origination_number: str | None = Field(
        default=None, pattern=r"^\+?[0-9]{3,15}$", description="Number of yours that messages come from"
    )
    kind: Literal["Promotional", "Transactional"] = Field(
        default="Promotional", description="What SNS optimises for: cost, or reliable delivery"
    )
    rate: float = Field(default=20, gt=0, description="Recipients a second, over all connections together")


class Sns:
    """Satisfies `Provider`."""

    name: ClassVar[str] = "sns"
    listed_after: ClassVar[float] = 0.0

    def __init__(self, config: SnsConfig) -> None:
        self._client = aws_client("sns", config)
        given = {
            "SMSType": config.kind,
            "SenderID": config.sender,
            "OriginationNumber": config.origination_number,
        }
        self._attributes = {
            f"AWS.{'MM' if name == 'OriginationNumber' else 'SNS'}.SMS.{name}": {
                "DataType": "String",
                "StringValue": value,
            }
            for name, value in given.items()
            if value is not None
        }

    def batches(self, messages: Sequence[Message]) -> Iterable[Sequence[Message]]:
        """Each alone: a request carries one message."""
        return ([message] for message in messages)

    def send(self, batch: Sequence[Message]) -> Sequence[Outcome]:
        """See `Provider`."""
        return [self._send_one(message) for message in batch]

    def look_up(self, messages: Sequence[Message]) -> Sequence[Outcome | None]:
        """Nothing: SNS cannot be asked."""
        return [None] * len(messages)

    def close(self) -> None:
        """See `Provider`."""
        self._client.close()

    def _send_one(self, message: Message) -> Outcome:
        number, text = message.payload["to"], message.payload["message"]
        try:
            answer = self._client.publish(PhoneNumber=number, Message=text, MessageAttributes=self._attributes)
        except ClientError as error:
            return outcomes.dead("sns_opted_out", number) if _has_opted_out(error) else of_aws_error(self.name, error)
        except BotoCoreError as error:
            return of_aws_error(self.name, error)
        message_id: Any = answer.get("MessageId")
        if not message_id:
            return outcomes.unknown("sns_unreadable_answer: no MessageId")
        return outcomes.sent(provider=self.name, provider_id=message_id)


def _has_opted_out(error: ClientError) -> bool:
    told = error.response.get("Error", {})
    return "OptedOut" in str(told.get("Code")) or "opted out" in str(told.get("Message"))
