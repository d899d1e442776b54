-- Statements with {names} are put together by store/postgres/partitions.py and by the retention beside it.

-- name: lock_partitions
-- purpose: let those who make partitions come one after the other
SELECT pg_advisory_xact_lock(hashtextextended('journeys partitions ' || current_schema(), 0));

-- name: partitions
-- purpose: partitions by date of a table
SELECT relname, to_date(right(relname, 8), 'YYYYMMDD') AS bucket
FROM pg_inherits
JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = %(table)s::regclass AND relname ~ ('^' || %(table)s || '_\d{8}$')
ORDER BY relname;

-- name: make_partition
-- purpose: a table like the others; to make it as a partition would stop everybody meanwhile
CREATE TABLE {name} (LIKE {table} INCLUDING ALL);

-- name: attach_partition
-- purpose: let it take the rows of its date
ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES IN ({bucket});
