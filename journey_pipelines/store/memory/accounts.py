"""Events, loyalty accounts and campaigns."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from journey_pipelines.engine.frames import (
    CAMPAIGN_EXECUTIONS,
    CAMPAIGNS,
    EVENTS,
    LOYALTY_ACCOUNTS,
    POINTS_TRANSACTIONS,
    conform,
    empty,
)
from journey_pipelines.errors import StoreError
from journey_pipelines.store.memory.state import Part
from journey_pipelines.store.values import detached, storable

ACCOUNT = ["customer_id", "program_id"]


class EventsPart(Part):
    """What customers did."""

    def add_events(self, events: pd.DataFrame) -> int:
        """See StoreTransaction."""
        rows = storable(events.assign(is_used=False), EVENTS, table="events")
        self.state.tables["events"], new = self.state.tables["events"].append_new(rows)
        return len(new)

    def events(
        self, customer_ids: pd.Index, event_types: Sequence[str], *, after: datetime, as_of: datetime
    ) -> pd.DataFrame:
        """See StoreTransaction."""
        events = self.state.tables["events"].frame
        is_asked = events["customer_id"].isin(customer_ids) & events["event_type"].isin(list(event_types))
        is_asked &= (events["occurred_at"] > pd.Timestamp(after)) & (events["occurred_at"] <= pd.Timestamp(as_of))
        is_asked &= events["received_at"] <= pd.Timestamp(as_of)
        return detached(events[is_asked].sort_values(["occurred_at", "event_id"]), EVENTS)


class AccountsPart(Part):
    """Points and campaigns, whose effects are rows of our own."""

    def balances(self, customer_ids: pd.Index) -> pd.DataFrame:
        """See StoreTransaction."""
        accounts = self.state.accounts
        return accounts[accounts["customer_id"].isin(customer_ids)].sort_values(ACCOUNT).reset_index(drop=True)

    def earn_points(self, transactions: pd.DataFrame) -> pd.DataFrame:
        """See StoreTransaction."""
        rows = storable(transactions.assign(balance_after=0), POINTS_TRANSACTIONS, table="points_transactions")
        table = self.state.tables["points_transactions"]
        is_new = (table.locate(rows["dispatch_key"]) < 0) & ~rows["dispatch_key"].duplicated().to_numpy()
        new = rows[is_new]
        held = new[ACCOUNT].merge(self.state.accounts, on=ACCOUNT, how="left")["points_balance"].fillna(0)
        earned = new.groupby(ACCOUNT)["points"].cumsum()
        new = new.assign(balance_after=held.to_numpy(dtype="int64") + earned.to_numpy(dtype="int64"))
        self._set_balances(new)
        self.state.tables["points_transactions"] = table.append(new)
        stored = self.state.tables["points_transactions"].rows_of(rows["dispatch_key"])
        return detached(stored, POINTS_TRANSACTIONS)

    def _set_balances(self, earned: pd.DataFrame) -> None:
        latest = earned.drop_duplicates(ACCOUNT, keep="last")[[*ACCOUNT, "balance_after"]]
        latest = latest.rename(columns={"balance_after": "points_balance"})
        both = pd.concat([self.state.accounts, latest], ignore_index=True) if len(self.state.accounts) else latest
        self.state.accounts = conform(both.drop_duplicates(ACCOUNT, keep="last"), LOYALTY_ACCOUNTS)

    def campaigns(self, campaign_ids: Sequence[int]) -> pd.DataFrame:
        """See StoreTransaction."""
        ids = pd.Index(list(campaign_ids), dtype="int64").unique().sort_values()
        known = self.state.tables["campaigns"].rows_of(ids)
        if not self.state.knows_every_campaign:
            return known.reset_index(drop=True)
        others = ids.difference(known["campaign_id"])
        if others.empty:
            return known.reset_index(drop=True)
        made = pd.DataFrame({"campaign_id": others, "name": "Campaign " + others.astype("str")})
        found = pd.concat([known if len(known) else empty(CAMPAIGNS), conform(made, CAMPAIGNS)], ignore_index=True)
        return conform(found.sort_values("campaign_id"), CAMPAIGNS)

    def add_campaigns(self, campaigns: pd.DataFrame) -> int:
        """See StoreTransaction."""
        rows = storable(campaigns, CAMPAIGNS, table="campaigns")
        self.state.tables["campaigns"], new = self.state.tables["campaigns"].append_new(rows)
        return len(new)

    def add_campaign_executions(self, executions: pd.DataFrame) -> None:
        """See StoreTransaction."""
        rows = storable(executions, CAMPAIGN_EXECUTIONS, table="campaign_executions")
        known = self.campaigns(rows["campaign_id"].unique().tolist())["campaign_id"]
        if not rows["campaign_id"].isin(known).all():
            unknown = rows.loc[~rows["campaign_id"].isin(known), "campaign_id"].iloc[0]
            raise StoreError(f"there is no campaign {unknown}; add it to the store first")
        self.state.tables["campaign_executions"], _ = self.state.tables["campaign_executions"].append_new(rows)
