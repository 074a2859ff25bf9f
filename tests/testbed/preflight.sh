#!/usr/bin/env bash
# Can this machine carry the cluster? Says every reason why not, and fails then.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh

reasons=()
[ "$(id -u)" = 0 ] || reasons+=("it needs root: nodes have bridges, mounts and cgroups of their own")
for controller in cpu cpuacct cpuset memory devices freezer pids; do
  [ -d "/sys/fs/cgroup/$controller" ] ||
    reasons+=("it needs cgroup v1 (Kubernetes $release knows no other): /sys/fs/cgroup/$controller is not there")
done
[ -r /etc/debian_version ] && command -v apt-get >/dev/null ||
  reasons+=("it needs Debian's packages: apt-get is not there")
free=$(df -Pk "$(dirname "${SLIPWAY_TESTBED:-$HOME/.cache}")" | awk 'NR == 2 { print int($4 / 1048576) }')
[ -x "$bin/kubelet" ] || [ "$free" -ge 5 ] || reasons+=("it needs 5 GiB of disk to be built, ${free} GiB are free")

[ ${#reasons[@]} -gt 0 ] || exit 0
say "this machine can not carry the cluster for tests:"
for reason in "${reasons[@]}"; do say "  - $reason"; done
exit 1
