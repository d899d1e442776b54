-- name: wait_for_the_schema
-- purpose: two programs do not make the schema at once
SELECT pg_advisory_xact_lock(hashtextextended('journeys_replay', 0));

-- name: has_journeys
-- purpose: whether there is a live store beside
SELECT to_regclass('journeys.journey_versions') IS NOT NULL;

-- name: published
-- purpose: the published documents of a journey, to be walked
SELECT version, document FROM journeys.journey_versions WHERE journey_key = %(journey_key)s ORDER BY version;

-- name: published_keys
-- purpose: every journey that was published and is not archived
SELECT DISTINCT journey_key
FROM journeys.journey_versions JOIN journeys.journeys USING (journey_key)
WHERE status <> 'archived' ORDER BY journey_key;

-- name: past_dispatch_counts
-- purpose: what became of live actions, from which rates are learnt
SELECT action_type, status, count(*) FROM journeys.dispatches GROUP BY action_type, status;

-- name: remove_executions
-- purpose: a replay made again replaces the one of its name
DELETE FROM executions WHERE replay = %(replay)s;

-- name: remove_transitions
-- purpose: a replay made again replaces the one of its name
DELETE FROM transitions WHERE replay = %(replay)s;

-- name: remove_dispatches
-- purpose: a replay made again replaces the one of its name
DELETE FROM dispatches WHERE replay = %(replay)s;

-- name: remove_points_transactions
-- purpose: a replay made again replaces the one of its name
DELETE FROM points_transactions WHERE replay = %(replay)s;

-- name: remove_replay
-- purpose: a replay made again replaces the one of its name
DELETE FROM replays WHERE replay = %(replay)s;

-- name: forget_in_executions
-- purpose: nothing of a customer stays in any replay
DELETE FROM executions WHERE customer_id = %(customer_id)s;

-- name: forget_in_transitions
-- purpose: nothing of a customer stays in any replay
DELETE FROM transitions WHERE customer_id = %(customer_id)s;

-- name: forget_in_dispatches
-- purpose: nothing of a customer stays in any replay
DELETE FROM dispatches WHERE customer_id = %(customer_id)s;

-- name: forget_in_points_transactions
-- purpose: nothing of a customer stays in any replay
DELETE FROM points_transactions WHERE customer_id = %(customer_id)s;

-- name: add_replay
-- purpose: what a replay was and came to
INSERT INTO replays (replay, documents, first_day, last_day, hash, customer_days, seconds, run_id)
VALUES (
    %(replay)s, %(documents)s, %(first_day)s, %(last_day)s, %(hash)s, %(customer_days)s, %(seconds)s, %(run_id)s
);

-- name: replay
-- purpose: the newest replay, or that of a name, or that of a run
SELECT replay, documents, first_day, last_day, hash, customer_days, seconds
FROM replays
WHERE (%(replay)s::text IS NULL OR replay = %(replay)s) AND (%(run_id)s::text IS NULL OR run_id = %(run_id)s)
ORDER BY position DESC
LIMIT 1;

-- name: replayed_passages
-- purpose: the flow of a journey in a replay
SELECT journey_version, node_id, coalesce(branch, '') AS branch, count(*)
FROM transitions WHERE replay = %(replay)s AND journey_key = %(journey_key)s
GROUP BY journey_version, node_id, coalesce(branch, '') ORDER BY node_id, branch;

-- name: replayed_survival
-- purpose: how many of a replay got as far as each node
SELECT
    journey_version,
    node_id,
    count(DISTINCT execution_id) AS reached,
    count(DISTINCT execution_id)::double precision / max(entered) AS share
FROM (
    SELECT journey_version, execution_id, node_id FROM transitions
    WHERE replay = %(replay)s AND journey_key = %(journey_key)s
    UNION ALL
    SELECT journey_version, execution_id, current_node_id FROM executions
    WHERE replay = %(replay)s AND journey_key = %(journey_key)s
) AS places
CROSS JOIN (
    SELECT count(*) AS entered FROM executions WHERE replay = %(replay)s AND journey_key = %(journey_key)s
) AS entries
WHERE node_id IS NOT NULL
GROUP BY journey_version, node_id ORDER BY reached DESC, node_id;

-- name: replayed_standing
-- purpose: who stood where when the replay ended
SELECT journey_version, current_node_id, count(*) AS customers, min(arrived_at)
FROM executions WHERE replay = %(replay)s AND journey_key = %(journey_key)s AND ended_at IS NULL
GROUP BY journey_version, current_node_id ORDER BY customers DESC, current_node_id;

-- name: replayed_days
-- purpose: entries, ends and conversions of each day of a replay
SELECT day, sum(entered)::bigint, sum(ended)::bigint, sum(converted)::bigint
FROM (
    SELECT (entered_at AT TIME ZONE 'UTC')::date AS day, 1 AS entered, 0 AS ended, 0 AS converted
    FROM executions WHERE replay = %(replay)s AND journey_key = %(journey_key)s
    UNION ALL
    SELECT (ended_at AT TIME ZONE 'UTC')::date, 0, 1, CASE WHEN outcome = 'goal' THEN 1 ELSE 0 END
    FROM executions WHERE replay = %(replay)s AND journey_key = %(journey_key)s AND ended_at IS NOT NULL
) AS counted
GROUP BY day ORDER BY day;

-- name: replayed_ends
-- purpose: how executions of a replay ended
SELECT
    state,
    coalesce(outcome, split_part(failure, ':', 1)) AS how,
    count(*) AS ended,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY ended_at - entered_at)
FROM executions WHERE replay = %(replay)s AND journey_key = %(journey_key)s AND ended_at IS NOT NULL
GROUP BY state, how ORDER BY ended DESC, how;

-- name: replayed_sends
-- purpose: what would have been sent, by action and day
SELECT
    node_id,
    action_type,
    (requested_at AT TIME ZONE 'UTC')::date AS day,
    status,
    coalesce(split_part(reason, ':', 1), '') AS why,
    count(*)
FROM dispatches WHERE replay = %(replay)s AND journey_key = %(journey_key)s
GROUP BY node_id, action_type, day, status, why ORDER BY day, node_id, status, why;

-- name: replayed_points
-- purpose: what would have been awarded
SELECT dispatches.node_id, count(*), sum(points_transactions.points)::bigint
FROM points_transactions
JOIN dispatches ON dispatches.replay = points_transactions.replay AND dispatches.key = points_transactions.dispatch_key
WHERE dispatches.replay = %(replay)s AND dispatches.journey_key = %(journey_key)s
GROUP BY dispatches.node_id ORDER BY dispatches.node_id;

-- name: replayed_arms
-- purpose: the arms of splits of a replay side by side
SELECT
    transitions.journey_version,
    transitions.node_id,
    transitions.branch,
    count(DISTINCT execution_id),
    count(DISTINCT execution_id) FILTER (WHERE executions.outcome = 'goal'),
    count(DISTINCT execution_id) FILTER (WHERE executions.ended_at IS NULL)
FROM transitions
JOIN executions USING (replay, execution_id)
WHERE replay = %(replay)s AND transitions.journey_key = %(journey_key)s AND transitions.node_id = ANY(%(splits)s)
GROUP BY transitions.journey_version, transitions.node_id, transitions.branch ORDER BY node_id, branch;
