# Where the cluster for tests lives, what it is called, and how its scripts speak. Sourced by all.
# Binaries, images and state are outside of the work tree, so that a clean clone finds them again.
home=${SLIPWAY_TESTBED:-$HOME/.cache/slipway-testbed}/kubernetes
bin=$home/bin
images=$home/img
run=$home/run

release=1.20.2                  # of Kubernetes: the newest whose servers Debian has the source of
api=127.0.0.1:16443
etcd=127.0.0.1:12379
etcd_peer=127.0.0.1:12380
registry=127.0.0.1:15000        # plain HTTP; the nodes ask it for Docker Hub's images, too
net=10.244                      # node N has $net.N.0/24, and $net.N.1 is its own address
services=10.96
bridge=k8st                     # its bridges are k8st1, k8st2, …
group=k8st                      # its cgroups; all that a node runs is below $group/NODE
pause=docker.io/k8s-local/pause:1
cni=/usr/lib/cni
mark=k8s-test                   # the comment of its rule in iptables

export KUBECONFIG=$run/admin.conf
PATH=$PATH:/usr/sbin:/sbin

# All that is said goes to standard error: what a script answers is alone on standard output.
say() { printf 'cluster: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# until_so SECONDS WHAT COMMAND…: tries the command until it passes.
until_so() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || die "not in time: $what (logs: $run/log)"
    sleep 0.2
  done
}

# Is the process of this pid file there, and is it this program? A pid may be another's by now.
lives() {
  local pid
  pid=$(cat "$run/$1.pid" 2>/dev/null) || return 1
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "${2:0:15}" ]
}
