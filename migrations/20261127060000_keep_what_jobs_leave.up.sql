-- What jobs leave: bytes once, below the names by which they are found.

CREATE TABLE blobs (
    id           uuid PRIMARY KEY,
    -- No reference: what a removed repo leaves in the store has yet to be swept.
    repo_id      uuid NOT NULL,
    trust        text NOT NULL CHECK (trust IN ('trusted', 'fork')),
    sha256       text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size         bigint NOT NULL CHECK (size >= 0),
    -- 'writing': the store may have a part of it; 'doomed': nobody may name it any more, and the
    -- store may still have it. In both a sweep has something to do after a crash.
    state        text NOT NULL CHECK (state IN ('writing', 'stored', 'doomed')),
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    -- The place in the store, so that no repo and no fork claims the bytes of another.
    UNIQUE (repo_id, trust, sha256)
);
CREATE INDEX blobs_idle ON blobs (last_used_at) WHERE state <> 'doomed';
CREATE INDEX blobs_doomed ON blobs (last_used_at) WHERE state = 'doomed';

CREATE TABLE caches (
    id        uuid PRIMARY KEY,
    repo_id   uuid NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    trust     text NOT NULL CHECK (trust IN ('trusted', 'fork')),
    scope     text NOT NULL CHECK (scope IN ('branch', 'pull_request')),
    of_ref    text NOT NULL,                           -- the branch, or the pull request's number
    name      text NOT NULL,                           -- what the job ran in, as the worker sums it up
    blob_id   uuid NOT NULL REFERENCES blobs (id),
    stored_at timestamptz NOT NULL DEFAULT now(),
    used_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (repo_id, trust, scope, of_ref, name),
    -- A branch's cache is never what a fork wrote (S12), whatever the code does.
    CHECK (trust = 'trusted' OR scope = 'pull_request')
);
CREATE INDEX caches_by_use ON caches (used_at);
CREATE INDEX caches_by_blob ON caches (blob_id);

CREATE TABLE workspaces (
    run_id     uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name       text NOT NULL,
    attempt_id uuid NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    blob_id    uuid NOT NULL REFERENCES blobs (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, name)
);
CREATE INDEX workspaces_by_age ON workspaces (created_at);
CREATE INDEX workspaces_by_blob ON workspaces (blob_id);

CREATE TABLE artifacts (
    id         uuid PRIMARY KEY,
    run_id     uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    job_id     uuid NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    attempt_id uuid NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    name       text NOT NULL,
    blob_id    uuid NOT NULL REFERENCES blobs (id),
    file_count integer NOT NULL,
    files      jsonb NOT NULL,                         -- [wire::BlobFile], the first hundred
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    UNIQUE (attempt_id, name)
);
CREATE INDEX artifacts_by_run ON artifacts (run_id);
CREATE INDEX artifacts_by_job ON artifacts (job_id);
CREATE INDEX artifacts_by_expiry ON artifacts (expires_at);
CREATE INDEX artifacts_by_blob ON artifacts (blob_id);

CREATE TABLE test_reports (
    attempt_id uuid PRIMARY KEY REFERENCES attempts (id) ON DELETE CASCADE,
    run_id     uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    job_id     uuid NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    passed     integer NOT NULL,
    failed     integer NOT NULL,
    errored    integer NOT NULL,
    skipped    integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX test_reports_by_run ON test_reports (run_id);
CREATE INDEX test_reports_by_job ON test_reports (job_id);

CREATE TABLE test_cases (
    attempt_id uuid NOT NULL REFERENCES test_reports (attempt_id) ON DELETE CASCADE,
    place      integer NOT NULL,                       -- in the order read
    suite      text NOT NULL,
    name       text NOT NULL,
    outcome    text NOT NULL CHECK (outcome IN ('passed', 'failed', 'errored', 'skipped')),
    seconds    double precision,
    message    text NOT NULL,
    PRIMARY KEY (attempt_id, place)
);
CREATE INDEX test_cases_red ON test_cases (attempt_id, place) WHERE outcome IN ('failed', 'errored');
