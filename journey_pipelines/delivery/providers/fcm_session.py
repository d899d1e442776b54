"""How Google's library reaches FCM: each request once, over so many connections at most, to the URL that is set.

The library offers no option for its retries (five requests of one message after 503), its 100 connections and its
address; `direct` is the one place that reaches into it.
"""

import threading
from functools import partial
from typing import Any

import firebase_admin
import google.oauth2.credentials
import requests
from firebase_admin import _http_client, credentials, messaging
from google.auth.credentials import TokenState
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import AuthorizedSession, Request
from requests.adapters import HTTPAdapter

from journey_pipelines.delivery.providers import outcomes
from journey_pipelines.delivery.providers.outcomes import Outcome
from journey_pipelines.errors import DeliveryError


class StaticToken(credentials.Base):  # type: ignore[misc]  # the library has no types
    """An access token that is never exchanged for another."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self._credential = google.oauth2.credentials.Credentials(token)  # type: ignore[no-untyped-call]

    def get_credential(self) -> Any:
        """See the library."""
        return self._credential


class NoTokenError(requests.RequestException):
    """No request was made since no access token could be had."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.result["reason"])
        self.outcome = outcome


class Session(AuthorizedSession):
    """Sends every request once. Threads share it, and one of them gets the access token for all."""

    def __init__(self, credential: Any, *, connections: int, timeout: float) -> None:
        self._tokens = requests.Session()
        request = partial(Request(self._tokens), timeout=timeout)
        super().__init__(credential, max_refresh_attempts=0, auth_request=request)  # type: ignore[no-untyped-call]
        self._request_token = request
        self._turn = threading.Lock()
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connections, pool_block=True, max_retries=0)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def request(self, method: str, url: str, **details: Any) -> requests.Response:  # type: ignore[override]
        """See requests.Session. Raises NoTokenError where no token can be had."""
        try:
            with self._turn:
                if self.credentials.token_state is not TokenState.FRESH:
                    self.credentials.refresh(self._request_token)
        except GoogleAuthError as error:
            raise NoTokenError(_of_token_error(error)) from error
        answer: requests.Response = super().request(  # type: ignore[no-untyped-call]
            method, url, allow_redirects=False, **details
        )
        return answer

    def end(self) -> None:
        """End the connections."""
        self._tokens.close()
        self.close()  # type: ignore[no-untyped-call]


def direct(app: firebase_admin.App, session: Session, *, url: str, timeout: float) -> None:
    """Let the app's messages leave by this session to this base URL. Raises DeliveryError where the library changed."""
    service = messaging._get_messaging_service(app)
    if not hasattr(service, "_client") or not hasattr(service, "_fcm_url"):
        raise DeliveryError(
            f"firebase-admin {firebase_admin.__version__} is built otherwise than this provider knows it; install 7.7"
        )
    service._client.close()
    service._client = _http_client.JsonHttpClient(session=session, retries=None, timeout=(min(timeout, 10.0), timeout))
    service._fcm_url = f"{url.rstrip('/')}/v1/projects/{app.project_id}/messages:send"


def _of_token_error(error: GoogleAuthError) -> Outcome:
    if isinstance(error, TransportError) or error.retryable:
        return outcomes.retry(f"fcm_token_unreachable: {type(error).__name__}")
    return outcomes.misconfigured(f"fcm_token_refused: {type(error).__name__}")
