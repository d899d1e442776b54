"""Which variant of a template a customer reads: `welcome_email.de.html`, by the profile's `locale` or `language`."""

import re
from collections.abc import Collection, Sequence
from typing import Final

from journey_pipelines.delivery.no_value import NoValue

LOCALE_PATHS: Final = ("customer.locale", "customer.language")
FOR_EVERYBODY: Final = ""
VARIANT: Final = re.compile(r"(?P<name>.+)\.(?P<locale>[a-z]{2}(?:[-_][a-z0-9]{2,8})*)", re.IGNORECASE)


def name_and_locale(stem: str) -> tuple[str, str]:
    """What a file without its suffix is: the template's name and its locale, none for everybody.

    >>> name_and_locale("welcome_email.de_AT"), name_and_locale("welcome_email")
    (('welcome_email', 'de-at'), ('welcome_email', ''))
    """
    found = VARIANT.fullmatch(stem)
    return (found["name"], normal(found["locale"])) if found else (stem, FOR_EVERYBODY)


def normal(locale: str) -> str:
    """A locale in one spelling: `de_AT.UTF-8` and `de-AT` are `de-at`."""
    return re.split(r"[.@]", locale.strip(), maxsplit=1)[0].replace("_", "-").lower()


def chosen(locale: str, variants: Collection[str]) -> str:
    """The variant for a locale: itself, else without its last part, and so on; in the end that for everybody.

    >>> chosen("de-AT", {"de", "fr"}), chosen("pt-BR", {"de"})
    ('de', '')
    """
    wanted = normal(locale)
    while wanted and wanted not in variants:
        wanted = wanted.rpartition("-")[0]
    return wanted


def variants_of_rows(columns: Sequence[Sequence[object]], variants: Collection[str]) -> dict[str, list[int]]:
    """The rows of each variant, by position; `columns` as in LOCALE_PATHS, the first with a value counts.

    Each distinct locale is looked up once.
    """
    locales: list[object] = list(columns[-1])
    for column in reversed(columns[:-1]):
        locales = [later if type(value) is NoValue else value for value, later in zip(column, locales, strict=True)]
    texts = [FOR_EVERYBODY if type(locale) is NoValue else str(locale) for locale in locales]
    variant_of = {text: chosen(text, variants) for text in set(texts)}
    rows: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        rows.setdefault(variant_of[text], []).append(row)
    return rows
