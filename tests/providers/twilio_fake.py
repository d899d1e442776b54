"""Twilio's Messages: takes texts over as the vendor does, and lists them."""

import base64
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlencode, urlsplit

from tests.providers.loopback import Reply

ACCOUNT = f"AC{'a1' * 16}"
TOKEN = "token-of-the-test"
PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
SENDER = "+12025550100"
SERVICE = f"MG{'b2' * 16}"


class TwilioFake:
    """`accepted`: the messages that it has taken over, as it lists them.

    refused_addresses: numbers that are none. codes: error codes by number.
    """

    def __init__(self):
        self.accepted = []
        self.refused_addresses = set()
        self.codes = {}
        self.now = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
        self._lock = threading.Lock()

    def answer(self, request):
        reply = self._answer(request)
        reply.headers["Date"] = format_datetime(self.now, usegmt=True)
        return reply

    def _answer(self, request):
        if request.headers.get("authorization") != _basic(ACCOUNT, TOKEN):
            return refusal(401, 20003, "Authenticate")
        if urlsplit(request.path).path != PATH:
            return refusal(404, 20404, "The requested resource was not found")
        return self._create(request.form) if request.method == "POST" else self._list(request.query)

    def _create(self, form):
        number = form.get("To", "")
        code = 21211 if number in self.refused_addresses else self.codes.get(number)
        if code is not None:
            return refusal(400, code, "It cannot be sent to this number")
        if not form.get("Body"):
            return refusal(400, 21602, "Message body is required.")
        if form.get("From") != SENDER and form.get("MessagingServiceSid") != SERVICE:
            return refusal(400, 21606, "The From phone number is not a valid, SMS-capable number")
        with self._lock:
            made = self._message(form, len(self.accepted))
            self.accepted.append(made)
        return Reply(201, made)

    def _message(self, form, number):
        sid = f"SM{number:032x}"
        uri = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}"
        at = format_datetime(self.now)
        return {
            "account_sid": ACCOUNT,
            "api_version": "2010-04-01",
            "body": form["Body"],
            "date_created": at,
            "date_sent": None,
            "date_updated": at,
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "from": form.get("From"),
            "messaging_service_sid": form.get("MessagingServiceSid"),
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": "USD",
            "sid": sid,
            "status": "queued",
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": form["To"],
            "uri": f"{uri}.json",
        }

    def _list(self, query):
        with self._lock:
            found = [one for one in reversed(self.accepted) if query.get("To") in (None, one["to"])]
        size, page = int(query.get("PageSize", 50)), int(query.get("Page", 0))
        shown = found[page * size : (page + 1) * size]

        def uri(number):
            named = {**query, "PageSize": size, "Page": number, **({"PageToken": f"PA{number}"} if number else {})}
            return f"{PATH}?{urlencode(named)}"

        return Reply(
            200,
            {
                "end": max(page * size + len(shown) - 1, 0),
                "first_page_uri": uri(0),
                "messages": shown,
                "next_page_uri": uri(page + 1) if (page + 1) * size < len(found) else None,
                "page": page,
                "page_size": size,
                "previous_page_uri": uri(page - 1) if page else None,
                "start": page * size,
                "uri": uri(page),
            },
        )

    def pass_time(self, **spans):
        self.now += timedelta(**spans)


def refusal(status, code, message):
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Reply(status, {"code": code, "message": message, "more_info": more, "status": status})


def _basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
