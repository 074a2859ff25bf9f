unset BASH_ENV ENV
# Nothing that is typed is written down.
HISTFILE=
slipway_places=0
slipway_failed="${SLIPWAY_FAILED:-}"
slipway_going_on="${SLIPWAY_CONTINUE:-}"
slipway_term="${TERM:-xterm}"
unset SLIPWAY_FAILED SLIPWAY_CONTINUE
# What the job's shell had exported when its last command ended, and where it was.
slipway_take() {
  [ -s "$slipway_dir/left" ] || return 0
  # bash writes `declare -x`, which would be a function's own here.
  if [ -n "${BASH_VERSION:-}" ]; then
    declare() { builtin declare -g "$@"; }
  fi
  . "$slipway_dir/left"
  unset -f declare 2>/dev/null || :
  cd "$PWD" 2>/dev/null || :
  export TERM="$slipway_term"
}
slipway_remember() { { export -p >|"$slipway_dir/left"; } 2>/dev/null || :; }
slipway_try() {
  printf '$ %s\n' "$1"
  # Debuggers may ask; what is piped in is not for the command.
  if [ -t 0 ]; then eval "$1"; else eval "$1" </dev/null; fi
  slipway_code=$?
  [ "$slipway_code" -eq 0 ] || printf 'The command "%s" exited with %s.\n' "$1" "$slipway_code"
}
slipway_go() {
  slipway_code=0
  [ "$1" -ge "$slipway_failed" ] || return 0
  slipway_try "$2"
  slipway_count=$((slipway_count + 1))
  [ "$slipway_code" -eq 0 ] || slipway_red=$((slipway_red + 1))
  slipway_remember
}
slipway_counted() { printf '\n%s ran, %s of them failed.\n' "$slipway_count" "$slipway_red"; }
slipway_halt() {
  slipway_counted
  exit 2
}
slipway_none() { printf 'This job has no commands in %s.\n' "$1"; }
slipway_no_deploy() { printf 'A shell never deploys: run the job again for that.\n'; }
slipway_continue() {
  case "$slipway_failed" in
    '')
      printf 'No command of this job failed: there is nothing to go on from.\n'
      return 1
      ;;
    deploy)
      slipway_no_deploy
      return 1
      ;;
  esac
  # A shell of its own: `exit` and `set -e` of a command end that one, as they ended the job.
  (slipway_go_on)
  slipway_code=$?
  slipway_take
  case "$slipway_code" in
    0) printf 'The job would have passed.\n' ;;
    1) printf 'The job would have failed.\n' ;;
    *) printf 'The job would have errored: it ended with %s.\n' "$slipway_code" ;;
  esac
  return "$slipway_code"
}
