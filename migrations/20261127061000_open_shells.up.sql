-- Terminals of people in the containers of jobs, and failed jobs that are kept for them.

-- How long the container of a failed job is kept, in seconds; 0: not at all.
ALTER TABLE repos ADD COLUMN keep_failed_seconds integer NOT NULL DEFAULT 0
    CHECK (keep_failed_seconds BETWEEN 0 AND 86400);

-- Until when the attempt's container is kept, as its worker said last; none: it is not.
ALTER TABLE attempts ADD COLUMN kept_until timestamptz;
CREATE INDEX attempts_kept ON attempts (worker_id) WHERE kept_until IS NOT NULL;

-- Who was in which container, and when. What is typed and shown there is stored nowhere.
CREATE TABLE shells (
    id             uuid PRIMARY KEY,
    repo_id        uuid NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    attempt_id     uuid NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    worker_id      uuid NOT NULL REFERENCES workers (id),
    actor          text NOT NULL,
    asked          jsonb NOT NULL,                     -- wire::ShellQuery
    state          text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'open', 'closed')),
    reason         text,                               -- how it ended
    created_at     timestamptz NOT NULL DEFAULT now(),
    offered_at     timestamptz,                        -- when its worker heard of it last
    opened_at      timestamptz,
    closed_at      timestamptz,
    -- when the servers that hold its two ends were there last
    person_seen_at timestamptz NOT NULL DEFAULT now(),
    worker_seen_at timestamptz,
    CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
    CHECK (state <> 'closed' OR reason IS NOT NULL),
    CHECK (state <> 'open' OR (opened_at IS NOT NULL AND worker_seen_at IS NOT NULL))
);
CREATE INDEX shells_waiting ON shells (worker_id) WHERE state = 'waiting';
CREATE INDEX shells_not_closed ON shells (attempt_id) WHERE state <> 'closed';
CREATE INDEX shells_by_attempt ON shells (attempt_id);
CREATE INDEX shells_by_repo ON shells (repo_id);
