-- name: status_counts
-- purpose: where executions stand
SELECT journey_key, journey_version, state, current_node_id, count(*) AS count
FROM executions
GROUP BY journey_key, journey_version, state, current_node_id
ORDER BY journey_key, journey_version, state COLLATE "C", current_node_id;

-- name: dispatch_counts
-- purpose: what became of actions
SELECT journey_key, action_type, status, count(*) AS count
FROM dispatches
GROUP BY journey_key, action_type, status
ORDER BY journey_key, action_type, status;

-- name: find_execution
-- purpose: one execution
SELECT * FROM executions WHERE execution_id = %(execution_id)s;

-- name: executions_of
-- purpose: all executions of a customer
SELECT * FROM executions WHERE customer_id = %(customer_id)s ORDER BY position;
