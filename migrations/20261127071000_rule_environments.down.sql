DELETE FROM assignments WHERE kind = 'deploy';
DROP INDEX assignments_one_deploy;
ALTER TABLE assignments
    DROP CONSTRAINT assignments_kind_check,
    DROP CONSTRAINT assignments_check1,
    ADD CONSTRAINT assignments_kind_check CHECK (kind IN ('plan', 'job', 'verify')),
    ADD CONSTRAINT assignments_check1 CHECK ((kind = 'verify') = (deployment_id IS NOT NULL));
DROP INDEX deployments_to_start, deployments_by_rollback;
ALTER TABLE deployments
    DROP COLUMN why, DROP COLUMN needs_approval, DROP COLUMN approved_by, DROP COLUMN approved_at,
    DROP COLUMN carried, DROP COLUMN promoted, DROP COLUMN rollback_to;
ALTER TABLE environments
    DROP COLUMN approval, DROP COLUMN branches, DROP COLUMN newest_wins, DROP COLUMN ambient;
ALTER TABLE repos DROP COLUMN travis_deploys;
