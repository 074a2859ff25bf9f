-- What asking for runs, and the pages of branches and pull requests, need.

-- The same key from the same repo is the same run, however often it is asked for.
CREATE TABLE run_keys (
    repo_id uuid NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    key     text NOT NULL,
    run_id  uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    PRIMARY KEY (repo_id, key)
);
CREATE INDEX run_keys_by_run ON run_keys (run_id);

-- How many were asked for within the last hour.
CREATE INDEX runs_asked_for ON runs (repo_id, created_at) WHERE event = 'api';
-- A branch's own runs, and which branches there are, without the pull requests into it.
CREATE INDEX runs_of_branches ON runs (repo_id, branch, number DESC) WHERE event IN ('push', 'api');
-- Which branches and pull requests are gone is told by deliveries that started nothing.
CREATE INDEX deliveries_ignored ON deliveries (repo_id, event, received_at DESC)
    WHERE state = 'ignored';
