#!/usr/bin/env bash
# node.sh add NAME [KEY=VALUE…] | remove NAME: a node of the running cluster.
# A node is a containerd and a kubelet in a mount namespace, cgroups and a bridge of their own.
# Keys: max_pods=110; addresses=240, of pods; memory=MIB, that pods may ask for (all of the
# machine's); pool=POOL, its label and its taint: only pods that tolerate that come here.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh
verb=${1:-} name=${2:-}
[[ $name =~ ^[a-z0-9-]{1,20}$ ]] || { echo "usage: node.sh add NAME [KEY=VALUE…] | remove NAME" >&2; exit 2; }
shift 2
state=$run/$name
controllers=(cpu cpuacct cpuset memory devices freezer blkio pids systemd hugetlb net_cls perf_event)

# The first network that no node has; the folder is the lock.
take_network() {
  local number
  for number in $(seq 1 20); do
    if mkdir "$run/networks/$number" 2>/dev/null; then
      echo "$number" >"$state/network"
      return
    fi
  done
  die "20 nodes are enough for one machine"
}

make_cgroups() {
  local controller level file top=/sys/fs/cgroup
  for controller in "${controllers[@]}"; do
    [ -d "$top/$controller" ] || continue
    mkdir -p "$top/$controller/$group/$name"
    [ "$controller" = cpuset ] || continue
    # A cpuset without processors and memory takes no process.
    for level in "$group" "$group/$name"; do
      for file in cpuset.cpus cpuset.mems; do cat "$top/cpuset/$file" >"$top/cpuset/$level/$file"; done
    done
  done
  mkdir -p "$top/pids/$group/$name/sys"
}

certificate() {
  local key=$run/pki/$name
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$key.key" -out "$key.csr" \
    -subj "/O=system:nodes/CN=system:node:$name" 2>/dev/null
  openssl x509 -req -in "$key.csr" -CA "$run/pki/ca.crt" -CAkey "$run/pki/ca.key" -days 3650 \
    -set_serial "0x$(openssl rand -hex 8)" -out "$key.crt" -extfile <(echo "subjectAltName=IP:$net.$1.1,DNS:$name") 2>/dev/null
}

add() {
  [ ! -e "$run/$name.pid" ] || die "there is a node '$name' already"
  mkdir -p "$state" "$run/networks"
  take_network
  local number address
  number=$(cat "$state/network") address=$net.$number.1
  certificate "$number"
  ip link add "$bridge$number" type bridge 2>/dev/null || true
  ip addr replace "$address/24" dev "$bridge$number"
  ip link set "$bridge$number" up
  make_cgroups
  env "$@" name="$name" state="$state" number="$number" \
    setsid unshare --mount --propagation private ./inside.sh >"$run/log/$name.log" 2>&1 </dev/null &
  echo $! >"$run/$name.pid"
}

# Everything of a node is in its cgroup, whatever became of its kubelet.
remove() {
  local pids number folder
  for _ in $(seq 100); do
    pids=$(find "/sys/fs/cgroup/pids/$group/$name" -name cgroup.procs -exec cat {} + 2>/dev/null) || true
    [ -n "$pids" ] || break
    # shellcheck disable=SC2086 # one word each
    kill -KILL $pids 2>/dev/null || true
    sleep 0.1
  done
  number=$(cat "$state/network" 2>/dev/null) && ip link del "$bridge$number" 2>/dev/null || true
  # In each hierarchy there is, for the runtime makes more than were made here.
  for _ in $(seq 30); do
    for folder in /sys/fs/cgroup/*/"$group/$name"; do
      [ ! -d "$folder" ] || find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
    compgen -G "/sys/fs/cgroup/*/$group/$name" >/dev/null || break
    sleep 0.1
  done
  rm -rf --one-file-system "$state"
  rm -f "$run/$name.pid"
  [ -z "$number" ] || rmdir "$run/networks/$number" 2>/dev/null || true
}

case $verb in
add)
  add "$@"
  until_so 120 "$name joins" kubectl get node "$name"
  kubectl wait --for=condition=Ready "node/$name" --timeout=120s >/dev/null || die "$name is not ready (log: $run/log/$name.log)"
  ;;
remove)
  remove
  # While the whole cluster is taken down nobody answers any more.
  [ -n "${ALL:-}" ] || kubectl delete node "$name" --ignore-not-found >/dev/null
  ;;
*) die "node.sh knows add and remove, not '$verb'" ;;
esac
