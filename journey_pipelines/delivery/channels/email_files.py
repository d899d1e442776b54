"""E-mails as `.eml` files, one for each dispatch; any mail program opens them."""

import os
import re
from collections.abc import Mapping
from email.errors import MessageError
from pathlib import Path
from typing import Any, Final

import pandas as pd

from journey_pipelines.delivery.answers import answers
from journey_pipelines.delivery.channels.message_identity import message_id, receipt, request_days
from journey_pipelines.delivery.email_message import email_message

DEFAULT_SENDER: Final = "Loyalty program <journeys@example.com>"


class EmailFiles:
    """Satisfies `Channel`. A file appears whole or not at all (written beside, then renamed), and once."""

    def __init__(self, root: Path, *, sender: str = DEFAULT_SENDER) -> None:
        self._root = root
        self._sender = sender

    def send(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        """See `Channel`; the result names the message and its file, relative to the outbox."""
        files = self._files(dispatches)
        leaves_at = dispatches["left_at"].fillna(dispatches["requested_at"])
        outcomes = [
            self._write(file, key, payload, at)
            for file, key, payload, at in zip(files, dispatches["key"], dispatches["payload"], leaves_at, strict=True)
        ]
        return answers(dispatches["key"], [status for status, _ in outcomes], [result for _, result in outcomes])

    def look_up(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        """See `Channel`: what is in a file was sent, everything else never left."""
        found = [
            ("sent", receipt(file, key)) if (self._root / file).exists() else ("retry", {})
            for file, key in zip(self._files(dispatches), dispatches["key"], strict=True)
        ]
        return answers(dispatches["key"], [status for status, _ in found], [result for _, result in found])

    def _files(self, dispatches: pd.DataFrame) -> list[str]:
        return [
            f"email/{day}/{slug(customer)}-{slug(node)}-{message_id(key)[1:13]}.eml"
            for day, customer, node, key in zip(
                request_days(dispatches),
                dispatches["customer_id"],
                dispatches["node_id"],
                dispatches["key"],
                strict=True,
            )
        ]

    def _write(self, file: str, key: str, payload: Mapping[str, Any], at: pd.Timestamp) -> tuple[str, dict[str, Any]]:
        path = self._root / file
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                unfinished = path.with_suffix(".unfinished")
                message = email_message(key, payload, sender=self._sender, at=at.to_pydatetime())
                unfinished.write_bytes(message.as_bytes())
                os.replace(unfinished, path)  # noqa: PTH105 - the name says what matters: it replaces
        except OSError as error:
            return "retry", {"reason": f"outbox_unwritable: {path}: {error.strerror}"}
        except (MessageError, ValueError) as error:
            return "failed", {"reason": f"not_an_email: {error}"}
        return "sent", receipt(file, key)


def slug(text: str) -> str:
    """The text as part of a file name; different texts may give the same."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", text)[:40]
