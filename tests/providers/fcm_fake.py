"""FCM's HTTP v1 API and Google's token endpoint: checks a message as the vendor does, and keeps what it took over."""

import itertools
import json
import re
import threading
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.providers.loopback import Reply

PROJECT = "shop-of-the-test"
TOKEN = "ya29.secret-token-of-the-test"
PATH = f"/v1/projects/{PROJECT}/messages:send"
ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
TOPIC = re.compile(r"[\w-]{1,32}")
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class FcmFake:
    """`accepted`: the messages that it has taken over, as they were asked for; `refusals`: {device: (status, code)}."""

    def __init__(self):
        self.accepted = []
        self.refused_addresses = set()
        self.refusals = {}
        self.key = None
        self.tokens = [TOKEN]
        self.exchanges = 0
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def answer(self, request):
        if request.path == "/token":
            return self._exchange(request)
        if (request.method, request.path) != ("POST", PATH):
            return refusal(404, "NOT_FOUND")
        if request.headers.get("authorization") not in [f"Bearer {token}" for token in self.tokens]:
            return refusal(401, "UNAUTHENTICATED")
        message = request.json["message"]
        if message["token"] in self.refused_addresses or fault_of(message):
            return refusal(400, "INVALID_ARGUMENT", code="INVALID_ARGUMENT")
        if message["token"] in self.refusals:
            status, code = self.refusals[message["token"]]
            return refusal(status, STATUSES[status], code=code)
        with self._lock:
            number = next(self._numbers)
            if not request.json.get("validate_only"):
                self.accepted.append(message)
        return Reply(200, {"name": f"projects/{PROJECT}/messages/{number}"})

    def service_account(self, url):
        """The JSON key of a service account whose tokens come from this fake at this URL."""
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "1",
            "private_key": pem,
            "client_email": f"sender@{PROJECT}.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"{url}/token",
        }

    def _exchange(self, request):
        claims = jwt.decode(
            request.form["assertion"], self.key.public_key(), algorithms=["RS256"], options={"verify_aud": False}
        )
        if SCOPE not in claims["scope"].split() or claims["exp"] < time.time():
            return Reply(400, {"error": "invalid_scope"})
        self.exchanges += 1
        return Reply(200, {"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})


STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def fault_of(message):
    """What FCM would not take: a body that is too large, texts that are none, a Topic that is none."""
    texts = [message["token"], *message.get("data", {}).values(), *message.get("notification", {}).values()]
    if not all(isinstance(text, str) for text in texts):
        return "no text"
    if len(json.dumps([message.get("notification"), message.get("data")])) > 4096:
        return "too large"
    if not TOPIC.fullmatch(message["webpush"]["headers"]["Topic"]):
        return "Topic"
    return "reserved" if "from" in message.get("data", {}) else None


def refusal(status, name, *, code=None):
    details = [{"@type": ERROR, "errorCode": code}] if code else []
    return Reply(status, {"error": {"code": status, "message": "not now", "status": name, "details": details}})
