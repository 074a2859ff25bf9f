#!/usr/bin/env bash
# Kubernetes' five servers from Debian's source package. Debian packages no servers any more, and no
# other registry has them. Built once for each release: about 12 minutes of one processor, 380 MB
# that stay.
set -euo pipefail
cd "$(dirname "$0")"
. ./settings.sh

servers=(kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet)

# Each program says itself which release it is; what was half built, or is from before the
# correction below, is built again.
built() {
  [ "$(cat "$bin/VERSION" 2>/dev/null)" = "$release with map iteration of Go 1.18" ] || return 1
  for server in "${servers[@]}"; do
    [ "$("$bin/$server" --version 2>/dev/null)" = "Kubernetes v$release" ] || return 1
  done
}
if built; then exit 0; fi

./packages.sh build
work=$home/build
say "building Kubernetes $release in $work, once (10 minutes on two processors)"
rm -rf "$work"
mkdir -p "$bin" "$work"/{gopath/src/k8s.io,made,apt/parts,apt/lists/partial,apt/cache/archives/partial}

# With package lists of its own: the machine's apt stays as it is.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
[ -n "$mirror" ] || die "apt names no mirror; run 'apt-get update'"
cat >"$work/apt/sources.sources" <<SOURCES
Types: deb-src
URIs: $mirror
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
apt=(-qq -o "Dir::Etc::SourceList=$work/apt/sources.sources" -o "Dir::Etc::SourceParts=$work/apt/parts"
  -o "Dir::State::Lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache" -o APT::Sandbox::User=root)
apt-get "${apt[@]}" update
(cd "$work" && apt-get "${apt[@]}" source --download-only kubernetes)
description=$(echo "$work"/kubernetes_*.dsc)
case $description in
*really"$release"-*) ;;
*) die "Debian's source is another release than $release: $(basename "$description")" ;;
esac
dpkg-source --no-check -x "$description" "$work/source" >/dev/null
say "the source is there (${SECONDS}s): $(basename "$description")"

./correct.sh "$work/source/vendor/github.com/modern-go/reflect2"

# The tree is older than Go's modules as Debian packs it: everything is in its vendor folder.
ln -s "$work/source" "$work/gopath/src/k8s.io/kubernetes"
cd "$work/gopath/src/k8s.io/kubernetes"
# Go takes the logical path from PWD; the real one is outside of GOPATH.
export PWD=$work/gopath/src/k8s.io/kubernetes
export GOPATH=$work/gopath GO111MODULE=off GOPROXY=off GOTOOLCHAIN=local CGO_ENABLED=0
export GOCACHE=${GOCACHE:-$work/gocache}

# One file of the tree is generated; Debian's package has it not. The generator reads GOROOT.
GOROOT=$(go env GOROOT)
export GOROOT
go build -o "$work/made/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
marked() { grep -rl --include='*.go' '^ *// *+k8s:openapi-gen=' "$@"; }
folders=$({
  marked cmd pkg plugin
  (cd staging/src && marked k8s.io) | sed 's,^,vendor/,'
} | grep -v -e /testdata/ -e /generated/ -e '^vendor/k8s.io/code-generator/' -e '^vendor/k8s.io/sample-apiserver/' |
  xargs -n 1 dirname | LC_ALL=C sort -u | sed 's,^,k8s.io/kubernetes/,' | paste -sd ,)
"$work/made/openapi-gen" --logtostderr -i "$folders" -p k8s.io/kubernetes/pkg/generated/openapi \
  -O zz_generated.openapi -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$work/made/violations"
cmp "$work/made/violations" api/api-rules/violation_exceptions.list ||
  die "the generated API differs from what Kubernetes' own list says"
say "the API is generated (${SECONDS}s)"

flags="-s -w"
for package in component-base/version client-go/pkg/version; do
  package=k8s.io/kubernetes/vendor/k8s.io/$package
  flags+=" -X $package.gitVersion=v$release -X $package.gitMajor=1 -X $package.gitMinor=20"
  flags+=" -X $package.gitTreeState=clean -X $package.gitCommit=debian -X $package.buildDate=2021-01-13T00:00:00Z"
done
# One by one, so that a log that is read meanwhile shows how far it is.
for server in "${servers[@]}"; do
  go build -trimpath -ldflags "$flags" -o "$work/made/$server" "./cmd/$server"
  mv "$work/made/$server" "$bin/$server"
  say "$server is built (${SECONDS}s)"
done
echo "$release with map iteration of Go 1.18" >"$bin/VERSION"
cd "$home"
rm -rf "$work"
built || die "what was built does not say that it is $release"
