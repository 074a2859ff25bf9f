-- What linking to GitHub needs: the forge's own ids, pull requests, and what GitHub was told.

-- The forge's numeric id outlives renames; none: not asked for yet, or not of a forge.
ALTER TABLE repos ADD COLUMN forge_id bigint UNIQUE;
ALTER TABLE repos ADD COLUMN private boolean NOT NULL DEFAULT false;
-- Which events start runs (Travis' two switches).
ALTER TABLE repos ADD COLUMN build_pushes boolean NOT NULL DEFAULT true;
ALTER TABLE repos ADD COLUMN build_pull_requests boolean NOT NULL DEFAULT true;

ALTER TABLE runs DROP CONSTRAINT runs_event_check;
ALTER TABLE runs ADD CONSTRAINT runs_event_check
    CHECK (event IN ('push', 'tag', 'pull_request', 'api'));
-- The number of the pull request; `branch` is its base then.
ALTER TABLE runs ADD COLUMN pull_request bigint;
ALTER TABLE runs ADD CONSTRAINT runs_pull_request_check
    CHECK ((event = 'pull_request') = (pull_request IS NOT NULL));
CREATE INDEX runs_by_pull_request ON runs (repo_id, pull_request, number DESC)
    WHERE pull_request IS NOT NULL;

-- What GitHub shows of a run, and what it should. Level-triggered: a row is due while `told` is
-- behind `wanted`, whatever was sent in between.
CREATE TABLE github_reports (
    run_id       uuid PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    wanted       bigint NOT NULL DEFAULT 1,            -- raised by each change worth telling
    told         bigint NOT NULL DEFAULT 0,            -- the last one that GitHub took
    check_run_id bigint,                               -- once GitHub has made it
    tries        integer NOT NULL DEFAULT 0,           -- since the last success
    last_error   text,
    available_at timestamptz NOT NULL DEFAULT now(),
    CHECK (told <= wanted)
);
CREATE INDEX github_reports_due ON github_reports (available_at) WHERE told < wanted;
