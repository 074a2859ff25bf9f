DROP INDEX runs_by_original, deliveries_by_run, deployments_by_job, attempts_by_run,
    assignments_by_deployment, assignments_by_run, outbox_by_run;
ALTER TABLE attempts DROP COLUMN log_flaw;
ALTER TABLE runs DROP COLUMN cancel;
DROP TABLE ref_heads;
DROP INDEX repos_by_folded_name;
DROP INDEX deliveries_guid;
CREATE UNIQUE INDEX deliveries_guid ON deliveries (source, guid, coalesce(repo_id, '00000000-0000-0000-0000-000000000000'));
