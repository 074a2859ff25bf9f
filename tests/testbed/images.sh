#!/usr/bin/env bash
# Makes the images that no registry is asked for: the pods' pause (for the nodes' containerd),
# busybox and redis, as Docker Hub calls them, and app:1 and app:2, which differ in a file. Made of
# this machine's own programs, in seconds. `images.sh push` brings all but the first to the
# cluster's registry, where the nodes look first.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh

if [ "${1:-}" = push ]; then
  for image in library/busybox:1 library/redis:7 app:1 app:2; do
    docker tag "slipway-testbed/${image#library/}" "$registry/$image"
    docker push -q "$registry/$image" >/dev/null
    docker rmi "$registry/$image" >/dev/null
  done
  exit 0
fi

made() { docker image inspect "$1" >/dev/null 2>&1; }
mkdir -p "$images"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ ! -e "$images/pause.tar" ]; then
  say "making the image $pause"
  mkdir "$work/pause"
  gcc -Os -static -s -o "$work/pause/pause" pause.c
  tar -C "$work/pause" -c . | docker import -c 'ENTRYPOINT ["/pause"]' - "${pause#docker.io/}" >/dev/null
  docker save -o "$images/pause.tar" "${pause#docker.io/}"
fi

if ! made slipway-testbed/busybox:1; then
  DOCKER=docker ../../scripts/busybox.sh
  docker tag busybox:latest slipway-testbed/busybox:1
fi

for version in 1 2; do
  if made "slipway-testbed/app:$version"; then continue; fi
  echo "v$version" >"$work/version"
  container=$(docker create slipway-testbed/busybox:1)
  docker cp "$work/version" "$container:/etc/version"
  docker commit "$container" "slipway-testbed/app:$version" >/dev/null
  docker rm "$container" >/dev/null
done

if ! made slipway-testbed/redis:7; then
  say "making the image redis:7 from this machine's redis-tools"
  root=$work/redis
  mkdir -p "$root"/{usr/bin,tmp,data,etc}
  # The server, its check and its repair are one program; its name says which it is.
  cp "$(command -v redis-check-rdb)" "$root/usr/bin/redis-server"
  cp "$(command -v redis-cli)" "$root/usr/bin/"
  cp /bin/busybox "$root/usr/bin/busybox"
  ln -s busybox "$root/usr/bin/sh"
  ldd "$root/usr/bin/redis-server" "$root/usr/bin/redis-cli" | grep -o '/[^ ]*' | grep -v ':$' | sort -u |
    while read -r library; do install -D "$library" "$root$library"; done
  tar -C "$root" -c . | docker import -c 'ENV PATH=/usr/bin' -c 'WORKDIR /data' -c 'EXPOSE 6379' \
    -c 'CMD ["redis-server", "--protected-mode", "no"]' - slipway-testbed/redis:7 >/dev/null
fi
