#!/usr/bin/env bash
# podman.sh start | stop: Podman's service for the tests, beside the usual engine and with a store
# of its own. `start` prints the address for SLIPWAY_TEST_PODMAN; where Podman can not run, it says
# why and prints nothing.
set -euo pipefail
state=${SLIPWAY_PODMAN_STATE:-/var/tmp/slipway-podman-$(id -u)}
socket=$state/podman.sock
pidfile=$state/pid
address=unix://$socket

answers() { DOCKER_HOST=$address docker version >/dev/null 2>&1; }
ours() { [ -e "$pidfile" ] && [ "$(cat "/proc/$(cat "$pidfile")/comm" 2>/dev/null)" = podman ]; }

case ${1:-} in
start)
  if [ "$(id -u)" != 0 ]; then
    echo "podman: the stories on Podman are left out: they want root" >&2
    exit 0
  fi
  if ! command -v podman >/dev/null; then
    echo "podman: the stories on Podman are left out: Podman is not installed" >&2
    exit 0
  fi
  mkdir -p "$state"
  if ! ours || ! answers; then
    rm -f "$socket"
    # Names without a registry are this machine's own; nothing is looked up anywhere.
    printf 'unqualified-search-registries = []\n' >"$state/registries.conf"
    CONTAINERS_REGISTRIES_CONF=$state/registries.conf setsid podman \
      --root "$state/root" --runroot "$state/run" --cgroup-manager=cgroupfs --runtime=runc \
      --events-backend=file system service --time=0 "$address" >"$state/log" 2>&1 </dev/null &
    echo $! >"$pidfile"
    for _ in $(seq 1 100); do
      answers && break
      sleep 0.1
    done
    if ! answers; then
      echo "podman: the service did not become ready; its last lines:" >&2
      tail -n 15 "$state/log" >&2
      exit 1
    fi
  fi
  if ! DOCKER_HOST=$address docker image inspect busybox:latest >/dev/null 2>&1; then
    docker save busybox:latest | DOCKER_HOST=$address docker load --quiet >/dev/null
  fi
  echo "$address"
  ;;
stop)
  ours || exit 0
  kill "$(cat "$pidfile")"
  rm -f "$pidfile" "$socket"
  ;;
*)
  echo "usage: podman.sh start|stop" >&2
  exit 2
  ;;
esac
