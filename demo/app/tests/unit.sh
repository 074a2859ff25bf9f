#!/bin/sh
# What the application says, in the language of this matrix job.
set -e
. ./greeting.sh
[ "$(greeting "$GREETING" world)" = "$GREETING, world!" ]
echo "greets with $GREETING"
