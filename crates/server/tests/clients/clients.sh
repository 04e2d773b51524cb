#!/usr/bin/env bash
# Real clients, newest versions, against a running `vetted serve`:
#   crates/server/tests/clients/clients.sh http://127.0.0.1:8080
# The server needs a cache that is called `answers`: vetted serve --cache answers=DIR
# Four environments, for the clients do not agree on one version of cohere. They are made once, in target/clients.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
url=${1:?usage: clients.sh URL, or install}
into="${CLIENTS_VENVS:-$here/../../../../target/clients}"
declare -A packages=(
    [newest]="cohere openai litellm infinity_client"
    [langchain]="langchain-cohere langchain-community langchain-openai"
    [langcache]="langcache redisvl langchain-redis"
    [llama-index]="llama-index-postprocessor-cohere-rerank llama-index-postprocessor-jinaai-rerank llama-index-postprocessor-tei-rerank llama-index-embeddings-text-embeddings-inference"
)
failed=0
for group in newest langchain langcache llama-index; do
    venv="$into/$group"
    if ! [ -f "$venv/complete" ]; then
        python3 -m venv --clear "$venv"
        # shellcheck disable=SC2086
        "$venv/bin/pip" install --quiet --disable-pip-version-check ${packages[$group]}
        touch "$venv/complete"
    fi
    [ "$url" = install ] || "$venv/bin/python" "$here/by_${group//-/_}.py" "$url" || failed=1
done
exit $failed
