#!/usr/bin/env bash
# Every page in a real browser, against the showcase server and a Postgres of its own.
# run.sh            checks everything; ends with "browser: N passed, M failed"
# run.sh DIR [NAME] takes pictures instead, of all pages or of those whose name begins so
set -euo pipefail
cd "$(dirname "$0")/../.."
scripts/setup.sh browser

(cd tests/browser && npm ci --no-audit --no-fund --silent)
# Of the whole workspace, so that what is built already is not built anew with other features.
cargo build --workspace --bin slipway-showcase --locked --quiet

dir=$(mktemp -d /tmp/slipway-browser.XXXXXX)
chmod 755 "$dir"
trap '[ ! -e "$dir/pg/data/postmaster.pid" ] || scripts/postgres.sh stop "$dir/pg"; rm -rf "$dir"' EXIT
database=$(scripts/postgres.sh start "$dir/pg")

program=${CARGO_TARGET_DIR:-target}/debug/slipway-showcase
if [ $# = 0 ]; then
  node tests/browser/check.mjs "$program" "$database"
else
  node tests/browser/shots.mjs "$program" "$database" "$@"
fi
