"""Forgetting one customer."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import numpy as np
import pandas as pd

from journey_pipelines.engine.frames import TRANSITIONS, stack
from journey_pipelines.store.memory.state import LEDGER, Part
from journey_pipelines.store.memory.table import Table
from journey_pipelines.store.values import hash_of

CODE: Final = r"^([\w -]+)"
KEPT_OF_RESULTS: Final = ("success", "delivery", "confirmed")
# table of the store -> the name that all stores count it under
NAMES: Final = {
    "executions": "executions",
    "dispatches": "dispatches",
    "events": "events",
    "starts": "manual_starts",
    "points_transactions": "points_transactions",
    "campaign_executions": "campaign_executions",
}


class ErasurePart(Part):
    """Rows of one customer."""

    def personal_rows(self, customer_id: str) -> Mapping[str, int]:
        """See Erasing."""
        entries = self.entries_of(customer_id)
        tables = self.state.tables
        counts = {"entries": len(entries)}
        counts |= {told: _count(tables[name].frame["customer_id"] == customer_id) for name, told in NAMES.items()}
        carried = tables["executions"].frame.loc[lambda rows: rows["customer_id"] == customer_id]
        counts["contexts"] = sum(bool(c or v) for c, v in zip(carried["context"], carried["visits"], strict=True))
        counts["receipts"] = _count(_execution_of(self.state.receipts["dispatch_key"]).isin(entries["execution_id"]))
        counts["loyalty_accounts"] = _count(self.state.accounts["customer_id"] == customer_id)
        counts["held_journeys"] = sum(_among(customer_id) in hold.reason for hold in self.state.holds)
        return {table: count for table, count in counts.items() if count}

    def entries_of(self, customer_id: str) -> pd.DataFrame:
        """See Erasing."""
        both = pd.concat([self.state.ledger, self.state.tables["executions"].frame[list(LEDGER)]], ignore_index=True)
        own = both[both["customer_id"] == customer_id]
        return own[["execution_id", "journey_key", "entry_number"]].reset_index(drop=True)

    def living_runs(self) -> list[str]:
        """See Erasing."""
        return sorted(self.running)

    def hash_suppressions(self, addresses: pd.Index, salt: str) -> int:
        """See Erasing."""
        if not len(addresses):
            return 0
        self.state.salt = self.state.salt or salt
        rows = self.state.suppressions
        is_own = rows["address"].isin(addresses)
        hashes = pd.Series([hash_of(self.state.salt, address) for address in rows["address"]], index=rows.index)
        hashed = rows.assign(
            address=rows["address"].mask(is_own, hashes.astype("str")),
            reason=rows["reason"].mask(is_own, _codes(rows["reason"])),
        )
        self.state.suppressions = hashed.drop_duplicates(["channel", "address", "purpose"]).reset_index(drop=True)
        return _count(is_own)

    def pseudonymise(self, customer_id: str, pseudonym: str, renamed: pd.DataFrame) -> Mapping[str, int]:
        """See Erasing."""
        counts = self.personal_rows(customer_id)
        new_ids = dict(zip(renamed["old_id"], renamed["new_id"], strict=True))
        state = self.state
        for name in NAMES:
            state.tables[name] = _emptied(state.tables[name], customer_id, pseudonym, new_ids)
        moves = stack(state.transitions, TRANSITIONS)
        state.transitions = [_renamed(moves, moves["customer_id"] == customer_id, pseudonym, new_ids)]
        ledger = state.ledger
        state.ledger = _renamed(ledger, ledger["customer_id"] == customer_id, pseudonym, new_ids)
        state.accounts = state.accounts.replace({"customer_id": {customer_id: pseudonym}})
        is_own = _execution_of(state.receipts["dispatch_key"]).isin(list(new_ids))
        state.receipts = _without_words(state.receipts, is_own, new_ids)
        state.holds = [
            replace(hold, reason=hold.reason.replace(_among(customer_id), " customers ")) for hold in state.holds
        ]
        return counts

    def record_erasure(self, erasure_id: str, rows: Mapping[str, int], *, at: datetime) -> None:
        """See Erasing."""
        self.state.erasures.setdefault(erasure_id, [at.isoformat(), dict(rows)])

    def search(self, ids: str, addresses: str | None) -> Mapping[str, int]:
        """See Erasing."""
        state = self.state
        frames = {name: table.frame for name, table in state.tables.items()}
        frames |= {"transitions": stack(state.transitions, TRANSITIONS), "ledger": state.ledger}
        frames |= {"loyalty_accounts": state.accounts, "suppressions": state.suppressions, "receipts": state.receipts}
        frames["holds"] = pd.DataFrame({"reason": [hold.reason for hold in state.holds]}, dtype="str")
        frames["versions"] = pd.DataFrame({"document": [version.document for version in state.versions]}, dtype=object)
        frames["erasures"] = pd.DataFrame({"rows": list(state.erasures.values())}, dtype=object)
        found = [re.compile(ids)] + ([] if addresses is None else [re.compile(addresses, re.IGNORECASE)])
        return {name: _count(_matching(frame, found)) for name, frame in frames.items()}


def _emptied(table: Table, customer_id: str, pseudonym: str, new_ids: Mapping[str, str]) -> Table:
    """The table with what its rows say of the customer removed, each kind as its columns need it."""
    is_own = table.frame["customer_id"] == customer_id
    if table.key == "event_id":
        frame = table.frame[~is_own].reset_index(drop=True)
        return replace(table, frame=frame, keys=pd.Index(frame[table.key]))
    frame = _renamed(table.frame, is_own, pseudonym, new_ids)
    for name in ("context", "visits", "payload"):
        if name in frame:
            frame[name] = _each(frame[name], is_own, lambda _: {})
    if "result" in frame:
        frame["result"] = _each(frame["result"], is_own, _outline)
    for name in ("failure", "reason"):
        if name in frame:
            frame[name] = frame[name].mask(is_own & frame[name].notna(), _codes(frame[name]).fillna("failed"))
    if table.key == "start_id":
        frame = _never_entering(frame, is_own)
    if table.name == "points transaction":
        frame["reason"] = frame["reason"].mask(is_own)
    return replace(table, frame=frame, keys=pd.Index(frame[table.key]))


def _never_entering(starts: pd.DataFrame, is_own: pd.Series) -> pd.DataFrame:
    is_waiting = is_own & (starts["status"] == "waiting")
    return starts.assign(
        start_id=starts["start_id"].mask(is_own, _random(starts)),
        status=starts["status"].mask(is_waiting, "refused"),
        reason=starts["reason"].mask(is_waiting, "forgotten"),
    )


def _renamed(frame: pd.DataFrame, is_own: pd.Series, pseudonym: str, new_ids: Mapping[str, str]) -> pd.DataFrame:
    """The frame with new names in the rows of a bool mask; the keys of dispatches follow the executions."""
    changed = frame.assign(customer_id=frame["customer_id"].mask(is_own, pseudonym))
    if "execution_id" in frame:
        new = frame["execution_id"].map(new_ids).astype("str")
        changed["execution_id"] = frame["execution_id"].mask(is_own, new)
    for name in ("key", "dispatch_key"):
        if name in frame:
            new = _new_keys(frame[name], new_ids).fillna(_random(frame))
            changed[name] = frame[name].mask(is_own, new)
    return changed


def _without_words(receipts: pd.DataFrame, is_own: pd.Series, new_ids: Mapping[str, str]) -> pd.DataFrame:
    keys = receipts["dispatch_key"]
    return receipts.assign(
        dispatch_key=keys.mask(is_own, _new_keys(keys, new_ids)),
        event_id=receipts["event_id"].mask(is_own, _random(receipts)),
        reason=receipts["reason"].mask(is_own),
    )


def _new_keys(keys: pd.Series, new_ids: Mapping[str, str]) -> pd.Series:
    """The keys of dispatches under their executions' new ids; null where those are not among them."""
    executions = _execution_of(keys)
    return executions.map(new_ids).astype("str") + keys.str.replace(r"^[^:]*", "", regex=True)


def _execution_of(keys: pd.Series) -> pd.Series:
    return keys.str.split(":", n=1).str[0].astype("str")


def _random(frame: pd.DataFrame) -> pd.Series:
    return pd.Series([str(uuid4()) for _ in range(len(frame))], index=frame.index, dtype="str")


def _codes(reasons: pd.Series) -> pd.Series:
    return reasons.str.extract(CODE, expand=False).astype("str")


def _outline(result: Mapping[str, Any]) -> dict[str, Any]:
    return {name: result[name] for name in KEPT_OF_RESULTS if result.get(name) is not None}


def _each(values: pd.Series, is_own: pd.Series, change: Any) -> pd.Series:
    own = is_own.to_numpy()
    return pd.Series(
        [change(v) if o else v for v, o in zip(values, own, strict=True)], index=values.index, dtype=object
    )


def _among(customer_id: str) -> str:
    return f" customers, {customer_id} among them, "


def _matching(frame: pd.DataFrame, patterns: list[re.Pattern[str]]) -> np.ndarray:
    is_found = np.zeros(len(frame), dtype=bool)
    for name in frame.select_dtypes(["object", "str"]):
        cells = [cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False) for cell in frame[name]]
        is_found |= np.array([any(pattern.search(cell) for pattern in patterns) for cell in cells], dtype=bool)
    return is_found


def _count(mask: Any) -> int:
    return int(np.asarray(mask, dtype=bool).sum())
