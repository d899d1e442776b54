"""The family of errors that this project raises; every message names the thing, what was found and the next step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class Problem:
    """One fault of a document: where it is (a JSON pointer, RFC 6901; "" is the whole document) and what it is."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path or '/'}: {self.message}"


def pointer(at: str, *steps: str | int) -> str:
    """The JSON pointer `at` extended by keys and positions, escaped as RFC 6901 has it.

    >>> pointer("/nodes", 2, "config", "a/b")
    '/nodes/2/config/a~1b'
    """
    return at + "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


class JourneysError(Exception):
    """Base of every error that a user of the project can cause or mend. Its text is one clear sentence."""


class ProblemsError(JourneysError):
    """A document with faults: all of them at once, in `problems`."""

    subject = "document"

    def __init__(self, problems: Sequence[Problem], *, name: str = "") -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        self.name = name
        count = len(self.problems)
        heading = f"{self.subject}{f' {name}' if name else ''} has {count} problem{'' if count == 1 else 's'}"
        super().__init__("\n  ".join([f"{heading}:", *map(str, self.problems)]))

    def __reduce__(self) -> tuple[Any, ...]:
        """By its problems, so that it can travel from one process to another."""
        return _with_problems, (type(self), self.problems, self.name)


def _with_problems(kind: type[ProblemsError], problems: Sequence[Problem], name: str) -> ProblemsError:
    return kind(problems, name=name)


class RuleError(ProblemsError):
    """A JSONLogic rule that cannot be compiled."""

    subject = "rule"


class JourneyDocumentError(ProblemsError):
    """A journey document that cannot be published or run."""

    subject = "journey"


class MigrationMapError(ProblemsError):
    """A map of nodes by which nobody can be moved."""

    subject = "migration map"


class UnknownFeatureError(JourneysError):
    """A journey reads a feature that the snapshot lacks altogether; found when the run is planned."""


class TemplateError(JourneysError):
    """A template that is missing, unreadable or not allowed."""


class SettingsError(JourneysError):
    """A setting (environment variable or file) that is wrong."""


class SnapshotError(JourneysError):
    """A snapshot that is missing, unreadable or of the wrong shape."""


class WarehouseError(JourneysError):
    """The warehouse is unreachable or answered a query with something else than its contract."""


class StoreError(JourneysError):
    """The journey store is unreachable, of another version, or refused a change."""


class StoreUnavailableError(StoreError):
    """The journey store cannot be reached, or broke off; what was committed stays, and the next run goes on."""


class StoreConflictError(StoreError):
    """Another transaction of the journey store wanted the same rows; nothing was kept, and trying again can help."""


class NotFoundError(JourneysError):
    """A journey, version, execution or run that does not exist."""


class DeliveryError(JourneysError):
    """A channel is not configured or answered with something else than its contract."""


class ComputeError(JourneysError):
    """Processes that work was given to cannot be reached, or were lost too often; what they committed stays."""


class WebhookSignatureError(DeliveryError):
    """A request that is not the provider's whose name it comes under."""


class WebhookFormatError(DeliveryError):
    """A request of which nothing can be read."""
