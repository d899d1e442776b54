-- name: find_label
-- purpose: number of a label
SELECT label_no FROM labels WHERE label = %(value0)s;

-- name: add_label
-- purpose: number of a label that may be new
INSERT INTO labels (label) VALUES (%(value0)s)
ON CONFLICT (label) DO UPDATE SET label = excluded.label
RETURNING label_no;

-- name: labels
-- purpose: labels of these numbers
SELECT label_no, label FROM labels WHERE label_no = ANY(%(numbers)s);

-- name: find_edition
-- purpose: number of a journey version
SELECT edition_no FROM editions WHERE journey_key = %(value0)s AND journey_version = %(value1)s;

-- name: add_edition
-- purpose: number of a journey version that may be new
INSERT INTO editions (journey_key, journey_version) VALUES (%(value0)s, %(value1)s)
ON CONFLICT (journey_key, journey_version) DO UPDATE SET journey_key = excluded.journey_key
RETURNING edition_no;

-- name: editions
-- purpose: journey versions of these numbers
SELECT edition_no, journey_key, journey_version FROM editions WHERE edition_no = ANY(%(numbers)s);

-- name: relations
-- purpose: names of tables by their identifiers
SELECT oid::bigint, relname FROM pg_class WHERE oid = ANY(%(relations)s::oid[]);

-- name: find_stamp
-- purpose: number of a stamp
SELECT stamp_no FROM stamps
WHERE (at, run_id, run_as_of, snapshot_id)
    IS NOT DISTINCT FROM (%(value0)s::timestamptz, %(value1)s, %(value2)s::timestamptz, %(value3)s);

-- name: add_stamp
-- purpose: number of a stamp that may be new
INSERT INTO stamps (at, run_id, run_as_of, snapshot_id) VALUES (%(value0)s, %(value1)s, %(value2)s, %(value3)s)
ON CONFLICT (at, run_id, run_as_of, snapshot_id) DO UPDATE SET at = excluded.at
RETURNING stamp_no;

-- name: find_path
-- purpose: number of a path
SELECT path_no FROM paths WHERE digest = %(value0)s;

-- name: add_path
-- purpose: number of a path that may be new
INSERT INTO paths (digest, edition_no, steps) VALUES (%(value0)s, %(value1)s, %(value2)s::jsonb)
ON CONFLICT (digest) DO UPDATE SET digest = excluded.digest
RETURNING path_no;
