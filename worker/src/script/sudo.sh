#!/bin/sh
# A job is root already: where its image has no sudo, this runs the command as it is.
while [ $# -gt 0 ]; do
  case "$1" in
    --) shift && break ;;
    -u | -g | -h | -p | -C | -r | -t | -U) shift && shift ;;
    -*) shift ;;
    *=*) export "$1" && shift ;;
    *) break ;;
  esac
done
[ $# -gt 0 ] || exec sh
exec "$@"
