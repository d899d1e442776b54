-- name: open_run
-- purpose: record the start of a run
INSERT INTO runs (run_id, as_of, mode, kind, dagster_run_id, is_closed, summary)
VALUES (%(run_id)s, %(as_of)s, %(mode)s, %(kind)s, %(dagster_run_id)s, false, '{}')
ON CONFLICT (run_id) DO NOTHING;

-- name: close_run
-- purpose: record the end of a run and its figures
UPDATE runs SET is_closed = true, summary = %(summary)s::jsonb, closed_at = now() WHERE run_id = %(run_id)s;

-- name: accepted
-- purpose: the last snapshots that a journey accepted
SELECT as_of, features_id, features_rows, segments::text FROM accepted_snapshots WHERE journey_key = %(journey_key)s;

-- name: accept
-- purpose: replace the last accepted snapshots of a journey
INSERT INTO accepted_snapshots (journey_key, as_of, features_id, features_rows, segments)
VALUES (%(journey_key)s, %(as_of)s, %(features_id)s, %(features_rows)s, %(segments)s::jsonb)
ON CONFLICT (journey_key) DO UPDATE
SET as_of = excluded.as_of,
    features_id = excluded.features_id,
    features_rows = excluded.features_rows,
    segments = excluded.segments;

-- name: hold
-- purpose: record that a run left a journey untouched
INSERT INTO held_journeys (run_id, journey_key, as_of, reason, features_id, features_rows, segments, approved_at)
VALUES (%(run_id)s, %(journey_key)s, %(as_of)s, %(reason)s, %(features_id)s, %(features_rows)s, %(segments)s::jsonb,
        %(approved_at)s)
ON CONFLICT (run_id, journey_key) DO UPDATE
SET as_of = excluded.as_of,
    reason = excluded.reason,
    features_id = excluded.features_id,
    features_rows = excluded.features_rows,
    segments = excluded.segments,
    approved_at = excluded.approved_at;

-- name: holds
-- purpose: holds of one run or of all, newest first
SELECT run_id, journey_key, as_of, reason, features_id, features_rows, segments::text, approved_at
FROM held_journeys
WHERE %(run_id)s::text IS NULL OR run_id = %(run_id)s
ORDER BY as_of DESC, journey_key, position;

-- name: approve
-- purpose: approve what a run held
UPDATE held_journeys SET approved_at = %(approved_at)s WHERE run_id = %(run_id)s RETURNING journey_key;

-- name: record_snapshots
-- purpose: note snapshots that are not known yet
INSERT INTO snapshots (snapshot_id, kind, name, snapshot_date, rows)
SELECT snapshot_id, kind, name, snapshot_date, rows
FROM incoming_snapshots
ORDER BY incoming_position
ON CONFLICT (snapshot_id) DO NOTHING;

-- name: save_forecast
-- purpose: keep the bands of a version of a journey, in place of those before
INSERT INTO forecasts (journey_key, journey_version, first_day, last_day, replay_hash, bands, saved_at)
VALUES (%(journey_key)s, %(version)s, %(first_day)s, %(last_day)s, %(replay_hash)s, %(bands)s::jsonb, %(saved_at)s)
ON CONFLICT (journey_key, journey_version) DO UPDATE
SET first_day = excluded.first_day,
    last_day = excluded.last_day,
    replay_hash = excluded.replay_hash,
    bands = excluded.bands,
    saved_at = excluded.saved_at;

-- name: forecasts
-- purpose: the bands of the versions of a journey
SELECT journey_version, first_day, last_day, replay_hash, bands::text, saved_at
FROM forecasts WHERE journey_key = %(journey_key)s ORDER BY journey_version;
