"""What sending costs: mails through SendGrid's module and SMS through Twilio's, beside their libraries used plainly."""

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, Final

import pandas as pd

from journey_pipelines.bench.accepting_server import AcceptingServer, accepting_server
from journey_pipelines.bench.costs import BenchmarkError, Cost, measure_alone, require_processes
from journey_pipelines.bench.render import Customers, plain_mails, rendered_mails
from journey_pipelines.bench.rounds import described_rounds
from journey_pipelines.delivery.providers.registry import provider_kind
from journey_pipelines.engine.frames import DISPATCHES, conform

SMS_SHARE: Final = 10  # so many mails for each SMS
MOST_PLAIN_MESSAGES: Final = 1_000
SEND_ROWS: Final = 5_000  # handed over at once, as in a live run
RATE: Final = 1e9  # a second: the pace is not what is measured
LEFT_AT: Final = pd.Timestamp("2026-03-01T09:00:00Z")
SENDGRID: Final = {"api_key": "none", "sender": "shop@example.com"}
TWILIO: Final = {"account_sid": f"AC{'0' * 32}", "auth_token": "none", "sender": "+12025550100"}

Way = tuple[int, Callable[[], object]]


def measure(rows: int, *, rounds: int) -> dict[str, Any]:
    """Processor time of each way, the best of rounds in which they take turns, as one JSON document.

    `rows` mails, with their rendering, and a tenth as many SMS. What the server does is not counted. Raises
    BenchmarkError where a way does not hand over every message once, or a library is not installed.
    """
    require_processes()
    _require_libraries()
    with accepting_server() as server:
        ways = {**_mails(rows, server.url), **_sms(max(rows // SMS_SHARE, 1), server.url)}
        costs: dict[str, list[Cost]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, (count, send) in ways.items():
                costs[name].append(measure_alone(count, send, server=server.process))
                _require_all_taken(name, count, server)
    measured = described_rounds(costs)
    per_row = {name: one["cpu_seconds"] / one["rows"] for name, one in measured.items()}
    return {
        "rows": rows,
        "rounds": rounds,
        "measured": measured,
        "ratios": {
            "sendgrid_cpu_to_plain": per_row["sendgrid"] / per_row["sendgrid_plain"],
            "twilio_cpu_to_plain": per_row["twilio"] / per_row["twilio_plain"],
        },
    }


def figures(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What people read: each way's processor time and clock, and the ratios."""
    for name, one in found["measured"].items():
        each = one["cpu_seconds"] / one["rows"]
        yield name.replace("_", ", "), "processor", f"{one['cpu_seconds']:.2f} s for {one['rows']:,} messages"
        yield "", "", f"{each * 1e3:.3f} ms each"
        yield "", "clock", f"{one['wall_seconds']:.2f} s, {one['rows_per_second']:,.0f} a second"
        yield "", "peak memory", f"{one['peak_extra_bytes'] / 1e6:,.0f} MB new"
    for name, ratio in found["ratios"].items():
        provider = name.partition("_")[0]
        yield provider, "against its library used plainly", f"1/{1 / ratio:,.0f} of its processor time"


def _mails(rows: int, url: str) -> dict[str, Way]:
    customers, few = Customers(rows), Customers(min(rows, MOST_PLAIN_MESSAGES))
    return {
        "sendgrid": (rows, lambda: _send_mails(customers, rows, url)),
        "sendgrid_plain": (few.size, lambda: _send_mails_plainly(few, url)),
    }


def _sms(rows: int, url: str) -> dict[str, Way]:
    few = min(rows, MOST_PLAIN_MESSAGES)
    return {
        "twilio": (rows, lambda: _send("sms", "twilio", {**TWILIO, "url": url}, _sms_payloads(rows))),
        "twilio_plain": (few, lambda: _send_sms_plainly(few, url)),
    }


def _send_mails(customers: Customers, rows: int, url: str) -> None:
    mails = rendered_mails(customers, rows)
    payloads = [{**mail, "to": _address(number)} for number, mail in enumerate(mails)]
    _send("email", "sendgrid", {**SENDGRID, "url": url}, payloads)


def _send(channel: str, provider: str, settings: Mapping[str, Any], payloads: list[dict[str, Any]]) -> None:
    kind = provider_kind(channel, provider)
    assert kind is not None
    with closing(kind.open(kind.config(**settings, rate=RATE))) as opened:
        for start in range(0, len(payloads), SEND_ROWS):
            answered = opened.send(_dispatches(f"send_{channel}", payloads[start : start + SEND_ROWS], start))
            if not (answered["status"] == "sent").all():
                raise BenchmarkError(
                    f"{provider} answered {answered['status'].value_counts().to_dict()}; all must leave"
                )


def _send_mails_plainly(customers: Customers, url: str) -> None:
    """As the library's own introduction does it: one mail, one call."""
    from sendgrid import SendGridAPIClient
    from sendgrid.helpers.mail import Mail

    client = SendGridAPIClient(SENDGRID["api_key"], host=url)
    for number, mail in enumerate(plain_mails(customers.contexts())):
        contents = {"html_content": mail["html"], "plain_text_content": mail["text"]}
        client.send(Mail(SENDGRID["sender"], _address(number), mail["subject"], **contents))


def _send_sms_plainly(rows: int, url: str) -> None:
    from twilio.rest import Client

    client = Client(TWILIO["account_sid"], TWILIO["auth_token"])
    client.api.base_url = url
    for payload in _sms_payloads(rows):
        client.messages.create(to=payload["to"], from_=TWILIO["sender"], body=payload["message"])


def _dispatches(action_type: str, payloads: list[dict[str, Any]], start: int) -> pd.DataFrame:
    """DISPATCHES rows that are about to leave."""
    ids = pd.Series(range(start, start + len(payloads))).astype("str").str.zfill(12).radd("6f9619ff-8b86-d011-b42d-")
    frame = pd.DataFrame({"key": ids + ":hello:1", "execution_id": ids, "payload": pd.Series(payloads, dtype=object)})
    known = {
        "journey_key": "welcome",
        "journey_version": 1,
        "customer_id": ids,
        "node_id": "hello",
        "visit": 1,
        "action_type": action_type,
        "priority": 0,
        "status": "sending",
        "attempt": 1,
        "result": pd.Series([{}] * len(ids), dtype=object),
        "run_id": "run",
    }
    times = dict.fromkeys(("requested_at", "due_at", "left_at"), LEFT_AT)
    unknown = {"next_at": pd.NaT, "settled_at": pd.NaT, "reason": None, "snapshot_id": None}
    return conform(frame.assign(**known, **times, **unknown), DISPATCHES)


def _sms_payloads(rows: int) -> list[dict[str, Any]]:
    return [
        {"to": f"+1202{number:07d}", "message": f"Hi customer {number}, your points are waiting."}
        for number in range(rows)
    ]


def _address(number: int) -> str:
    return f"customer{number}@example.com"


def _require_all_taken(name: str, count: int, server: AcceptingServer) -> None:
    taken = server.taken()
    if taken != {"messages": count, "addresses": count}:
        raise BenchmarkError(f"{name!r} was to hand over {count:,} messages once each; the server took {taken}")


def _require_libraries() -> None:
    missing = [name for name in ("sendgrid", "twilio") if importlib.util.find_spec(name) is None]
    if missing:
        extras = ",".join(missing)
        raise BenchmarkError(f"{extras} is not installed; install it with: pip install 'journey-pipelines[{extras}]'")
