-- Who came to each node, by day: the other side of node_passages.

CREATE VIEW node_arrivals AS
SELECT journey_key, journey_version, node_id, (at AT TIME ZONE 'UTC')::date AS day, count(*) AS arrived
FROM (
    SELECT
        passed.journey_key,
        passed.journey_version,
        passed.node_id,
        coalesce(lag(passed.at) OVER (PARTITION BY execution_id ORDER BY passed.position), entered_at) AS at
    FROM transitions AS passed
    JOIN executions USING (execution_id)
    UNION ALL
    SELECT journey_key, journey_version, current_node_id, arrived_at
    FROM executions AS standing
    WHERE NOT EXISTS (
        SELECT
        FROM transitions AS passed
        WHERE passed.execution_id = standing.execution_id
            AND passed.node_id = standing.current_node_id
            AND passed.visit = standing.visit
    )
) AS arrivals
GROUP BY journey_key, journey_version, node_id, day;
COMMENT ON VIEW node_arrivals IS 'Who came to each node, by day (UTC); whoever comes round again counts again';
