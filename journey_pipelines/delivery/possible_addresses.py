"""Addresses that no message can reach: judged without asking anybody, each distinct one once."""

from collections.abc import Callable, Mapping
from typing import Final

import pandas as pd
import phonenumbers
from email_validator import EmailNotValidError, validate_email

PLAIN_LOCAL_PART: Final = r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@[^@]+"
LONGEST_EMAIL: Final = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets


def possible_emails(addresses: pd.Series) -> pd.Series:
    """The same addresses; null where one is none by RFC 5321. Index unchanged."""
    distinct = addresses.drop_duplicates()
    is_plain = distinct.str.fullmatch(PLAIN_LOCAL_PART) & (distinct.str.len() <= LONGEST_EMAIL)
    domains = distinct[is_plain].str.replace(r"^.*@", "", regex=True)
    is_known = {domain: _is_email(f"a@{domain}") for domain in domains.unique()}
    judged = {address: _is_email(address) for address in distinct[~is_plain]}
    judged.update(zip(distinct[is_plain], domains.map(is_known), strict=True))
    return addresses.where(addresses.map(judged).astype("bool"))


def possible_phones(addresses: pd.Series) -> pd.Series:
    """The numbers in E.164 (`+15055550115`); null where one has no country code or an impossible length."""
    return addresses.map({address: _in_e164(address) for address in addresses.unique()}).astype("str")


POSSIBLE: Final[Mapping[str, Callable[[pd.Series], pd.Series]]] = {"email": possible_emails, "phone": possible_phones}


def _is_email(address: str) -> bool:
    try:
        # names for tests (`.test`, hosts without a dot) are somebody's: they reach a server of one's own
        validate_email(address, check_deliverability=False, globally_deliverable=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True


def _in_e164(address: str) -> str | None:
    try:
        number = phonenumbers.parse(address, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
