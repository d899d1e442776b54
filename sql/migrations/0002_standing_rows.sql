-- Executions in rows of one width by due date, and their transitions as paths; views keep the documented columns.

ALTER TABLE executions RENAME TO old_executions;
ALTER TABLE transitions RENAME TO old_transitions;
DROP INDEX executions_one_unfinished, executions_to_take, executions_by_customer;

CREATE TABLE labels (
    label_no integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    label text COLLATE "C" NOT NULL UNIQUE
);
COMMENT ON TABLE labels IS 'Texts that repeat in standing, ended and paths, each with its number';

CREATE TABLE editions (
    edition_no integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    journey_key text COLLATE "C" NOT NULL,
    journey_version integer NOT NULL,
    UNIQUE (journey_key, journey_version)
);
COMMENT ON TABLE editions IS 'Journey versions that somebody entered, each with its number';

CREATE TABLE entries (
    entry_no bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    execution_id text COLLATE "C" NOT NULL UNIQUE,
    journey_key text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    entry_number integer NOT NULL CHECK (entry_number >= 1),
    entered_via text NOT NULL CHECK (entered_via IN ('entry', 'manual')),
    entered_at timestamptz NOT NULL
);
CREATE INDEX entries_by_customer ON entries (customer_id, journey_key);
COMMENT ON TABLE entries IS 'Who entered which journey when; a row never changes and is never removed';
COMMENT ON COLUMN entries.entry_no IS 'Order of entry; names the execution in all other tables of executions';
COMMENT ON COLUMN entries.execution_id IS 'Hash of journey key, customer and entry number, written as a UUID';
COMMENT ON COLUMN entries.entry_number IS '1 for the customer''s first entry into the journey, whatever the version';
COMMENT ON COLUMN entries.entered_via IS 'entry (segment or rules) or manual';

CREATE TABLE unfinished (
    journey_key text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (journey_key, customer_id)
);
COMMENT ON TABLE unfinished IS 'Who is in which journey: at most one unfinished execution of each customer';

-- Rows of one width and without nulls, so that they travel as arrays: -infinity would be before, infinity is never.
CREATE TABLE standing (
    entry_no bigint NOT NULL,
    bucket date NOT NULL,
    edition_no integer NOT NULL,
    node_no integer NOT NULL,
    visit integer NOT NULL,
    state smallint NOT NULL CHECK (state BETWEEN 1 AND 3),
    action smallint NOT NULL CHECK (action BETWEEN 0 AND 6),
    entered_via smallint NOT NULL CHECK (entered_via BETWEEN 1 AND 2),
    entry_number integer NOT NULL,
    waiting_no integer NOT NULL,
    due_at timestamptz NOT NULL,
    entered_at timestamptz NOT NULL,
    arrived_at timestamptz NOT NULL,
    events_since timestamptz NOT NULL,
    missing_since timestamptz NOT NULL,
    execution_id text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL
) PARTITION BY LIST (bucket);
-- A move takes the row out and puts the next one in, so that every index here is paid for with every move.
CREATE INDEX standing_by_entry ON standing (entry_no);
CREATE INDEX standing_for_events ON standing (edition_no, entry_no) WHERE waiting_no > 0;
CREATE INDEX standing_missing ON standing (edition_no, entry_no) WHERE missing_since < 'infinity';
COMMENT ON TABLE standing IS 'Unfinished executions, in partitions by the date on which a run must look at them';
COMMENT ON COLUMN standing.bucket IS 'A date (UTC) not after due_at; infinity: at an action, looked at in every run';
COMMENT ON COLUMN standing.node_no IS 'Label of the current node; 0: none';
COMMENT ON COLUMN standing.state IS '1 NOT_STARTED, 2 IN_PROGRESS, 3 WAITING';
COMMENT ON COLUMN standing.action IS '1 sent, 2 skipped, 3 failed, 4 retry, 5 deferred, 6 unknown; 0: none';
COMMENT ON COLUMN standing.entered_via IS '1 entry, 2 manual';
COMMENT ON COLUMN standing.waiting_no IS 'Label of the type of the event that would end the wait; 0: none';
COMMENT ON COLUMN standing.due_at IS 'When it wants to be looked at next; infinity: when a result or an event comes';
COMMENT ON COLUMN standing.events_since IS 'Events that occurred after this instant count for that wait; infinity: none do';
COMMENT ON COLUMN standing.missing_since IS 'First run without a row of the customer in the features; infinity: not missing';

CREATE TABLE standing_acting PARTITION OF standing FOR VALUES IN ('infinity');
COMMENT ON TABLE standing_acting IS 'Executions at an action, and those without a due time';

CREATE TABLE ended (
    entry_no bigint PRIMARY KEY,
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
    failure text
);
COMMENT ON TABLE ended IS 'Executions that have ended, as standing had them last';
COMMENT ON COLUMN ended.state IS '4 COMPLETED, 5 FAILED';
COMMENT ON COLUMN ended.outcome IS 'Id of an end node, exit_rule, goal or cancelled';
COMMENT ON COLUMN ended.failure IS 'A code and a sentence';

CREATE TABLE contexts (
    entry_no bigint PRIMARY KEY,
    context jsonb NOT NULL,
    visits jsonb NOT NULL
);
COMMENT ON TABLE contexts IS 'What executions carry with them, where it is not empty';
COMMENT ON COLUMN contexts.context IS 'Data of the start, the event that ended a wait, results of actions';
COMMENT ON COLUMN contexts.visits IS 'For nodes on a cycle: id to visits so far, id@ to as_of of the run that left it last';

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
    entry_no AS position
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

CREATE TABLE stamps (
    stamp_no integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    run_id text COLLATE "C",
    run_as_of timestamptz,
    snapshot_id text COLLATE "C",
    UNIQUE NULLS NOT DISTINCT (at, run_id, run_as_of, snapshot_id)
);
COMMENT ON TABLE stamps IS 'When, by which run and on which feature snapshot executions moved';

CREATE TABLE paths (
    path_no integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    digest text COLLATE "C" NOT NULL UNIQUE,
    edition_no integer NOT NULL,
    steps jsonb NOT NULL
);
COMMENT ON TABLE paths IS 'Ways through a journey version that executions took within one pass, each with its number';
COMMENT ON COLUMN paths.digest IS 'Hash of the edition and the steps';
COMMENT ON COLUMN paths.steps IS 'In order, for each node that was left: [node, visit, branch, fingerprint of the rule]';

CREATE TABLE moves (
    move_no bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    entry_no bigint NOT NULL,
    stamp_no integer NOT NULL,
    path_no integer NOT NULL
);
CREATE INDEX moves_by_entry ON moves (entry_no);
COMMENT ON TABLE moves IS 'What one pass did with an execution: one row for the whole path; append-only';
COMMENT ON COLUMN moves.move_no IS 'Order in which rows were written';

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


INSERT INTO labels (label)
SELECT current_node_id FROM old_executions WHERE current_node_id IS NOT NULL
UNION
SELECT waiting_for FROM old_executions WHERE waiting_for IS NOT NULL;

INSERT INTO editions (journey_key, journey_version)
SELECT journey_key, journey_version FROM old_executions
UNION
SELECT journey_key, journey_version FROM old_transitions;

INSERT INTO entries (execution_id, journey_key, customer_id, entry_number, entered_via, entered_at)
SELECT execution_id, journey_key, customer_id, entry_number, entered_via, entered_at
FROM old_executions
ORDER BY position;

INSERT INTO unfinished (journey_key, customer_id)
SELECT journey_key, customer_id FROM old_executions WHERE ended_at IS NULL;

INSERT INTO contexts (entry_no, context, visits)
SELECT entry_no, context, visits
FROM old_executions
JOIN entries USING (execution_id)
WHERE context <> '{}' OR visits <> '{}';

CREATE TEMPORARY TABLE coded ON COMMIT DROP AS
SELECT
    entry_no,
    edition_no,
    coalesce(node.label_no, 0) AS node_no,
    visit,
    array_position(ARRAY['NOT_STARTED', 'IN_PROGRESS', 'WAITING', 'COMPLETED', 'FAILED'], state)::smallint AS state,
    coalesce(
        array_position(ARRAY['sent', 'skipped', 'failed', 'retry', 'deferred', 'unknown'], action_status), 0
    )::smallint AS action,
    array_position(ARRAY['entry', 'manual'], old.entered_via)::smallint AS entered_via,
    old.entry_number,
    coalesce(event.label_no, 0) AS waiting_no,
    coalesce(due_at, 'infinity') AS due_at,
    old.entered_at,
    coalesce(arrived_at, 'infinity') AS arrived_at,
    coalesce(events_since, 'infinity') AS events_since,
    coalesce(missing_since, 'infinity') AS missing_since,
    ended_at,
    old.execution_id,
    old.customer_id,
    outcome,
    failure
FROM old_executions AS old
JOIN entries USING (execution_id)
JOIN editions ON (editions.journey_key, editions.journey_version) = (old.journey_key, old.journey_version)
LEFT JOIN labels AS node ON node.label = current_node_id
LEFT JOIN labels AS event ON event.label = waiting_for;

INSERT INTO ended
SELECT * FROM coded WHERE ended_at IS NOT NULL;

-- all in the one partition that every run looks at; their next move takes them to the right one
INSERT INTO standing
SELECT
    entry_no, 'infinity', edition_no, node_no, visit, state, action, entered_via, entry_number, waiting_no, due_at,
    entered_at, arrived_at, events_since, missing_since, execution_id, customer_id
FROM coded
WHERE ended_at IS NULL;

INSERT INTO stamps (at, run_id, run_as_of, snapshot_id)
SELECT DISTINCT at, run_id, run_as_of, snapshot_id FROM old_transitions;

CREATE TEMPORARY TABLE stepped ON COMMIT DROP AS
SELECT
    old.position,
    entry_no,
    edition_no,
    stamp_no,
    jsonb_build_array(jsonb_build_array(node_id, visit, branch, fingerprint)) AS steps
FROM old_transitions AS old
JOIN entries USING (execution_id)
JOIN editions ON (editions.journey_key, editions.journey_version) = (old.journey_key, old.journey_version)
JOIN stamps ON (stamps.at, stamps.run_id, stamps.run_as_of, stamps.snapshot_id)
    IS NOT DISTINCT FROM (old.at, old.run_id, old.run_as_of, old.snapshot_id);

INSERT INTO paths (digest, edition_no, steps)
SELECT DISTINCT encode(sha256((edition_no || ' ' || steps)::bytea), 'hex'), edition_no, steps FROM stepped;

INSERT INTO moves (entry_no, stamp_no, path_no)
SELECT entry_no, stamp_no, path_no
FROM stepped
JOIN paths USING (edition_no, steps)
ORDER BY position;

DROP TABLE old_executions, old_transitions;

-- the key says the same, and is unique
ALTER TABLE dispatches DROP CONSTRAINT dispatches_execution_id_node_id_visit_key;
ALTER TABLE dispatches ADD CHECK (key = execution_id || ':' || node_id || ':' || visit);
CREATE INDEX dispatches_unsettled
    ON dispatches (execution_id) WHERE status IN ('pending', 'sending', 'retry', 'unknown');
