"""Every provider: its name, the channel that it serves, where it lies. A new one is a module and a line here."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from journey_pipelines.errors import SettingsError

if TYPE_CHECKING:  # the settings, which every command reads, need only the names
    from journey_pipelines.delivery.providers.pace import Clock
    from journey_pipelines.delivery.providers.provider import ProviderConfig
    from journey_pipelines.delivery.providers.provider_channel import ProviderChannel


@dataclass(frozen=True)
class ProviderKind:
    """One provider. Its module, which imports the vendor's library, is loaded only where an installation uses it."""

    name: str
    channel: str
    class_name: str
    """The class that satisfies `Provider`; its configuration is the class of that name with `Config` behind it."""
    extra: str | None
    """The extra of our package that installs the vendor's library; None where nothing has to be installed."""

    @property
    def config(self) -> "type[ProviderConfig]":
        """The model of its configuration. Raises SettingsError where the vendor's library is not installed."""
        found: type[ProviderConfig] = getattr(self._module(), f"{self.class_name}Config")
        return found

    def open(self, config: "ProviderConfig", *, clock: "Clock | None" = None) -> "ProviderChannel":
        """Its channel; connects when something is sent."""
        from journey_pipelines.delivery.providers.provider_channel import ProviderChannel

        provider = getattr(self._module(), self.class_name)(config)
        return ProviderChannel(provider, config, clock=clock)

    def _module(self) -> Any:
        try:
            return import_module(f"journey_pipelines.delivery.providers.{self.name}")
        except ModuleNotFoundError as error:
            raise SettingsError(
                f"{self.channel} is to leave through {self.name}, whose library is not installed ({error.name} is "
                f"missing); install it with: pip install 'journey-pipelines[{self.extra}]'"
            ) from error


PROVIDERS: Final = (
    ProviderKind("sendgrid", "email", "SendGrid", extra="sendgrid"),
    ProviderKind("ses", "email", "Ses", extra="aws"),
    ProviderKind("smtp", "email", "Smtp", extra=None),
    ProviderKind("twilio", "sms", "Twilio", extra="twilio"),
    ProviderKind("sns", "sms", "Sns", extra="aws"),
    ProviderKind("fcm", "push", "Fcm", extra="fcm"),
    ProviderKind("apns", "push", "Apns", extra="apns"),
)
CHANNELS: Final = ("email", "sms", "push")


def provider_kind(channel: str, name: str) -> ProviderKind | None:
    """The channel's provider of that name, where there is one."""
    return next((kind for kind in PROVIDERS if (kind.channel, kind.name) == (channel, name)), None)
