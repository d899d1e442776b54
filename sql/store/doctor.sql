-- Each statement gives one row for each thing that is wrong (or worth a note): `example` names it, `since` may be null.
-- They read tables and views by their documented columns and lock nothing.

-- name: ended_and_waiting
-- purpose: executions that ended and still wait for something
SELECT execution_id AS example, ended_at AS since FROM executions
WHERE ended_at IS NOT NULL
  AND (due_at IS NOT NULL OR waiting_for IS NOT NULL OR events_since IS NOT NULL OR action_status IS NOT NULL);

-- name: ended_without_reason
-- purpose: executions that ended without saying how, or in two ways
SELECT execution_id AS example, ended_at AS since FROM executions
WHERE (state = 'COMPLETED') IS DISTINCT FROM (outcome IS NOT NULL)
   OR (state = 'FAILED') IS DISTINCT FROM (failure IS NOT NULL)
   OR (state IN ('COMPLETED', 'FAILED')) IS DISTINCT FROM (ended_at IS NOT NULL);

-- name: ended_with_dispatch
-- purpose: unsettled dispatches of executions that ended
SELECT dispatches.key AS example, executions.ended_at AS since
FROM dispatches
JOIN executions USING (execution_id)
WHERE executions.ended_at IS NOT NULL AND dispatches.status IN ('pending', 'sending', 'retry', 'unknown');

-- name: action_without_dispatch
-- purpose: executions at an action whose result nobody will ever know, or that has two on their way
SELECT executions.execution_id AS example, executions.arrived_at AS since
FROM executions
LEFT JOIN dispatches
    ON dispatches.execution_id = executions.execution_id
    AND dispatches.status IN ('pending', 'sending', 'retry', 'unknown')
WHERE executions.state = 'IN_PROGRESS'
GROUP BY executions.execution_id, executions.arrived_at, executions.action_status, executions.current_node_id
HAVING count(dispatches.key) > 1
    OR count(dispatches.key) = 1 AND executions.action_status IN ('sent', 'skipped', 'failed')
    OR count(dispatches.key) = 0 AND coalesce(executions.action_status, '') NOT IN ('sent', 'skipped', 'failed')
    OR count(dispatches.key) = 1 AND min(dispatches.node_id) IS DISTINCT FROM executions.current_node_id;

-- name: in_progress_elsewhere
-- purpose: executions in progress at a node that is no action
SELECT execution_id AS example, arrived_at AS since
FROM executions
JOIN journey_versions ON journey_versions.journey_key = executions.journey_key AND version = journey_version
JOIN LATERAL jsonb_array_elements(document -> 'nodes') AS node ON node ->> 'id' = current_node_id
WHERE state = 'IN_PROGRESS' AND node ->> 'type' <> 'action';

-- name: waiting_for_ever
-- purpose: executions that no time and no event will ever wake
SELECT execution_id AS example, arrived_at AS since FROM executions
WHERE state IN ('NOT_STARTED', 'WAITING') AND due_at IS NULL AND waiting_for IS NULL;

-- name: dispatch_without_execution
-- purpose: dispatches of nobody, or under the number of another execution
SELECT key AS example, requested_at AS since
FROM dispatches
LEFT JOIN executions USING (entry_no)
WHERE executions.execution_id IS DISTINCT FROM dispatches.execution_id;

-- name: sending_without_run
-- purpose: dispatches that are out under a run that does not exist
SELECT key AS example, left_at AS since FROM dispatches
WHERE status = 'sending' AND NOT EXISTS (SELECT FROM runs WHERE runs.run_id = dispatches.run_id);

-- name: move_without_entry
-- purpose: moves, and with them transitions, of nobody
SELECT moves.entry_no::text AS example, stamps.at AS since
FROM moves
JOIN stamps USING (stamp_no)
WHERE NOT EXISTS (SELECT FROM entries WHERE entries.entry_no = moves.entry_no);

-- name: row_lost
-- purpose: executions that entered and are neither standing nor ended, or both
SELECT execution_id AS example, entered_at AS since
FROM entries
LEFT JOIN (
    SELECT entry_no, count(*) AS places
    FROM (SELECT entry_no FROM standing UNION ALL SELECT entry_no FROM ended) AS placed
    GROUP BY entry_no
) AS placed USING (entry_no)
WHERE places > 1
   OR places IS NULL AND EXISTS (SELECT FROM entries_kept WHERE entries_kept.entry_no = entries.entry_no);

-- name: uniqueness_lost
-- purpose: unfinished executions of which the table that keeps them unique knows nothing, or that it still counts
SELECT journey_key || ', customer ' || customer_id AS example, entered_at AS since
FROM unfinished
FULL JOIN (
    SELECT journey_key, customer_id, standing.entered_at FROM standing JOIN editions USING (edition_no)
) AS inside USING (journey_key, customer_id)
WHERE inside.entered_at IS NULL OR unfinished IS NULL;

-- name: wrong_bucket
-- purpose: executions that are due before the date on which a run looks at them
SELECT execution_id AS example, due_at AS since
FROM standing
WHERE bucket < 'infinity' AND (due_at AT TIME ZONE 'UTC')::date < bucket;

-- name: broken_path
-- purpose: executions whose transitions do not lead along edges of their versions from the start to where they stand
WITH edges AS MATERIALIZED (
    SELECT DISTINCT
        journey_key, version, edge ->> 'source' AS source, edge ->> 'target' AS target, edge ->> 'branch' AS branch
    FROM journey_versions
    CROSS JOIN LATERAL jsonb_array_elements(document -> 'edges') AS edge
), ends AS MATERIALIZED (
    SELECT journey_key, version, node ->> 'id' AS node_id, node ->> 'type' AS type
    FROM journey_versions
    CROSS JOIN LATERAL jsonb_array_elements(document -> 'nodes') AS node
    WHERE node ->> 'type' IN ('start', 'end')
), steps AS MATERIALIZED (
    SELECT
        transitions.execution_id,
        executions.journey_key,
        transitions.journey_version AS version,
        lead(transitions.journey_version, 1, executions.journey_version) OVER taken AS next_version,
        transitions.node_id,
        transitions.branch,
        transitions.at,
        row_number() OVER taken = 1 AS is_first,
        lead(transitions.node_id) OVER taken AS next_id,
        executions.current_node_id,
        coalesce(starts_with(executions.failure, 'missing_edge'), false) AS is_lost
    FROM transitions
    JOIN executions USING (execution_id)
    WINDOW taken AS (PARTITION BY transitions.execution_id ORDER BY transitions.position)
), wrong AS (
    SELECT execution_id, at FROM steps
    WHERE is_first AND NOT EXISTS (
        SELECT FROM ends
        WHERE ends.journey_key = steps.journey_key AND ends.version = steps.version
          AND ends.node_id = steps.node_id AND ends.type = 'start'
    )
    UNION ALL
    SELECT execution_id, at FROM steps
    WHERE NOT EXISTS (
        SELECT FROM edges
        WHERE edges.journey_key = steps.journey_key AND edges.version = steps.version
          AND edges.source = steps.node_id AND edges.target = coalesce(steps.next_id, steps.current_node_id)
          AND (edges.branch IS NULL OR edges.branch = steps.branch)
          AND steps.version = steps.next_version
    ) AND NOT (
        -- a migration leads from any node of a version to any of a later one
        steps.branch = 'migrated' AND steps.version < steps.next_version
    ) AND NOT (
        -- the last step out of an end leads nowhere, and one that found no edge stayed where it was
        steps.next_id IS NULL AND steps.node_id = steps.current_node_id AND (steps.is_lost OR EXISTS (
            SELECT FROM ends
            WHERE ends.journey_key = steps.journey_key AND ends.version = steps.version
              AND ends.node_id = steps.node_id AND ends.type = 'end'
        ))
    )
    UNION ALL
    SELECT execution_id, arrived_at FROM executions
    WHERE NOT EXISTS (SELECT FROM transitions WHERE transitions.execution_id = executions.execution_id)
      AND NOT EXISTS (
        SELECT FROM ends
        WHERE ends.journey_key = executions.journey_key AND ends.version = executions.journey_version
          AND ends.node_id = executions.current_node_id AND ends.type = 'start'
    )
)
SELECT execution_id AS example, min(at) AS since FROM wrong GROUP BY execution_id;

-- name: unknown_node
-- purpose: executions at a node that their version does not have, or of a version that does not exist
WITH nodes AS MATERIALIZED (
    SELECT journey_key, version, node ->> 'id' AS node_id
    FROM journey_versions
    CROSS JOIN LATERAL jsonb_array_elements(document -> 'nodes') AS node
)
SELECT execution_id AS example, arrived_at AS since FROM executions
WHERE NOT EXISTS (
    SELECT FROM nodes
    WHERE nodes.journey_key = executions.journey_key AND nodes.version = executions.journey_version
      AND nodes.node_id = executions.current_node_id
);

-- name: unfinished_twice
-- purpose: customers who are in a journey twice at once
SELECT journey_key || ', customer ' || customer_id AS example, min(entered_at) AS since FROM executions
WHERE ended_at IS NULL
GROUP BY journey_key, customer_id
HAVING count(*) > 1;

-- name: entry_gap
-- purpose: customers whose entries into a journey are not numbered 1, 2, 3 and so on
SELECT journey_key || ', customer ' || customer_id AS example, min(entered_at) AS since FROM entries
GROUP BY journey_key, customer_id
HAVING min(entry_number) <> 1 OR max(entry_number) <> count(*) OR count(DISTINCT entry_number) <> count(*);

-- name: points_without_send
-- purpose: awards without a dispatch that was sent
SELECT dispatch_key AS example, at AS since FROM points_transactions
WHERE NOT EXISTS (SELECT FROM dispatches WHERE key = dispatch_key AND status = 'sent');

-- name: campaign_without_send
-- purpose: campaign deliveries without a dispatch that was sent
SELECT dispatch_key AS example, at AS since FROM campaign_executions
WHERE NOT EXISTS (SELECT FROM dispatches WHERE key = dispatch_key AND status = 'sent');

-- name: wrong_balance
-- purpose: accounts whose balance is not the sum of their awards
SELECT customer_id || ', program ' || program_id AS example, max(at) AS since
FROM loyalty_accounts
LEFT JOIN points_transactions USING (customer_id, program_id)
GROUP BY customer_id, program_id, points_balance, points_removed
HAVING points_balance <> points_removed + coalesce(sum(points), 0);

-- name: open_runs
-- purpose: runs that were not closed
SELECT run_id AS example, opened_at AS since FROM runs WHERE NOT is_closed;

-- name: unknown_sends
-- purpose: dispatches whose fate nobody knows, and those that a run which has ended left behind while they were out
SELECT key AS example, left_at AS since FROM dispatches
WHERE status = 'unknown'
   OR status = 'sending' AND EXISTS (SELECT FROM runs WHERE runs.run_id = dispatches.run_id AND is_closed);

-- name: paused_inside
-- purpose: people inside paused journeys, journey by journey
SELECT journey_key || ', customer ' || customer_id AS example, entered_at AS since
FROM executions
JOIN journeys USING (journey_key)
WHERE status = 'paused' AND ended_at IS NULL;
