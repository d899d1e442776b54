-- name: status_counts
-- purpose: where executions stand
WITH counted AS (
    SELECT edition_no, state AS state_no, node_no, count(*) AS count FROM standing GROUP BY edition_no, state, node_no
    UNION ALL
    SELECT edition_no, state AS state_no, node_no, count(*) AS count FROM ended GROUP BY edition_no, state, node_no
)
SELECT
    journey_key,
    journey_version,
    state,
    label AS current_node_id,
    count
FROM (SELECT *, (ARRAY['NOT_STARTED', 'IN_PROGRESS', 'WAITING', 'COMPLETED', 'FAILED'])[state_no] AS state FROM counted)
    AS told
JOIN editions USING (edition_no)
LEFT JOIN labels ON label_no = node_no
ORDER BY journey_key, journey_version, state COLLATE "C", label;

-- name: dispatch_counts
-- purpose: what became of actions
SELECT journey_key, action_type, status, count(*) AS count
FROM dispatches
GROUP BY journey_key, action_type, status
ORDER BY journey_key, action_type, status;

-- name: executions_of
-- purpose: all executions of a customer
SELECT * FROM executions
WHERE entry_no = ANY(ARRAY(
    SELECT entries.entry_no FROM entries WHERE entries.customer_id = %(customer_id)s
))
ORDER BY position;
