DROP INDEX audit_by_target;
DROP TABLE api_tokens;
DROP TABLE login_states;
-- Whose they were can not be told any more: nobody keeps one.
DELETE FROM sessions WHERE user_id IS NOT NULL;
ALTER TABLE sessions DROP COLUMN user_id;
DROP TABLE repo_grants;
DROP TABLE forge_rights;
DROP TABLE users;
