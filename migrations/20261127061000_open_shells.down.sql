DROP TABLE shells;
ALTER TABLE attempts DROP COLUMN kept_until;
ALTER TABLE repos DROP COLUMN keep_failed_seconds;
