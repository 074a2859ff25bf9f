ALTER TABLE deployments DROP COLUMN findings, DROP COLUMN rendered, DROP COLUMN previous_rendered;
