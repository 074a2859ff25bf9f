-- The first schema. Words are PRODUCT's; states are the words of pipelines::lifecycle.
-- Columns that live together decode together, and a CHECK keeps them so.

CREATE TABLE settings (
    name  text PRIMARY KEY,
    value jsonb NOT NULL
);
COMMENT ON TABLE settings IS 'Facts of this installation that every replica must agree on.';

CREATE TABLE repos (
    id              uuid PRIMARY KEY,
    name            text NOT NULL UNIQUE,              -- OWNER/NAME
    -- 'git': a bare repository on this machine; 'github': a repository of the forge
    kind            text NOT NULL CHECK (kind IN ('git', 'github')),
    clone_url       text NOT NULL,                     -- path or address, never with a credential
    default_branch  text NOT NULL,
    -- per-repo webhook key, sealed with the repo's id as associated data
    webhook_key     bytea NOT NULL,
    enabled         boolean NOT NULL DEFAULT true,
    next_run_number integer NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE deliveries (
    id          uuid PRIMARY KEY,
    source      text NOT NULL CHECK (source IN ('git', 'github')),
    guid        text NOT NULL,                         -- the sender's delivery id
    repo_id     uuid REFERENCES repos (id) ON DELETE CASCADE,
    event       text NOT NULL,
    payload     bytea NOT NULL,                        -- the raw bytes that were signed
    state       text NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'triggered', 'ignored')),
    reason      text,                                  -- "ignored, because …"
    run_id      uuid,
    received_at timestamptz NOT NULL DEFAULT now(),
    decided_at  timestamptz,
    CHECK ((state = 'triggered') = (run_id IS NOT NULL)),
    CHECK ((state = 'ignored') = (reason IS NOT NULL)),
    CHECK ((state = 'received') = (decided_at IS NULL))
);
-- One run for any number of replays (S16). The local hook's ids are unique per repo.
CREATE UNIQUE INDEX deliveries_guid ON deliveries (source, guid, coalesce(repo_id, '00000000-0000-0000-0000-000000000000'));
CREATE INDEX deliveries_undecided ON deliveries (received_at) WHERE state = 'received';
CREATE INDEX deliveries_by_repo ON deliveries (repo_id, received_at DESC);

CREATE TABLE runs (
    id           uuid PRIMARY KEY,
    repo_id      uuid NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    number       integer NOT NULL,
    delivery_id  uuid UNIQUE REFERENCES deliveries (id),
    rerun_of     uuid REFERENCES runs (id),
    trigger      jsonb NOT NULL,                       -- plan::Trigger
    branch       text NOT NULL,                        -- TRAVIS_BRANCH, for filters
    tag          text,
    commit_sha   text NOT NULL,
    subject      text NOT NULL,
    actor        text NOT NULL,
    event        text NOT NULL CHECK (event IN ('push', 'tag')),
    state        text NOT NULL CHECK (state IN ('planning', 'queued', 'running', 'passed', 'failed', 'errored', 'canceled', 'skipped')),
    reason       text,
    plan         jsonb,                                -- plan::Plan
    diagnostics  jsonb NOT NULL DEFAULT '[]',          -- [language::Diagnostic]
    created_at   timestamptz NOT NULL DEFAULT now(),
    planned_at   timestamptz,
    started_at   timestamptz,
    finished_at  timestamptz,
    UNIQUE (repo_id, number),
    CHECK (state NOT IN ('errored', 'canceled', 'skipped') OR reason IS NOT NULL),
    CHECK (state <> 'running' OR started_at IS NOT NULL),
    CHECK ((state IN ('passed', 'failed', 'errored', 'canceled', 'skipped')) = (finished_at IS NOT NULL))
);
ALTER TABLE deliveries ADD FOREIGN KEY (run_id) REFERENCES runs (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX runs_by_branch ON runs (repo_id, branch, number DESC);
CREATE INDEX runs_open ON runs (created_at) WHERE state IN ('planning', 'queued', 'running');
CREATE INDEX runs_recent ON runs (created_at DESC);

CREATE TABLE jobs (
    id            uuid PRIMARY KEY,
    run_id        uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    number        integer NOT NULL,
    name          text NOT NULL,
    stage         integer NOT NULL,
    stage_name    text NOT NULL,
    allow_failure boolean NOT NULL,
    plan          jsonb NOT NULL,                      -- plan::JobPlan
    state         text NOT NULL CHECK (state IN ('waiting', 'queued', 'running', 'passed', 'failed', 'errored', 'canceled', 'skipped')),
    reason        text,
    attempt       integer NOT NULL DEFAULT 0,          -- the latest attempt's number
    worker_id     uuid,
    image         text,                                -- as asked for
    image_digest  text,                                -- as resolved (S11)
    created_at    timestamptz NOT NULL DEFAULT now(),
    queued_at     timestamptz,
    first_started_at timestamptz,                      -- time limits count from here (R4)
    started_at    timestamptz,                         -- of the latest attempt
    finished_at   timestamptz,
    UNIQUE (run_id, number),
    CHECK (state NOT IN ('failed', 'errored', 'canceled', 'skipped') OR reason IS NOT NULL),
    CHECK (state <> 'running' OR (worker_id IS NOT NULL AND started_at IS NOT NULL AND attempt > 0)),
    CHECK ((state IN ('passed', 'failed', 'errored', 'canceled', 'skipped')) = (finished_at IS NOT NULL))
);

CREATE TABLE workers (
    id            uuid PRIMARY KEY,
    name          text NOT NULL,
    version       text NOT NULL,
    engine        text,
    slots         integer NOT NULL CHECK (slots > 0),
    -- raised by each registration: tokens of an older process are stale
    generation    integer NOT NULL DEFAULT 1,
    registered_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE environments (
    id              uuid PRIMARY KEY,
    repo_id         uuid NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    name            text NOT NULL,
    url             text,
    live_deployment uuid,
    created_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (repo_id, name)
);

CREATE TABLE deployments (
    id             uuid PRIMARY KEY,
    environment_id uuid NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    run_id         uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    job_id         uuid NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    attempt_id     uuid NOT NULL,                      -- the attempt that asked
    deploy_index   integer NOT NULL,                   -- which entry of the job's deploys
    plan           jsonb NOT NULL,                     -- plan::DeployPlan
    version        jsonb NOT NULL,                     -- wire::Version
    previous       jsonb,                              -- wire::Version that was live when it started
    actor          text NOT NULL,
    state          text NOT NULL CHECK (state IN ('waiting', 'approved', 'running', 'verifying', 'live', 'failed', 'rolled_back', 'unknown', 'superseded')),
    reason         text,
    url            text,
    hops           jsonb NOT NULL DEFAULT '[]',        -- [{name, detail, at}]
    evidence       jsonb NOT NULL DEFAULT '[]',        -- [wire::Evidence]
    created_at     timestamptz NOT NULL DEFAULT now(),
    started_at     timestamptz,
    finished_at    timestamptz,
    UNIQUE (attempt_id, deploy_index),
    CHECK (state NOT IN ('failed', 'rolled_back', 'unknown', 'superseded') OR reason IS NOT NULL),
    CHECK ((state IN ('live', 'failed', 'rolled_back', 'superseded')) = (finished_at IS NOT NULL))
);
CREATE INDEX deployments_by_environment ON deployments (environment_id, created_at DESC);
CREATE INDEX deployments_by_run ON deployments (run_id);
-- One deployment at a time changes an environment, whatever the code does.
CREATE UNIQUE INDEX deployments_one_active ON deployments (environment_id) WHERE state IN ('approved', 'running', 'verifying', 'unknown');
ALTER TABLE environments ADD FOREIGN KEY (live_deployment) REFERENCES deployments (id) ON DELETE SET NULL;

-- The queue: one row for each piece of work that a worker must do. Rows stay (R2).
CREATE TABLE assignments (
    id            uuid PRIMARY KEY,
    lane          text NOT NULL CHECK (lane IN ('plan', 'job')),
    kind          text NOT NULL CHECK (kind IN ('plan', 'job', 'verify')),
    run_id        uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    job_id        uuid REFERENCES jobs (id) ON DELETE CASCADE,
    deployment_id uuid REFERENCES deployments (id) ON DELETE CASCADE,
    state         text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'leased', 'done')),
    attempt       integer NOT NULL DEFAULT 0,          -- the latest attempt's number
    lost          integer NOT NULL DEFAULT 0,          -- how many attempts were lost
    cancel        text,                                -- the reason, once somebody asked to stop it
    worker_id     uuid REFERENCES workers (id),
    lease_until   timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    available_at  timestamptz NOT NULL DEFAULT now(),  -- later after a lost attempt
    CHECK ((kind = 'plan') = (job_id IS NULL AND deployment_id IS NULL)),
    CHECK ((kind = 'verify') = (deployment_id IS NOT NULL)),
    CHECK ((state = 'leased') = (lease_until IS NOT NULL)),
    CHECK (state <> 'leased' OR (worker_id IS NOT NULL AND attempt > 0))
);
-- Depth costs nothing: a claim reads the front of this index only.
CREATE INDEX assignments_queue ON assignments (lane, available_at, id) WHERE state = 'queued';
CREATE INDEX assignments_leases ON assignments (lease_until) WHERE state = 'leased';
CREATE INDEX assignments_by_worker ON assignments (worker_id) WHERE state = 'leased';
CREATE UNIQUE INDEX assignments_one_per_job ON assignments (job_id) WHERE kind = 'job';
CREATE UNIQUE INDEX assignments_one_plan_per_run ON assignments (run_id) WHERE kind = 'plan';
CREATE UNIQUE INDEX assignments_one_verify ON assignments (deployment_id) WHERE kind = 'verify' AND state <> 'done';

CREATE TABLE attempts (
    id            uuid PRIMARY KEY,
    assignment_id uuid NOT NULL REFERENCES assignments (id) ON DELETE CASCADE,
    run_id        uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    job_id        uuid REFERENCES jobs (id) ON DELETE CASCADE,
    number        integer NOT NULL,
    worker_id     uuid NOT NULL REFERENCES workers (id),
    state         text NOT NULL CHECK (state IN ('running', 'passed', 'failed', 'errored', 'canceled', 'lost')),
    reason        text,
    outcome       jsonb,                               -- what the worker said last, to recognise a repeat
    events        bigint NOT NULL DEFAULT 0,           -- events applied so far
    log_length    bigint NOT NULL DEFAULT 0,           -- acknowledged bytes
    log_lines     bigint NOT NULL DEFAULT 0,           -- newline bytes among them
    log_sha256    text,                                -- of the whole, as the worker computed it
    started_at    timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz,
    UNIQUE (assignment_id, number),
    CHECK ((state = 'running') = (finished_at IS NULL))
);
CREATE INDEX attempts_by_job ON attempts (job_id, number);

CREATE TABLE log_chunks (
    attempt_id uuid NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    start      bigint NOT NULL,                        -- offset of the first byte
    length     integer NOT NULL CHECK (length > 0),    -- bytes before compression
    first_line bigint NOT NULL,                        -- newlines before the first byte
    data       bytea NOT NULL,                         -- zstd
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (attempt_id, start)
);
ALTER TABLE log_chunks ALTER COLUMN data SET STORAGE EXTERNAL; -- compressed already

CREATE TABLE steps (
    attempt_id  uuid NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    number      integer NOT NULL,
    phase       text NOT NULL,
    title       text NOT NULL,
    log_from    bigint NOT NULL,
    log_to      bigint,
    outcome     jsonb,                                 -- wire::StepOutcome
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (attempt_id, number)
);

CREATE TABLE services (
    attempt_id uuid NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    name       text NOT NULL,
    status     text NOT NULL CHECK (status IN ('starting', 'ready', 'died')),
    detail     text NOT NULL,
    PRIMARY KEY (attempt_id, name)
);

CREATE TABLE built_images (
    attempt_id uuid NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    name       text NOT NULL,
    digest     text NOT NULL,
    PRIMARY KEY (attempt_id, name)
);

CREATE TABLE secrets (
    id         uuid PRIMARY KEY,
    repo_id    uuid NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    name       text NOT NULL,
    key_id     text NOT NULL,                          -- which key-encryption key sealed it
    sealed     bytea NOT NULL,                         -- XChaCha20-Poly1305; AAD = id, repo_id, name
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (repo_id, name)
);

-- "Which secrets did commit X see?" is a query (S9).
CREATE TABLE secret_grants (
    attempt_id uuid NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    secret_id  uuid NOT NULL,
    name       text NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (attempt_id, secret_id)
);

-- What the world must be told, until it has heard it.
CREATE TABLE outbox (
    id           uuid PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('run')),
    run_id       uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    payload      jsonb NOT NULL,
    tries        integer NOT NULL DEFAULT 0,
    last_error   text,
    available_at timestamptz NOT NULL DEFAULT now(),
    created_at   timestamptz NOT NULL DEFAULT now(),
    done_at      timestamptz
);
CREATE INDEX outbox_due ON outbox (available_at) WHERE done_at IS NULL;

CREATE TABLE login_links (
    token_hash bytea PRIMARY KEY,                      -- SHA-256
    expires_at timestamptz NOT NULL
);

CREATE TABLE sessions (
    token_hash bytea PRIMARY KEY,                      -- SHA-256
    actor      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);

-- Append-only: who did what to which (S10).
CREATE TABLE audit (
    id     uuid PRIMARY KEY,
    at     timestamptz NOT NULL DEFAULT now(),
    actor  text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only';
END
$$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
