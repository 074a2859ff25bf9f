#!/usr/bin/env bash
# sqlx.sh write | check: `.sqlx` holds what Postgres said of each query in server/, so that a
# build needs no database. `write` makes it anew against a scratch Postgres with the migrations
# applied; `check` fails when it is not what `write` would make.
set -euo pipefail
cd "$(dirname "$0")/.."
verb=${1:-check}
scripts/setup.sh

dir=$(mktemp -d /tmp/slipway-sqlx.XXXXXX)
chmod 755 "$dir"
trap '[ ! -e "$dir/pg/data/postmaster.pid" ] || scripts/postgres.sh stop "$dir/pg"; rm -rf "$dir"' EXIT
DATABASE_URL=$(scripts/postgres.sh start "$dir/pg")
export DATABASE_URL
for migration in migrations/*.up.sql; do
  psql "$DATABASE_URL" -q -v ON_ERROR_STOP=1 -f "$migration" >/dev/null
done

mkdir "$dir/queries"
# The macros run at compile time only: the crate must be compiled anew, its dependencies not.
touch server/src/lib.rs
SQLX_OFFLINE_DIR="$dir/queries" cargo build --workspace --locked --quiet
# Built so, the crate depends on a database that is gone in a moment.
touch server/src/lib.rs

case $verb in
write)
  mkdir -p .sqlx
  rm -f .sqlx/query-*.json
  cp "$dir"/queries/query-*.json .sqlx/
  echo "sqlx: $(find .sqlx -name 'query-*.json' | wc -l) queries written"
  ;;
check)
  diff -rq "$dir/queries" .sqlx || { echo "sqlx: .sqlx is not up to date; run: make sqlx" >&2; exit 1; }
  echo "sqlx: $(find .sqlx -name 'query-*.json' | wc -l) queries are up to date"
  ;;
*)
  echo "usage: sqlx.sh write|check" >&2
  exit 2
  ;;
esac
