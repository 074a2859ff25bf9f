#!/usr/bin/env bash
# engine.sh start | stop: a container engine for the demo and the tests.
# `start` takes the one that answers; where none does, it starts Debian's dockerd and remembers
# its pid. `stop` ends only the one that `start` started.
set -euo pipefail
state=${SLIPWAY_ENGINE_STATE:-/var/tmp/slipway-engine-$(id -u)}
pidfile=$state/pid

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

case ${1:-} in
start)
  if answers; then exit 0; fi
  if [ "$(id -u)" != 0 ]; then
    echo "engine: no container engine answers; start it with: sudo systemctl start docker (and join the group docker)" >&2
    exit 1
  fi
  mkdir -p "$state"
  echo "engine: starting dockerd (log: $state/log)"
  setsid dockerd >"$state/log" 2>&1 </dev/null &
  pid=$!
  echo "$pid" >"$pidfile"
  for _ in $(seq 1 300); do
    if answers; then exit 0; fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  echo "engine: dockerd did not become ready; its last lines:" >&2
  tail -n 15 "$state/log" >&2
  exit 1
  ;;
stop)
  [ -e "$pidfile" ] || exit 0
  pid=$(cat "$pidfile")
  # The pid may be another's by now.
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
    kill "$pid"
    for _ in $(seq 1 200); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
  fi
  rm -f "$pidfile"
  ;;
*)
  echo "usage: engine.sh start|stop" >&2
  exit 2
  ;;
esac
