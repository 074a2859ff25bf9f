#!/usr/bin/env bash
# The inside of one node, run by node.sh in a mount namespace of its own: what is mounted here goes
# with its last process, and /var/log/pods, /run/containerd and /var/lib/cni are this node's alone.
set -euo pipefail
. ./settings.sh
: "${name:?}" "${state:?}" "${number:?}"
max_pods=${max_pods:-110} addresses=${addresses:-240}
address=$net.$number.1

echo $$ >"/sys/fs/cgroup/pids/$group/$name/sys/cgroup.procs"
mkdir -p "$state"/{pods,containers,containerd-run,cni-state,cni,kubelet,containerd,plugins,hosts}
own() {
  mkdir -p "$2"
  mount --bind "$state/$1" "$2"
}
own pods /var/log/pods
own containers /var/log/containers
own containerd-run /run/containerd
own cni-state /var/lib/cni

cat >"$state/cni/pods.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "$bridge$number", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$state/addresses", "subnet": "$net.$number.0/24",
            "rangeStart": "$net.$number.10", "rangeEnd": "$net.$number.$((9 + addresses))",
            "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON

# The cluster's registry by its address, and in front of Docker Hub.
for host in "$registry" docker.io; do
  mkdir -p "$state/hosts/$host"
  {
    [ "$host" = docker.io ] && echo 'server = "https://registry-1.docker.io"' || echo "server = \"http://$host\""
    printf '[host."http://%s"]\n  capabilities = ["pull", "resolve"]\n' "$registry"
  } >"$state/hosts/$host/hosts.toml"
done

cat >"$state/containerd.toml" <<TOML
version = 2
root = "$state/containerd"
state = "/run/containerd"
oom_score = 0
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt"]
[grpc]
  address = "$state/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$pause"
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  max_concurrent_downloads = 6
  # A container that carries a machine may not lower the score of its processes.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$cni"
    conf_dir = "$state/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "$state/hosts"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
TOML

# What pods may ask for is what is left of the machine's memory when this is kept back.
kept=
if [ -n "${memory:-}" ]; then
  total=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
  kept="systemReserved: {memory: $((total - 100 - memory))Mi}"
fi
cat >"$state/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $address
port: 10250
readOnlyPort: 0
healthzPort: 0
tlsCertFile: $run/pki/$name.crt
tlsPrivateKeyFile: $run/pki/$name.key
authentication: {anonymous: {enabled: false}, webhook: {enabled: false}, x509: {clientCAFile: $run/pki/ca.crt}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
cgroupRoot: /$group/$name
oomScoreAdj: 0
failSwapOn: false
enforceNodeAllocatable: [pods]
evictionHard: {memory.available: 100Mi}
imageGCHighThresholdPercent: 100
maxPods: $max_pods
$kept
serializeImagePulls: false
registryPullQPS: 0
eventRecordQPS: 50
syncFrequency: 10s
nodeStatusUpdateFrequency: 5s
clusterDomain: cluster.local
# Nobody answers there; without it each pod has a warning of its own.
clusterDNS: [$services.0.10]
YAML

containerd -c "$state/containerd.toml" >"$run/log/$name-containerd.log" 2>&1 </dev/null &
until_so 60 "containerd of $name" ctr -a "$state/containerd.sock" version
ctr -a "$state/containerd.sock" -n k8s.io images import "$images/pause.tar"
until_so 180 "the API" test -e "$run/answers"

# 1.20 spreads the pods of a workload over nodes only if they have a zone.
labels=topology.kubernetes.io/zone=z
more=()
if [ -n "${pool:-}" ]; then
  labels+=,pool=$pool
  more+=(--register-with-taints "pool=$pool:NoSchedule")
fi
exec "$bin/kubelet" --config "$state/kubelet.yaml" --kubeconfig "$KUBECONFIG" --root-dir "$state/kubelet" \
  --hostname-override "$name" --node-ip "$address" --node-labels "$labels" "${more[@]}" \
  --container-runtime remote --container-runtime-endpoint "unix://$state/containerd.sock" \
  --pod-infra-container-image "$pause" --cert-dir "$state" --volume-plugin-dir "$state/plugins"
