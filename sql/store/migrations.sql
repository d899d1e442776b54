-- name: lock_migrations
-- purpose: one process migrates a schema at a time; free at the end of the transaction
SELECT pg_advisory_xact_lock(hashtextextended('journeys migrate ' || %(schema)s, 0));

-- name: has_schema
-- purpose: whether the schema exists; asked first, since CREATE SCHEMA IF NOT EXISTS wants a privilege all the same
SELECT to_regnamespace(quote_ident(%(schema)s)) IS NOT NULL;

-- name: has_migrations
-- purpose: whether this schema was ever migrated
SELECT to_regclass(quote_ident(%(schema)s) || '.schema_migrations') IS NOT NULL;

-- name: applied_migrations
-- purpose: what was applied, in order
SELECT version, name FROM schema_migrations ORDER BY version;

-- name: record_migration
-- purpose: note one as applied, in the transaction that applies it
INSERT INTO schema_migrations (version, name) VALUES (%(version)s, %(name)s);
