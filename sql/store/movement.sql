-- Statements with {names} are put together by store/postgres/holding.py: {rows} is one of those that lock rows, {table}
-- is `standing`, one of its partitions, or `ended`. Rows leave as arrays, one for each column or for some small ones
-- together; {relations} is one element where all rows lie in one table, and {ends} is null where nobody has ended.

-- name: as_arrays
-- purpose: one row with the columns of these executions, in the order of Taken
WITH taken AS MATERIALIZED ({rows})
SELECT
    array_agg(place), {relations}, array_agg(entry_no), array_agg((edition_no::bigint << 32) | node_no),
    array_agg((visit::bigint << 32) | entry_number),
    array_agg((waiting_no::bigint << 32) | (state::integer << 16) | (action::integer << 8) | entered_via),
    array_agg(due_at), array_agg(entered_at), array_agg(arrived_at), array_agg(events_since), array_agg(missing_since),
    {ends},
    array_agg((octet_length(execution_id)::bigint << 32) | octet_length(customer_id)),
    string_agg(execution_id, ''), string_agg(customer_id, '')
FROM taken;

-- name: due_partitions
-- purpose: the partitions that may hold due rows, each with its name; at an action first, then the oldest date
SELECT relname
FROM pg_inherits
JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'standing'::regclass
  AND pg_relation_size(pg_class.oid) > 0
  AND (relname = 'standing_acting' OR NOT %(results_only)s AND right(relname, 8) <= to_char(%(as_of)s::timestamptz, 'YYYYMMDD'))
ORDER BY relname = 'standing_acting' DESC, relname;

-- name: due_rows
-- purpose: the next due rows of a version in a partition; rows that another run holds are passed over
SELECT ctid AS place, tableoid AS relation, {table}.*
FROM {table}
WHERE edition_no = %(edition_no)s
  AND entry_no > %(after)s
  AND entry_no < %(before)s
  AND (
      action BETWEEN 1 AND 3
      OR NOT %(results_only)s
      AND (
          due_at <= %(as_of)s
          OR missing_since <= %(missing_before)s
          OR waiting_no > 0 AND EXISTS (
              SELECT FROM events
              JOIN labels ON label = event_type
              WHERE label_no = waiting_no
                AND events.customer_id = {table}.customer_id
                AND occurred_at > events_since
                AND occurred_at <= %(as_of)s
                AND received_at <= %(as_of)s
          )
      )
  )
ORDER BY entry_no
LIMIT %(limit)s
FOR UPDATE OF {table} SKIP LOCKED;

-- name: rows_for_events
-- purpose: rows of a version that are due later but for an event that has come
SELECT ctid AS place, tableoid AS relation, standing.*
FROM standing
WHERE edition_no = %(edition_no)s
  AND entry_no > %(after)s
  AND entry_no < %(before)s
  AND bucket > (%(as_of)s::timestamptz AT TIME ZONE 'UTC')::date
  AND bucket < 'infinity'
  AND waiting_no > 0
  AND EXISTS (
      SELECT FROM events
      JOIN labels ON label = event_type
      WHERE label_no = waiting_no
        AND events.customer_id = standing.customer_id
        AND occurred_at > events_since
        AND occurred_at <= %(as_of)s
        AND received_at <= %(as_of)s
  )
ORDER BY entry_no
LIMIT %(limit)s
FOR UPDATE OF standing SKIP LOCKED;

-- name: missing_rows
-- purpose: rows of a version that are due later but whose customers have been missing for long
SELECT ctid AS place, tableoid AS relation, standing.*
FROM standing
WHERE edition_no = %(edition_no)s
  AND entry_no > %(after)s
  AND entry_no < %(before)s
  AND bucket > (%(as_of)s::timestamptz AT TIME ZONE 'UTC')::date
  AND bucket < 'infinity'
  AND missing_since < 'infinity'
  AND missing_since <= %(missing_before)s
ORDER BY entry_no
LIMIT %(limit)s
FOR UPDATE OF standing SKIP LOCKED;

-- name: rows_standing
-- purpose: the next rows of a version at some nodes, due or not; rows that a run holds are passed over
SELECT ctid AS place, tableoid AS relation, standing.*
FROM standing
WHERE edition_no = %(edition_no)s
  AND node_no = ANY(%(node_nos)s)
  AND entry_no > %(after)s
ORDER BY entry_no
LIMIT %(limit)s
FOR UPDATE OF standing SKIP LOCKED;

-- name: lock_rows
-- purpose: these executions, locked in the order of entry so that two who wait cannot wait for one another
SELECT ctid AS place, tableoid AS relation, {table}.*
FROM {table}
WHERE entry_no = ANY(%(entry_nos)s)
ORDER BY entry_no
FOR UPDATE OF {table};

-- name: try_rows
-- purpose: those of these executions that nobody else holds, locked
SELECT ctid AS place, tableoid AS relation, {table}.*
FROM {table}
WHERE entry_no = ANY(%(entry_nos)s)
ORDER BY entry_no
FOR UPDATE OF {table} SKIP LOCKED;

-- name: lock_row
-- purpose: one execution, locked
SELECT ctid AS place, tableoid AS relation, {table}.* FROM {table} WHERE entry_no = %(entry_no)s FOR UPDATE OF {table};

-- name: see_row
-- purpose: one execution, not locked
SELECT ctid AS place, tableoid AS relation, {table}.* FROM {table} WHERE entry_no = %(entry_no)s;

-- name: entry_no
-- purpose: number of one execution
SELECT entry_no FROM entries WHERE execution_id = %(execution_id)s;

-- name: entry_nos
-- purpose: numbers of these executions
SELECT entry.execution_id, entry.entry_no
FROM (SELECT DISTINCT id FROM incoming_ids) AS wanted
-- one look for each, whatever the planner believes: the ledger only grows
CROSS JOIN LATERAL (SELECT execution_id, entry_no FROM entries WHERE execution_id = wanted.id OFFSET 0) AS entry;

-- name: endings
-- purpose: how these executions ended
SELECT entry_no, outcome, failure FROM ended WHERE entry_no IN (SELECT number FROM incoming_numbers);

-- name: unfinished_of
-- purpose: a journey's unfinished executions of these customers
SELECT last.execution_id
FROM (SELECT DISTINCT id FROM incoming_ids) AS wanted
JOIN unfinished ON unfinished.journey_key = %(journey_key)s AND unfinished.customer_id = wanted.id
CROSS JOIN LATERAL (
    SELECT execution_id FROM entries
    WHERE entries.journey_key = %(journey_key)s AND entries.customer_id = wanted.id
    ORDER BY entry_number DESC
    LIMIT 1
) AS last
ORDER BY wanted.id;

-- name: set_missing
-- purpose: note since when customers are missing from the features, or that they are back
UPDATE ONLY {table} SET missing_since = %(since)s WHERE ctid = ANY(%(places)s);

-- name: take_out
-- purpose: remove rows that this transaction holds
DELETE FROM ONLY {table} WHERE ctid = ANY(%(places)s);

-- name: contexts
-- purpose: what these executions carry with them
SELECT
    array_agg(entry_no),
    '[' || string_agg(context::text, ',') || ']',
    '[' || string_agg(visits::text, ',') || ']'
FROM contexts
WHERE entry_no = ANY(%(entry_nos)s);

-- name: add_contexts
-- purpose: keep what executions carry with them from now on; keys that are not named stay
INSERT INTO contexts (entry_no, context, visits)
SELECT entry_no, context, visits
FROM incoming_executions
ORDER BY entry_no
ON CONFLICT (entry_no) DO UPDATE
SET context = contexts.context || excluded.context,
    visits = CASE excluded.visits WHEN '{}' THEN contexts.visits ELSE excluded.visits END;

-- name: put_standing
-- purpose: rows of unfinished executions
COPY standing (
    entry_no, bucket, edition_no, node_no, visit, state, action, entered_via, entry_number, waiting_no, due_at,
    entered_at, arrived_at, events_since, missing_since, execution_id, customer_id
) FROM STDIN (FORMAT binary);

-- name: put_ended
-- purpose: rows of ended executions
COPY ended (
    entry_no, edition_no, node_no, visit, state, action, entered_via, entry_number, waiting_no, due_at,
    entered_at, arrived_at, events_since, missing_since, ended_at, execution_id, customer_id, outcome, failure, day
) FROM STDIN (FORMAT binary);

-- name: put_moves
-- purpose: what this pass did
COPY moves (entry_no, stamp_no, path_no, day) FROM STDIN (FORMAT binary);

-- name: use_events
-- purpose: note the events that ended a wait or met a goal
WITH fresh AS (
    SELECT event_id FROM events
    WHERE event_id IN (SELECT id FROM incoming_ids) AND NOT is_used
    ORDER BY event_id -- an event may serve two journeys, whose runs would wait for one another in another order
    FOR UPDATE
)
UPDATE events SET is_used = true FROM fresh WHERE events.event_id = fresh.event_id;
