-- name: mark_missing
-- purpose: note since when a journey's unfinished customers are missing from the feature snapshot
WITH fresh AS (
    SELECT execution_id FROM executions
    WHERE journey_key = %(journey_key)s
      AND customer_id IN (SELECT id FROM incoming_ids)
      AND ended_at IS NULL
      AND missing_since IS NULL
    ORDER BY execution_id -- the order of lock_executions
    FOR UPDATE
)
UPDATE executions SET missing_since = %(since)s FROM fresh WHERE executions.execution_id = fresh.execution_id;

-- name: clear_missing
-- purpose: note that a journey's unfinished customers are in the feature snapshot again
WITH returned AS (
    SELECT execution_id FROM executions
    WHERE journey_key = %(journey_key)s
      AND customer_id IN (SELECT id FROM incoming_ids)
      AND ended_at IS NULL
      AND missing_since IS NOT NULL
    ORDER BY execution_id -- the order of lock_executions
    FOR UPDATE
)
UPDATE executions SET missing_since = NULL FROM returned WHERE executions.execution_id = returned.execution_id;

-- name: take_due
-- purpose: claim the next chunk of due executions of a version; rows that another run holds are passed over
SELECT executions.* FROM executions
WHERE journey_key = %(journey_key)s
  AND journey_version = %(version)s
  AND execution_id > %(after)s
  AND ended_at IS NULL
  AND (
      action_status IN ('sent', 'skipped', 'failed')
      OR NOT %(results_only)s
      AND (
          due_at <= %(as_of)s
          OR missing_since <= %(missing_before)s
          OR waiting_for IS NOT NULL AND EXISTS (
              SELECT FROM events
              WHERE events.customer_id = executions.customer_id
                AND events.event_type = executions.waiting_for
                AND events.occurred_at > executions.events_since
                AND events.occurred_at <= %(as_of)s
                AND events.received_at <= %(as_of)s
          )
      )
  )
ORDER BY execution_id
LIMIT %(limit)s
FOR UPDATE OF executions SKIP LOCKED;

-- name: lock_executions
-- purpose: these executions, locked in the order of their ids so that two who wait cannot wait for one another
SELECT executions.* FROM executions
WHERE execution_id IN (SELECT id FROM incoming_ids)
ORDER BY execution_id
FOR UPDATE OF executions;

-- name: try_executions
-- purpose: those of these executions that nobody else holds, locked
SELECT executions.* FROM executions
WHERE execution_id IN (SELECT id FROM incoming_ids)
ORDER BY execution_id
FOR UPDATE OF executions SKIP LOCKED;

-- name: save_executions
-- purpose: replace executions whole
UPDATE executions AS stored
SET journey_key = incoming.journey_key,
    journey_version = incoming.journey_version,
    customer_id = incoming.customer_id,
    entry_number = incoming.entry_number,
    entered_via = incoming.entered_via,
    state = incoming.state,
    current_node_id = incoming.current_node_id,
    visit = incoming.visit,
    visits = incoming.visits,
    context = incoming.context,
    due_at = incoming.due_at,
    entered_at = incoming.entered_at,
    arrived_at = incoming.arrived_at,
    ended_at = incoming.ended_at,
    waiting_for = incoming.waiting_for,
    events_since = incoming.events_since,
    action_status = incoming.action_status,
    missing_since = incoming.missing_since,
    outcome = incoming.outcome,
    failure = incoming.failure
FROM incoming_executions AS incoming
WHERE stored.execution_id = incoming.execution_id;

-- name: absent_execution
-- purpose: one of the executions to be saved that is not there, or comes twice
SELECT incoming.execution_id
FROM incoming_executions AS incoming
LEFT JOIN executions AS stored USING (execution_id)
GROUP BY incoming.execution_id
HAVING count(*) > 1 OR count(stored.execution_id) = 0
LIMIT 1;

-- name: add_transitions
-- purpose: append transitions
INSERT INTO transitions (
    execution_id, journey_key, journey_version, customer_id, node_id, visit, branch, at, run_id, run_as_of,
    snapshot_id, fingerprint
)
SELECT
    execution_id, journey_key, journey_version, customer_id, node_id, visit, branch, at, run_id, run_as_of,
    snapshot_id, fingerprint
FROM incoming_transitions
ORDER BY incoming_position;

-- name: use_events
-- purpose: note the events that ended a wait or met a goal
WITH fresh AS (
    SELECT event_id FROM events
    WHERE event_id IN (SELECT id FROM incoming_ids) AND NOT is_used
    ORDER BY event_id -- an event may serve two journeys, whose runs would wait for one another in another order
    FOR UPDATE
)
UPDATE events SET is_used = true FROM fresh WHERE events.event_id = fresh.event_id;
