#!/usr/bin/env bash
# Installs what the cluster is made of and is missing, after naming it. None of it needs to run as
# a service: each program is started by the scripts beside, on addresses of their own.
# `packages.sh build` names also what only the build of Kubernetes needs.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh

# package:command or path that shows it is there
needed=(etcd-server:etcd containerd:containerd runc:runc conntrack:conntrack socat:socat
  containernetworking-plugins:$cni/bridge docker-registry:docker-registry iptables:iptables
  iproute2:ip procps:sysctl openssl:openssl curl:curl gcc:gcc libc6-dev:/usr/include/stdlib.h
  busybox-static:/bin/busybox kubernetes-client:kubectl redis-tools:redis-check-rdb)
[ "${1:-}" != build ] || needed+=(golang-go:go dpkg-dev:dpkg-source)
missing=()
for pair in "${needed[@]}"; do
  package=${pair%%:*} sign=${pair#*:}
  [ -e "$sign" ] || command -v "$sign" >/dev/null || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
say "will install with apt: ${missing[*]}"
apt-get update -q >/dev/null
DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends "${missing[@]}" >/dev/null
