-- name: passages
-- purpose: the flow of a journey: how many left each node by each branch, by version
SELECT journey_version, node_id, coalesce(branch, '') AS branch, sum(passed)::bigint AS passed
FROM node_passages WHERE journey_key = %(journey_key)s
GROUP BY journey_version, node_id, branch ORDER BY journey_version, node_id, branch;

-- name: survival
-- purpose: how many got as far as each node
SELECT journey_version, node_id, reached, share
FROM node_survival WHERE journey_key = %(journey_key)s ORDER BY journey_version, reached DESC, node_id;

-- name: standing
-- purpose: who stands where, since when
SELECT journey_version, node_id, sum(customers)::bigint AS customers, min(oldest_arrived_at) AS oldest_arrived_at
FROM node_standing WHERE journey_key = %(journey_key)s
GROUP BY journey_version, node_id ORDER BY journey_version, customers DESC, node_id;

-- name: days
-- purpose: entries, ends and conversions of each day
SELECT day, sum(entered)::bigint AS entered, sum(ended)::bigint AS ended, sum(converted)::bigint AS converted
FROM (
    SELECT day, entered, 0 AS ended, 0 AS converted FROM journey_entries WHERE journey_key = %(journey_key)s
    UNION ALL
    SELECT day, 0, ended, CASE WHEN is_converted THEN ended ELSE 0 END FROM journey_ends
    WHERE journey_key = %(journey_key)s
) AS counted
GROUP BY day ORDER BY day;

-- name: ends
-- purpose: how executions ended, and how long they took
SELECT state, coalesce(outcome, failure) AS how, sum(ended)::bigint AS ended, max(median_time) AS longest_median_time
FROM journey_ends WHERE journey_key = %(journey_key)s
GROUP BY state, how ORDER BY ended DESC, how;

-- name: sends
-- purpose: what was sent, by action and day
SELECT node_id, action_type, day, status, coalesce(reason, '') AS reason, sum(dispatches)::bigint AS dispatches
FROM node_sends WHERE journey_key = %(journey_key)s
GROUP BY node_id, action_type, day, status, reason ORDER BY day, node_id, status, reason;

-- name: points
-- purpose: what was awarded
SELECT node_id, sum(awards)::bigint AS awards, sum(points)::bigint AS points
FROM node_points WHERE journey_key = %(journey_key)s GROUP BY node_id ORDER BY node_id;

-- name: arms
-- purpose: the arms of splits side by side
SELECT journey_version, node_id, arm, executions, converted, inside
FROM split_arms WHERE journey_key = %(journey_key)s ORDER BY journey_version, node_id, arm;
