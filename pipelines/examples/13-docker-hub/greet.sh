#!/bin/sh
echo "Ahoy, ${1:-stranger}."
