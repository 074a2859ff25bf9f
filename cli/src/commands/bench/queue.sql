-- What the server says to Postgres for one claim and one end of a job (flow/dispatch.rs and
-- flow/attempts.rs), in the same order and in the same two transactions.
SELECT gen_random_uuid() AS attempt \gset
BEGIN;
SELECT id AS worker, last_seen_at < now() - interval '5 seconds' AS due, draining_since IS NOT NULL AS
    draining, labels, memory_bytes, slots FROM workers ORDER BY id LIMIT 1 FOR SHARE \gset
WITH RECURSIVE fronts AS (
    SELECT k.requires, f.memory_mib, f.available_at, f.id
    FROM unnest('{"",os=linux,arch=amd64}'::text[]) AS k (requires) CROSS JOIN LATERAL (
        SELECT memory_mib, available_at, id FROM assignments
        WHERE state = 'queued' AND lane = 'job' AND requires = k.requires
        ORDER BY memory_mib, available_at, id LIMIT 1) f
    UNION ALL
    SELECT p.requires, f.memory_mib, f.available_at, f.id
    FROM fronts p CROSS JOIN LATERAL (
        SELECT memory_mib, available_at, id FROM assignments
        WHERE state = 'queued' AND lane = 'job' AND requires = p.requires
          AND memory_mib > p.memory_mib
        ORDER BY memory_mib, available_at, id LIMIT 1) f
), due AS (
    SELECT *, CASE WHEN memory_mib = 0 THEN 0 ELSE memory_mib END <= 2147483647 AS fits
    FROM fronts WHERE available_at <= now() AND memory_mib <= 2147483647
), chosen AS (
    SELECT requires, memory_mib FROM due d WHERE fits AND NOT EXISTS (
        SELECT FROM due b WHERE NOT b.fits AND b.available_at < now() - interval '60 seconds'
          AND (b.available_at, b.id) < (d.available_at, d.id))
    ORDER BY available_at, id LIMIT 1
), front AS (
    SELECT id FROM assignments
    WHERE state = 'queued' AND lane = 'job' AND requires = (SELECT requires FROM chosen)
      AND memory_mib = (SELECT memory_mib FROM chosen) AND available_at <= now()
    ORDER BY available_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
), leased AS (
    UPDATE assignments a SET state = 'leased', attempt = a.attempt + 1, worker_id = :worker::uuid,
        lease_until = now() + interval '30 seconds'
    FROM front WHERE a.id = front.id
    RETURNING a.id, a.run_id, a.job_id, a.attempt
), begun AS (
    INSERT INTO attempts (id, assignment_id, run_id, job_id, number, worker_id, state)
    SELECT :attempt::uuid, id, run_id, job_id, attempt, :worker::uuid, 'running' FROM leased
)
SELECT l.id AS assignment, l.run_id AS run, l.job_id AS job
    FROM chosen LEFT JOIN leased l ON true \gset
SELECT run_id, number, stage_name, plan, state, reason, attempt, worker_id, started_at,
    first_started_at FROM jobs WHERE id = :job::uuid FOR NO KEY UPDATE;
UPDATE jobs SET state = 'running', attempt = 1, worker_id = :worker::uuid, started_at = now(),
    first_started_at = coalesce(first_started_at, now()) WHERE id = :job::uuid AND state = 'queued';
SELECT pg_notify('slipway_run', :run::text);
SELECT id, repo_id, number, trigger, actor, state, reason, cancel, started_at, fast_finish, plan ->> 'file' AS file
    FROM runs WHERE id = :run::uuid;
SELECT id, repo_id, number, trigger, actor, state, reason, cancel, started_at, fast_finish, plan ->> 'file' AS file
    FROM runs WHERE id = :run::uuid FOR NO KEY UPDATE;
SELECT id, repo_id, number, trigger, actor, state, reason, cancel, started_at, fast_finish, plan ->> 'file' AS file
    FROM runs WHERE id = :run::uuid FOR NO KEY UPDATE;
UPDATE runs SET state = 'running', started_at = now() WHERE id = :run::uuid AND state = 'queued';
SELECT pg_notify('slipway_run', :run::text);
SELECT id, name, kind, clone_url, default_branch, enabled FROM repos LIMIT 1;
SELECT id, name, sealed FROM secrets WHERE repo_id = (SELECT id FROM repos LIMIT 1) ORDER BY name;
SELECT keep_failed_seconds FROM repos LIMIT 1;
COMMIT;
BEGIN;
SELECT a.id, a.run_id, a.job_id, a.deployment_id, a.attempt, a.lost, a.retried, a.cancel, a.worker_id, t.events,
    t.log_length, t.log_lines
    FROM assignments a JOIN attempts t ON t.assignment_id = a.id AND t.number = a.attempt
    WHERE t.id = :attempt::uuid AND t.state = 'running' AND a.state = 'leased'
    FOR NO KEY UPDATE OF a, t;
UPDATE attempts SET state = 'passed', outcome = '{"outcome": {"outcome": "passed"}}',
    log_sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', finished_at = now()
    WHERE id = :attempt::uuid AND state = 'running';
SELECT pg_notify('slipway_log', :attempt::text);
UPDATE assignments SET state = 'done', lease_until = NULL
    WHERE id = :assignment::uuid AND state <> 'done';
SELECT id FROM deployments WHERE attempt_id = :attempt::uuid;
SELECT run_id, number, stage_name, plan, state, reason, attempt, worker_id, started_at,
    first_started_at FROM jobs WHERE id = :job::uuid FOR NO KEY UPDATE;
UPDATE jobs SET state = 'passed', finished_at = now() WHERE id = :job::uuid AND state = 'running';
SELECT pg_notify('slipway_run', :run::text);
SELECT id, repo_id, number, trigger, actor, state, reason, cancel, started_at, fast_finish, plan ->> 'file' AS file
    FROM runs WHERE id = :run::uuid FOR NO KEY UPDATE;
SELECT id, number, name, stage, stage_name, needs, allow_failure, state, reason, attempt, worker_id, started_at
    FROM jobs WHERE run_id = :run::uuid ORDER BY number;
UPDATE runs SET state = 'passed', finished_at = now() WHERE id = :run::uuid AND state = 'running';
SELECT pg_notify('slipway_run', :run::text);
COMMIT;
