"""An e-mail (RFC 5322) of a payload {to, subject, text, html, headers}; the same payload gives the same bytes."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Any, Final

from journey_pipelines.delivery.channels.message_identity import message_id

HEADER_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


def email_message(
    key: str, payload: Mapping[str, Any], *, sender: str | Address, at: datetime, domain: str | None = None
) -> EmailMessage:
    """The message of the dispatch with this key, which left at `at`; `domain`: of its Message-ID.

    Raises ValueError or MessageError for headers that cannot be.
    """
    identity = message_id(key, domain)
    message = EmailMessage(policy=SMTP if str(payload["to"]).isascii() else SMTPUTF8)
    message["From"] = sender
    message["To"] = payload["to"]
    if len(found := message["To"].addresses) != 1 or not found[0].domain:
        raise ValueError(f"{payload['to']!r} is not one address such as name@example.com")
    message["Subject"] = payload["subject"]
    message["Date"] = format_datetime(at)
    message["Message-ID"] = identity
    message["X-Journeys-Dispatch"] = key
    for name, value in payload.get("headers", {}).items():
        if not HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a header")
        message[name] = value
    message.set_content(payload.get("text", ""))
    if "html" in payload:
        message.add_alternative(payload["html"], subtype="html")
        message.set_boundary(f"part-{identity[1:33]}")
    return message
