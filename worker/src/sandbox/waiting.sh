exec 7>/proc/1/fd/1 8</proc/1/fd/0 || exit 125
slipway_tools=none
command -v head >/dev/null 2>&1 && command -v tar >/dev/null 2>&1 && slipway_tools=tar
printf 'ready %s\n' "$slipway_tools" >&7
while IFS=' ' read -r slipway_verb slipway_what <&8; do
  case "$slipway_verb" in
    tar) head -c "$slipway_what" <&8 2>/dev/null | tar -xpf - -C / >/dev/null 2>&1 7>&- ;;
    sh) head -c "$slipway_what" <&8 2>/dev/null | sh >/dev/null 2>&1 7>&- ;;
    run) break ;;
  esac
  printf 'done %s\n' "$?" >&7
done
[ "$slipway_verb" = run ] || exit 125
if command -v bash >/dev/null 2>&1; then exec bash "$slipway_what"; fi
exec sh "$slipway_what"
