"""Whose key signed a request, and how AWS refuses one that it does not know."""

import re

ACCESS_KEY, SECRET_KEY, REGION = "AKIAOFTHETEST", "secret-key-of-the-test", "eu-central-1"
SIGNED_BY = re.compile(r"Credential=([^/]+)/")


def is_signed_by_us(request):
    found = SIGNED_BY.search(request.headers.get("authorization", ""))
    return bool(found) and found[1] == ACCESS_KEY


def keys():
    return {"access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY, "region": REGION}
