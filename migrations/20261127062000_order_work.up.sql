-- Which job goes where, and when.

-- Read out of the plan once, since every step of a run asks for them.
ALTER TABLE jobs ADD COLUMN needs integer[] NOT NULL DEFAULT '{}';     -- numbers of jobs of the run
ALTER TABLE jobs ADD COLUMN retries integer NOT NULL DEFAULT 0;        -- of its `retry`
ALTER TABLE jobs ADD COLUMN requires text NOT NULL DEFAULT '';         -- a worker's label; '': any
ALTER TABLE jobs ADD COLUMN memory_mib integer NOT NULL DEFAULT 0;     -- what it asks for; 0: nothing
ALTER TABLE runs ADD COLUMN fast_finish boolean NOT NULL DEFAULT false;

-- Of runs that go on over this change. Until now only needs of earlier stages had a meaning.
UPDATE jobs SET
    needs = ARRAY(SELECT n::integer FROM jsonb_array_elements_text(plan #> '{order,needs}') n),
    retries = coalesce((plan #>> '{order,retry,max}')::integer, 0)
WHERE state IN ('waiting', 'queued', 'running') AND jsonb_typeof(plan #> '{order,needs}') = 'array';
UPDATE runs SET fast_finish = true
WHERE state IN ('planning', 'queued', 'running') AND plan -> 'fast_finish' = 'true';

ALTER TABLE assignments ADD COLUMN requires text NOT NULL DEFAULT '';
ALTER TABLE assignments ADD COLUMN memory_mib integer NOT NULL DEFAULT 0;
ALTER TABLE assignments ADD COLUMN retried integer NOT NULL DEFAULT 0; -- tries that the file asked for

-- A queue for each label and size: a claim reads the fronts of those that its worker can serve, and
-- no row that it can not. There are few, since sizes are rounded.
DROP INDEX assignments_queue;
CREATE INDEX assignments_queue ON assignments (lane, requires, memory_mib, available_at, id)
    WHERE state = 'queued';

ALTER TABLE workers ADD COLUMN labels text[] NOT NULL DEFAULT '{}';
ALTER TABLE workers ADD COLUMN memory_bytes bigint;                    -- none: it does not count
ALTER TABLE workers ADD COLUMN draining_since timestamptz;
