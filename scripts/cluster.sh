#!/usr/bin/env bash
# cluster.sh start | stop | runs: a Kubernetes of two real nodes for the tests (tests/testbed).
# `start` makes what is missing, takes a cluster of ours that answers or starts one, and prints its
# kubeconfig's path. `stop` takes it down. It needs a container engine that answers.
set -euo pipefail
cd "$(dirname "$0")/../tests/testbed"
. ./settings.sh

runs() { [ -e "$run/answers" ] && lives kube-apiserver kube-apiserver && kubectl get --raw /readyz >/dev/null 2>&1; }

case ${1:-} in
start)
  ./preflight.sh
  ./packages.sh
  ./build.sh
  ./images.sh
  # What is left of one that died is in the way.
  runs || { ./down.sh && ./up.sh; }
  echo "$KUBECONFIG"
  ;;
stop) ./down.sh ;;
runs) runs ;;
*)
  echo "usage: cluster.sh start|stop|runs" >&2
  exit 2
  ;;
esac
