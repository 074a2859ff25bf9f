DROP TABLE github_reports;
-- An older Slipway knows no such runs: they go, as their kind does.
DELETE FROM deliveries WHERE run_id IN (SELECT id FROM runs WHERE event IN ('pull_request', 'api'));
DELETE FROM runs WHERE event IN ('pull_request', 'api');
ALTER TABLE runs DROP CONSTRAINT runs_pull_request_check;
ALTER TABLE runs DROP COLUMN pull_request;
ALTER TABLE runs DROP CONSTRAINT runs_event_check;
ALTER TABLE runs ADD CONSTRAINT runs_event_check CHECK (event IN ('push', 'tag'));
ALTER TABLE repos DROP COLUMN build_pull_requests;
ALTER TABLE repos DROP COLUMN build_pushes;
ALTER TABLE repos DROP COLUMN private;
ALTER TABLE repos DROP COLUMN forge_id;
