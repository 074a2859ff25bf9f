#!/usr/bin/env bash
# Ends what up.sh and node.sh started, by pid and by cgroup, and gives the machine back its bridges,
# its chains and its settings. Binaries and images stay. Safe to run again.
set -uo pipefail
cd "$(dirname "$0")"
. ./settings.sh

stop() {
  lives "$1" "$1" || { rm -f "$run/$1.pid"; return; }
  local pid
  pid=$(cat "$run/$1.pid")
  kill "$pid"
  for _ in $(seq 50); do
    [ -d "/proc/$pid" ] || break
    sleep 0.1
  done
  [ ! -d "/proc/$pid" ] || kill -KILL "$pid"
  rm -f "$run/$1.pid"
}

# The chains of kube-proxy, of the kubelets and of the port map: first who jumps to them, then they.
clear_chains() {
  local table rule chain
  for table in nat filter mangle; do
    iptables -w -t "$table" -S | grep -E -- '^-A .* -j (KUBE|CNI)-' | sed 's/^-A/-D/' |
      while read -r rule; do printf '%s\n' "$rule" | xargs iptables -w -t "$table"; done
    for flag in -F -X; do
      for chain in $(iptables -w -t "$table" -S | awk '/^-N (KUBE|CNI)-/ { print $2 }'); do
        iptables -w -t "$table" "$flag" "$chain"
      done
    done
  done
  iptables -w -D FORWARD -s "$net.0.0/16" -d "$net.0.0/16" -m comment --comment "$mark" -j ACCEPT
}

for server in kube-proxy kube-scheduler kube-controller-manager; do stop "$server"; done
for node in $(cd "/sys/fs/cgroup/pids/$group" 2>/dev/null && ls -d -- */); do ALL=yes ./node.sh remove "${node%/}"; done
for server in kube-apiserver etcd docker-registry; do stop "$server"; done
clear_chains 2>/dev/null
for name in $(ip -br link show type bridge | awk '{ print $1 }' | grep -E "^$bridge[0-9]+$"); do ip link del "$name"; done
for folder in /sys/fs/cgroup/*/"$group"; do find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null; done
[ ! -e "$run/sysctls" ] || xargs -r -a "$run/sysctls" sysctl -qw 2>/dev/null
rm -rf --one-file-system "$run/etcd" "$run/registry" "$run/networks" "$run/answers" "$KUBECONFIG"
left=$(find "/sys/fs/cgroup/pids/$group" -name cgroup.procs -exec cat {} + 2>/dev/null)
[ -z "$left" ] || die "processes are left: $left"
