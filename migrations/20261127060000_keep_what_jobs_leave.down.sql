DROP TABLE test_cases;
DROP TABLE test_reports;
DROP TABLE artifacts;
DROP TABLE workspaces;
DROP TABLE caches;
DROP TABLE blobs;
