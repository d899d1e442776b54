-- name: entries
-- purpose: last entry of each of these customers into a journey, and whether one is unfinished
SELECT DISTINCT ON (customer_id)
    customer_id,
    entry_number,
    entered_at,
    bool_or(ended_at IS NULL) OVER (PARTITION BY customer_id) AS is_unfinished
FROM executions
WHERE journey_key = %(journey_key)s AND customer_id IN (SELECT id FROM incoming_ids)
ORDER BY customer_id, entry_number DESC;

-- name: add_executions
-- purpose: let customers enter, but none a second time while an execution of theirs is unfinished
INSERT INTO executions (
    execution_id, journey_key, journey_version, customer_id, entry_number, entered_via, state, current_node_id, visit,
    visits, context, due_at, entered_at, arrived_at, ended_at, waiting_for, events_since, action_status, missing_since,
    outcome, failure
)
SELECT
    execution_id, journey_key, journey_version, customer_id, entry_number, entered_via, state, current_node_id, visit,
    visits, context, due_at, entered_at, arrived_at, ended_at, waiting_for, events_since, action_status, missing_since,
    outcome, failure
FROM incoming_executions
ORDER BY incoming_position
ON CONFLICT DO NOTHING
RETURNING execution_id;

-- name: add_starts
-- purpose: queue manual starts that are not known yet
INSERT INTO manual_starts (start_id, journey_key, customer_id, at, context, status, reason)
SELECT start_id, journey_key, customer_id, at, context, status, reason
FROM incoming_starts
ORDER BY incoming_position
ON CONFLICT (start_id) DO NOTHING;

-- name: waiting_starts
-- purpose: manual starts of a journey whose time has come, locked
SELECT * FROM manual_starts
WHERE journey_key = %(journey_key)s AND status = 'waiting' AND at <= %(as_of)s
ORDER BY at, start_id
FOR UPDATE;

-- name: settle_starts
-- purpose: note what became of manual starts
UPDATE manual_starts AS stored
SET status = incoming.status, reason = incoming.reason
FROM incoming_settlements AS incoming
WHERE stored.start_id = incoming.start_id;
