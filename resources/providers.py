"""The channels as resources: one for each provider, with its configuration as fields, and the local outbox folder.

The fields are those of the provider's own configuration, so that the environment and Dagster say the same.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, ClassVar, cast

import dagster as dg
from pydantic import create_model

from journey_pipelines.composition import Installation
from journey_pipelines.delivery.channels import Channel, LocalOutbox
from journey_pipelines.delivery.providers.registry import CHANNELS, ProviderKind
from journey_pipelines.provider_settings import ChosenProvider, variable_of


class OutboxResource(dg.ConfigurableResource[Channel]):
    """The local folder, where no provider is chosen."""

    installation: dg.ResourceDependency[Installation]

    def create_resource(self, context: dg.InitResourceContext) -> Channel:  # noqa: ARG002 - Dagster's signature
        """Writes nothing yet."""
        return LocalOutbox(self.installation.settings.outbox)


class ProviderResource(dg.ConfigurableResource[Channel]):
    """Base of the resources that `provider_resource` makes."""

    kind: ClassVar[ProviderKind]

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Channel]:  # noqa: ARG002 - Dagster's signature
        """Connects when something is sent; the connections end with the run."""
        config = self.kind.config
        with closing(self.kind.open(config(**{name: getattr(self, name) for name in config.model_fields}))) as channel:
            yield channel


def provider_resource(kind: ProviderKind) -> type[ProviderResource]:
    """The resource of a provider; its fields are those of the provider's configuration."""
    fields = {name: (field.annotation, field) for name, field in kind.config.model_fields.items()}
    documented = {"__base__": ProviderResource, "__doc__": kind.config.__doc__}
    model = create_model(f"{kind.class_name}Resource", **documented, **fields)  # type: ignore[call-overload]
    made = cast("type[ProviderResource]", model)
    made.kind = kind
    return made


def channel_resource(channel: str, chosen: Mapping[str, ChosenProvider], installation: Any) -> Any:
    """What carries a channel's messages, by the environment's settings; secrets are read when a run starts."""
    if channel not in chosen:
        return OutboxResource(installation=installation)
    kind, config = chosen[channel].kind, chosen[channel].config
    given = {name: getattr(config, name) for name in config.model_fields_set}
    secrets = {name: dg.EnvVar(variable_of(kind, name)) for name in given if not kind.config.model_fields[name].repr}
    return provider_resource(kind)(**{**given, **secrets})


class ChannelsResource(dg.ConfigurableResource[Mapping[str, Channel]]):
    """All channels by name."""

    email: dg.ResourceDependency[Channel]
    sms: dg.ResourceDependency[Channel]
    push: dg.ResourceDependency[Channel]

    def create_resource(self, context: dg.InitResourceContext) -> Mapping[str, Channel]:  # noqa: ARG002 - Dagster's signature
        """One channel for each of CHANNELS."""
        return {name: getattr(self, name) for name in CHANNELS}
