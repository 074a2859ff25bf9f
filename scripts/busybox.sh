#!/usr/bin/env bash
# Makes the image busybox:latest from Debian's static busybox, where the engine has none: the
# demo and the tests need one small image, and must work without any registry.
set -euo pipefail
docker=${DOCKER:-docker}

if "$docker" image inspect busybox:latest >/dev/null 2>&1; then exit 0; fi
echo "busybox: making the image busybox:latest from /bin/busybox"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
mkdir -p "$root"/{bin,etc,root,tmp,var,proc,sys,dev}
chmod 1777 "$root/tmp"
cp "$(command -v busybox)" "$root/bin/busybox"
for applet in $(busybox --list); do
  [ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"
done
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
tar -C "$root" -c . | "$docker" import -c 'CMD ["sh"]' -c 'ENV PATH=/bin' - busybox:latest >/dev/null
