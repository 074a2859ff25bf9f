//! The schema can be applied, undone and applied again, and refuses what must never be stored.

use anyhow::Result;
use slipway_harness::Database;
use uuid::Uuid;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

#[tokio::test]
async fn every_migration_goes_forth_and_back() -> Result<()> {
    let database = Database::create().await?;
    MIGRATIONS.run(&database.pool).await?;
    MIGRATIONS.undo(&database.pool, 0).await?;
    let left: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_sqlx_migrations'",
    )
    .fetch_one(&database.pool)
    .await?;
    assert_eq!(left, 0, "the down migration leaves tables behind");
    MIGRATIONS.run(&database.pool).await?;
    database.remove().await
}

#[tokio::test]
async fn a_replayed_delivery_is_one_row() -> Result<()> {
    let database = Database::create().await?;
    MIGRATIONS.run(&database.pool).await?;
    let store = "INSERT INTO deliveries (id, source, guid, event, payload)
                 VALUES ($1, 'github', 'the-same-id', 'push', '{}') ON CONFLICT DO NOTHING";
    for expected in [1, 0] {
        let stored = sqlx::query(store).bind(Uuid::now_v7()).execute(&database.pool).await?;
        assert_eq!(stored.rows_affected(), expected);
    }
    database.remove().await
}

#[tokio::test]
async fn the_audit_keeps_its_rows() -> Result<()> {
    let database = Database::create().await?;
    MIGRATIONS.run(&database.pool).await?;
    sqlx::query("INSERT INTO audit (id, actor, action, target) VALUES ($1, 'ada', 'secret.set', 'acme/web')")
        .bind(Uuid::now_v7())
        .execute(&database.pool)
        .await?;
    for change in ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit", "TRUNCATE audit"] {
        let refused = sqlx::query(change).execute(&database.pool).await;
        let error = refused.expect_err("a change of the audit must fail, not be passed over");
        assert!(error.to_string().contains("append-only"), "{change}: {error}");
    }
    let actor: String =
        sqlx::query_scalar("SELECT actor FROM audit").fetch_one(&database.pool).await?;
    assert_eq!(actor, "ada");
    database.remove().await
}

#[tokio::test]
async fn a_branch_has_no_cache_that_a_fork_wrote_and_what_is_named_has_bytes() -> Result<()> {
    let database = Database::create().await?;
    MIGRATIONS.run(&database.pool).await?;
    let (repo, blob) = (Uuid::now_v7(), Uuid::now_v7());
    sqlx::query(
        "INSERT INTO repos (id, name, kind, clone_url, default_branch, webhook_key)
         VALUES ($1, 'acme/web', 'git', '/srv/web.git', 'main', '')",
    )
    .bind(repo)
    .execute(&database.pool)
    .await?;
    let store = "INSERT INTO blobs (id, repo_id, trust, sha256, size, state)
                 VALUES ($1, $2, 'fork', repeat('a', 64), 1, 'stored')";
    sqlx::query(store).bind(blob).bind(repo).execute(&database.pool).await?;
    let keep = "INSERT INTO caches (id, repo_id, trust, scope, of_ref, name, blob_id)
                VALUES ($1, $2, 'fork', $3, '7', 'linux', $4)";
    for (scope, fits) in [("branch", false), ("pull_request", true)] {
        let kept = sqlx::query(keep).bind(Uuid::now_v7()).bind(repo).bind(scope).bind(blob);
        assert_eq!(kept.execute(&database.pool).await.is_ok(), fits, "{scope}");
    }
    let forgotten = sqlx::query("DELETE FROM blobs").execute(&database.pool).await;
    assert!(forgotten.is_err(), "a cache still names them");
    database.remove().await
}
