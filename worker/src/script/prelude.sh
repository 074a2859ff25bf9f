exec 7>/proc/1/fd/1 8</proc/1/fd/0 9>&1 || exit 125
rm -f "$0"
slipway_dir="${0%/*}"
stty -onlcr rows 24 cols 120 2>/dev/null
slipway_places=0
slipway_mark() {
  slipway_places=$((slipway_places + 1))
  printf '\033]777;%s;%s\007' "$slipway_nonce" "$slipway_places" >&9
  printf '%s %s %s\n' "$slipway_nonce" "$slipway_places" "$1" >&7
}
slipway_run() {
  slipway_mark "start $1"
  printf '$ %s\n' "$2" >&9
  eval "$2" 7>&- 8<&- 9>&- </dev/null
  slipway_code=$?
  if [ "$slipway_code" -ne 0 ]; then
    printf 'The command "%s" exited with %s.\n' "$2" "$slipway_code" >&9
  fi
  slipway_mark "end $1 $slipway_code"
}
slipway_ask() {
  slipway_mark "$1"
  IFS=' ' read -r slipway_answer slipway_names <&8 || slipway_answer=stop
}
slipway_enter() {
  . "$slipway_dir/deploy.sh"
  rm -f "$slipway_dir/deploy.sh"
}
slipway_exit_deploy() {
  eval "unset SLIPWAY_DEPLOY $slipway_names"
}
slipway_leave() {
  slipway_mark done
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
  (
    slipway_spent=0
    while [ "$slipway_spent" -lt "$slipway_minutes" ]; do
      sleep 60
      slipway_spent=$((slipway_spent + 1))
      printf 'Still running (%s of %s): %s\n' "$slipway_spent" "$slipway_minutes" "$*"
    done
  ) &
  slipway_teller=$!
  slipway_status=0
  "$@" || slipway_status=$?
  kill "$slipway_teller" 2>/dev/null || :
  return "$slipway_status"
}
travis_terminate() { exit "$1"; }
travis_fold() { :; }
travis_time_start() { :; }
travis_time_finish() { :; }
