-- What analysts ask for: counts by journey, version, node and day, over the views of rows. They name no customer.

CREATE VIEW journey_entries AS
SELECT journey_key, journey_version, (entered_at AT TIME ZONE 'UTC')::date AS day, entered_via, count(*) AS entered
FROM executions
GROUP BY journey_key, journey_version, day, entered_via;
COMMENT ON VIEW journey_entries IS 'Who entered, by day (UTC) and way';
COMMENT ON COLUMN journey_entries.entered_via IS 'entry (segment or rule) or manual';

CREATE VIEW journey_ends AS
SELECT
    journey_key,
    journey_version,
    (ended_at AT TIME ZONE 'UTC')::date AS day,
    state,
    outcome,
    split_part(failure, ':', 1) AS failure,
    coalesce(outcome = 'goal', false) AS is_converted,
    count(*) AS ended,
    avg(ended_at - entered_at) AS average_time,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY ended_at - entered_at) AS median_time
FROM executions
WHERE ended_at IS NOT NULL
GROUP BY journey_key, journey_version, day, state, outcome, split_part(failure, ':', 1);
COMMENT ON VIEW journey_ends IS 'Who left a journey, by day (UTC) and how';
COMMENT ON COLUMN journey_ends.failure IS 'Of FAILED ones, without what stands behind the colon';
COMMENT ON COLUMN journey_ends.is_converted IS 'Whether the goal was met';
COMMENT ON COLUMN journey_ends.median_time IS 'From entry to end; of converted ones the time to convert';

CREATE VIEW node_passages AS
SELECT journey_key, journey_version, node_id, branch, (at AT TIME ZONE 'UTC')::date AS day, count(*) AS passed
FROM transitions
GROUP BY journey_key, journey_version, node_id, branch, day;
COMMENT ON VIEW node_passages IS 'Who left each node by each branch, by day (UTC)';

CREATE VIEW node_standing AS
SELECT
    journey_key,
    journey_version,
    current_node_id AS node_id,
    state,
    count(*) AS customers,
    min(arrived_at) AS oldest_arrived_at,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY arrived_at) AS median_arrived_at
FROM executions
WHERE ended_at IS NULL
GROUP BY journey_key, journey_version, current_node_id, state;
COMMENT ON VIEW node_standing IS 'Who stands at each node now, and since when';

CREATE VIEW node_survival AS
SELECT
    journey_key,
    journey_version,
    node_id,
    count(DISTINCT execution_id) AS reached,
    count(DISTINCT execution_id)::double precision / max(entered) AS share
FROM (
    SELECT journey_key, journey_version, execution_id, node_id FROM transitions
    UNION ALL
    SELECT journey_key, journey_version, execution_id, current_node_id FROM executions
) AS places
JOIN (
    SELECT journey_key, journey_version, count(*) AS entered FROM executions GROUP BY journey_key, journey_version
) AS entries_of_version USING (journey_key, journey_version)
WHERE node_id IS NOT NULL
GROUP BY journey_key, journey_version, node_id;
COMMENT ON VIEW node_survival IS 'How many executions got as far as each node';
COMMENT ON COLUMN node_survival.share IS 'Of those that entered on this version';

CREATE VIEW node_sends AS
SELECT
    journey_key,
    journey_version,
    node_id,
    action_type,
    (requested_at AT TIME ZONE 'UTC')::date AS day,
    status,
    split_part(reason, ':', 1) AS reason,
    count(*) AS dispatches,
    count(*) FILTER (WHERE result ->> 'delivery' = 'delivered') AS delivered,
    count(*) FILTER (WHERE result ->> 'delivery' = 'failed') AS bounced,
    count(*) FILTER (WHERE result ->> 'confirmed' = 'false') AS unconfirmed
FROM dispatches
GROUP BY journey_key, journey_version, node_id, action_type, day, status, split_part(reason, ':', 1);
COMMENT ON VIEW node_sends IS 'What was sent, failed, skipped and is on its way, by day of the request (UTC)';
COMMENT ON COLUMN node_sends.reason IS 'Of skipped and failed ones, without what stands behind the colon';
COMMENT ON COLUMN node_sends.delivered IS 'Of which a provider told later that they arrived';
COMMENT ON COLUMN node_sends.unconfirmed IS 'Of unknown fate, taken for sent';

CREATE VIEW node_points AS
SELECT
    journey_key,
    journey_version,
    node_id,
    (points_transactions.at AT TIME ZONE 'UTC')::date AS day,
    count(*) AS awards,
    sum(points)::bigint AS points
FROM points_transactions
JOIN dispatches ON dispatches.key = dispatch_key
GROUP BY journey_key, journey_version, node_id, (points_transactions.at AT TIME ZONE 'UTC')::date;
COMMENT ON VIEW node_points IS 'Points that each node awarded, by day (UTC)';

CREATE VIEW split_arms AS
SELECT
    transitions.journey_key,
    transitions.journey_version,
    transitions.node_id,
    transitions.branch AS arm,
    count(DISTINCT transitions.execution_id) AS executions,
    count(DISTINCT transitions.execution_id) FILTER (WHERE executions.outcome = 'goal') AS converted,
    count(DISTINCT transitions.execution_id) FILTER (WHERE executions.ended_at IS NULL) AS inside
FROM transitions
JOIN executions USING (execution_id)
JOIN journey_versions AS versions
    ON versions.journey_key = transitions.journey_key AND versions.version = transitions.journey_version
WHERE EXISTS (
    SELECT FROM jsonb_array_elements(versions.document -> 'nodes') AS node
    WHERE node ->> 'id' = transitions.node_id AND node ->> 'type' = 'split'
)
GROUP BY transitions.journey_key, transitions.journey_version, transitions.node_id, transitions.branch;
COMMENT ON VIEW split_arms IS 'How many took each arm of a split, and met the goal';
COMMENT ON COLUMN split_arms.inside IS 'Still under way';
