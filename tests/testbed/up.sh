#!/usr/bin/env bash
# Starts the cluster: a control plane on loopback, its registry, and two nodes. Half a minute.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh

# Keys, certificates and tokens are made anew each time: nothing of an earlier cluster is trusted.
rm -rf "$run"
mkdir -p "$run"/{pki,log,etcd,registry,networks}
chmod 700 "$run"
# Traffic between pods of one bridge passes iptables only with this module; it may be built in.
modprobe br_netfilter 2>/dev/null || true
{ sysctl vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops net.ipv4.ip_forward \
  net.ipv4.conf.all.route_localnet net.bridge.bridge-nf-call-iptables 2>/dev/null || true; } | tr -d ' ' >"$run/sysctls"
sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1

start() {
  local what=$1
  shift
  setsid "$@" >"$run/log/$what.log" 2>&1 </dev/null &
  echo $! >"$run/$what.pid"
}

make_keys() {
  local curve=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
  cd "$run/pki"
  openssl req -x509 "${curve[@]}" -keyout ca.key -out ca.crt -days 3650 -subj /CN=cluster-for-tests 2>/dev/null
  openssl req "${curve[@]}" -keyout apiserver.key -out apiserver.csr -subj /CN=kube-apiserver 2>/dev/null
  openssl x509 -req -in apiserver.csr -CA ca.crt -CAkey ca.key -set_serial 2 -days 3650 -out apiserver.crt \
    -extfile <(echo "subjectAltName=IP:127.0.0.1,IP:$services.0.1,DNS:localhost,DNS:kubernetes.default.svc") 2>/dev/null
  openssl genrsa -out accounts.key 2048 2>/dev/null
  token=$(openssl rand -hex 16)
  echo "$token,admin,admin,system:masters" >tokens.csv
  cd - >/dev/null
}

# Whole in itself, as a secret is: no path of this machine in it.
write_kubeconfig() {
  cat >"$KUBECONFIG" <<YAML
apiVersion: v1
kind: Config
clusters:
  - name: testbed
    cluster: {server: "https://$api", certificate-authority-data: $(base64 -w0 "$run/pki/ca.crt")}
users:
  - name: admin
    user: {token: $token}
contexts:
  - name: testbed
    context: {cluster: testbed, user: admin}
current-context: testbed
YAML
  chmod 600 "$KUBECONFIG"
}

start_registry() {
  cat >"$run/registry.yml" <<YAML
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $run/registry}, delete: {enabled: true}}
http: {addr: "$registry"}
YAML
  start docker-registry docker-registry serve "$run/registry.yml"
}

start_api() {
  start etcd etcd --name testbed --data-dir "$run/etcd" --unsafe-no-fsync --logger zap --log-outputs stderr \
    --listen-client-urls "http://$etcd" --advertise-client-urls "http://$etcd" \
    --listen-peer-urls "http://$etcd_peer" --initial-advertise-peer-urls "http://$etcd_peer" \
    --initial-cluster "testbed=http://$etcd_peer"
  local pki=$run/pki
  start kube-apiserver "$bin/kube-apiserver" --etcd-servers "http://$etcd" \
    --bind-address 127.0.0.1 --secure-port "${api#*:}" --insecure-port 0 \
    --advertise-address "$net.1.1" --endpoint-reconciler-type none \
    --service-cluster-ip-range "$services.0.0/16" --service-node-port-range 30000-32767 \
    --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" \
    --client-ca-file "$pki/ca.crt" --token-auth-file "$pki/tokens.csv" \
    --kubelet-client-certificate "$pki/apiserver.crt" --kubelet-client-key "$pki/apiserver.key" \
    --kubelet-preferred-address-types InternalIP --authorization-mode Node,RBAC --allow-privileged=true \
    --service-account-key-file "$pki/accounts.key" --service-account-signing-key-file "$pki/accounts.key" \
    --service-account-issuer https://kubernetes.default.svc --event-ttl 1h
}

start_controllers() {
  start kube-controller-manager "$bin/kube-controller-manager" --kubeconfig "$KUBECONFIG" --leader-elect=false \
    --bind-address 127.0.0.1 --secure-port 10257 --port 0 --cert-dir "$run/pki" \
    --service-account-private-key-file "$run/pki/accounts.key" --root-ca-file "$run/pki/ca.crt" \
    --use-service-account-credentials=false --node-monitor-grace-period 60s
  start kube-scheduler "$bin/kube-scheduler" --kubeconfig "$KUBECONFIG" --leader-elect=false \
    --bind-address 127.0.0.1 --secure-port 10259 --port 0 --cert-dir "$run/pki"
  # One for all nodes: they share the machine's network namespace. Node ports are on loopback alone.
  start kube-proxy "$bin/kube-proxy" --kubeconfig "$KUBECONFIG" --hostname-override node1 --proxy-mode iptables \
    --cluster-cidr "$net.0.0/16" --nodeport-addresses 127.0.0.0/8 --bind-address 127.0.0.1 \
    --healthz-bind-address 127.0.0.1:10256 --metrics-bind-address 127.0.0.1:10249 --oom-score-adj 0 \
    --iptables-min-sync-period 0s --conntrack-max-per-core 0 \
    --conntrack-tcp-timeout-established 0s --conntrack-tcp-timeout-close-wait 0s
}

make_keys
write_kubeconfig
# Docker lets nothing pass between bridges that are not its own.
rule=(FORWARD -s "$net.0.0/16" -d "$net.0.0/16" -m comment --comment "$mark" -j ACCEPT)
iptables -w -C "${rule[@]}" 2>/dev/null || iptables -w -I "${rule[@]}"
start_registry
start_api
./node.sh add node1 & first=$!
./node.sh add node2 & second=$!
until_so 180 "the API answers" kubectl get --raw /readyz
start_controllers
touch "$run/answers"
wait "$first" && wait "$second" || die "a node did not join"
until_so 60 "the nodes take pods" sh -c '[ -z "$(kubectl get nodes -o jsonpath={.items[*].spec.taints})" ]'
until_so 60 "the namespace default" kubectl -n default get serviceaccount default
until_so 60 "the registry" curl -sf "http://$registry/v2/"
./images.sh push
say "two nodes of Kubernetes $release are ready (${SECONDS}s)"
