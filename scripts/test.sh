#!/usr/bin/env bash
# Set-up and all tests: against a Postgres of their own, which is stopped at the end, and the
# container engine of this machine. Arguments choose stories, as nextest takes them; the pages are
# then left out.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh browser
tests/github/fetch.sh
tests/s3/fetch.sh
scripts/engine.sh start
scripts/busybox.sh
scripts/base_images.sh
SLIPWAY_TEST_PODMAN=$(scripts/podman.sh start)
export SLIPWAY_TEST_PODMAN

dir=$(mktemp -d /tmp/slipway-test.XXXXXX)
chmod 755 "$dir"
# When Postgres did not start there is none to stop, and its own words stay the last ones.
trap '[ ! -e "$dir/pg/data/postmaster.pid" ] || scripts/postgres.sh stop "$dir/pg"; rm -rf "$dir"; scripts/podman.sh stop; scripts/engine.sh stop' EXIT
SLIPWAY_TEST_DATABASE_URL=$(scripts/postgres.sh start "$dir/pg")
export SLIPWAY_TEST_DATABASE_URL

cargo nextest run --workspace --locked --no-fail-fast "$@"
[ $# -gt 0 ] || tests/browser/run.sh
echo "tests: the stories on a Kubernetes were left out; make test-cluster runs them"
