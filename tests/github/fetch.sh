#!/usr/bin/env bash
# What GitHub says of itself, for the tests: the description of its API, trimmed, and examples of
# what its webhooks post. Fetched once for each lock file; the packages are large and do not stay.
set -euo pipefail
cd "$(dirname "$0")"
stamp=$(sha256sum package-lock.json trim.mjs | sha256sum)
if [ "$(cat generated/stamp 2>/dev/null)" = "$stamp" ]; then exit 0; fi
echo "set-up: will fetch with npm, for the tests: @octokit/openapi, @octokit/webhooks-examples"
mkdir -p generated
trap 'rm -rf node_modules' EXIT
npm ci --no-audit --no-fund --silent
node trim.mjs generated
printf '%s\n' "$stamp" >generated/stamp
