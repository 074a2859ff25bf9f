-- Rules of environments, approvals, deploys that run without their job, and ways back.

-- Deploys of a file of Travis' are withheld until a maintainer switches them on.
ALTER TABLE repos ADD COLUMN travis_deploys boolean NOT NULL DEFAULT false;

ALTER TABLE environments
    ADD COLUMN approval    boolean NOT NULL DEFAULT false,   -- each deployment waits for somebody
    ADD COLUMN branches    text[] NOT NULL DEFAULT '{}',     -- only these; empty: all
    ADD COLUMN newest_wins boolean NOT NULL DEFAULT false,   -- those that wait give way to a newer one
    ADD COLUMN ambient     boolean NOT NULL DEFAULT false;   -- the worker's own identity may be used

ALTER TABLE deployments
    ADD COLUMN why            text,                          -- unless a run deployed
    ADD COLUMN needs_approval boolean NOT NULL DEFAULT false,
    ADD COLUMN approved_by    text,
    ADD COLUMN approved_at    timestamptz,
    -- What it takes of its job (wire::Carried); there: it runs by an assignment of its own.
    ADD COLUMN carried        jsonb,
    ADD COLUMN promoted       jsonb,                         -- wire::Version of the environment before
    -- The deployment whose version comes back.
    ADD COLUMN rollback_to    uuid REFERENCES deployments (id) ON DELETE CASCADE,
    ADD CHECK ((approved_by IS NULL) = (approved_at IS NULL));
CREATE INDEX deployments_by_rollback ON deployments (rollback_to) WHERE rollback_to IS NOT NULL;
-- Those whose turn may have come: the server starts them.
CREATE INDEX deployments_to_start ON deployments (id)
    WHERE state = 'waiting' AND (carried IS NOT NULL OR rollback_to IS NOT NULL);

ALTER TABLE assignments
    DROP CONSTRAINT assignments_kind_check,
    DROP CONSTRAINT assignments_check1,
    ADD CONSTRAINT assignments_kind_check CHECK (kind IN ('plan', 'job', 'verify', 'deploy')),
    ADD CONSTRAINT assignments_check1
        CHECK ((kind IN ('verify', 'deploy')) = (deployment_id IS NOT NULL));
-- A deployment is applied once only, whatever the code does.
CREATE UNIQUE INDEX assignments_one_deploy ON assignments (deployment_id) WHERE kind = 'deploy';
