-- Statements with {names} are put together by store/postgres/retention.py: {part} is a
-- partition (for the vacuum any table), {table} what it is of.

-- name: set_horizon
-- purpose: say first what may be gone from now on; it never goes back
INSERT INTO retention (kept_from) VALUES (%(kept_from)s)
ON CONFLICT (is_only) DO UPDATE SET kept_from = greatest(retention.kept_from, excluded.kept_from)
RETURNING kept_from;

-- name: still_there
-- purpose: of these executions those that no retention can have removed
SELECT entry_no FROM incoming_ids JOIN entries_kept ON execution_id = id;

-- name: count_rows
-- purpose: how many rows a partition has
SELECT count(*) FROM {part};

-- name: lock_accounts
-- purpose: keep others from awarding to the accounts that lose awards, in the order in which awards lock them
SELECT FROM loyalty_accounts
WHERE (customer_id, program_id) IN (
    SELECT points_transactions.customer_id, program_id
    FROM {part} AS ended
    -- a key is execution:node:visit, and ; follows :
    JOIN points_transactions
        ON dispatch_key > ended.execution_id || ':' AND dispatch_key < ended.execution_id || ';'
)
ORDER BY customer_id, program_id
FOR UPDATE;

-- name: remove_points
-- purpose: awards of these ended executions; their accounts keep the sum
WITH gone AS (
    DELETE FROM points_transactions
    USING {part} AS ended
    -- a key is execution:node:visit, and ; follows :
    WHERE dispatch_key > ended.execution_id || ':' AND dispatch_key < ended.execution_id || ';'
    RETURNING points_transactions.customer_id, program_id, points
), summed AS (
    SELECT customer_id, program_id, sum(points) AS points FROM gone GROUP BY customer_id, program_id
), noted AS (
    UPDATE loyalty_accounts AS account
    SET points_removed = account.points_removed + summed.points
    FROM summed
    WHERE account.customer_id = summed.customer_id AND account.program_id = summed.program_id
)
SELECT count(*) FROM gone;

-- name: remove_campaigns
-- purpose: campaign deliveries of these ended executions
WITH gone AS (
    DELETE FROM campaign_executions
    USING {part} AS ended
    WHERE dispatch_key > ended.execution_id || ':' AND dispatch_key < ended.execution_id || ';'
    RETURNING 1
)
SELECT count(*) FROM gone;

-- name: remove_dispatches
-- purpose: dispatches of these ended executions
WITH gone AS (
    DELETE FROM outbox USING {part} AS ended WHERE outbox.entry_no = ended.entry_no
    RETURNING 1
)
SELECT count(*) FROM gone;

-- name: remove_contexts
-- purpose: what these ended executions carried with them
WITH gone AS (
    DELETE FROM contexts USING {part} AS ended WHERE contexts.entry_no = ended.entry_no
    RETURNING 1
)
SELECT count(*) FROM gone;

-- name: remove_events
-- purpose: old events, but none that somebody who is inside a journey may still be asked about
DELETE FROM events
WHERE received_at < %(kept_from)s
  AND occurred_at < %(kept_from)s
  AND NOT EXISTS (
      SELECT FROM entries
      JOIN unfinished USING (journey_key, customer_id)
      WHERE customer_id = events.customer_id AND entered_at <= events.occurred_at
  );

-- name: remove_starts
-- purpose: old manual starts that were settled
DELETE FROM manual_starts WHERE status <> 'waiting' AND at < %(kept_from)s;

-- name: remove_receipts
-- purpose: what providers told long ago
DELETE FROM receipts WHERE at < %(kept_from)s;

-- name: remove_holds
-- purpose: what old runs held
DELETE FROM held_journeys WHERE as_of < %(kept_from)s;

-- name: remove_runs
-- purpose: old runs, but neither the last one nor one that an unsettled dispatch names
DELETE FROM runs
WHERE is_closed
  AND as_of < %(kept_from)s
  AND position < (SELECT max(position) FROM runs)
  AND run_id NOT IN (
      SELECT run_id FROM dispatches
      WHERE status IN ('pending', 'sending', 'retry', 'unknown') AND run_id IS NOT NULL
  );

-- name: remove_snapshots
-- purpose: old snapshots, but not the last of each name
DELETE FROM snapshots
WHERE snapshot_date < %(kept_from)s
  AND EXISTS (
      SELECT FROM snapshots AS later
      WHERE later.kind = snapshots.kind AND later.name = snapshots.name AND later.snapshot_date > snapshots.snapshot_date
  );

-- name: note_kept
-- purpose: executions that are still there and may have moves from before the horizon
CREATE TEMPORARY TABLE kept ON COMMIT DROP AS
SELECT entry_no FROM standing WHERE entered_at < %(kept_from)s
UNION ALL
SELECT entry_no FROM ended WHERE entered_at < %(kept_from)s;

-- name: count_kept
-- purpose: tell the planner how many they are
ANALYZE kept;

-- name: stop_writers
-- purpose: let nobody add rows to an old partition while what is needed of it is carried over
LOCK TABLE {part} IN SHARE MODE;

-- name: count_moves
-- purpose: how many moves a partition has, and how many of them are of executions that are still there
SELECT count(*), count(kept.entry_no) FROM {part} AS moves LEFT JOIN kept USING (entry_no);

-- name: carry_moves
-- purpose: moves of executions that are still there, out of a partition that will be dropped
INSERT INTO moves (move_no, entry_no, stamp_no, path_no, day)
SELECT move_no, entry_no, stamp_no, path_no, 'infinity' FROM {part} JOIN kept USING (entry_no) ORDER BY move_no;

-- name: remove_moves
-- purpose: moves that were carried over of executions that have been removed since
DELETE FROM moves_kept WHERE NOT EXISTS (SELECT FROM kept WHERE kept.entry_no = moves_kept.entry_no);

-- name: remove_stamps
-- purpose: stamps of moves that are gone: no partition has moves from before this date but that of those carried over
DELETE FROM stamps
WHERE coalesce(run_as_of, at) < %(before)s
  AND NOT EXISTS (SELECT FROM moves_kept WHERE moves_kept.stamp_no = stamps.stamp_no)
  AND NOT EXISTS (SELECT FROM runs WHERE runs.run_id = stamps.run_id AND NOT is_closed);

-- name: mark_left
-- purpose: note the versions that nobody stands in and nobody enters: a newer one has been out since before this instant
UPDATE editions SET is_left = now_left
FROM (
    SELECT
        edition_no,
        EXISTS (
            SELECT FROM journey_versions
            WHERE journey_key = old.journey_key AND version > journey_version AND published_at < %(before)s
        ) AND NOT EXISTS (SELECT FROM standing WHERE standing.edition_no = old.edition_no) AS now_left
    FROM editions AS old
) AS looked_at
WHERE editions.edition_no = looked_at.edition_no AND is_left <> now_left;

-- name: is_empty
-- purpose: whether a partition has no rows
SELECT NOT EXISTS (SELECT FROM {part});

-- name: before_locks
-- purpose: where to go back to when others hold a lock for too long
SAVEPOINT before_locks;

-- name: give_up_locks
-- purpose: let those go on who wait behind us
ROLLBACK TO SAVEPOINT before_locks;

-- name: lock_table
-- purpose: keep everybody out for the moment in which partitions are dropped
LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE;

-- name: lock_part
-- purpose: the same for one partition, which nobody can come to any more but those who are there already
LOCK TABLE {part} IN ACCESS EXCLUSIVE MODE NOWAIT;

-- name: drop_part
-- purpose: give a partition's room back
DROP TABLE {part};

-- name: vacuum
-- purpose: let the room of removed rows be used again, and count those that are left
VACUUM (ANALYZE, SKIP_LOCKED) {part};
