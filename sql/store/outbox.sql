-- {columns} is put together by store/postgres/dispatches.py: those that have a value in some row.

-- name: add_dispatches
-- purpose: request actions; to request one again is an error
COPY outbox ({columns}) FROM STDIN (FORMAT binary);

-- name: save_dispatches
-- purpose: replace dispatches whole
UPDATE outbox AS stored
SET journey_key = incoming.journey_key,
    journey_version = incoming.journey_version,
    customer_id = incoming.customer_id,
    action_type = incoming.action_type,
    priority = incoming.priority,
    status = incoming.status,
    attempt = incoming.attempt,
    payload = incoming.payload,
    requested_at = incoming.requested_at,
    due_at = incoming.due_at,
    next_at = incoming.next_at,
    left_at = incoming.left_at,
    settled_at = incoming.settled_at,
    reason = incoming.reason,
    result = incoming.result,
    run_id = incoming.run_id,
    snapshot_id = incoming.snapshot_id
FROM incoming_dispatches AS incoming
JOIN entries USING (execution_id)
WHERE stored.entry_no = entries.entry_no
  AND stored.node_id = incoming.node_id
  AND stored.visit = incoming.visit
  AND incoming.key = incoming.execution_id || ':' || incoming.node_id || ':' || incoming.visit;

-- name: absent_dispatch
-- purpose: one of the dispatches to be saved that is not there, or comes twice
SELECT incoming.key
FROM incoming_dispatches AS incoming
LEFT JOIN dispatches AS stored USING (key, execution_id, node_id, visit)
GROUP BY incoming.key
HAVING count(*) > 1 OR count(stored.key) = 0
LIMIT 1;

-- name: take_dispatches
-- purpose: claim the head of the queue; rows that another run holds are passed over
SELECT dispatches.* FROM dispatches
WHERE status = %(status)s
  AND journey_key IN (SELECT label FROM incoming_labels)
  AND (next_at IS NULL OR next_at <= %(as_of)s)
ORDER BY priority DESC, journey_key, due_at, requested_at, execution_id, key
LIMIT %(limit)s
FOR UPDATE OF dispatches SKIP LOCKED;

-- name: dispatches_of
-- purpose: unsettled dispatches of these executions, locked in the order of their keys
SELECT dispatches.* FROM dispatches
WHERE entry_no = ANY(%(entry_nos)s::bigint[])
  AND status IN ('pending', 'sending', 'retry', 'unknown')
ORDER BY key
FOR UPDATE OF dispatches;

-- name: dispatches_with
-- purpose: dispatches by their keys, settled ones too, locked in the order of their keys
SELECT dispatches.* FROM dispatches
WHERE entry_no = ANY(%(entry_nos)s::bigint[]) AND key IN (SELECT id FROM incoming_ids)
ORDER BY key
FOR UPDATE OF dispatches;

-- name: abandon_sending
-- purpose: nobody knows what became of sends whose run is gone; its lock is free
WITH sending AS MATERIALIZED (
    SELECT DISTINCT run_id FROM dispatches WHERE status = 'sending'
), gone AS MATERIALIZED (
    SELECT run_id FROM sending
    WHERE run_id IS NULL
       OR pg_try_advisory_xact_lock(hashtextextended('journeys run ' || current_schema() || ' ' || run_id, 0))
)
UPDATE dispatches SET status = 'unknown', next_at = NULL
FROM gone
WHERE dispatches.status = 'sending' AND dispatches.run_id IS NOT DISTINCT FROM gone.run_id;

-- name: suppressed
-- purpose: those addresses that are on a channel's list, as they are or as the hash of a forgotten customer's
SELECT address FROM suppressions
WHERE channel = %(channel)s AND address IN (SELECT id FROM incoming_ids) AND purpose IN ('all', %(purpose)s)
UNION
SELECT id FROM erasure_salt
CROSS JOIN incoming_ids
JOIN suppressions
    ON channel = %(channel)s
    AND address = 'sha256:' || encode(sha256(convert_to(salt || id, 'UTF8')), 'hex')
    AND purpose IN ('all', %(purpose)s)
ORDER BY address;

-- name: add_suppressions
-- purpose: put addresses on a channel's list
INSERT INTO suppressions (channel, address, reason, purpose)
SELECT DISTINCT ON (channel, address, coalesce(purpose, 'all')) channel, address, reason, coalesce(purpose, 'all')
FROM incoming_suppressions
ORDER BY channel, address, coalesce(purpose, 'all'), incoming_position
ON CONFLICT (channel, address, purpose) DO NOTHING;

-- name: remove_suppressions
-- purpose: take addresses off a channel's list, those of forgotten customers too
DELETE FROM suppressions
WHERE channel = %(channel)s
  AND address IN (
      SELECT id FROM incoming_ids
      UNION ALL
      SELECT 'sha256:' || encode(sha256(convert_to(salt || id, 'UTF8')), 'hex') FROM erasure_salt CROSS JOIN incoming_ids
  );

-- name: sends_since
-- purpose: what left for these customers since an instant, for frequency caps
SELECT customer_id, action_type, left_at
FROM (SELECT DISTINCT id FROM incoming_ids) AS wanted
-- one look for each customer, whatever the planner believes of how many left since then
CROSS JOIN LATERAL (
    SELECT customer_id, action_type, left_at, key FROM dispatches
    WHERE customer_id = wanted.id
      AND status IN ('sent', 'sending', 'unknown')
      AND left_at >= %(since)s
    OFFSET 0
) AS found
ORDER BY left_at, key;
