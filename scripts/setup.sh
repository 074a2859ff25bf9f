#!/usr/bin/env bash
# Installs what the other commands need and is missing, after naming it. Safe to run again.
# What the browser's and Podman's tests need is named apart (`setup.sh browser`): the demo does
# without.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin

say() { printf 'setup: %s\n' "$*"; }

command -v cargo >/dev/null || { echo "setup: Rust is missing; install it from https://rustup.rs and run this again" >&2; exit 1; }

# package:command or path that shows it is there
needed=(gcc:cc git:git postgresql:/usr/lib/postgresql docker.io:dockerd iptables:iptables iproute2:ip
  busybox-static:/bin/busybox docker-registry:docker-registry apache2-utils:htpasswd)
[ "${1:-}" != browser ] || needed+=(nodejs:node npm:npm chromium:chromium python3-pip:pip3
  podman:podman catatonit:/usr/libexec/podman/catatonit)
missing=()
for pair in "${needed[@]}"; do
  package=${pair%%:*} sign=${pair#*:}
  [ -e "$sign" ] || command -v "$sign" >/dev/null || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  say "will install with apt: ${missing[*]}"
  as_root=""
  [ "$(id -u)" = 0 ] || as_root=sudo
  $as_root apt-get update -q >/dev/null
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
fi
if ! cargo nextest --version >/dev/null 2>&1; then
  say "will install with cargo: cargo-nextest"
  cargo install cargo-nextest --locked --quiet
fi
say "everything is there"
