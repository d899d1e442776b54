"""Bodies of requests, up to a size."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

MOST_BYTES: Final = 4 * 1024 * 1024  # SendGrid sends up to 768 KB


async def body_of(request: Request) -> bytes:
    """The bytes as they came. Raises HTTPException 413 for more than MOST_BYTES, without reading them all."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            raise HTTPException(413, f"more than {MOST_BYTES} bytes; send fewer events at once")
        chunks.append(chunk)
    return b"".join(chunks)
