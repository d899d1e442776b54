"""Which provider each channel's messages leave through, and how it is set: JOURNEYS_EMAIL_PROVIDER and its like.

A provider's settings are named JOURNEYS_<PROVIDER>_<FIELD>, after the fields of its configuration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from journey_pipelines.delivery.providers.registry import CHANNELS, PROVIDERS, ProviderKind, provider_kind
from journey_pipelines.errors import SettingsError
from journey_pipelines.settings import Settings

if TYPE_CHECKING:  # what is heavy is loaded only where a provider is chosen
    from journey_pipelines.delivery.providers.provider import ProviderConfig
    from journey_pipelines.delivery.providers.provider_channel import ProviderChannel

OUTBOX: Final = "outbox"


@dataclass(frozen=True)
class ChosenProvider:
    """A provider with its configuration, whose text shows no secret."""

    kind: ProviderKind
    config: "ProviderConfig"

    def open(self) -> "ProviderChannel":
        """Its channel; connects when something is sent."""
        return self.kind.open(self.config)


@dataclass(frozen=True)
class LiveSettings(Settings):
    """Settings of an installation that may send; what only reads and replays has none of a provider."""

    providers: Mapping[str, ChosenProvider] = field(default_factory=dict, hash=False)
    """Who carries the messages of each channel; one that is not named here goes to the outbox folder."""

    @classmethod
    def _more(cls, given: Mapping[str, str]) -> dict[str, Any]:
        return {"providers": chosen_providers(given)}


def chosen_providers(given: Mapping[str, str]) -> Mapping[str, ChosenProvider]:
    """The provider of each channel that does not go to the outbox folder, by channel.

    Raises SettingsError, one sentence for the first fault, which names the variable and shows no secret.
    """
    chosen = {}
    for channel in CHANNELS:
        kind = _kind(given, channel)
        if kind is not None:
            chosen[channel] = ChosenProvider(kind, _config(given, kind))
    return chosen


def variable_of(kind: ProviderKind, field: str) -> str:
    """The environment variable of one field of a provider's configuration."""
    return f"JOURNEYS_{kind.name}_{field}".upper()


def chooser_of(channel: str) -> str:
    """The environment variable that chooses a channel's provider."""
    return f"JOURNEYS_{channel.upper()}_PROVIDER"


def _kind(given: Mapping[str, str], channel: str) -> ProviderKind | None:
    name = given.get(chooser_of(channel), OUTBOX)
    if name == OUTBOX:
        return None
    found = provider_kind(channel, name)
    if found is None:
        known = ", ".join([OUTBOX, *(kind.name for kind in PROVIDERS if kind.channel == channel)])
        raise SettingsError(f"{chooser_of(channel)} is {name!r}; expected one of {known}.")
    return found


def _config(given: Mapping[str, str], kind: ProviderKind) -> "ProviderConfig":
    from pydantic import ValidationError

    model = kind.config
    names = {variable_of(kind, field): field for field in model.model_fields}
    prefix = variable_of(kind, "")
    if strange := sorted(name for name in given if name.startswith(prefix) and name not in names):
        raise SettingsError(f"{strange[0]} is no setting of {kind.name}; expected one of {', '.join(sorted(names))}.")
    try:
        return model(**{field: given[name] for name, field in names.items() if name in given})
    except ValidationError as error:
        raise SettingsError(_sentence(kind, model, error.errors()[0])) from None  # the cause may show a secret


def _sentence(kind: ProviderKind, model: "type[ProviderConfig]", fault: Mapping[str, Any]) -> str:
    if not fault["loc"]:
        return f"the settings of {kind.name} ({variable_of(kind, '*')}) do not fit: {fault['msg']}."
    name = str(fault["loc"][0])
    field = model.model_fields[name]
    variable = variable_of(kind, name)
    if fault["type"] == "missing":
        return f"{variable} is not set, but {chooser_of(kind.channel)} is {kind.name}; set it: {field.description}."
    found = repr(fault["input"]) if field.repr else "of a wrong form"
    return f"{variable} is {found}; expected: {field.description} ({fault['msg'].lower()})."
