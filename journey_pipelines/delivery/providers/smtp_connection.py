"""One connection to an SMTP server, and what its replies mean at each step of a transaction.

smtplib's own `sendmail` does not tell whether a connection broke before or after the dot that ends a message, so that
the steps are taken one by one here.
"""

import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from journey_pipelines.delivery.providers import outcomes
from journey_pipelines.delivery.providers.outcomes import Outcome

LOGIN: Final = frozenset({530, 534, 535, 538})
ENHANCED: Final = re.compile(rb"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")
Broken = (OSError, smtplib.SMTPServerDisconnected, smtplib.SMTPResponseException)


@dataclass(frozen=True)
class Envelope:
    """A message with the addresses of its transaction."""

    sender: str
    recipient: str
    content: bytes = field(repr=False)
    identity: str


class NoConnectionError(Exception):
    """No connection that anything could be sent over; nothing has left."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.result["reason"])
        self.outcome = outcome


class SmtpConnection:
    """Greeted, secured and logged in. Raises NoConnectionError."""

    def __init__(
        self, host: str, port: int, *, security: str, timeout: float, login: tuple[str, str] | None = None
    ) -> None:
        self.is_usable = True
        self._smtp = _open(host, port, security=security, timeout=timeout)
        try:
            if security == "starttls":
                self._smtp.starttls(context=ssl.create_default_context())
            self._smtp.ehlo_or_helo_if_needed()
            if login is not None:
                self._smtp.login(*login)
        except Exception as error:
            self._smtp.close()
            raise NoConnectionError(_of_opening(error)) from error

    def deliver(self, envelope: Envelope) -> Outcome:
        """One transaction. After it `is_usable` says whether there may be another one over this connection."""
        try:
            refusal = self._prepare(envelope)
            if refusal is not None:
                self._reset()
                return refusal
            self._write(envelope.content)
        except Broken as error:
            return self._broken(outcomes.retry(f"smtp_connection_lost: {type(error).__name__}"))
        try:
            self._write_dot()
            code, text = self._smtp.getreply()
        except Broken as error:
            return self._broken(outcomes.unknown(f"smtp_no_answer: {type(error).__name__}"))
        if code == 250:
            return outcomes.sent(provider="smtp", provider_id=envelope.identity)
        if not 400 <= code < 600:
            return self._broken(outcomes.unknown("smtp_unreadable_answer"))
        return self._refused(code, text, "content_refused")

    def close(self) -> None:
        """Say goodbye; whether the server answers does not matter."""
        with suppress(*Broken):
            self._smtp.quit()
        self._smtp.close()

    def _prepare(self, envelope: Envelope) -> Outcome | None:
        """MAIL, RCPT and DATA; what the message came to where one of them was refused."""
        recipient = envelope.recipient
        options = []
        if not recipient.isascii():
            local, _, domain = recipient.rpartition("@")
            recipient = f"{local}@{domain.encode('idna').decode()}"
        if not recipient.isascii():
            if not self._smtp.has_extn("smtputf8"):
                return outcomes.failed("smtp_address_needs_smtputf8")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
            self._smtp.command_encoding = "utf-8"
        if self._smtp.has_extn("size"):
            options.append(f"SIZE={len(envelope.content)}")
        code, text = self._smtp.mail(envelope.sender, options)
        if code != 250:
            return self._sender_refused(code, text)
        code, text = self._smtp.rcpt(recipient)
        if code not in (250, 251):
            return self._refused(code, text, "recipient_refused")
        code, text = self._smtp.docmd("DATA")
        return None if code == 354 else self._refused(code, text, "data_refused")

    def _sender_refused(self, code: int, text: bytes) -> Outcome:
        found = self._refused(code, text, "sender_refused")
        is_too_large = code == 552
        return found if found.status != "failed" or is_too_large else outcomes.misconfigured(found.result["reason"])

    def _refused(self, code: int, text: bytes, what: str) -> Outcome:
        """A reply that is no success, before the message was taken over or instead of that."""
        if code == 421:
            self.is_usable = False
        reason = f"smtp_{_named(code, text)}: {what}"
        if code in LOGIN:
            return outcomes.misconfigured(reason)
        if 500 <= code < 600:
            return outcomes.failed(reason)
        if not 400 <= code < 500:
            self.is_usable = False  # no reply of SMTP's; who knows what comes next
        return outcomes.retry(reason)

    def _write(self, content: bytes) -> None:
        """The message without the dot that ends it; lines that begin with a dot get another one (RFC 5321, 4.5.2)."""
        lines = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
        stuffed = re.sub(rb"(?m)^\.", b"..", lines)
        self._socket_send(stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n")

    def _write_dot(self) -> None:
        self._socket_send(b".\r\n")

    def _socket_send(self, content: bytes) -> None:
        if self._smtp.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        self._smtp.sock.sendall(content)

    def _reset(self) -> None:
        """Be ready for the next transaction, where the server still listens."""
        self._smtp.command_encoding = "ascii"
        if not self.is_usable:
            self._smtp.close()
            return
        try:
            code, _ = self._smtp.rset()
        except Broken:
            code = 0
        if code != 250:
            self._broken(None)

    def _broken(self, outcome: Outcome | None) -> Outcome:
        self.is_usable = False
        self._smtp.close()
        return outcome or outcomes.retry("smtp_connection_lost")


def _open(host: str, port: int, *, security: str, timeout: float) -> smtplib.SMTP:
    try:
        if security == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=timeout, context=ssl.create_default_context())
        return smtplib.SMTP(host, port, timeout=timeout)
    except Exception as error:
        raise NoConnectionError(_of_opening(error)) from error


def _of_opening(error: Exception) -> Outcome:
    """What it means that no connection came about."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return outcomes.misconfigured("smtp_certificate_not_trusted")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return outcomes.misconfigured("smtp_not_offered: STARTTLS or AUTH")
    if isinstance(error, smtplib.SMTPResponseException):
        reason = f"smtp_{_named(error.smtp_code, error.smtp_error)}: connection_refused"
        return outcomes.misconfigured(reason) if 500 <= error.smtp_code < 600 else outcomes.retry(reason)
    if isinstance(error, UnicodeError):
        return outcomes.misconfigured("smtp_login_refused: not ASCII")
    return outcomes.retry(f"smtp_unreachable: {type(error).__name__}")


def _named(code: int, text: bytes | str) -> str:
    """The code with its enhanced one; the text beside them may name people."""
    found = ENHANCED.match(text if isinstance(text, bytes) else text.encode(errors="replace"))
    return f"{code} {found[1].decode()}" if found else str(code)
