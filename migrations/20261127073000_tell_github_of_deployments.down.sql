DROP INDEX deployments_by_time;
DROP TABLE github_deployments;
