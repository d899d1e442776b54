"""The parts of a journey document as pydantic models; `extra` keys are refused, types are never converted."""

from datetime import datetime, time
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from journey_pipelines.journeys.durations import Duration
from journey_pipelines.journeys.timezones import known_timezones

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NODE_TYPES: Final = ("start", "action", "condition", "wait", "end", "split")
ELSE: Final = "else"
FAILED: Final = "failed"

_PLAIN_NAME: Final = r"^[A-Za-z0-9_][A-Za-z0-9_-]*$"
_LARGEST: Final = 2**31 - 1


def _duration(value: object) -> Duration:
    return value if isinstance(value, Duration) else Duration.parse(value)


def _not_negative(value: Duration) -> Duration:
    if value.is_negative:
        raise ValueError(f"{value} is negative; write a duration of zero or more")
    return value


def _positive(value: Duration) -> Duration:
    if value.is_zero:
        raise ValueError("the duration is zero; write a longer one")
    return _not_negative(value)


def _clock_time(value: object) -> time:
    try:
        if isinstance(value, str) and len(value) in (5, 8) and value[2] == ":":
            return time(0) if value in ("24:00", "24:00:00") else time.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError(f'{value!r} is not a time of day; write it in quotes, such as "09:00"')


def _moment(value: object) -> datetime:
    try:
        if isinstance(value, str):
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError(f"{value!r} is not a date; write ISO 8601 such as 2026-12-24T09:00 (local) or with its offset")


def _timezone(value: object) -> str:
    if not isinstance(value, str) or value not in known_timezones():
        raise ValueError(f"{value!r} is no time zone; write an IANA name such as Europe/Dublin")
    return value


def _weekdays(value: list[str]) -> list[str]:
    if not value:
        raise ValueError(f"no weekday at all; name some of {', '.join(WEEKDAYS)} or leave the key out")
    return value


def _branch(value: object) -> object:
    # YAML and JSON both tempt to write a condition's branches as booleans.
    return str(value).lower() if isinstance(value, bool) else value


def _reentry(value: object) -> str | Duration:
    if value in ("never", "after_end"):
        return str(value)
    try:
        return _positive(_duration(value))
    except ValueError as error:
        raise ValueError(f"expected never, after_end or a duration such as P30D, found {value!r}") from error


_AS_DURATION: Final = WithJsonSchema({"type": "string", "format": "duration"})
AnyDuration = Annotated[Duration, PlainValidator(_duration), _AS_DURATION]
LastingDuration = Annotated[Duration, PlainValidator(lambda value: _not_negative(_duration(value))), _AS_DURATION]
PositiveDuration = Annotated[Duration, PlainValidator(lambda value: _positive(_duration(value))), _AS_DURATION]
Reentry = Annotated[
    Literal["never", "after_end"] | Duration, PlainValidator(_reentry), WithJsonSchema({"type": "string"})
]
ClockTime = Annotated[time, PlainValidator(_clock_time), WithJsonSchema({"type": "string", "format": "time"})]
Moment = Annotated[datetime, PlainValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Timezone = Annotated[str, PlainValidator(_timezone), WithJsonSchema({"type": "string"})]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Weekdays = Annotated[list[Weekday], BeforeValidator(_weekdays)]
Branch = Annotated[str, BeforeValidator(_branch), Field(min_length=1, max_length=100)]
NodeId = Annotated[str, Field(pattern=_PLAIN_NAME, max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Limit = Annotated[int, Field(ge=1, le=_LARGEST)]
RuleDocument = Any  # JSONLogic; `rules.compile_rule` knows what is right


class Part(BaseModel):
    """A mapping of the document, with the keys that it may have."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


class EntryDocument(Part):
    """Who enters: a segment, a rule, both, or (neither) only manual starts."""

    segment: Name | None = None
    on: Literal["join", "member"] = "join"
    include_existing: bool = False
    rule: RuleDocument = None
    reentry: Reentry = "never"
    context: list[NodeId] = []


class ExitDocument(Part):
    """Who leaves before the end."""

    rule: RuleDocument = None
    on_leave_segment: bool = False


class GoalDocument(Part):
    """What completes the journey early: a rule over the context, or an event (and a rule over it)."""

    event: Name | None = None
    rule: RuleDocument = None


class Header(Part):
    """The journey's own settings."""

    key: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=63)]
    name: Name
    description: Annotated[str, Field(max_length=10_000)] | None = None
    timezone: Timezone = "UTC"
    priority: Annotated[int, Field(ge=-_LARGEST, le=_LARGEST)] = 0
    stale_after: PositiveDuration | None = None
    missing_grace: LastingDuration = Duration(days=3)
    settle_after: LastingDuration = Duration(days=1)
    max_entries_per_run: Limit | None = None
    max_sends_per_run: Limit | None = None


class Position(Part):
    """Where the builder draws the node."""

    x: float
    y: float


class NodeDocument(Part):
    """A node; its config is read by the model of its type."""

    id: NodeId
    type: Literal["start", "action", "condition", "wait", "end", "split"]
    config: dict[str, Any] = {}
    position: Position | None = None


class EdgeDocument(Part):
    """A way from a node to the next; `branch` says which outcome of the source takes it."""

    id: Name | None = None
    source: Annotated[str, Field(max_length=64)]
    target: Annotated[str, Field(max_length=64)]
    branch: Branch | None = None


class JourneyDocument(Header):
    """The whole document, for its JSON schema."""

    entry: EntryDocument = EntryDocument()
    exit: ExitDocument = ExitDocument()
    goal: GoalDocument | None = None
    nodes: list[NodeDocument]
    edges: list[EdgeDocument]
