#!/bin/sh
# Python whose pip finds packages only in the folder `index` beside the link by which it was called.
PIP_CONFIG_FILE=/dev/null PIP_NO_INDEX=1 PIP_FIND_LINKS="$(dirname "$0")/index" exec python3 "$@"
