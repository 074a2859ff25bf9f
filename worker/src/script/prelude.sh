exec 7>/proc/1/fd/1 8</proc/1/fd/0 9>&1 || exit 125
rm -f "$0"
slipway_dir="${0%/*}"
stty -onlcr rows 24 cols 120 2>/dev/null
command -v sudo >/dev/null 2>&1 || export PATH="$PATH:$slipway_dir/bin"
slipway_places=0
slipway_tracing=
slipway_mark() {
  slipway_places=$((slipway_places + 1))
  printf '\033]777;%s;%s\007' "$slipway_nonce" "$slipway_places" >&9
  printf '%s %s %s\n' "$slipway_nonce" "$slipway_places" "$1" >&7
}
# For a shell that somebody opens in this container. A deploy's secrets are its own.
slipway_remember() {
  # Where its folder has gone, a shell that can not write there would end.
  [ -n "${SLIPWAY_DEPLOY:-}" ] || [ ! -d "$slipway_dir" ] ||
    { command export -p >|"$slipway_dir/left"; } 2>/dev/null || :
}
slipway_run() {
  slipway_mark "start $1"
  printf '$ %s\n' "$2" >&9
  eval "$slipway_tracing$2" 7>&- 8<&- 9>&- </dev/null
  { slipway_code=$? slipway_options=$- && set +xv; } 2>/dev/null
  # A job that traces its commands sees its own, not the ones around them.
  case "$slipway_options" in *x*) slipway_tracing='set -x; ' ;; *) slipway_tracing= ;; esac
  if [ "$slipway_code" -ne 0 ] || [ "${3:-}" = script ]; then
    printf 'The command "%s" exited with %s.\n' "$2" "$slipway_code" >&9
  fi
  slipway_remember
  slipway_mark "end $1 $slipway_code"
}
# A check that must pass for so many seconds. What it looks at may need a minute to come up.
slipway_hold() {
  slipway_mark "start $1"
  printf '$ %s\n' "$3" >&9
  slipway_since="$(date +%s)" slipway_good='' slipway_told="$slipway_since"
  while :; do
    slipway_code=0
    eval "$3" 7>&- 8<&- 9>&- </dev/null || slipway_code=$?
    { set +xv; } 2>/dev/null
    slipway_now="$(date +%s)"
    if [ "$slipway_code" -eq 0 ]; then
      : "${slipway_good:=$slipway_now}"
      [ "$((slipway_now - slipway_good))" -lt "$2" ] || break
    elif [ -n "$slipway_good" ] || [ "$((slipway_now - slipway_since))" -ge 60 ]; then
      break
    fi
    # A job that says nothing for long is ended.
    if [ "$((slipway_now - slipway_told))" -ge 60 ]; then
      printf 'Still checking.\n' >&9
      slipway_told="$slipway_now"
    fi
    sleep 1
  done
  [ "$slipway_code" -eq 0 ] || printf 'The command "%s" exited with %s.\n' "$3" "$slipway_code" >&9
  slipway_mark "end $1 $slipway_code"
}
slipway_env() {
  slipway_place="$1"
  eval "$2" 7>&- 8<&- 9>&- </dev/null
  # bash goes on after text that is none of a shell; other shells end in the trap.
  [ $? -ne 2 ] || slipway_bad_env
}
slipway_bad_env() {
  trap - EXIT
  slipway_mark "env $slipway_place"
  exit 2
}
slipway_failed() {
  slipway_result=1
  export TRAVIS_TEST_RESULT=1 CI_TEST_RESULT=1
}
slipway_settle() {
  # A job may say by itself that it failed, never that it did not.
  [ "${TRAVIS_TEST_RESULT:-0}" = 0 ] || slipway_failed
  export TRAVIS_TEST_RESULT="$slipway_result" CI_TEST_RESULT="$slipway_result"
  slipway_mark "result $slipway_result"
}
slipway_ask() {
  slipway_mark "$1"
  IFS=' ' read -r slipway_answer slipway_names <&8 || slipway_answer=stop
}
slipway_paths() {
  for slipway_text in "$@"; do
    # One that can not be expanded takes neither the shell nor the others with it.
    (
      set +euf
      IFS=
      command cd "$slipway_build" || exit
      eval "set -- $slipway_text"
      [ "$#" -eq 0 ] || printf '%s\000' "$@"
    ) 7>&- 8<&- 9>&- </dev/null 2>/dev/null || :
    printf '\000'
  done >|"$slipway_dir/paths" || :
}
# What the worker needs in the container is in no image: it lies where no layer is meanwhile.
slipway_apart() {
  slipway_beside="/dev/shm/${slipway_dir##*/}"
  if command mv "$slipway_dir" "$slipway_beside"; then
    slipway_ask "$1"
    command mv "$slipway_beside" "$slipway_dir" || :
  else
    printf 'No image can be made of this container: nothing can be laid in its /dev/shm.\n' >&9
    return 1
  fi
}
slipway_state() {
  slipway_answer=pass
  command mkdir -p "$slipway_dir/state" || return 0
  command cat /proc/self/environ >"$slipway_dir/state/env" || :
  command pwd >"$slipway_dir/state/cwd" || :
  [ -z "${BASH_VERSION:-}" ] || slipway_functions >"$slipway_dir/state/functions" || :
  slipway_ask state
  command rm -rf "$slipway_dir/state" || :
}
slipway_functions() {
  for slipway_name in $(compgen -A function); do
    case "$slipway_name" in
      slipway_* | travis_*) ;;
      *) declare -f "$slipway_name" ;;
    esac
  done
}
slipway_restore() {
  if [ -r /build/.slipway-snapshot/state.sh ]; then . /build/.slipway-snapshot/state.sh; fi
  command rm -rf /build/.slipway-snapshot || :
}
slipway_enter() {
  . "$slipway_dir/deploy.sh"
  rm -f "$slipway_dir/deploy.sh"
}
slipway_exit_deploy() {
  eval "unset SLIPWAY_DEPLOY $slipway_names"
}
slipway_stop() {
  printf '\nYour build has been stopped.\n' >&9
  slipway_leave 2
}
slipway_leave() {
  printf '\nDone. Your build exited with %s.\n' "$1" >&9
  # Its folder may be gone, and a shell ends when it can not write for its own `trap`.
  [ ! -d "$slipway_dir" ] || trap >"$slipway_dir/traps" 2>/dev/null || :
  if [ -s "$slipway_dir/traps" ]; then slipway_mark 'done traps'; else slipway_mark done; fi
  exit "$1"
}
travis_retry() {
  slipway_try=1
  while :; do
    slipway_status=0
    "$@" || slipway_status=$?
    [ "$slipway_status" -ne 0 ] || return 0
    printf 'The command "%s" failed (%s), try %s of 3.\n' "$*" "$slipway_status" "$slipway_try"
    [ "$slipway_try" -lt 3 ] || return "$slipway_status"
    slipway_try=$((slipway_try + 1))
    sleep 1
  done
}
travis_wait() {
  case "$1" in *[!0-9]* | '') slipway_minutes=20 ;; *) slipway_minutes="$1" && shift ;; esac
  slipway_kept="$(mktemp)" || return 1
  "$@" >"$slipway_kept" 2>&1 &
  slipway_waited=$!
  travis_jigger "$slipway_waited" "$slipway_minutes" "$@" &
  slipway_jigger=$!
  slipway_status=0
  wait "$slipway_waited" 2>/dev/null || slipway_status=$?
  kill "$slipway_jigger" 2>/dev/null || :
  wait "$slipway_jigger" 2>/dev/null || :
  printf '\nThe command "%s" exited with %s.\n\nLog:\n\n' "$*" "$slipway_status"
  cat "$slipway_kept"
  rm -f "$slipway_kept"
  return "$slipway_status"
}
travis_jigger() {
  slipway_target="$1"
  slipway_minutes="$2"
  shift 2
  slipway_spent=0
  while [ "$slipway_spent" -lt "$slipway_minutes" ]; do
    slipway_spent=$((slipway_spent + 1))
    printf 'Still running (%s of %s): %s\n' "$slipway_spent" "$slipway_minutes" "$*"
    sleep 60 >/dev/null 2>&1
  done
  printf '\nTimeout (%s minutes) reached. Terminating "%s"\n\n' "$slipway_minutes" "$*"
  kill -9 "$slipway_target" 2>/dev/null || :
}
travis_terminate() { exit "$1"; }
travis_fold() { printf 'travis_fold:%s:%s\r\033[0K' "$1" "$2"; }
travis_nanoseconds() { printf '%s000000000' "$(date -u +%s)"; }
travis_time_start() {
  TRAVIS_TIMER_ID="$slipway_places"
  TRAVIS_TIMER_START_TIME="$(travis_nanoseconds)"
  export TRAVIS_TIMER_ID TRAVIS_TIMER_START_TIME
  printf 'travis_time:start:%s\r\033[0K' "$TRAVIS_TIMER_ID"
}
travis_time_finish() {
  slipway_status=$?
  slipway_now="$(travis_nanoseconds)"
  printf 'travis_time:end:%s:start=%s,finish=%s,duration=%s\r\033[0K' "$TRAVIS_TIMER_ID" \
    "$TRAVIS_TIMER_START_TIME" "$slipway_now" "$((slipway_now - TRAVIS_TIMER_START_TIME))"
  return "$slipway_status"
}
slipway_distribution() {
  TRAVIS_DIST=
  [ -r /etc/os-release ] || return 0
  # Read by the shell itself: a process would cost every job some milliseconds.
  while IFS='=' read -r slipway_key slipway_value; do
    slipway_value="${slipway_value#\"}"
    case "$slipway_key" in
      VERSION_CODENAME) TRAVIS_DIST="${slipway_value%\"}" && break ;;
      ID) TRAVIS_DIST="${slipway_value%\"}" ;;
    esac
  done </etc/os-release
}
