"""SendGrid's Event Webhook, signed.

Sources: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event and
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features.
"""

import binascii
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from sendgrid.helpers.eventwebhook import EventWebhook

from journey_pipelines.delivery.receipts.receipt import Outcome, Receipt, Suppression, WebhookRequest
from journey_pipelines.errors import SettingsError, WebhookFormatError, WebhookSignatureError

SIGNATURE: Final = "x-twilio-email-event-webhook-signature"
TIMESTAMP: Final = "x-twilio-email-event-webhook-timestamp"
OUTCOMES: Final[Mapping[str, Outcome]] = {
    "processed": "accepted",
    "deferred": "accepted",
    "delivered": "delivered",
    "bounce": "failed",
    "dropped": "failed",
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
}
"""Opens and clicks tell nothing of the delivery that is not known without them."""
DROPPED: Final = {
    "bounced address": ("bounced", "all"),
    "invalid": ("invalid_address", "all"),
    "spam reporting address": ("complained", "all"),
    "unsubscribed address": ("unsubscribed", "marketing"),
}
STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


class SendGridEvents:
    """Satisfies `Receiver`. The public key is what SendGrid shows under Mail Settings, Signed Event Webhook."""

    def __init__(self, public_key: str) -> None:
        """Raises SettingsError for a key that is none."""
        try:
            self._webhook = EventWebhook(public_key.strip())
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SettingsError(
                "JOURNEYS_SENDGRID_WEBHOOK_KEY is no public key; copy the verification key from SendGrid's settings of "
                "the Signed Event Webhook."
            ) from error

    def read(self, request: WebhookRequest) -> Sequence[Receipt]:
        """See `Receiver`."""
        body = self._believed(request)
        try:
            events = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise WebhookFormatError("the body is not JSON; expected an array of events") from error
        if not isinstance(events, list):
            raise WebhookFormatError(f"the body is a JSON {type(events).__name__}; expected an array of events")
        found = (_receipt(event) for event in events if isinstance(event, dict))
        return [receipt for receipt in found if receipt is not None]

    def _believed(self, request: WebhookRequest) -> str:
        """The body, whose signature was checked over the bytes as they came."""
        signature, timestamp = request.headers.get(SIGNATURE), request.headers.get(TIMESTAMP)
        if not signature or not timestamp:
            raise WebhookSignatureError("the request is not signed; switch on the Signed Event Webhook in SendGrid")
        try:
            body = request.body.decode()
            is_signed = self._webhook.verify_signature(body, signature, timestamp)
        except (binascii.Error, ValueError):
            is_signed = False
        if not is_signed:
            raise WebhookSignatureError("the signature is not SendGrid's; check JOURNEYS_SENDGRID_WEBHOOK_KEY")
        return body


def _receipt(event: Mapping[str, Any]) -> Receipt | None:
    outcome = OUTCOMES.get(str(event.get("event")))
    event_id, at = event.get("sg_event_id"), _instant(event.get("timestamp"))
    if outcome is None or at is None or not _is_text(event_id):
        return None
    key, address = event.get("dispatch"), event.get("email")
    reason, purpose = _meaning(event)
    has_address = purpose is not None and _is_text(address)
    return Receipt(
        provider="sendgrid",
        event_id=str(event_id),
        dispatch_key=str(key) if _is_text(key) else None,
        outcome=outcome,
        at=at,
        reason=reason,
        suppression=Suppression("email", str(address), purpose) if has_address else None,  # type: ignore[arg-type]
    )


def _meaning(event: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The reason, and the purpose that the address is suppressed for, if it is."""
    match event["event"]:
        case "bounce":
            # blocked: the mail was refused this time, the address may be right
            is_final = event.get("type") != "blocked"
            status = STATUS.match(str(event.get("status")))
            word = "bounced" if is_final else "blocked"
            return (f"{word}: {status[0]}" if status else word), ("all" if is_final else None)
        case "dropped":
            return DROPPED.get(str(event.get("reason")).lower(), ("dropped", None))
        case "spamreport":
            return "complained", "all"
        case "unsubscribe" | "group_unsubscribe":
            return "unsubscribed", "marketing"
        case _:
            return None, None


def _instant(seconds: Any) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, tz=UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _is_text(value: Any) -> bool:
    """A text that the store can keep."""
    return isinstance(value, str) and 0 < len(value) <= 1_000 and "\0" not in value and value.isprintable()
