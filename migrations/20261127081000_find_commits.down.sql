DROP INDEX runs_by_head;
DROP INDEX runs_by_commit;
