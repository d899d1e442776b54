"""The live way out: through channels. A wall of its own, which nothing that simulates or replays may reach."""

import logging
from collections.abc import Mapping

import pandas as pd

from journey_pipelines.delivery.actions.action_type import ActionType
from journey_pipelines.delivery.answers import FOUND_STATUSES, answers, checked, no_answers, together
from journey_pipelines.delivery.channels.channel import Channel
from journey_pipelines.delivery.contact import ContactPolicy
from journey_pipelines.delivery.dispatcher import Departing
from journey_pipelines.delivery.unsubscribe import UnsubscribeLinks
from journey_pipelines.engine.redaction import redacted, told

LOGGER = logging.getLogger(__name__)


class ChannelDispatcher(Departing):
    """The live `ports.Dispatcher`: messages go through the channel of their type, other types deliver themselves."""

    def __init__(
        self,
        actions: Mapping[str, ActionType],
        channels: Mapping[str, Channel],
        *,
        policy: ContactPolicy | None = None,
        links: UnsubscribeLinks | None = None,
    ) -> None:
        super().__init__(actions, policy, links)
        self._channels = channels

    def deliver(self, leaving: pd.DataFrame) -> pd.DataFrame:
        """See `ports.Dispatcher`. What has no channel yet is tried again later; where one raises, all is unknown."""
        groups = leaving.reset_index(drop=True).groupby("action_type", sort=False)
        return together(self._deliver_safely(str(name), rows.reset_index(drop=True)) for name, rows in groups)

    def reconcile(self, unknown: pd.DataFrame) -> pd.DataFrame:
        """See `ports.Dispatcher`: what the channels, or the types without one, know."""
        groups = unknown.reset_index(drop=True).groupby("action_type", sort=False)
        return together(self._look_up_safely(str(name), rows.reset_index(drop=True)) for name, rows in groups)

    def _deliver_safely(self, name: str, rows: pd.DataFrame) -> pd.DataFrame:
        """The answers of the other types must be known, whatever this one does."""
        try:
            return self._deliver(self.actions[name], rows)
        except Exception as error:  # noqa: BLE001 - it is logged, without whom it is about
            count = len(rows)
            LOGGER.error(
                "the delivery of %s failed; what became of %s dispatches is unknown\n%s", name, count, told(error)
            )
            reason = redacted(f"{type(error).__name__}: {error}")
            return answers(rows["key"], "unknown", [{"error": reason}] * count)

    def _look_up_safely(self, name: str, rows: pd.DataFrame) -> pd.DataFrame:
        try:
            return self._look_up(self.actions[name], rows)
        except Exception as error:  # noqa: BLE001 - it is logged, without whom it is about
            LOGGER.error("the look-up of %s failed; %s dispatches stay unknown\n%s", name, len(rows), told(error))
            return no_answers()

    def _deliver(self, action: ActionType, rows: pd.DataFrame) -> pd.DataFrame:
        if action.channel is None:
            return checked(action.deliver(rows), rows["key"], source=f"action type {action.name}")
        channel = self._channels.get(action.channel)
        if channel is None:
            reason = f"channel_not_configured: {action.channel}"
            return answers(rows["key"], "retry", [{"reason": reason}] * len(rows))
        return checked(channel.send(rows), rows["key"], source=f"channel {action.channel}")

    def _look_up(self, action: ActionType, rows: pd.DataFrame) -> pd.DataFrame:
        channel = None if action.channel is None else self._channels.get(action.channel)
        if channel is not None:
            found = channel.look_up(rows)
        else:
            found = action.look_up(rows) if action.channel is None else no_answers()
        source = f"the look-up of {action.name}"
        return checked(found, rows["key"], source=source, statuses=FOUND_STATUSES)
