#!/usr/bin/env bash
# Makes the base images of the examples, under their names of Docker Hub, where the engine has none:
# the examples' stories must work without any registry. Each is made once from packages of Debian,
# and kept; what it holds is less than the original, and enough for the examples.
set -euo pipefail
cd "$(dirname "$0")/.."
docker=${DOCKER:-docker}
# The classic builder: clients of some versions have no other.
export DOCKER_BUILDKIT=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

missing() {
  ! "$docker" image inspect "$1" >/dev/null 2>&1 || return 1
  echo "base images: making $1 ($2)"
}

# Name, and the folder that it is built in; the Dockerfile comes by standard input.
build() {
  cat >"$work/Dockerfile"
  "$docker" build -q -t "$1" -f "$work/Dockerfile" "$2" >/dev/null 2>"$work/said" || {
    cat "$work/said" >&2
    return 1
  }
}

debian() {
  missing debian:bookworm-slim "a minute or two" || return 0
  local as_root=""
  [ "$(id -u)" = 0 ] || as_root=sudo
  if ! command -v mmdebstrap >/dev/null; then
    echo "base images: will install with apt: mmdebstrap"
    $as_root apt-get update -q >/dev/null
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -q --no-install-recommends mmdebstrap >/dev/null
  fi
  local exclude=() folder
  for folder in doc man locale info; do exclude+=(--dpkgopt="path-exclude=/usr/share/$folder/*"); done
  $as_root mmdebstrap --quiet --variant=minbase --mode=root --include=ca-certificates \
    --aptopt='Acquire::Languages "none"' "${exclude[@]}" bookworm "$work/debian.tar"
  "$docker" import -c 'CMD ["bash"]' "$work/debian.tar" debian:bookworm-slim >/dev/null
  rm -f "$work/debian.tar"
}

hello() {
  missing hello-world:latest "a program of one line" || return 0
  mkdir -p "$work/hello"
  cat >"$work/hello.c" <<'C'
#include <stdio.h>
int main(void) {
  puts("\nHello from Docker!\nThis message shows that your installation appears to be working correctly.\n");
}
C
  cc -static -Os -s -o "$work/hello/hello" "$work/hello.c"
  tar -C "$work/hello" -c . | "$docker" import -c 'CMD ["/hello"]' - hello-world:latest >/dev/null
}

# busybox, and this machine's client with what it is linked with.
client() {
  missing docker:20 "this machine's client" || return 0
  local program=/usr/bin/docker root="$work/client" file
  [ -x "$program" ] || program=$(command -v docker)
  mkdir -p "$root"/{usr/bin,var/run}
  cp -L "$program" "$root/usr/bin/docker"
  for file in $(ldd "$program" 2>/dev/null | grep -o '/[^ ]*' || true); do
    mkdir -p "$root$(dirname "$file")"
    cp -L "$file" "$root$file"
  done
  build docker:20 "$root" <<'DOCKERFILE'
FROM busybox:latest
COPY . /
ENV PATH=/bin:/usr/bin
DOCKERFILE
}

# apt_image NAME PACKAGES: what follows comes by standard input.
apt_image() {
  {
    echo "FROM debian:bookworm-slim"
    echo "RUN apt-get update -q && apt-get install -y -q --no-install-recommends $2 && apt-get clean && rm -rf /var/lib/apt/lists/*"
    cat
  } | build "$1" "$work/empty"
}

python() {
  missing python:3.11-slim "a minute" || return 0
  # pip of the original installs for everybody; Debian's has to be told that it may.
  apt_image python:3.11-slim "python3 python3-pip python3-venv" <<'DOCKERFILE'
RUN ln -s python3 /usr/bin/python && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
CMD ["python3"]
DOCKERFILE
}

redis() {
  missing redis:7 "half a minute" || return 0
  apt_image redis:7 "redis-server redis-tools" <<'DOCKERFILE'
WORKDIR /data
EXPOSE 6379
CMD ["redis-server", "--protected-mode", "no"]
DOCKERFILE
}

nginx() {
  missing nginx:1 "half a minute" || return 0
  # The pages where the original has them, and the log on standard output.
  apt_image nginx:1 nginx-light <<'DOCKERFILE'
RUN sed -i 's#/var/www/html#/usr/share/nginx/html#' /etc/nginx/sites-available/default \
 && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log
EXPOSE 80
CMD ["nginx", "-g", "daemon off;"]
DOCKERFILE
}

moto() {
  missing motoserver/moto:5 "what tests/s3/fetch.sh fetched" || return 0
  tests/s3/fetch.sh
  build motoserver/moto:5 tests/s3/generated <<'DOCKERFILE'
FROM python:3.11-slim
COPY . /moto
ENV PYTHONPATH=/moto PYTHONUNBUFFERED=1
EXPOSE 5000
CMD ["python3", "-m", "moto.server", "-H", "0.0.0.0", "-p", "5000"]
DOCKERFILE
}

mkdir "$work/empty"
scripts/busybox.sh
hello
client
debian
python
redis
nginx
moto
