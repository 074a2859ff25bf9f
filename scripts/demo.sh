#!/usr/bin/env bash
# demo.sh start | stop
# start: from nothing to a push that is built, tested, pushed to a registry and deployed, and a
# second push whose health check fails and is rolled back. All real: this machine's engine, a
# registry, git, and the same server, worker and pages as in production.
# stop: ends what `start` started, and removes what it made.
set -euo pipefail
cd "$(dirname "$0")/.."

demo=${SLIPWAY_DEMO_DIR:-/var/tmp/slipway-demo-$(id -u)}
slipway=$PWD/target/debug/slipway
repo=demo/hello

say() { printf '\n\033[1mdemo: %s\033[0m\n' "$*"; }
fail() {
  echo "demo: $*" >&2
  [ ! -s "$demo/up.log" ] || { echo "demo: the last lines of $demo/up.log:" >&2; tail -n 20 "$demo/up.log" >&2; }
  exit 1
}

# The first port from $1 on that nobody listens on.
free_port() {
  local port=$1
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "$port"
}

stop_pid() { # FILE COMM: ends the process of that name whose pid FILE holds
  local pid
  [ -e "$1" ] || return 0
  pid=$(cat "$1")
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ]; then
    kill "$pid"
    for _ in $(seq 1 300); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
  fi
  rm -f "$1"
}

stop() {
  [ -d "$demo" ] || return 0
  if [ -e "$demo/data" ] && [ -x "$slipway" ]; then "$slipway" down --data-dir "$demo/data" || true; fi
  stop_pid "$demo/up.pid" slipway
  stop_pid "$demo/registry.pid" docker-registry
  if docker version >/dev/null 2>&1; then
    local made
    # What the demo deployed outlives the worker by design; the demo takes it away.
    made=$(docker ps -aq --filter "label=slipway.service=$repo/hello")
    [ -z "$made" ] || docker rm -f -v $made >/dev/null
  fi
  rm -rf "$demo"
  scripts/engine.sh stop
}

registry() { # PORT: a registry with one account
  mkdir -p "$demo/registry"
  htpasswd -Bbn "$registry_user" "$registry_password" >"$demo/registry/htpasswd" 2>/dev/null
  cat >"$demo/registry/config.yml" <<CONFIG
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $demo/registry/data}}
http: {addr: "127.0.0.1:$1"}
auth: {htpasswd: {realm: demo, path: $demo/registry/htpasswd}}
CONFIG
  setsid docker-registry serve "$demo/registry/config.yml" >"$demo/registry/log" 2>&1 </dev/null &
  echo $! >"$demo/registry.pid"
}

up() { # PORT
  setsid "$slipway" up --data-dir "$demo/data" --listen "127.0.0.1:$1" >"$demo/up.log" 2>&1 </dev/null &
  echo $! >"$demo/up.pid"
  for _ in $(seq 1 600); do
    if grep -q '/login/' "$demo/up.log"; then return 0; fi
    kill -0 "$(cat "$demo/up.pid")" 2>/dev/null || fail "slipway up ended"
    sleep 0.1
  done
  fail "slipway up did not become ready within a minute"
}

application() { # REGISTRY_PORT APP_PORT: a git repository of its own
  cp -r demo/app "$demo/hello"
  sed -i "s/@REGISTRY_PORT@/$1/; s/@APP_PORT@/$2/" "$demo/hello/.ci.yml"
  git -C "$demo/hello" init -q -b main
  git -C "$demo/hello" config user.name "Demo"
  git -C "$demo/hello" config user.email demo@localhost
}

push() { # MESSAGE
  git -C "$demo/hello" add -A
  git -C "$demo/hello" commit -q -m "$1"
  git -C "$demo/hello" push -q slipway main
}

start() {
  # Without these git would take the settings of whoever calls.
  export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
  say "setting up (what is missing is named before it is installed)"
  scripts/setup.sh
  stop
  mkdir -p "$demo"
  chmod 755 "$demo"
  scripts/engine.sh start
  say "building"
  cargo build --workspace --locked --quiet
  scripts/busybox.sh

  local registry_port app_port port commit page
  registry_user=demo
  registry_password=$(head -c 18 /dev/urandom | base64 | tr -d '/+')
  registry_port=$(free_port 5000) app_port=$(free_port 18080) port=$(free_port 8080)
  say "starting a registry on 127.0.0.1:$registry_port and slipway up on 127.0.0.1:$port"
  registry "$registry_port"
  up "$port"
  export SLIPWAY_DATA_DIR=$demo/data

  say "a sample application: its own git repository, added to Slipway"
  application "$registry_port" "$app_port"
  "$slipway" repo add "$demo/hello" --name "$repo"
  printf %s "$registry_user" | "$slipway" secret set "$repo" REGISTRY_USER
  printf %s "$registry_password" | "$slipway" secret set "$repo" REGISTRY_PASSWORD

  say "git push slipway main"
  push "Say hello"
  commit=$(git -C "$demo/hello" rev-parse --short=7 HEAD)
  "$slipway" runs watch "$repo" 1 || fail "the first run did not pass"
  page=$(busybox wget -q -O - "http://127.0.0.1:$app_port/") || fail "the application does not answer"
  grep -q "$commit" <<<"$page" || fail "the application shows $page, not $commit"
  echo "deployed: http://127.0.0.1:$app_port shows $commit"

  say "a second push, whose health check fails"
  cat >"$demo/hello/www/cgi-bin/health" <<'HEALTH'
#!/bin/sh
# Healthy only with a database, which production does not have.
[ -n "$DATABASE_URL" ] || printf 'Status: 500 Internal Server Error\r\n'
printf 'Content-Type: text/plain\r\n\r\n%s\n' "DATABASE_URL is ${DATABASE_URL:-not set}"
HEALTH
  push "Ask the database for its health"
  if "$slipway" runs watch "$repo" 2; then fail "the second run passed, though its health check fails"; fi
  "$slipway" deploy list "$repo" | grep -m1 'rolled back' || fail "the second deployment was not rolled back"
  page=$(busybox wget -q -O - "http://127.0.0.1:$app_port/") || fail "the application does not answer any more"
  grep -q "$commit" <<<"$page" || fail "the application shows $page, not $commit"
  echo "still serving: http://127.0.0.1:$app_port shows $commit"

  say "look around: $("$slipway" login)"
  echo "      the server stays up; end it with: make demo-stop"
}

case ${1:-} in
start) start ;;
stop) stop ;;
*)
  echo "usage: demo.sh start|stop" >&2
  exit 2
  ;;
esac
