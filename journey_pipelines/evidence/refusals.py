"""Why a message that was requested did not leave: what its reason means, and what the profile said."""

from dataclasses import replace
from typing import Any, Final

import pandas as pd

from journey_pipelines.delivery.actions import ActionType
from journey_pipelines.delivery.departure import REFUSING_WORDS
from journey_pipelines.evidence.archive import Archive, Row
from journey_pipelines.evidence.findings import Finding, Verdict
from journey_pipelines.evidence.passages import Passage
from journey_pipelines.evidence.snapshot_rows import SnapshotRow
from journey_pipelines.journeys.nodes import ActionNode

REASONS: Final = {
    "stale": "it was due longer ago than the journey lets a message be late",
    "no_address": "the profile has no address for it",
    "no_consent": "the profile refuses messages of this kind",
    "suppressed": "every address is on the suppression list",
    "invalid_address": "nothing can be delivered to the address of the profile",
    "goal": "the execution met its goal before the message left",
    "exit_rule": "the execution left by its exit rule before the message left",
    "cancelled": "the execution was cancelled before the message left",
    "customer_gone": "the customer was gone from the features before the message left",
}


def reason_text(reason: str) -> str:
    """What the reason of a skipped dispatch means, to stand behind it; empty for one that says it itself.

    >>> reason_text("no_consent"), reason_text("other")
    (' (the profile refuses messages of this kind)', '')
    """
    return f" ({REASONS[reason]})" if reason in REASONS else ""


def refusal_finding(archive: Archive, passage: Passage, dispatch: Row) -> Finding | None:
    """Consent or address as the profile had it when a dispatch was skipped for it; None where that decided nothing."""
    reason = dispatch["reason"]
    node = passage.journey.nodes.get(dispatch["node_id"])
    if reason not in ("no_consent", "no_address") or not isinstance(node, ActionNode):
        return None
    if dispatch["status"] != "skipped" or pd.isna(dispatch["settled_at"]):
        return None
    at, visit = dispatch["settled_at"], int(dispatch["visit"])
    about = Finding("refusal", Verdict.STATED, node_id=node.id, visit=visit, branch=reason, at=at)
    found = [
        replace(_judged(about, archive, node, archive.rows.row(read.profiles, passage.customer_id)), run_id=read.run_id)
        for read in archive.read_at(at.to_pydatetime())
    ]
    confirmed = [finding for finding in found if finding.verdict is Verdict.CONFIRMED]
    return (confirmed or found)[0]


def channel_of(archive: Archive, node: ActionNode) -> str | None:
    """The channel whose consent and caps hold for an action."""
    action = archive.catalog.actions[node.action_type]
    if not isinstance(action, ActionType) or node.parameters is None:
        return None
    return action.channel_of(node.parameters, archive.transaction)


def _judged(about: Finding, archive: Archive, node: ActionNode, profile: SnapshotRow) -> Finding:
    about = replace(about, snapshot_id=profile.snapshot_id or None)
    if profile.trouble:
        return replace(about, verdict=Verdict.UNCHECKED, remark=profile.trouble)
    values = profile.values or {}
    if about.branch == "no_address":
        address = getattr(archive.catalog.actions[node.action_type], "address", None)
        cell = values.get(str(address))
        is_so = cell is None or str(cell).strip() in ("", "[]")
        shown = {f"customer.{address}": cell}
    else:
        channel = str(channel_of(archive, node))
        asked = {name: cell for name, cell in values.items() if "consent" in name and channel in name}
        is_so = any(map(_is_refused, asked.values()))
        shown = {f"customer.{name}": cell for name, cell in sorted(asked.items())}
    verdict = Verdict.CONFIRMED if is_so else Verdict.CONTRADICTED
    return replace(
        about, verdict=verdict, values=shown, remark="" if is_so else "the profile of that time is no reason"
    )


def _is_refused(consent: Any) -> bool:
    """As `delivery.departure` reads it."""
    return consent.strip().lower() in REFUSING_WORDS if isinstance(consent, str) else bool(consent == 0)
