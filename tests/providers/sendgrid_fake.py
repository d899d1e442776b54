"""SendGrid's Mail Send: checks a request as the vendor does, and makes each recipient's mail from it."""

import itertools
import re
import threading

from tests.providers.loopback import Reply

KEY = "SG.secret-key-of-the-test"
ADDRESS = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


class SendGridFake:
    """`accepted`: the mails that it has taken over, each {to, subject, text, html, dispatch, headers}."""

    def __init__(self):
        self.accepted = []
        self.refused_addresses = set()
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def answer(self, request):
        if (request.method, request.path) != ("POST", "/v3/mail/send"):
            return Reply(404, {"errors": [{"message": "not found", "field": None}]})
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return _refusal(401, "The provided authorization grant is invalid, expired, or revoked", None)
        body = request.json
        fault = self._fault(body)
        if fault is not None:
            return _refusal(400, *fault)
        with self._lock:
            self.accepted += [_mail(body, one) for one in body["personalizations"]]
        return Reply(202, b"", {"X-Message-Id": f"mail-{next(self._numbers)}"})

    def _fault(self, body):
        if not ADDRESS.match(body.get("from", {}).get("email", "")):
            return "The from address does not match a verified Sender Identity.", "from"
        contents = body.get("content") or []
        if not contents or not all(one["value"] for one in contents):
            return "The content value must be a string at least one character in length.", "content.0.value"
        if [one["type"] for one in contents] not in (["text/plain"], ["text/html"], ["text/plain", "text/html"]):
            return "If present, text/plain must be first, followed by text/html.", "content"
        every = body["personalizations"]
        if not 1 <= len(every) <= 1000:
            return "The personalizations field must hold from 1 to 1000 objects.", "personalizations"
        seen = set()
        for number, one in enumerate(every):
            where = f"personalizations.{number}"
            address = one["to"][0]["email"]
            if not ADDRESS.match(address) or address in self.refused_addresses:
                return "Does not contain a valid address.", f"{where}.to.0.email"
            if address.lower() in seen:
                return "Each email address should be unique between to, cc, and bcc.", where
            seen.add(address.lower())
            if not one.get("subject"):
                return "The subject is required.", f"{where}.subject"
            values = one.get("substitutions", {})
            if sum(len(tag.encode()) + len(value.encode()) for tag, value in values.items()) > 10_000:
                return "The substitutions may not exceed 10000 bytes.", f"{where}.substitutions"
        return None


def _mail(body, one):
    texts = {"text/plain": "", "text/html": ""} | {part["type"]: part["value"] for part in body["content"]}
    for tag, value in one.get("substitutions", {}).items():
        texts = {kind: text.replace(tag, value) for kind, text in texts.items()}
    return {
        "to": one["to"][0]["email"],
        "subject": one["subject"],
        "text": texts["text/plain"],
        "html": texts["text/html"],
        "dispatch": one.get("custom_args", {}).get("dispatch"),
        "headers": one.get("headers", {}),
    }


def _refusal(status, message, field):
    return Reply(status, {"errors": [{"message": message, "field": field}]})
