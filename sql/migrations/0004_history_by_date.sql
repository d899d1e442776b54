-- History in partitions by date, so that retention drops tables. What is there already becomes one partition of each
-- table, by the last date in it.

DROP VIEW executions;
DROP VIEW transitions;
CREATE TEMPORARY TABLE ended_before ON COMMIT DROP AS SELECT * FROM ended;
CREATE TEMPORARY TABLE moves_before ON COMMIT DROP AS SELECT * FROM moves;
DROP TABLE ended;
DROP TABLE moves;

CREATE TABLE ended (
    entry_no bigint NOT NULL,
    edition_no integer NOT NULL,
    node_no integer NOT NULL,
    visit integer NOT NULL,
    state smallint NOT NULL CHECK (state BETWEEN 4 AND 5),
    action smallint NOT NULL CHECK (action BETWEEN 0 AND 6),
    entered_via smallint NOT NULL CHECK (entered_via BETWEEN 1 AND 2),
    entry_number integer NOT NULL,
    waiting_no integer NOT NULL,
    due_at timestamptz NOT NULL,
    entered_at timestamptz NOT NULL,
    arrived_at timestamptz NOT NULL,
    events_since timestamptz NOT NULL,
    missing_since timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    execution_id text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    outcome text,
    failure text,
    day date NOT NULL,
    PRIMARY KEY (entry_no, day)
) PARTITION BY LIST (day);
COMMENT ON TABLE ended IS 'Executions that have ended, as standing had them last';
COMMENT ON COLUMN ended.state IS '4 COMPLETED, 5 FAILED';
COMMENT ON COLUMN ended.outcome IS 'Id of an end node, exit_rule, goal or cancelled';
COMMENT ON COLUMN ended.failure IS 'A code and a sentence';
COMMENT ON COLUMN ended.day IS 'Date (UTC) of the end, or the last day of its month: the partition, which retention drops';

CREATE TABLE moves (
    move_no bigint NOT NULL,
    entry_no bigint NOT NULL,
    stamp_no integer NOT NULL,
    path_no integer NOT NULL,
    day date NOT NULL
) PARTITION BY LIST (day);
CREATE SEQUENCE move_numbers OWNED BY moves.move_no;
ALTER TABLE moves ALTER COLUMN move_no SET DEFAULT nextval('move_numbers');
-- of pages and not of rows, which would cost more than the rows themselves; a bloom filter, since every run writes
-- numbers of all shards
CREATE INDEX moves_by_entry ON moves
    USING brin (entry_no int8_bloom_ops (n_distinct_per_range = 2500)) WITH (pages_per_range = 16);
CREATE TABLE moves_kept PARTITION OF moves FOR VALUES IN ('infinity');
COMMENT ON TABLE moves_kept IS 'Moves of dropped partitions whose executions are still there';
COMMENT ON TABLE moves IS 'What one pass did with an execution: one row for the whole path; append-only';
COMMENT ON COLUMN moves.move_no IS 'Order in which rows were written';
COMMENT ON COLUMN moves.day IS 'Date (UTC) of the run, or the last day of its month; infinity: that partition was dropped';
SELECT setval('move_numbers', 1 + coalesce(max(move_no), 0), false) FROM moves_before;

DO $$
DECLARE
    name text;
    last date;
BEGIN
    FOREACH name IN ARRAY ARRAY['ended', 'moves'] LOOP
        IF name = 'ended' THEN
            SELECT (max(ended_at) AT TIME ZONE 'UTC')::date INTO last FROM ended_before;
        ELSE
            SELECT (max(coalesce(run_as_of, at)) AT TIME ZONE 'UTC')::date INTO last
            FROM moves_before JOIN stamps USING (stamp_no);
        END IF;
        CONTINUE WHEN last IS NULL;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', name || to_char(last, '_YYYYMMDD'), name);
        EXECUTE format(
            'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES IN (%L)', name, name || to_char(last, '_YYYYMMDD'), last
        );
        EXECUTE format('INSERT INTO %I SELECT *, %L::date FROM %I', name, last, name || '_before');
    END LOOP;
END $$;

CREATE VIEW executions AS
SELECT
    execution_id,
    journey_key,
    journey_version,
    customer_id,
    entry_number,
    (ARRAY['entry', 'manual'])[entered_via] AS entered_via,
    (ARRAY['NOT_STARTED', 'IN_PROGRESS', 'WAITING', 'COMPLETED', 'FAILED'])[state] AS state,
    node.label AS current_node_id,
    visit,
    coalesce(visits, '{}') AS visits,
    coalesce(context, '{}') AS context,
    nullif(due_at, 'infinity') AS due_at,
    entered_at,
    nullif(arrived_at, 'infinity') AS arrived_at,
    ended_at,
    event.label AS waiting_for,
    nullif(events_since, 'infinity') AS events_since,
    (ARRAY['sent', 'skipped', 'failed', 'retry', 'deferred', 'unknown'])[action] AS action_status,
    nullif(missing_since, 'infinity') AS missing_since,
    outcome,
    failure,
    entry_no & (1::bigint << 48) - 1 AS position,
    entry_no
FROM (
    SELECT
        entry_no, edition_no, node_no, visit, state, action, entered_via, entry_number, waiting_no, due_at, entered_at,
        arrived_at, events_since, missing_since, execution_id, customer_id,
        NULL::timestamptz AS ended_at, NULL AS outcome, NULL AS failure
    FROM standing
    UNION ALL
    SELECT
        entry_no, edition_no, node_no, visit, state, action, entered_via, entry_number, waiting_no, due_at, entered_at,
        arrived_at, events_since, missing_since, execution_id, customer_id,
        ended_at, outcome, failure
    FROM ended
) AS execution
JOIN editions USING (edition_no)
LEFT JOIN labels AS node ON node.label_no = node_no
LEFT JOIN labels AS event ON event.label_no = waiting_no
LEFT JOIN contexts USING (entry_no);
COMMENT ON VIEW executions IS 'One passage of one customer through one journey version';
COMMENT ON COLUMN executions.execution_id IS 'Hash of journey key, customer and entry number, written as a UUID';
COMMENT ON COLUMN executions.entry_number IS '1 for the customer''s first entry into the journey, whatever the version';
COMMENT ON COLUMN executions.entered_via IS 'entry (segment or rules) or manual';
COMMENT ON COLUMN executions.state IS 'IN_PROGRESS at rest: an action is out for delivery or waits for its retry';
COMMENT ON COLUMN executions.visit IS 'Number of the current visit of the current node, from 1';
COMMENT ON COLUMN executions.visits IS 'For nodes on a cycle: id to visits so far, id@ to as_of of the run that left it last';
COMMENT ON COLUMN executions.context IS 'Data of the start, the event that ended a wait, results of actions';
COMMENT ON COLUMN executions.due_at IS 'When it wants to be looked at next; null: when a result or an event comes';
COMMENT ON COLUMN executions.arrived_at IS 'When it reached the current node';
COMMENT ON COLUMN executions.waiting_for IS 'Type of the event that would end the wait';
COMMENT ON COLUMN executions.events_since IS 'Events that occurred after this instant count for that wait';
COMMENT ON COLUMN executions.action_status IS 'At an action: its result, or why it is not known yet; null while it is out';
COMMENT ON COLUMN executions.missing_since IS 'First run that found no row of the customer in the feature snapshot';
COMMENT ON COLUMN executions.outcome IS 'Id of an end node, exit_rule, goal or cancelled';
COMMENT ON COLUMN executions.failure IS 'A code and a sentence';
COMMENT ON COLUMN executions.position IS 'Order of entry';
COMMENT ON COLUMN executions.entry_no IS 'Number in the ledger of entries, by which rows are found fast';

CREATE VIEW transitions AS
SELECT
    execution_id,
    editions.journey_key,
    journey_version,
    customer_id,
    step ->> 0 AS node_id,
    (step ->> 1)::integer AS visit,
    step ->> 2 AS branch,
    at,
    run_id,
    run_as_of,
    snapshot_id,
    step ->> 3 AS fingerprint,
    (move_no << 16) + number AS position
FROM moves
JOIN entries USING (entry_no)
JOIN stamps USING (stamp_no)
JOIN paths USING (path_no)
JOIN editions USING (edition_no)
CROSS JOIN LATERAL jsonb_array_elements(steps) WITH ORDINALITY AS steps_of_path (step, number);
COMMENT ON VIEW transitions IS 'One row for each node that an execution left';
COMMENT ON COLUMN transitions.branch IS 'The way out that was taken; null where there is one';
COMMENT ON COLUMN transitions.snapshot_id IS 'The feature snapshot that decided';
COMMENT ON COLUMN transitions.fingerprint IS 'Of the rule that decided';
COMMENT ON COLUMN transitions.position IS 'Order of the moves, and of the nodes within one move';

CREATE TABLE retention (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    kept_from date NOT NULL
);
COMMENT ON TABLE retention IS 'One row once retention has run';
COMMENT ON COLUMN retention.kept_from IS 'Executions that ended before this date (UTC) may have been removed';

CREATE VIEW entries_kept AS
SELECT entry_no, execution_id
FROM entries
WHERE entered_at >= coalesce((SELECT kept_from FROM retention), '-infinity')
   OR EXISTS (
        SELECT FROM unfinished
        WHERE unfinished.journey_key = entries.journey_key AND unfinished.customer_id = entries.customer_id
    ) AND NOT EXISTS (
        SELECT FROM entries AS later
        WHERE later.journey_key = entries.journey_key
          AND later.customer_id = entries.customer_id
          AND later.entry_number > entries.entry_number
    );
COMMENT ON VIEW entries_kept IS 'Entries whose executions no retention can have removed: not ended, or not long ago';

ALTER TABLE loyalty_accounts ADD COLUMN points_removed bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN loyalty_accounts.points_removed IS 'Sum of the awards that retention removed';

ALTER TABLE editions ADD COLUMN is_left boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN editions.is_left IS 'A newer version is long out and nobody stands in this one: runs need not look for anybody';
