"""The table of checks. A new one is a statement in `sql/store/doctor.sql` and an entry here."""

from dataclasses import dataclass
from typing import Final

CANCEL: Final = "Look at it with `journeys explain`, and take the execution out with `journeys cancel`."
RESTORE: Final = "Rows were changed or lost outside the program: restore them from a backup."
REPORT: Final = "This program writes both in one transaction: if nobody changed rows by hand, report it."


@dataclass(frozen=True)
class Check:
    """A named statement, the table that it is about, what it finds (for one and for several rows), and what to do."""

    name: str
    table: str
    one: str
    several: str
    remedy: str


FAULTS: Final = (
    Check("ended_and_waiting", "executions", "has ended and is still due", "have ended and are still due", REPORT),
    Check(
        "ended_without_reason",
        "executions",
        "has a state that its end, outcome or failure contradicts",
        "have a state that their end, outcome or failure contradicts",
        REPORT,
    ),
    Check(
        "ended_with_dispatch",
        "dispatches",
        "is unsettled though its execution has ended",
        "are unsettled though their executions have ended",
        REPORT,
    ),
    Check(
        "action_without_dispatch",
        "executions",
        "stands at an action and has not exactly one dispatch on its way, nor a result",
        "stand at actions and have not exactly one dispatch on its way, nor a result",
        CANCEL,
    ),
    Check(
        "in_progress_elsewhere",
        "executions",
        "is in progress at a node that is no action, and nothing will move it",
        "are in progress at nodes that are no actions, and nothing will move them",
        CANCEL,
    ),
    Check(
        "waiting_for_ever",
        "executions",
        "waits without a due time and for no event, and so for ever",
        "wait without a due time and for no event, and so for ever",
        CANCEL,
    ),
    Check("dispatch_without_execution", "dispatches", "has no execution", "have no execution", RESTORE),
    Check(
        "sending_without_run",
        "dispatches",
        "is being sent by a run that does not exist",
        "are being sent by runs that do not exist",
        "The next run asks after them as after those of a run that died: start it with `journeys advance`.",
    ),
    Check("move_without_entry", "moves", "has no execution", "have no execution", RESTORE),
    Check(
        "row_lost",
        "entries",
        "execution is in neither or both of standing and ended",
        "executions are in neither or both of standing and ended",
        RESTORE,
    ),
    Check(
        "uniqueness_lost",
        "unfinished",
        "customer is in a journey and not counted as inside, or the other way round",
        "customers are in a journey and not counted as inside, or the other way round",
        RESTORE,
    ),
    Check(
        "wrong_bucket",
        "standing",
        "execution lies in the partition of a date after its due time and is looked at too late",
        "executions lie in the partitions of dates after their due times and are looked at too late",
        RESTORE,
    ),
    Check(
        "broken_path",
        "transitions",
        "execution did not come from the start of its version along its edges to where it stands",
        "executions did not come from the start of their version along its edges to where they stand",
        CANCEL,
    ),
    Check(
        "unknown_node",
        "executions",
        "stands at a node that its version does not have, or is of a version that does not exist",
        "stand at nodes that their version does not have, or are of a version that does not exist",
        RESTORE,
    ),
    Check(
        "unfinished_twice",
        "executions",
        "customer is in a journey twice at once",
        "customers are in a journey twice at once",
        "Rows of the table unfinished were removed by hand: cancel one of the two.",
    ),
    Check(
        "entry_gap",
        "executions",
        "customer's entries into a journey are not numbered 1, 2, 3 and so on",
        "customers' entries into a journey are not numbered 1, 2, 3 and so on",
        RESTORE,
    ),
    Check(
        "points_without_send",
        "points_transactions",
        "award has no dispatch that was sent",
        "awards have no dispatch that was sent",
        REPORT,
    ),
    Check(
        "campaign_without_send",
        "campaign_executions",
        "delivery of a campaign has no dispatch that was sent",
        "deliveries of campaigns have no dispatch that was sent",
        REPORT,
    ),
    Check(
        "wrong_balance",
        "loyalty_accounts",
        "balance is not the sum of its awards",
        "balances are not the sums of their awards",
        "Find out who changed the balance; the awards in points_transactions are what was earned here.",
    ),
)

NOTES: Final = (
    Check(
        "open_runs",
        "runs",
        "is open: it is under way, or it ended before its end",
        "are open: they are under way, or ended before their end",
        "Where nothing is under way, the next run goes on from there; nothing else is to be done.",
    ),
    Check(
        "unknown_sends",
        "dispatches",
        "left and nobody knows what became of it",
        "left and nobody knows what became of them",
        "Each run asks the provider again; after the journey's settle_after the policy of the action decides.",
    ),
    Check(
        "paused_inside",
        "executions",
        "stands in a paused journey",
        "stand in paused journeys",
        "`journeys resume JOURNEY` lets them go on.",
    ),
)
