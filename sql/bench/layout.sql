-- name: indexes
-- purpose: the indexes of these tables in a schema: how each is dropped and how it is made anew
SELECT
    CASE
        WHEN pg_constraint.oid IS NULL THEN format('DROP INDEX %%s', pg_index.indexrelid::regclass)
        ELSE format('ALTER TABLE %%s DROP CONSTRAINT %%I', pg_index.indrelid::regclass, pg_constraint.conname)
    END AS dropped_by,
    CASE
        WHEN pg_constraint.oid IS NULL THEN pg_get_indexdef(pg_index.indexrelid)
        ELSE format(
            'ALTER TABLE %%s ADD CONSTRAINT %%I %%s',
            pg_index.indrelid::regclass, pg_constraint.conname, pg_get_constraintdef(pg_constraint.oid)
        )
    END AS made_by
FROM pg_index
JOIN pg_class AS tables ON tables.oid = pg_index.indrelid
LEFT JOIN pg_constraint
    ON pg_constraint.conindid = pg_index.indexrelid AND pg_constraint.conrelid = pg_index.indrelid
WHERE tables.relnamespace = %(schema)s::regnamespace AND tables.relname = ANY(%(tables)s)
ORDER BY pg_index.indexrelid::regclass::text;

-- name: sizes
-- purpose: the tables of a schema that hold something: bytes of the table and of its indexes, and how many those are
SELECT
    relname,
    pg_table_size(oid) AS table_bytes,
    pg_indexes_size(oid) AS index_bytes,
    (SELECT count(*) FROM pg_index WHERE indrelid = pg_class.oid) AS indexes
FROM pg_class
WHERE relnamespace = %(schema)s::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
ORDER BY relname;

-- name: column_types
-- purpose: the columns of a table in a schema and their types
SELECT attname, format_type(atttypid, atttypmod)
FROM pg_attribute
WHERE attrelid = format('%%I.%%I', %(schema)s::text, %(table)s::text)::regclass AND attnum > 0 AND NOT attisdropped;

-- name: catalog_bytes
-- purpose: bytes of the system's catalog of a database, indexes included
SELECT sum(pg_total_relation_size(oid)) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'pg_catalog'::regnamespace;

-- name: pages
-- purpose: how many pages a table has
SELECT pg_relation_size(%(table)s::text::regclass) / current_setting('block_size')::bigint;
