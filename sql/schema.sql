-- The journey store as it is today. Migrations replay to it; a test compares the catalogs.
-- Names are unqualified: the connection's search_path names the schema. Labels sort by code point ("C"), as in Python.

CREATE TABLE schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE schema_migrations IS 'Migrations that were applied to this schema';
COMMENT ON COLUMN schema_migrations.version IS 'Number at the head of the migration''s file name';

CREATE TABLE journeys (
    journey_key text COLLATE "C" PRIMARY KEY,
    status text NOT NULL CHECK (status IN ('draft', 'live', 'paused', 'archived'))
);
COMMENT ON TABLE journeys IS 'Journeys by key, with the status that all their versions share';
COMMENT ON COLUMN journeys.status IS 'draft | live | paused (nobody enters or moves) | archived (no new version)';

CREATE TABLE journey_versions (
    journey_key text COLLATE "C" NOT NULL REFERENCES journeys,
    version integer NOT NULL CHECK (version >= 1),
    document jsonb NOT NULL,
    published_at timestamptz NOT NULL,
    PRIMARY KEY (journey_key, version)
);
COMMENT ON TABLE journey_versions IS 'Published versions of the journeys: frozen, never updated';
COMMENT ON COLUMN journey_versions.document IS 'The journey document as it was published';

CREATE TABLE labels (
    label_no integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    label text COLLATE "C" NOT NULL UNIQUE
);
COMMENT ON TABLE labels IS 'Texts that repeat in standing, ended and paths, each with its number';

CREATE TABLE editions (
    edition_no integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    journey_key text COLLATE "C" NOT NULL,
    journey_version integer NOT NULL,
    is_left boolean NOT NULL DEFAULT false,
    UNIQUE (journey_key, journey_version)
);
COMMENT ON TABLE editions IS 'Journey versions that somebody entered, each with its number';
COMMENT ON COLUMN editions.is_left IS 'A newer version is long out and nobody stands in this one: runs need not look for anybody';

CREATE TABLE entries (
    entry_no bigint PRIMARY KEY,
    execution_id text COLLATE "C" NOT NULL UNIQUE,
    journey_key text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    entry_number integer NOT NULL CHECK (entry_number >= 1),
    entered_via text NOT NULL CHECK (entered_via IN ('entry', 'manual')),
    entered_at timestamptz NOT NULL
);
CREATE INDEX entries_by_customer ON entries (customer_id, journey_key);
COMMENT ON TABLE entries IS
    'Who entered which journey when; a row is never removed, and changes only when its customer is forgotten';
CREATE SEQUENCE entry_numbers OWNED BY entries.entry_no;
COMMENT ON COLUMN entries.entry_no IS
    'Shard of the customer (10 bits) and order of entry (48 bits); names the execution in all other tables of executions';
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
COMMENT ON COLUMN ended.outcome IS 'Id of an end node, exit_rule, goal, cancelled or migrated';
COMMENT ON COLUMN ended.failure IS 'A code and a sentence';
COMMENT ON COLUMN ended.day IS 'Date (UTC) of the end, or the last day of its month: the partition, which retention drops';

CREATE TABLE contexts (
    entry_no bigint PRIMARY KEY,
    context jsonb NOT NULL,
    visits jsonb NOT NULL
);
COMMENT ON TABLE contexts IS 'What executions carry with them, where it is not empty';
COMMENT ON COLUMN contexts.context IS 'Data of the start, the event that ended a wait, results of actions';
COMMENT ON COLUMN contexts.visits IS 'For nodes on a cycle: id to visits so far, id@ to as_of of the run that left it last; id!: an action passed on another version';

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
COMMENT ON COLUMN executions.visits IS 'For nodes on a cycle: id to visits so far, id@ to as_of of the run that left it last; id!: an action passed on another version';
COMMENT ON COLUMN executions.context IS 'Data of the start, the event that ended a wait, results of actions';
COMMENT ON COLUMN executions.due_at IS 'When it wants to be looked at next; null: when a result or an event comes';
COMMENT ON COLUMN executions.arrived_at IS 'When it reached the current node';
COMMENT ON COLUMN executions.waiting_for IS 'Type of the event that would end the wait';
COMMENT ON COLUMN executions.events_since IS 'Events that occurred after this instant count for that wait';
COMMENT ON COLUMN executions.action_status IS 'At an action: its result, or why it is not known yet; null while it is out';
COMMENT ON COLUMN executions.missing_since IS 'First run that found no row of the customer in the feature snapshot';
COMMENT ON COLUMN executions.outcome IS 'Id of an end node, exit_rule, goal, cancelled or migrated';
COMMENT ON COLUMN executions.failure IS 'A code and a sentence';
COMMENT ON COLUMN executions.position IS 'Order of entry';
COMMENT ON COLUMN executions.entry_no IS 'Number in the ledger of entries, by which rows are found fast';

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
COMMENT ON COLUMN transitions.branch IS 'The way out that was taken; null where there is one; migrated: to another version';
COMMENT ON COLUMN transitions.snapshot_id IS 'The feature snapshot that decided';
COMMENT ON COLUMN transitions.fingerprint IS 'Of the rule that decided';
COMMENT ON COLUMN transitions.position IS 'Order of the moves, and of the nodes within one move';

CREATE TABLE outbox (
    entry_no bigint NOT NULL,
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    requested_at timestamptz NOT NULL,
    due_at timestamptz,
    next_at timestamptz,
    left_at timestamptz,
    settled_at timestamptz,
    journey_version integer NOT NULL,
    visit integer NOT NULL,
    priority integer NOT NULL,
    attempt integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    execution_id text COLLATE "C" NOT NULL,
    journey_key text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    node_id text COLLATE "C" NOT NULL,
    action_type text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL
        CHECK (status IN ('pending', 'sending', 'sent', 'failed', 'skipped', 'retry', 'unknown')),
    payload jsonb NOT NULL DEFAULT '{}',
    reason text,
    result jsonb NOT NULL DEFAULT '{}',
    run_id text COLLATE "C",
    snapshot_id text COLLATE "C",
    PRIMARY KEY (entry_no, node_id, visit)
) WITH (fillfactor = 80);
CREATE INDEX outbox_to_take
    ON outbox (status, journey_key, next_at) WHERE status IN ('pending', 'sending', 'retry', 'unknown');
CREATE INDEX outbox_left ON outbox (customer_id, left_at) WHERE left_at IS NOT NULL;
COMMENT ON TABLE outbox IS 'One row for each visit of an action; read it as the view dispatches';
COMMENT ON COLUMN outbox.entry_no IS 'The execution; whoever requests an action once more fails on the primary key';

CREATE VIEW dispatches AS
SELECT
    execution_id || ':' || node_id || ':' || visit AS key,
    execution_id,
    journey_key,
    journey_version,
    customer_id,
    node_id,
    visit,
    action_type,
    priority,
    status,
    attempt,
    payload,
    requested_at,
    due_at,
    next_at,
    left_at,
    settled_at,
    reason,
    result,
    run_id,
    snapshot_id,
    position,
    entry_no
FROM outbox;
COMMENT ON VIEW dispatches IS 'The outbox: one row for each visit of an action';
COMMENT ON COLUMN dispatches.key IS 'execution:node:visit, unique for ever';
COMMENT ON COLUMN dispatches.priority IS 'Of the journey; the higher goes first';
COMMENT ON COLUMN dispatches.attempt IS 'Attempts so far that reached the deliverer';
COMMENT ON COLUMN dispatches.payload IS 'What is sent, rendered; {} until it leaves';
COMMENT ON COLUMN dispatches.requested_at IS 'as_of of the run that brought the execution to the action';
COMMENT ON COLUMN dispatches.due_at IS 'The due time that led here: decides staleness';
COMMENT ON COLUMN dispatches.next_at IS 'Earliest time of the next try; null: at once';
COMMENT ON COLUMN dispatches.left_at IS 'as_of of the last try';
COMMENT ON COLUMN dispatches.settled_at IS 'as_of of the run that knew the final status';
COMMENT ON COLUMN dispatches.reason IS 'Why it was skipped or failed';
COMMENT ON COLUMN dispatches.result IS 'action_result of the node; {} while unknown';
COMMENT ON COLUMN dispatches.run_id IS 'The run whose lock says that a sending row is alive';
COMMENT ON COLUMN dispatches.position IS 'Order in which rows were written';
COMMENT ON COLUMN dispatches.entry_no IS 'Number of the execution in the ledger of entries, by which rows are found fast';

CREATE TABLE events (
    event_id text COLLATE "C" PRIMARY KEY,
    customer_id text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    data jsonb NOT NULL,
    is_used boolean NOT NULL,
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX events_by_customer ON events (customer_id, event_type, occurred_at);
COMMENT ON TABLE events IS 'What customers did';
COMMENT ON COLUMN events.is_used IS 'It ended a wait or met a goal; an event that came too late stays unused';
COMMENT ON COLUMN events.position IS 'Order in which rows were written';

CREATE TABLE manual_starts (
    start_id text COLLATE "C" PRIMARY KEY,
    journey_key text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    context jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('waiting', 'entered', 'refused')),
    reason text,
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX manual_starts_waiting ON manual_starts (journey_key, at, start_id) WHERE status = 'waiting';
COMMENT ON TABLE manual_starts IS 'Entries asked for by API, command line or CSV';
COMMENT ON COLUMN manual_starts.reason IS 'Why it was refused';
COMMENT ON COLUMN manual_starts.position IS 'Order in which rows were written';

CREATE TABLE runs (
    run_id text COLLATE "C" PRIMARY KEY,
    as_of timestamptz NOT NULL,
    mode text NOT NULL CHECK (mode IN ('live', 'replay')),
    kind text NOT NULL,
    dagster_run_id text,
    is_closed boolean NOT NULL,
    summary jsonb NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY
);
COMMENT ON TABLE runs IS 'Passes of the engine';
COMMENT ON COLUMN runs.as_of IS 'The time that the run stood for; opened_at and closed_at are the clock''s';
COMMENT ON COLUMN runs.summary IS 'Figures of a closed run';
COMMENT ON COLUMN runs.position IS 'Order in which rows were written';

CREATE TABLE held_journeys (
    run_id text COLLATE "C" NOT NULL,
    journey_key text COLLATE "C" NOT NULL,
    as_of timestamptz NOT NULL,
    reason text NOT NULL,
    features_id text COLLATE "C",
    features_rows bigint NOT NULL,
    segments jsonb NOT NULL,
    approved_at timestamptz,
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (run_id, journey_key)
);
COMMENT ON TABLE held_journeys IS 'Journeys that a run left untouched, and what it saw';
COMMENT ON COLUMN held_journeys.segments IS 'Segment to [snapshot id, rows]';
COMMENT ON COLUMN held_journeys.position IS 'Order in which rows were written';

CREATE TABLE accepted_snapshots (
    journey_key text COLLATE "C" PRIMARY KEY,
    as_of timestamptz NOT NULL,
    features_id text COLLATE "C",
    features_rows bigint NOT NULL,
    segments jsonb NOT NULL
);
COMMENT ON TABLE accepted_snapshots IS 'The last snapshots that each journey accepted';
COMMENT ON COLUMN accepted_snapshots.segments IS 'Segment to [snapshot id, rows]';

CREATE TABLE forecasts (
    journey_key text COLLATE "C" NOT NULL,
    journey_version integer NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    replay_hash text NOT NULL,
    bands jsonb NOT NULL,
    saved_at timestamptz NOT NULL,
    PRIMARY KEY (journey_key, journey_version),
    FOREIGN KEY (journey_key, journey_version) REFERENCES journey_versions
);
COMMENT ON TABLE forecasts IS 'What a day is expected to bring to a version of a journey; the newest version''s holds runs';
COMMENT ON COLUMN forecasts.replay_hash IS 'Of the replay from first_day to last_day that the bands come from';
COMMENT ON COLUMN forecasts.bands IS 'entrants, or an action type, to [low, high] of each weekday, Monday first';

CREATE TABLE snapshots (
    snapshot_id text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL,
    name text COLLATE "C" NOT NULL,
    snapshot_date timestamptz NOT NULL,
    rows bigint NOT NULL,
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY
);
COMMENT ON TABLE snapshots IS 'Snapshots that runs have seen; their rows live in Parquet files';
COMMENT ON COLUMN snapshots.snapshot_date IS 'Midnight UTC of its date';
COMMENT ON COLUMN snapshots.position IS 'Order in which rows were written';

CREATE TABLE loyalty_accounts (
    customer_id text COLLATE "C" NOT NULL,
    program_id bigint NOT NULL,
    points_balance bigint NOT NULL,
    points_removed bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (customer_id, program_id)
);
COMMENT ON TABLE loyalty_accounts IS 'Points balance of each customer in each program';
COMMENT ON COLUMN loyalty_accounts.points_removed IS 'Sum of the awards that retention removed';

CREATE TABLE points_transactions (
    dispatch_key text COLLATE "C" PRIMARY KEY,
    customer_id text COLLATE "C" NOT NULL,
    program_id bigint NOT NULL,
    points bigint NOT NULL,
    reason text,
    at timestamptz NOT NULL,
    balance_after bigint NOT NULL,
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    FOREIGN KEY (customer_id, program_id) REFERENCES loyalty_accounts
);
COMMENT ON TABLE points_transactions IS 'Points that were awarded; the key of the dispatch makes an award happen once';
COMMENT ON COLUMN points_transactions.position IS 'Order in which rows were written';

CREATE TABLE campaigns (
    campaign_id bigint PRIMARY KEY,
    name text NOT NULL,
    channel text,
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY
);
COMMENT ON TABLE campaigns IS 'Campaigns that journeys may trigger';
COMMENT ON COLUMN campaigns.channel IS 'Null: any';
COMMENT ON COLUMN campaigns.position IS 'Order in which rows were written';

CREATE TABLE campaign_executions (
    dispatch_key text COLLATE "C" PRIMARY KEY,
    campaign_id bigint NOT NULL REFERENCES campaigns,
    customer_id text COLLATE "C" NOT NULL,
    channel text,
    at timestamptz NOT NULL,
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY
);
COMMENT ON TABLE campaign_executions IS 'Campaigns that were delivered to customers, each dispatch once';
COMMENT ON COLUMN campaign_executions.position IS 'Order in which rows were written';

CREATE TABLE suppressions (
    channel text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    reason text,
    purpose text COLLATE "C" NOT NULL DEFAULT 'all' CHECK (purpose IN ('all', 'marketing')),
    PRIMARY KEY (channel, address, purpose)
);
COMMENT ON TABLE suppressions IS 'Addresses that must not be written to';
COMMENT ON COLUMN suppressions.address IS 'As it is written to, or sha256: and a salted hash where its owner was forgotten';
COMMENT ON COLUMN suppressions.purpose IS 'What for: everything, or marketing only';

CREATE TABLE receipts (
    provider text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    dispatch_key text COLLATE "C",
    outcome text COLLATE "C" NOT NULL
        CHECK (outcome IN ('accepted', 'delivered', 'failed', 'complained', 'unsubscribed')),
    reason text,
    at timestamptz NOT NULL,
    is_applied boolean NOT NULL DEFAULT false,
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (provider, event_id)
);
CREATE INDEX receipts_to_apply ON receipts (at) WHERE NOT is_applied AND dispatch_key IS NOT NULL;
COMMENT ON TABLE receipts IS 'What providers told of messages after they had taken them over, each event once';
COMMENT ON COLUMN receipts.dispatch_key IS 'Null: a message that is none of ours';
COMMENT ON COLUMN receipts.is_applied IS 'Whether a run has brought it into the result of its dispatch';
COMMENT ON COLUMN receipts.position IS 'Order in which rows were written';

CREATE TABLE retention (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    kept_from date NOT NULL
);
COMMENT ON TABLE retention IS 'One row once retention has run';
COMMENT ON COLUMN retention.kept_from IS 'Executions that ended before this date (UTC) may have been removed';

CREATE TABLE erasures (
    erasure_id text COLLATE "C" PRIMARY KEY,
    at timestamptz NOT NULL,
    rows jsonb NOT NULL
);
COMMENT ON TABLE erasures IS 'Customers who were forgotten, each without a name';
COMMENT ON COLUMN erasures.rows IS 'Table to how many of its rows were emptied or removed';

CREATE TABLE erasure_salt (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    salt text NOT NULL
);
COMMENT ON TABLE erasure_salt IS 'One row once a suppressed address has become a hash';
COMMENT ON COLUMN erasure_salt.salt IS 'What stands before an address that is hashed';

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
