#!/usr/bin/env bash
# The stories that need a Kubernetes: set-up, a cluster for all of them, and its end. One that runs
# already (scripts/cluster.sh start) is used and left running. Arguments choose stories, as nextest
# takes them.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/engine.sh start
keep=yes
scripts/cluster.sh runs || keep=
trap '[ -n "$keep" ] || scripts/cluster.sh stop; scripts/engine.sh stop' EXIT
scripts/busybox.sh
SLIPWAY_TEST_KUBECONFIG=$(scripts/cluster.sh start)
export SLIPWAY_TEST_KUBECONFIG

cargo nextest run --workspace --locked --no-fail-fast --profile cluster "$@"
