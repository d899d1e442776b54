"""Where the store is: a URL in libpq's or SQLAlchemy's form, and a label for messages that never tells the password."""

import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from journey_pipelines.errors import StoreError, StoreUnavailableError

SCHEME: Final = re.compile(r"^postgres(ql)?(\+\w+)?://")
EXPECTED: Final = "expected postgresql://user:password@host:5432/database or postgresql:///database?host=/socket/folder"
CONNECT_TIMEOUT_SECONDS: Final = 10


@dataclass(frozen=True)
class Address:
    """What libpq needs, and a `label` fit for messages."""

    parameters: dict[str, Any] = field(repr=False)
    label: str

    def connect(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """A connection without an open transaction. Raises StoreError where nobody answers."""
        try:
            return psycopg.connect(**self.parameters, autocommit=True)
        except (psycopg.Error, OSError, UnicodeError) as error:
            reason = self.without_password(" ".join(str(error).split()))
            message = (
                f"the journey store ({self.label}) does not let us in: {reason}; "
                "start that database or set JOURNEYS_STORE_URL to one that runs"
            )
            raise StoreUnavailableError(message) from None

    def without_password(self, text: str) -> str:
        """A message of the driver or the server, fit to be shown."""
        password = self.parameters.get("password")
        return text.replace(password, "***") if password else text


def parse_address(url: str) -> Address:
    """The address that a URL names. Raises StoreError for anything else, without repeating what might be a password."""
    if not SCHEME.match(url):
        scheme = url.partition("://")[0] if "://" in url else "no scheme"
        raise StoreError(f"the store's URL starts with {scheme[:30]!r}; {EXPECTED}")
    plain = SCHEME.sub("postgresql://", url)
    if urlsplit(plain).netloc.count("@") > 1:
        raise StoreError("the store's URL has more than one @ before the database; write %40 for one in the password")
    try:
        parameters = conninfo_to_dict(plain)
    except psycopg.Error:
        # libpq repeats the part that it could not read, which may be the password
        raise StoreError(f"the store's URL cannot be read; {EXPECTED}") from None
    parameters.setdefault("connect_timeout", CONNECT_TIMEOUT_SECONDS)
    parameters.setdefault("application_name", "journeys")
    parameters["client_encoding"] = "utf8"
    host, port = parameters.get("host", "localhost"), parameters.get("port", "5432")
    return Address(parameters, label=f"{parameters.get('dbname', 'database of the user')} at {host}, port {port}")
