"""The table of action types, and those that other installed packages add."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from journey_pipelines.delivery.actions.action_type import ActionType
from journey_pipelines.delivery.actions.award_points import AwardPoints
from journey_pipelines.delivery.actions.send_email import SendEmail
from journey_pipelines.delivery.actions.send_push import SendPush
from journey_pipelines.delivery.actions.send_sms import SendSms
from journey_pipelines.delivery.actions.trigger_campaign import TriggerCampaign
from journey_pipelines.delivery.template_store import TemplateStore
from journey_pipelines.errors import DeliveryError

BUILT_IN: Final[tuple[type[ActionType], ...]] = (SendEmail, SendSms, SendPush, AwardPoints, TriggerCampaign)
ENTRY_POINTS: Final = "journey_pipelines.actions"


def load_actions(templates: TemplateStore | None = None) -> Mapping[str, ActionType]:
    """Every known action type by its name: the built-in ones, then those found by entry point.

    Templates default to the samples. Raises DeliveryError for an entry point that cannot be loaded, is no ActionType
    or takes a name that is taken.

    >>> list(load_actions())[:2]
    ['send_email', 'send_sms']
    """
    store = templates or TemplateStore()
    actions = {kind.name: kind(store) for kind in BUILT_IN}
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        kind = _load(point)
        if kind.name in actions:
            raise DeliveryError(f"{_origin(point)} defines the action type `{kind.name}`, which exists; rename it")
        actions[kind.name] = kind(store)
    return actions


def _load(point: EntryPoint) -> type[ActionType]:
    try:
        kind = point.load()
    except Exception as error:
        message = f"{_origin(point)} cannot be loaded ({error}); repair or uninstall the package"
        raise DeliveryError(message) from error
    if not (isinstance(kind, type) and issubclass(kind, ActionType)):
        raise DeliveryError(f"{_origin(point)} is {kind!r}; expected a subclass of ActionType")
    if absent := [name for name in ("name", "label", "parameters") if not hasattr(kind, name)]:
        raise DeliveryError(f"{_origin(point)} lacks {', '.join(f'`{name}`' for name in absent)}; set it in the class")
    return kind


def _origin(point: EntryPoint) -> str:
    package = point.dist.name if point.dist else "an installed package"
    return f"the entry point {point.name} = {point.value} of {package}"
