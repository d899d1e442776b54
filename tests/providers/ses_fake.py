"""SES's v2 API: renders the template that comes with a request as SES does, and keeps what it took over."""

import itertools
import json
import re
import threading

from tests.providers.aws_signature import is_signed_by_us
from tests.providers.loopback import Reply

BULK, SINGLE = "/v2/email/outbound-bulk-emails", "/v2/email/outbound-emails"
VARIABLE = re.compile(r"\{\{(\w+)\}\}")
TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")


class SesFake:
    """`accepted`: mails that it has taken over; `statuses`: {address: (status of its entry, text)}."""

    def __init__(self):
        self.accepted = []
        self.refused_addresses = set()
        self.statuses = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def answer(self, request):
        if not is_signed_by_us(request):
            return refusal(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
        asked = request.json
        if request.path == SINGLE:
            return self._single(asked)
        if request.path != BULK:
            return refusal(404, "NotFoundException", "no such path")
        if fault := fault_of(asked):
            return refusal(400, "BadRequestException", fault)
        template = asked["DefaultContent"]["Template"]
        return Reply(
            200, {"BulkEmailEntryResults": [self._entry(asked, template, one) for one in asked["BulkEmailEntries"]]}
        )

    def _entry(self, asked, template, entry):
        [address] = entry["Destination"]["ToAddresses"]
        status, told = self._status_of(address)
        replacement = entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"]
        data = json.loads(template["TemplateData"]) | json.loads(replacement)
        texts = template["TemplateContent"].values()
        if status is None and any(name not in data for text in texts for name in VARIABLE.findall(text)):
            status, told = "FAILED", "Attribute is not present in the rendering data."
        if status is not None:
            return {"Status": status, "Error": told}
        # SES escapes nothing
        rendered = {
            part.lower(): VARIABLE.sub(lambda found: data[found[1]], text)
            for part, text in template["TemplateContent"].items()
        }
        headers, tags = entry.get("ReplacementHeaders", []), entry.get("ReplacementTags", [])
        return {"Status": "SUCCESS", "MessageId": self._take(asked, address, rendered, headers, tags)}

    def _single(self, asked):
        [address] = asked["Destination"]["ToAddresses"]
        status, told = self._status_of(address)
        if status is not None:
            return refusal(400, "MessageRejected", told)
        simple = asked["Content"]["Simple"]
        rendered = {part.lower(): content["Data"] for part, content in simple["Body"].items()}
        rendered["subject"] = simple["Subject"]["Data"]
        return Reply(
            200,
            {"MessageId": self._take(asked, address, rendered, simple.get("Headers", []), asked.get("EmailTags", []))},
        )

    def _status_of(self, address):
        if address in self.refused_addresses:
            return "MESSAGE_REJECTED", f"Address {address} is on the list"
        return self.statuses.get(address, (None, None))

    def _take(self, asked, address, rendered, headers, tags):
        mail = {
            "to": address,
            **rendered,
            "from": asked["FromEmailAddress"],
            "reply_to": asked.get("ReplyToAddresses"),
            "headers": {header["Name"]: header["Value"] for header in headers},
            "tags": {tag["Name"]: tag["Value"] for tag in tags},
        }
        with self._lock:
            self.accepted.append(mail)
            return f"0107-{next(self._numbers)}"


def fault_of(asked):
    entries = asked["BulkEmailEntries"]
    if not 1 <= len(entries) <= 50:
        return "too many destinations"
    if len(json.dumps(asked).encode()) > 1024 * 1024:
        return "too large"
    tags = [tag for entry in entries for tag in entry.get("ReplacementTags", [])]
    if not all(TAG.fullmatch(tag["Value"]) and TAG.fullmatch(tag["Name"]) for tag in tags):
        return "a tag has characters that it must not have"
    return "too many headers" if any(len(entry.get("ReplacementHeaders", [])) > 15 for entry in entries) else None


def refusal(status, code, text):
    return Reply(status, {"message": text}, {"x-amzn-errortype": code})
