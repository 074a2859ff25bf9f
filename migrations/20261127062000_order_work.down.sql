ALTER TABLE workers DROP COLUMN draining_since, DROP COLUMN memory_bytes, DROP COLUMN labels;
DROP INDEX assignments_queue;
CREATE INDEX assignments_queue ON assignments (lane, available_at, id) WHERE state = 'queued';
ALTER TABLE assignments DROP COLUMN retried, DROP COLUMN memory_mib, DROP COLUMN requires;
ALTER TABLE runs DROP COLUMN fast_finish;
ALTER TABLE jobs DROP COLUMN memory_mib, DROP COLUMN requires, DROP COLUMN retries, DROP COLUMN needs;
