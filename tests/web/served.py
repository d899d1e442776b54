"""The webhooks' application on a real socket, and requests as the providers sign them."""

import base64
import http.client
import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

import uvicorn
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twilio.request_validator import RequestValidator

from journey_pipelines.delivery.actions import load_actions
from journey_pipelines.delivery.receipts.sendgrid_events import SIGNATURE, TIMESTAMP, SendGridEvents
from journey_pipelines.delivery.receipts.twilio_callbacks import TwilioCallbacks
from journey_pipelines.delivery.unsubscribe import UnsubscribeLinks
from journey_pipelines.web import webhooks_app

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
PUBLIC = "https://journeys.example.com"
LINKS = UnsubscribeLinks(PUBLIC, "a secret of the tests")
AUTH_TOKEN = "the auth token of the tests"
CALLBACKS = f"{PUBLIC}/webhooks/twilio"
CHANNELS = {name: action.channel for name, action in load_actions().items()}


@dataclass
class Answer:
    status: int
    headers: dict
    body: str


class Served:
    """`store` behind the webhooks, in this process; SendGrid's key is made anew."""

    def __init__(self, store):
        self.key = ec.generate_private_key(ec.SECP256R1())
        public = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        receivers = {
            "sendgrid": SendGridEvents(base64.b64encode(public).decode()),
            "twilio": TwilioCallbacks(AUTH_TOKEN, CALLBACKS),
        }
        app = webhooks_app(store, receivers, LINKS, channels=CHANNELS, now=lambda: NOW)
        self._server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
            assert self._thread.is_alive()
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join()

    def ask(self, method, path, body=b"", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
        finally:
            connection.close()

    def sendgrid(self, *events, timestamp="1772355600", sign=None):
        """What SendGrid posts; `sign`: other bytes than those that are posted."""
        body = json.dumps(events).encode()
        signed = timestamp.encode() + (body if sign is None else sign)
        signature = base64.b64encode(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))).decode()
        return self.ask("POST", "/webhooks/sendgrid", body, {SIGNATURE: signature, TIMESTAMP: timestamp})

    def twilio(self, fields, *, dispatch=None, url=CALLBACKS, token=AUTH_TOKEN):
        """What Twilio posts."""
        query = f"?{urlencode({'dispatch': dispatch})}" if dispatch else ""
        signature = RequestValidator(token).compute_signature(url + query, fields)
        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", f"/webhooks/twilio{query}", urlencode(fields).encode(), headers)


def event(kind, *, number=1, **fields):
    """One of SendGrid's events."""
    return {
        "email": "Ann@example.com",
        "timestamp": 1772355000 + number,
        "event": kind,
        "sg_event_id": f"event-{number}",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "dispatch": "6f96:hello:1",
        **fields,
    }
