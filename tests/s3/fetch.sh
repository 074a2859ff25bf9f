#!/usr/bin/env bash
# An S3 for the tests: moto, a stand-in that many projects test against. Fetched once for each list
# of its packages, into a folder of its own.
set -euo pipefail
cd "$(dirname "$0")"
stamp=$(sha256sum requirements.txt)
if [ "$(cat generated/stamp 2>/dev/null)" = "$stamp" ]; then exit 0; fi
echo "set-up: will fetch with pip, for the tests: moto and what it needs (tests/s3/requirements.txt)"
rm -rf generated
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-deps \
  --target generated -r requirements.txt
printf '%s\n' "$stamp" >generated/stamp
