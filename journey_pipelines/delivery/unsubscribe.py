"""Links by which somebody leaves the list that a mail came by, and the headers that mail programs read (RFC 8058).

A link names a dispatch and no person; whoever has the secret can tell that we made it.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import Final

VARIABLE: Final = "unsubscribe_url"
"""What templates call the link."""
SIGNATURE_BYTES: Final = 16


class UnsubscribeLinks:
    """Makes links below a public URL and reads their tokens.

    >>> links = UnsubscribeLinks("https://mail.example.com/", "a secret of the example")
    >>> url = links.url("6f96:hello:1")
    >>> url.startswith("https://mail.example.com/unsubscribe/NmY5NjpoZWxsbzox.")
    True
    >>> links.read(url.rpartition("/")[2])
    '6f96:hello:1'
    """

    def __init__(self, base_url: str, secret: str) -> None:
        self._base = f"{base_url.rstrip('/')}/unsubscribe/"
        self._secret = secret.encode()

    def url(self, key: str) -> str:
        """The link of the dispatch with this key."""
        return f"{self._base}{_text(key.encode())}.{_text(self._signature(key.encode()))}"

    def urls(self, keys: Iterable[str]) -> list[str]:
        """The links of many dispatches, in order."""
        return [self.url(key) for key in keys]

    def read(self, token: str) -> str | None:
        """The key of the dispatch that a token names; None for a token that is not ours."""
        named, _, signature = token.partition(".")
        try:
            key = _bytes(named)
            is_ours = hmac.compare_digest(_bytes(signature), self._signature(key))
            return key.decode() if is_ours else None
        except ValueError:
            return None

    def _signature(self, key: bytes) -> bytes:
        return hmac.digest(self._secret, key, "sha256")[:SIGNATURE_BYTES]


def unsubscribe_headers(url: str) -> Mapping[str, str]:
    """The headers of a mail that one click unsubscribes from (RFC 8058, section 3.1)."""
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    """Raises ValueError for what is no such text."""
    if not text.isascii():
        raise ValueError("not ASCII")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
