#!/usr/bin/env bash
# The official conformance suite and the official Python clients against `vetted serve` and `vetted mcp`, over the tiny
# fixture models: crates/server/tests/mcp/run.sh [PATH OF vetted]. Installs what it needs into target/mcp-clients.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../../../.." && pwd)"
target="${CARGO_TARGET_DIR:-$root/target}"
vetted="$(realpath "${1:-$target/release/vetted}")"
tools="$target/mcp-clients"
mkdir -p "$tools"

step() { printf '\n-- %s\n' "$1"; }

step "the conformance suite and its Node"
if ! command -v npm >/dev/null; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm
fi
if ! cmp -s "$here/package.json" "$tools/package.json" || [[ ! -x "$tools/node_modules/node/bin/node" ]]; then
    cp "$here/package.json" "$tools/"
    npm install --prefix "$tools" --no-audit --no-fund --loglevel=error
fi
node="$tools/node_modules/node/bin/node"
conformance="$tools/node_modules/@modelcontextprotocol/conformance/dist/index.js"
"$node" --version

step "the Python clients"
if ! cmp -s "$here/requirements.txt" "$tools/requirements.txt" || [[ ! -x "$tools/python/bin/python" ]]; then
    python3 -m venv --clear "$tools/python"
    "$tools/python/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$tools/"
fi
"$tools/python/bin/python" -c 'import importlib.metadata as m; print("mcp", m.version("mcp"), "fastmcp", m.version("fastmcp"))'

work="$(mktemp -d)"
server=""
finish() {
    [[ -z "$server" ]] || kill "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

# The tiny models alone, and no network.
export VETTED_HOME="$work/home" VETTED_OFFLINE=1
export VETTED_VERIFIER="$root/fixtures/tiny/verifier" VETTED_MODEL=tiny-encoder
"$vetted" models path tiny-encoder --from "$root/fixtures/tiny/encoder" >/dev/null

"$vetted" serve --index "notes=$work/notes" --listen 127.0.0.1:0 >"$work/out" 2>"$work/errors" &
server=$!
for _ in $(seq 100); do
    url="$(sed -n 's/^listening on //p' "$work/out")"
    [[ -n "$url" ]] && break
    kill -0 "$server" 2>/dev/null || { cat "$work/errors"; exit 1; }
    sleep 0.1
done
[[ -n "$url" ]] || { echo "the server does not listen"; cat "$work/errors"; exit 1; }

# Scenarios that need no fixture tools, resources or prompts. A revision runs those that it knows.
failed=0
run() {
    local results="$work/results/$1-$2"
    mkdir -p "$results"
    "$node" "$conformance" server --url "$url/mcp" --scenario "$1" --spec-version "$2" -o "$results" >"$work/scenario" 2>&1 || true
    "$node" "$here/checks.mjs" "$results" "$1" "$2" || { cat "$work/scenario"; failed=1; }
}
step "conformance: the revision without initialize"
for scenario in server-stateless tools-list http-header-validation dns-rebinding-protection server-sse-multiple-streams; do
    run "$scenario" 2026-07-28
done
step "conformance: earlier revisions"
for version in 2025-06-18 2025-11-25; do
    for scenario in server-initialize ping tools-list; do
        run "$scenario" "$version"
    done
done
run dns-rebinding-protection 2025-11-25
[[ "$failed" = 0 ]]

step "Python clients"
"$tools/python/bin/python" "$here/client.py" --url "$url/mcp" --program "$vetted" --folder "$work"

kill "$server"
wait "$server" && server=""
[[ ! -s "$work/errors" ]] || { echo "the server complained:"; cat "$work/errors"; exit 1; }
step "all as it should be"
