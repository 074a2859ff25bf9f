#!/bin/sh
# The service of this job is reached by its name and on localhost.
set -e
[ "$(wget -q -O - http://cache:6380/ping)" = pong ]
[ "$(wget -q -O - http://localhost:6380/ping)" = pong ]
echo "the cache answers"
