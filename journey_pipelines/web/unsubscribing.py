"""The page behind the links in mails. A GET changes nothing, since mail scanners follow links (RFC 8058)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import pandas as pd
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from journey_pipelines.delivery.receipts.receipt import Receipt, Suppression
from journey_pipelines.delivery.receipts.record import suppress
from journey_pipelines.delivery.unsubscribe import UnsubscribeLinks
from journey_pipelines.engine.frames import RECEIPTS, conform, executions_of_keys
from journey_pipelines.engine.ports import JourneyStore, StoreTransaction

PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  body {{ font: 1.1rem/1.5 system-ui, sans-serif; margin: 15vh auto; max-width: 30rem; padding: 0 1rem; color: #222 }}
  button {{ font: inherit; padding: .6rem 1.2rem; border: 0; border-radius: .3rem; background: #1a56b0; color: #fff }}
</style>
<h1>{title}</h1>
{content}
</html>
"""
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}
QUESTION: Final = """<p>You will get no more marketing messages at this address.</p>
<form method="post"><button>Unsubscribe</button></form>"""
DONE: Final = "<p>You will get no more marketing messages at this address.</p>"
GONE: Final = "<p>This link is incomplete or too old. Use the one in a newer message.</p>"


def unsubscribe_route(
    store: JourneyStore, links: UnsubscribeLinks, channels: Mapping[str, str | None], *, now: Callable[[], datetime]
) -> Route:
    """`GET /unsubscribe/<token>` asks, `POST` unsubscribes; 404 for a link that leads to no message.

    `channels`: the channel of each action type.
    """

    def find(key: str) -> Suppression | None:
        return store.transact(lambda transaction: _find(key, channels, transaction))

    async def answer(request: Request) -> Response:
        key = links.read(request.path_params["token"])
        found = None if key is None else await run_in_threadpool(find, key)
        if key is None or found is None:
            return _page("This link does not work", GONE, status=404)
        if request.method != "POST":
            return _page("Unsubscribe?", QUESTION)
        await run_in_threadpool(store.transact, lambda transaction: _leave(key, found, now(), transaction))
        return _page("You are unsubscribed", DONE)

    return Route("/unsubscribe/{token}", answer, methods=["GET", "POST"])


def _find(key: str, channels: Mapping[str, str | None], transaction: StoreTransaction) -> Suppression | None:
    """The address that the dispatch went to."""
    [execution] = executions_of_keys(pd.Index([key]))
    dispatches = transaction.read("dispatches", execution_id=execution)
    for _, row in dispatches[dispatches["key"] == key].iterrows():
        channel, address = channels.get(row["action_type"]), row["payload"].get("to")
        if channel is not None and isinstance(address, str):
            return Suppression(channel, address, "marketing")
    return None


def _leave(key: str, suppression: Suppression, at: datetime, transaction: StoreTransaction) -> None:
    """Whoever asks again is suppressed again, even if the address was taken off the list meanwhile."""
    receipt = Receipt("unsubscribe_link", key, key, "unsubscribed", at, "unsubscribed", suppression)
    row = {name: getattr(receipt, name) for name in ("provider", "event_id", "dispatch_key", "outcome", "reason")}
    frame = pd.DataFrame([{**row, "at": pd.Timestamp(at), "is_applied": False}])
    transaction.add_receipts(conform(frame, RECEIPTS))
    suppress(transaction, [receipt])


def _page(title: str, content: str, *, status: int = 200) -> Response:
    return HTMLResponse(PAGE.format(title=title, content=content), status_code=status, headers=HEADERS)
