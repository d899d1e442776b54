-- name: lock_journey
-- purpose: find or create a journey and keep others from publishing it meanwhile
INSERT INTO journeys (journey_key, status) VALUES (%(journey_key)s, 'live')
ON CONFLICT (journey_key) DO UPDATE SET status = journeys.status
RETURNING status;

-- name: newest_version
-- purpose: number of the newest version and whether it says the same as this document
SELECT version, document = %(document)s::jsonb AS is_same
FROM journey_versions
WHERE journey_key = %(journey_key)s
ORDER BY version DESC
LIMIT 1;

-- name: add_version
-- purpose: freeze a document as a version
INSERT INTO journey_versions (journey_key, version, document, published_at)
VALUES (%(journey_key)s, %(version)s, %(document)s::jsonb, %(published_at)s);

-- name: set_status
-- purpose: change the status of a journey
UPDATE journeys SET status = %(status)s WHERE journey_key = %(journey_key)s;

-- name: paused
-- purpose: journeys in which nobody moves
SELECT journey_key FROM journeys WHERE status = 'paused';

-- name: versions
-- purpose: all versions, of one journey or of all
SELECT journey_key, version, document::text, status, published_at
FROM journey_versions
JOIN journeys USING (journey_key)
WHERE %(journey_key)s::text IS NULL OR journey_key = %(journey_key)s
ORDER BY journey_key, version;

-- name: unfinished_versions
-- purpose: versions that somebody still stands in; not those known to be left, since finding nobody looks at everybody
SELECT journey_key, journey_version
FROM editions
CROSS JOIN LATERAL (SELECT FROM standing WHERE standing.edition_no = editions.edition_no LIMIT 1) AS somebody
WHERE NOT is_left;
