slipway_dir="${0%/*}"
exec 3>"$slipway_dir/marks" 4<"$slipway_dir/go"
rm -f "$slipway_dir/marks" "$slipway_dir/go" "$0"
slipway_places=0
slipway_mark() {
  slipway_places=$((slipway_places + 1))
  printf '\033]777;%s;%s\007' "$slipway_nonce" "$slipway_places"
  printf '%s\n' "$1" >&3
}
slipway_run() {
  slipway_mark "start $1"
  printf '$ %s\n' "$2"
  eval "$2" 3>&- 4<&- </dev/null
  slipway_code=$?
  slipway_mark "end $1 $slipway_code"
  if [ "$slipway_code" -ne 0 ]; then
    printf 'The command "%s" exited with %s.\n' "$2" "$slipway_code"
  fi
  return 0
}
slipway_ask() {
  slipway_mark "$1"
  IFS=' ' read -r slipway_answer slipway_names <&4 || slipway_answer=stop
}
slipway_enter() {
  if [ -f "$slipway_dir/deploy.sh" ]; then
    . "$slipway_dir/deploy.sh"
    rm -f "$slipway_dir/deploy.sh"
  fi
}
slipway_exit_deploy() {
  for slipway_name in $slipway_names; do unset "$slipway_name"; done
}
slipway_leave() {
  slipway_mark done
  exit "$1"
}
travis_retry() {
  for slipway_try in 1 2 3; do
    "$@" && return 0
    slipway_status=$?
    printf 'The command "%s" failed (%s), try %s of 3.\n' "$*" "$slipway_status" "$slipway_try"
    [ "$slipway_try" = 3 ] || sleep 1
  done
  return "$slipway_status"
}
travis_wait() {
  case "$1" in *[!0-9]*|'') slipway_minutes=20 ;; *) slipway_minutes="$1"; shift ;; esac
  (
    slipway_spent=0
    while [ "$slipway_spent" -lt "$slipway_minutes" ]; do
      sleep 60
      slipway_spent=$((slipway_spent + 1))
      printf 'Still running (%s of %s): %s\n' "$slipway_spent" "$slipway_minutes" "$*"
    done
  ) &
  slipway_teller=$!
  "$@"
  slipway_status=$?
  kill "$slipway_teller" 2>/dev/null
  return "$slipway_status"
}
travis_terminate() { exit "$1"; }
travis_fold() { :; }
travis_time_start() { :; }
travis_time_finish() { :; }
