"""What holds a dispatch back at the moment it would leave: decided for all dispatches of a run at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from journey_pipelines.delivery.actions.action_type import MARKETING, ActionType
from journey_pipelines.delivery.addresses import Addresses
from journey_pipelines.delivery.contact import ContactPolicy, capped_until, quiet_until
from journey_pipelines.delivery.rendering import Columns, NodeRows, nodes_of, render
from journey_pipelines.delivery.sandbox import NoValue
from journey_pipelines.delivery.unsubscribe import VARIABLE, UnsubscribeLinks, unsubscribe_headers
from journey_pipelines.engine.frames import DISPATCHES, TIME, conform
from journey_pipelines.engine.ports import Departure, DepartureContext, StoreTransaction

REFUSING_WORDS = frozenset({"false", "f", "no", "n", "off", "0"})


def depart(
    dispatches: pd.DataFrame,
    context: DepartureContext,
    transaction: StoreTransaction,
    *,
    actions: Mapping[str, ActionType],
    policy: ContactPolicy,
    links: UnsubscribeLinks | None = None,
) -> Departure:
    """Part DISPATCHES rows into those that leave, those that are settled and those that wait.

    A message is skipped as `stale`, `no_address`, `no_consent`, `suppressed` or `invalid_address`, in this order; what
    remains waits for the end of quiet hours, is rendered (a variable without value fails its row) and counted against
    the caps, in the order of the rows. Other actions are only rendered. Each part keeps the order of the rows.
    A mail of marketing carries the headers of its unsubscribe link, where there are links.
    """
    board = _Board.lay_out(dispatches.reset_index(drop=True), context, transaction, actions, links)
    board.skip(context, transaction)
    board.wait_for_quiet_hours(policy, context)
    board.render()
    board.wait_for_caps(policy, context, transaction, {name: action.channel for name, action in actions.items()})
    return board.parted()


@dataclass
class _Board:
    """The dispatches with what is known about each so far; arrays by position, all of one length."""

    dispatches: pd.DataFrame
    nodes: Sequence[NodeRows]
    columns: Columns
    addresses: Addresses
    is_message: np.ndarray
    channel: np.ndarray
    purpose: np.ndarray
    reason: np.ndarray
    status: np.ndarray
    payload: np.ndarray
    next_at: pd.Series

    @classmethod
    def lay_out(
        cls,
        dispatches: pd.DataFrame,
        context: DepartureContext,
        transaction: StoreTransaction,
        actions: Mapping[str, ActionType],
        links: UnsubscribeLinks | None,
    ) -> "_Board":
        size = len(dispatches)
        nodes = list(nodes_of(dispatches, context.variables.configs(), actions))
        columns = Columns(context.variables, _own_columns(dispatches, links))
        is_message = np.zeros(size, dtype=bool)
        purpose = np.full(size, MARKETING, dtype=object)
        channel, wanted, payload = (np.full(size, None, dtype=object) for _ in range(3))
        for node in nodes:
            is_message[node.rows] = node.action.is_message
            wanted[node.rows] = node.action.address
            if node.parameters is not None:
                channel[node.rows] = node.action.channel_of(node.parameters, transaction)
                purpose[node.rows] = node.action.purpose_of(node.parameters)
        return cls(
            dispatches=dispatches,
            nodes=nodes,
            columns=columns,
            addresses=Addresses(wanted, columns),
            is_message=is_message,
            channel=channel,
            purpose=purpose,
            reason=np.full(size, None, dtype=object),
            status=np.full(size, "pending", dtype=object),
            payload=payload,
            next_at=pd.Series(pd.NaT, index=dispatches.index, dtype=TIME),
        )

    @property
    def is_open(self) -> np.ndarray:
        """Rows about which nothing is decided yet."""
        is_open: np.ndarray = (self.status == "pending") & self.next_at.isna().to_numpy()
        return is_open

    def skip(self, context: DepartureContext, transaction: StoreTransaction) -> None:
        is_stale = (self.dispatches["due_at"].array < context.stale_before.array) & self.is_message
        self._settle(np.asarray(is_stale, dtype=bool), "skipped", "stale")
        self._settle(self.addresses.is_absent, "skipped", "no_address")
        self._settle(self._refuses(), "skipped", "no_consent")
        self._settle(self._suppressed(transaction), "skipped", "suppressed")
        self._settle(self.addresses.impossible(self.is_open), "skipped", "invalid_address")

    def wait_for_quiet_hours(self, policy: ContactPolicy, context: DepartureContext) -> None:
        rows = np.flatnonzero(self.is_open & self.is_message)
        self.next_at.iloc[rows] = quiet_until(policy, context, rows).array

    def render(self) -> None:
        is_open = self.is_open
        for node in self.nodes:
            rows = node.rows[is_open[node.rows]]
            rendered = render(node, rows, self.columns) if len(rows) else []
            for row, payload in zip(rows.tolist(), rendered, strict=True):
                self.payload[row] = payload
            if node.action.address is not None:
                self.addresses.write(self.payload, rows)
            if node.action.channel == "email":
                self._write_headers(rows)
        is_failed = is_open & (np.array([*map(type, self.payload), None], dtype=object)[:-1] == NoValue)
        self.reason[is_failed] = [failure.reason for failure in self.payload[is_failed]]
        self.status[is_failed] = "failed"

    def wait_for_caps(
        self,
        policy: ContactPolicy,
        context: DepartureContext,
        transaction: StoreTransaction,
        channel_of_type: Mapping[str, str | None],
    ) -> None:
        # a channel that only the config names (a campaign's) is not known of earlier sends, so no cap counts it
        fixed = self.dispatches["action_type"].map(dict(channel_of_type))
        rows = np.flatnonzero(self.is_open & self.is_message)
        sends = pd.DataFrame(
            {"customer_id": self.dispatches["customer_id"].array[rows], "channel": fixed.array[rows], "row": rows},
            index=pd.Index(rows),
        )
        until = capped_until(policy, sends, context, transaction, channel_of_type)
        self.next_at.iloc[rows] = until.array

    def parted(self) -> Departure:
        is_leaving, is_settled = self.is_open, self.status != "pending"
        is_deferred = ~is_leaving & ~is_settled
        shown = self.dispatches.assign(status=self.status, reason=self.reason, next_at=self.next_at)
        settled = shown[is_settled].assign(payload=_dicts(is_settled), result=self._results(is_settled))
        deferred = shown[is_deferred].assign(payload=_dicts(is_deferred))
        leaving = shown[is_leaving].assign(payload=self.payload[is_leaving])
        return Departure(conform(leaving, DISPATCHES), conform(settled, DISPATCHES), conform(deferred, DISPATCHES))

    def _settle(self, mask: np.ndarray, status: str, reason: str) -> None:
        chosen = mask & self.is_open
        self.status[chosen] = status
        self.reason[chosen] = reason

    def _refuses(self) -> np.ndarray:
        refuses = np.zeros(len(self.dispatches), dtype=bool)
        asked = self.is_open & self.is_message
        for channel in {name for name in self.channel[asked] if name is not None}:
            here = asked & (self.channel == channel)
            for path in (f"customer.{channel}_consent", f"customer.consent_{channel}"):
                refuses[here] |= _is_refusal(self.columns.read(path)[here])
            for purpose in set(self.purpose[here]):
                of_purpose = here & (self.purpose == purpose)
                path = f"customer.{channel}_{purpose}_consent"
                refuses[of_purpose] |= _is_refusal(self.columns.read(path)[of_purpose])
        return refuses

    def _suppressed(self, transaction: StoreTransaction) -> np.ndarray:
        return self.addresses.suppressed(self.channel, self.purpose, self.is_open, transaction)

    def _write_headers(self, rows: np.ndarray) -> None:
        """Of mails of marketing: how to unsubscribe."""
        marketing = rows[self.purpose[rows] == MARKETING]
        for row, url in zip(marketing.tolist(), self.columns.read(VARIABLE)[marketing], strict=True):
            if isinstance(url, str) and isinstance(self.payload[row], dict):
                self.payload[row]["headers"] = dict(unsubscribe_headers(url))

    def _results(self, mask: np.ndarray) -> np.ndarray:
        results = _dicts(mask)
        results[:] = [
            {"skipped": True, "reason": reason} if status == "skipped" else {"reason": reason}
            for status, reason in zip(self.status[mask], self.reason[mask], strict=True)
        ]
        return results


def _own_columns(dispatches: pd.DataFrame, links: UnsubscribeLinks | None) -> dict[str, np.ndarray]:
    urls = np.full(len(dispatches), NoValue(VARIABLE), dtype=object)
    if links is not None:
        urls[:] = links.urls(dispatches["key"])
    return {VARIABLE: urls}


def _is_refusal(values: np.ndarray) -> np.ndarray:
    refused: list[Any] = [
        not isinstance(value, NoValue)
        and (value.strip().lower() in REFUSING_WORDS if isinstance(value, str) else value == 0)
        for value in values
    ]
    return np.array(refused, dtype=bool)


def _dicts(mask: np.ndarray) -> np.ndarray:
    made = np.empty(int(mask.sum()), dtype=object)
    made[:] = [{} for _ in made]
    return made
