"""What the providers of Amazon Web Services share: credentials, clients that ask once, and what errors mean.

Sources: https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html and
https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html.
"""

from typing import Any, Final, Self

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
)
from pydantic import Field, model_validator

from journey_pipelines.delivery.providers import outcomes
from journey_pipelines.delivery.providers.http_pool import seconds_to_wait
from journey_pipelines.delivery.providers.outcomes import Outcome
from journey_pipelines.delivery.providers.provider import ProviderConfig
from journey_pipelines.delivery.providers.quiet_logs import hush_all

CONFIGURATION: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AccountSuspendedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MailFromDomainNotVerifiedException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotFoundException",
        "OptInRequired",
        "RequestExpired",
        "SendingPausedException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
TRANSIENT: Final = frozenset(
    {
        "LimitExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
UNREACHABLE: Final = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
NO_CREDENTIALS: Final = (NoCredentialsError, PartialCredentialsError)


class AwsConfig(ProviderConfig):
    """What both services can be set to. Without keys AWS's own chain finds some: a role, a profile, its variables."""

    region: str = Field(pattern=r"^[a-z0-9-]+$", description="Region, such as eu-central-1")
    access_key_id: str | None = Field(default=None, min_length=1, description="Id of the access key")
    secret_access_key: str | None = Field(default=None, min_length=1, repr=False, description="The access key's secret")
    session_token: str | None = Field(default=None, min_length=1, repr=False, description="Of temporary credentials")
    url: str | None = Field(default=None, pattern=r"^https?://", description="Base URL, where it is not the region's")

    @model_validator(mode="after")
    def _has_whole_key(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key go together; set both or none")
        return self


def aws_client(service: str, config: AwsConfig) -> Any:
    """The library's client of a service. It sends each request once, and threads share it."""
    session = boto3.session.Session(
        aws_access_key_id=config.access_key_id,
        aws_secret_access_key=config.secret_access_key,
        aws_session_token=config.session_token,
        region_name=config.region,
    )
    limits = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=min(config.timeout, 10.0),
        read_timeout=config.timeout,
        max_pool_connections=config.connections,
    )
    client = session.client(service, endpoint_url=config.url, config=limits)
    hush_all("botocore")  # at DEBUG they log whole requests and how they are signed
    return client


def of_aws_error(provider: str, error: ClientError | BotoCoreError) -> Outcome:
    """What an error of the library means for a message. Texts of the service's are looked at, and never shown."""
    name = type(error).__name__
    if isinstance(error, ClientError):
        return _of_refusal(provider, error)
    if isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return outcomes.misconfigured(f"{provider}_certificate_not_trusted")
    if isinstance(error, UNREACHABLE):
        return outcomes.retry(f"{provider}_unreachable: {name}")
    if isinstance(error, NO_CREDENTIALS):
        return outcomes.misconfigured(f"{provider}_no_credentials: {name}")
    if isinstance(error, ParamValidationError):
        return outcomes.failed(f"{provider}_message_invalid")
    return outcomes.unknown(f"{provider}_no_answer: {name}")


def is_unverified(text: object) -> bool:
    """Whether the service says that a sender is not verified, or that the account may write to verified ones only."""
    return "not verified" in str(text)


def _of_refusal(provider: str, error: ClientError) -> Outcome:
    told, answer = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    code, status = str(told.get("Code", "")), int(answer.get("HTTPStatusCode", 0))
    named = f"{provider}_{status}" + (f": {code}" if code.isalnum() and not code.isdigit() else "")
    headers = answer.get("HTTPHeaders", {})
    after = seconds_to_wait(headers.get("retry-after"), date=headers.get("date"))
    if code in CONFIGURATION or is_unverified(told.get("Message")):
        return outcomes.misconfigured(named)
    if code in TRANSIENT:
        return outcomes.retry(named, after=after)
    return outcomes.of_http_status(
        provider, status, after=after, detail=code if code.isalnum() and not code.isdigit() else None
    )
