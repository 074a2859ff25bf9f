DROP TABLE audit, sessions, login_links, outbox, secret_grants, secrets, built_images, services,
    steps, log_chunks, attempts, assignments, deployments, environments, workers, jobs, runs,
    deliveries, repos, settings CASCADE;
DROP FUNCTION refuse_audit_change;
