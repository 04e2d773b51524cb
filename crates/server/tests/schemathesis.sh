#!/usr/bin/env bash
# Thousands of requests made of /openapi.json, good and bad, against a running `vetted serve`: none may get a 5xx, and each
# answer must be one that the document names.
#   crates/server/tests/schemathesis.sh http://127.0.0.1:8080
set -euo pipefail
url=${1:?usage: schemathesis.sh URL, or install}
venv="${CLIENTS_VENVS:-$(cd "$(dirname "$0")" && pwd)/../../../target/clients}/schemathesis"
if ! [ -f "$venv/complete" ]; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check schemathesis
    touch "$venv/complete"
fi
[ "$url" = install ] && exit
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance
exec "$venv/bin/schemathesis" run "$url/openapi.json" --url "$url" --checks "$checks" --max-examples "${EXAMPLES:-50}" --seed 1
