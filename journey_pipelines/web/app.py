"""The ASGI application: which path leads where."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from journey_pipelines.delivery.receipts.receipt import Receiver, WebhookRequest
from journey_pipelines.delivery.receipts.record import record_receipts
from journey_pipelines.delivery.unsubscribe import UnsubscribeLinks
from journey_pipelines.engine.ports import JourneyStore
from journey_pipelines.errors import StoreError, WebhookFormatError, WebhookSignatureError
from journey_pipelines.web.bodies import body_of
from journey_pipelines.web.unsubscribing import unsubscribe_route

LOGGER = logging.getLogger(__name__)


def webhooks_app(
    store: JourneyStore,
    receivers: Mapping[str, Receiver],
    links: UnsubscribeLinks | None,
    *,
    channels: Mapping[str, str | None],
    now: Callable[[], datetime],
) -> Starlette:
    """`POST /webhooks/<provider>`, `GET|POST /unsubscribe/<token>`, `GET /healthz`.

    A webhook answers 204 once its receipts are committed, 403 where the signature is wrong, 400 where nothing can be
    read, 404 for a provider that is not set up, 413 for a body that is too large, and 503 while the store is away, upon
    which providers send again. `channels`: the channel of each action type.
    """

    async def receive(request: Request) -> Response:
        provider = request.path_params["provider"]
        receiver = receivers.get(provider)
        if receiver is None:
            raise HTTPException(404, "no webhook of this name is set up here")
        asked = WebhookRequest(
            headers={name.lower(): value for name, value in request.headers.items()},
            query=request.url.query,
            body=await body_of(request),
            received_at=now(),
        )
        try:
            receipts = receiver.read(asked)
        except WebhookSignatureError as error:
            LOGGER.warning("%s: a request was refused: %s", provider, error)
            raise HTTPException(403, "not signed as it has to be") from error
        except WebhookFormatError as error:
            LOGGER.warning("%s: a request was refused: %s", provider, error)
            raise HTTPException(400, str(error)) from error
        new = await run_in_threadpool(record_receipts, store, receipts)
        LOGGER.info("%s: %s receipts, %s of them new", provider, len(receipts), new)
        return Response(status_code=204)

    async def health(_: Request) -> Response:
        await run_in_threadpool(store.transact, lambda transaction: transaction.paused())
        return PlainTextResponse("ok")

    routes = [
        Route("/webhooks/{provider}", receive, methods=["POST"]),
        Route("/healthz", health, methods=["GET"]),
    ]
    if links is not None:
        routes.append(unsubscribe_route(store, links, channels, now=now))
    app = Starlette(routes=routes, exception_handlers={StoreError: _store_failed})
    app.router.redirect_slashes = False  # to no path that somebody else chose
    return app


async def _store_failed(_: Request, error: Exception) -> Response:
    # the text may name a host or a value
    LOGGER.error("the journey store failed (%s); the request was answered with 503", type(error).__name__)
    return PlainTextResponse("the store is away; try again later", status_code=503, headers={"Retry-After": "60"})
