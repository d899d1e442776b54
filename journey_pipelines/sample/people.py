"""Invented people for the sample's real households: everything here comes from a seed, nothing from a person.

E-mail addresses end in example.com (RFC 2606) and telephone numbers lie in 555-0100 to 555-0199, the range that the
North American Numbering Plan keeps for fiction, so that no message can reach anybody.
"""

from typing import Any, Final

import numpy as np
import pandas as pd

from journey_pipelines.sample.names import AREA_CODES, FIRST_NAMES, LAST_NAMES, TIMEZONES

YEAR_END: Final = pd.Timestamp("2018-01-01")
CLOSING_STARTS_BEFORE: Final = pd.Timestamp("2017-11-01")

CUSTOMER_COLUMNS: Final = (
    "household_id",
    "valid_from",
    "first_name",
    "last_name",
    "email",
    "phone",
    "device_tokens",
    "timezone",
    "email_consent",
    "sms_consent",
    "push_consent",
    "is_closed",
)


def invent_customers(households: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """The customer table: one row for each version of each household, valid from `valid_from` (UTC, naive).

    Takes household_id, first_purchase_at, last_purchase_at. The first version begins with the first purchase; a few
    households withdraw a consent or close their account later in the year, each in a version of its own. The same
    households and seed give the same people.
    """
    people = households.sort_values("household_id", ignore_index=True)
    rng = np.random.default_rng(seed)
    people = people.assign(**_addresses(people["household_id"], rng), **_consents(len(people), rng))
    people = people.assign(**_changes(people, rng))
    instants = ["first_purchase_at", "email_withdrawn_at", "sms_withdrawn_at", "closed_at"]
    versions = pd.concat([_version(people, people[instant]) for instant in instants], ignore_index=True)
    return versions.sort_values(["household_id", "valid_from"], ignore_index=True)


def _addresses(household_ids: pd.Series, rng: np.random.Generator) -> dict[str, Any]:
    size = len(household_ids)
    first = pd.Series(rng.choice(FIRST_NAMES, size), dtype="str")
    last = pd.Series(rng.choice(LAST_NAMES, size), dtype="str")
    email = first.str.lower() + "." + last.str.lower() + "." + household_ids.astype("str") + "@example.com"
    line = pd.Series(rng.choice(len(AREA_CODES) * 100, size, replace=False))
    area = pd.Series(np.array(AREA_CODES)[line // 100], dtype="str")
    phone = "+1" + area + "55501" + (line % 100).astype("str").str.zfill(2)
    zones = pd.Series(rng.choice(list(TIMEZONES), size, p=list(TIMEZONES.values())), dtype="str")
    return {
        "first_name": first,
        "last_name": last,
        "email": email.mask(rng.random(size) < 0.03),
        "phone": phone.mask(rng.random(size) < 0.10),
        "device_tokens": _device_tokens(size, rng),
        "timezone": zones.mask(rng.random(size) < 0.02),
    }


def _device_tokens(size: int, rng: np.random.Generator) -> list[list[str]]:
    counts = rng.choice([0, 1, 2], size, p=[0.45, 0.45, 0.10])
    ends = counts.cumsum()
    digits = rng.bytes(16 * int(ends[-1])).hex()
    tokens = [digits[at : at + 32] for at in range(0, len(digits), 32)]
    return [tokens[end - count : end] for count, end in zip(counts.tolist(), ends.tolist(), strict=True)]


def _consents(size: int, rng: np.random.Generator) -> dict[str, Any]:
    return {
        "email_consent": _answers(size, rng, refused=0.06, unasked=0.04),
        "sms_consent": _answers(size, rng, refused=0.12, unasked=0.08),
        "push_consent": _answers(size, rng, refused=0.08, unasked=0.10),
    }


def _answers(size: int, rng: np.random.Generator, *, refused: float, unasked: float) -> Any:
    """Nullable booleans: mostly given, some refused, some never asked (null)."""
    draw = rng.random(size)
    return pd.Series(draw >= refused, dtype="boolean").mask((draw >= refused) & (draw < refused + unasked))


def _changes(people: pd.DataFrame, rng: np.random.Generator) -> dict[str, Any]:
    """When a household withdraws a consent or closes its account (NaT: never)."""
    size = len(people)
    first, last = people["first_purchase_at"], people["last_purchase_at"]
    remaining = YEAR_END - first
    email_at = (first + remaining * rng.random(size)).dt.floor("s")
    sms_at = (first + remaining * rng.random(size)).dt.floor("s")
    closed_at = (last + pd.to_timedelta(30 + 30 * rng.random(size), unit="D")).dt.floor("s")
    is_closing = (last < CLOSING_STARTS_BEFORE) & (rng.random(size) < 1 / 3)
    return {
        "email_withdrawn_at": email_at.where((rng.random(size) < 0.04) & people["email_consent"].fillna(value=True)),
        "sms_withdrawn_at": sms_at.where((rng.random(size) < 0.03) & people["sms_consent"].fillna(value=True)),
        "closed_at": closed_at.where(is_closing),
    }


def _version(people: pd.DataFrame, valid_from: pd.Series) -> pd.DataFrame:
    """Each person as of `valid_from`; nobody where that is null."""
    made = people.assign(
        valid_from=valid_from.astype("datetime64[us]"),
        email_consent=people["email_consent"].mask(people["email_withdrawn_at"] <= valid_from, other=False),
        sms_consent=people["sms_consent"].mask(people["sms_withdrawn_at"] <= valid_from, other=False),
        is_closed=people["closed_at"] <= valid_from,
    )
    return made.loc[valid_from.notna(), list(CUSTOMER_COLUMNS)]
