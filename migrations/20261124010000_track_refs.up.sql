-- What reconciliation, re-runs and log checks remember.

-- A forge's delivery learns its repo when it is decided, and stays the same delivery.
DROP INDEX deliveries_guid;
CREATE UNIQUE INDEX deliveries_guid ON deliveries (source, guid,
    coalesce(CASE source WHEN 'git' THEN repo_id END, '00000000-0000-0000-0000-000000000000'));

-- The forge's names differ by more than case, and so do ours: an address is found in any case.
CREATE UNIQUE INDEX repos_by_folded_name ON repos (lower(name));

-- How often each commit was reached by a ref, less how often it was left, as deliveries told it.
-- Only the commit that the ref points to comes to one (zeros stand for "no such ref" and start
-- at one); when another commit is there, a delivery was missed. Rows that come to nothing go.
CREATE TABLE ref_heads (
    repo_id    uuid NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    ref_name   text NOT NULL,
    commit_sha text NOT NULL,
    balance    integer NOT NULL,
    -- reconciliation filled a gap that began, or ended, here: the delivery may still come late
    gap_from   boolean NOT NULL DEFAULT false,
    gap_to     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (repo_id, ref_name, commit_sha)
);

-- The reason, once somebody asked to stop the whole run (one job's is in its assignment).
ALTER TABLE runs ADD COLUMN cancel text;

-- What is wrong with the stored log, told when the attempt ended: a gap, another checksum.
ALTER TABLE attempts ADD COLUMN log_flaw text;

-- Of one run's notifications the oldest goes first.
CREATE INDEX outbox_by_run ON outbox (run_id, id);

-- A run is canceled, and a repo removed, without reading through everybody else's rows.
CREATE INDEX assignments_by_run ON assignments (run_id);
CREATE INDEX assignments_by_deployment ON assignments (deployment_id) WHERE deployment_id IS NOT NULL;
CREATE INDEX attempts_by_run ON attempts (run_id);
CREATE INDEX deployments_by_job ON deployments (job_id);
CREATE INDEX deliveries_by_run ON deliveries (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX runs_by_original ON runs (rerun_of) WHERE rerun_of IS NOT NULL;
