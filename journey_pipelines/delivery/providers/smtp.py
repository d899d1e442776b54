"""E-mail through any SMTP server, such as a company's own relay, by Python's smtplib.

Sources: RFC 5321 (replies in 4.2 and 4.3.2), RFC 3463 (enhanced codes), RFC 4954 (AUTH), RFC 6531 (SMTPUTF8). Several
messages go over one connection, one transaction each. Before the dot that ends a message nothing was taken over; after
it only the server's answer tells.
"""

from collections.abc import Iterable, Sequence
from email.errors import MessageError
from email.headerregistry import Address
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from journey_pipelines.delivery.channels.message_identity import message_id
from journey_pipelines.delivery.email_message import email_message
from journey_pipelines.delivery.providers import outcomes
from journey_pipelines.delivery.providers.mail_log import accepted_ids
from journey_pipelines.delivery.providers.message import Message
from journey_pipelines.delivery.providers.outcomes import Outcome
from journey_pipelines.delivery.providers.provider import ProviderConfig
from journey_pipelines.delivery.providers.smtp_connection import Envelope, NoConnectionError, SmtpConnection


class SmtpConfig(ProviderConfig):
    """An SMTP server."""

    host: str = Field(min_length=1, description="Name of the server")
    port: int = Field(default=587, ge=1, le=65535, description="Its port")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="`starttls`, `tls` from the first byte (port 465), or `none`"
    )
    username: str | None = Field(default=None, min_length=1, description="Name to log in with")
    password: str | None = Field(default=None, min_length=1, repr=False, description="Its password")
    sender: str = Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$", description="Address that mails come from")
    sender_name: str | None = Field(default=None, description="Name beside the sender's address")
    reply_to: str | None = Field(default=None, pattern=r"^[^@\s<>]+@[^@\s<>]+$", description="Where answers go")
    mail_log: Path | None = Field(
        default=None, description="Log of a Postfix or Exim on this machine, which tells what it has taken over"
    )
    batch: int = Field(default=100, ge=1, description="Mails over one connection")
    connections: int = Field(default=2, ge=1, le=64, description="Connections at once, at most")

    @model_validator(mode="after")
    def _has_both_or_none(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together; set both or none")
        if self.password is not None and self.security == "none" and self.host not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("a password needs security starttls or tls")
        return self


class Smtp:
    """Satisfies `Provider`."""

    name: ClassVar[str] = "smtp"
    listed_after: ClassVar[float] = 0.0

    def __init__(self, config: SmtpConfig) -> None:
        self._config = config
        self._domain = config.sender.rpartition("@")[2]
        self._sender = Address(display_name=config.sender_name or "", addr_spec=config.sender)

    def batches(self, messages: Sequence[Message]) -> Iterable[Sequence[Message]]:
        """As many as go over one connection."""
        for start in range(0, len(messages), self._config.batch):
            yield messages[start : start + self._config.batch]

    def send(self, batch: Sequence[Message]) -> Sequence[Outcome]:
        """See `Provider`. A connection that breaks is made anew for the messages that are left."""
        found: list[Outcome] = []
        connection: SmtpConnection | None = None
        for message in batch:
            envelope = self._envelope(message)
            if isinstance(envelope, Outcome):
                found.append(envelope)
                continue
            try:
                connection = connection or self._connect()
            except NoConnectionError as error:
                found += [error.outcome] * (len(batch) - len(found))
                break
            found.append(connection.deliver(envelope))
            if not connection.is_usable:
                connection = None
        if connection is not None:
            connection.close()
        return _blame(found)

    def look_up(self, messages: Sequence[Message]) -> Sequence[Outcome | None]:
        """What the mail server's log on this machine says it has taken over; without a log nothing is known."""
        if self._config.mail_log is None:
            return [None] * len(messages)
        ids = [self._id(message) for message in messages]
        known = accepted_ids(self._config.mail_log, set(ids))
        return [outcomes.sent(provider=self.name, provider_id=found) if found in known else None for found in ids]

    def close(self) -> None:
        """See `Provider`: connections end with their batch."""

    def _connect(self) -> SmtpConnection:
        config = self._config
        return SmtpConnection(
            config.host,
            config.port,
            security=config.security,
            timeout=config.timeout,
            login=None if config.username is None or config.password is None else (config.username, config.password),
        )

    def _envelope(self, message: Message) -> Envelope | Outcome:
        try:
            made = email_message(message.key, message.payload, sender=self._sender, at=message.at, domain=self._domain)
            if self._config.reply_to is not None:
                made["Reply-To"] = self._config.reply_to
            return Envelope(self._config.sender, str(message.payload["to"]), made.as_bytes(), self._id(message))
        except (MessageError, ValueError, LookupError) as error:
            return outcomes.failed(f"smtp_not_an_email: {type(error).__name__}")

    def _id(self, message: Message) -> str:
        return message_id(message.key, self._domain)


def _blame(found: Sequence[Outcome]) -> Sequence[Outcome]:
    """A server that relays for nobody is the installation's fault, one that does not for somebody is theirs."""
    if any(outcome.status == "sent" for outcome in found):
        return found
    return [
        outcomes.misconfigured(outcome.result["reason"])
        if outcome.status == "failed" and outcome.result["reason"].startswith(("smtp_550 5.7.", "smtp_554 5.7."))
        else outcome
        for outcome in found
    ]
