DROP INDEX deliveries_ignored;
DROP INDEX runs_of_branches;
DROP INDEX runs_asked_for;
DROP TABLE run_keys;
