"""Twilio's status callbacks and the answers STOP that it passes on, signed.

Sources: https://www.twilio.com/docs/messaging/guides/track-outbound-message-status,
https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out and
https://www.twilio.com/docs/usage/security#validating-requests.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qs, parse_qsl

from twilio.request_validator import RequestValidator

from journey_pipelines.delivery.receipts.receipt import Outcome, Receipt, Suppression, WebhookRequest
from journey_pipelines.errors import WebhookFormatError, WebhookSignatureError

SIGNATURE: Final = "x-twilio-signature"
OUTCOMES: Final[Mapping[str, Outcome]] = {
    "accepted": "accepted",
    "scheduled": "accepted",
    "queued": "accepted",
    "sending": "accepted",
    "sent": "accepted",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
DEAD: Final = {
    "21211": "invalid_number",
    "21610": "unsubscribed",
    "21614": "not_a_mobile_number",
    "30005": "unknown_number",
    "30006": "not_reachable",
}
"""Codes after which the number is not written to any more."""


class TwilioCallbacks:
    """Satisfies `Receiver`. `url` is the one that Twilio was told, which its signature covers."""

    def __init__(self, auth_token: str, url: str) -> None:
        self._validator = RequestValidator(auth_token)
        self._url = url

    def read(self, request: WebhookRequest) -> Sequence[Receipt]:
        """See `Receiver`."""
        fields = _fields(request.body)
        asked = f"{self._url}?{request.query}" if request.query else self._url
        if not self._validator.validate(asked, fields, request.headers.get(SIGNATURE, "")):
            raise WebhookSignatureError(
                f"the signature is not Twilio's over {self._url}; check JOURNEYS_PUBLIC_URL and the auth token"
            )
        sid = fields.get("MessageSid") or fields.get("SmsSid")
        if not sid or not sid.isalnum():
            raise WebhookFormatError("the request names no MessageSid; expected a status callback")
        if fields.get("OptOutType") == "STOP":
            suppression = _suppression(fields.get("From"))
            return [Receipt("twilio", sid, None, "unsubscribed", request.received_at, "unsubscribed", suppression)]
        outcome = OUTCOMES.get(fields.get("MessageStatus", ""))
        return [] if outcome is None else [_receipt(sid, outcome, fields, request)]


def _receipt(sid: str, outcome: Outcome, fields: Mapping[str, str], request: WebhookRequest) -> Receipt:
    code = fields.get("ErrorCode", "")
    word = DEAD.get(code)
    named = f"twilio_{code}" if code.isdigit() else fields["MessageStatus"]
    key = parse_qs(request.query).get("dispatch", [""])[0]
    has_failed = outcome == "failed"
    return Receipt(
        provider="twilio",
        event_id=f"{sid}:{fields['MessageStatus']}",
        dispatch_key=key if key and key.isprintable() else None,
        outcome=outcome,
        at=request.received_at,  # a callback has no time of its own
        reason=(f"{named}: {word}" if word else named) if has_failed else None,
        suppression=_suppression(fields.get("To")) if has_failed and word else None,
    )


def _suppression(number: str | None) -> Suppression | None:
    return Suppression("sms", number) if number and number.isprintable() else None


def _fields(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=200))
    except ValueError as error:
        raise WebhookFormatError("the body is no form; expected application/x-www-form-urlencoded") from error
