-- What GitHub shows of deployments. Level-triggered: one is due while `told` is not its word.
CREATE TABLE github_deployments (
    deployment_id uuid PRIMARY KEY REFERENCES deployments (id) ON DELETE CASCADE,
    github_id     bigint,                               -- once GitHub has made it
    told          text,                                 -- the state that GitHub took last
    tries         integer NOT NULL DEFAULT 0,           -- since the last success
    last_error    text,
    available_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX github_deployments_live ON github_deployments (deployment_id) WHERE told = 'live';
CREATE INDEX deployments_by_time ON deployments (created_at);
