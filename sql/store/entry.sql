-- name: entries
-- purpose: last entry of each of these customers into a journey, and whether one is unfinished
SELECT
    last.customer_id,
    entry_number,
    entered_at,
    EXISTS (
        SELECT FROM unfinished
        WHERE unfinished.journey_key = %(journey_key)s AND unfinished.customer_id = last.customer_id
    ) AS is_unfinished
FROM (SELECT DISTINCT id FROM incoming_ids) AS wanted
-- one look for each customer, whatever the planner believes of a journey that is new
CROSS JOIN LATERAL (
    SELECT customer_id, entry_number, entered_at FROM entries
    WHERE journey_key = %(journey_key)s AND customer_id = wanted.id
    ORDER BY entry_number DESC
    LIMIT 1
) AS last
ORDER BY last.customer_id;

-- name: count_incoming
-- purpose: tell the planner that few of those who want to enter are alike
ANALYZE incoming_entrants (execution_id, journey_key, customer_id);

-- name: add_entries
-- purpose: let customers enter, but none a second time while an execution of theirs is unfinished
WITH fresh AS (
    SELECT DISTINCT ON (execution_id) *
    FROM incoming_entrants AS incoming
    WHERE NOT EXISTS (SELECT FROM entries WHERE entries.execution_id = incoming.execution_id)
    ORDER BY execution_id, incoming_position
), first AS (
    SELECT DISTINCT ON (journey_key, customer_id) *
    FROM fresh
    WHERE ended_at IS NULL
    ORDER BY journey_key, customer_id, incoming_position
), admitted AS (
    INSERT INTO unfinished (journey_key, customer_id)
    SELECT journey_key, customer_id
    FROM first
    ORDER BY journey_key, customer_id -- two who wait for one another would both wait for ever in another order
    ON CONFLICT (journey_key, customer_id) DO NOTHING
    RETURNING journey_key, customer_id
), chosen AS (
    -- as a full join it is never done row by row, whatever the planner believes of how many are new
    SELECT first.* FROM first FULL JOIN admitted USING (journey_key, customer_id) WHERE admitted IS NOT NULL
    UNION ALL
    SELECT * FROM fresh WHERE ended_at IS NOT NULL
)
INSERT INTO entries (entry_no, execution_id, journey_key, customer_id, entry_number, entered_via, entered_at)
SELECT (shard << 48) + nextval('entry_numbers'), execution_id, journey_key, customer_id, entry_number, entered_via, entered_at
FROM chosen
ORDER BY incoming_position
RETURNING execution_id, entry_no;

-- name: let_go
-- purpose: customers who may enter again, as far as uniqueness goes
DELETE FROM unfinished
USING incoming_leavers AS leaver
WHERE unfinished.journey_key = leaver.journey_key AND unfinished.customer_id = leaver.customer_id;

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
