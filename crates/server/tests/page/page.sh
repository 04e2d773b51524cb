#!/usr/bin/env bash
# Clicks through the page of `vetted serve` in headless Chromium, with the real models: `page.sh [VETTED [OPTION...]]`, where VETTED is
# the program (target/release/vetted, with the feature `serve`), and options are those of `node --test`
# (`--test-name-pattern=keyboard`). Installs Debian's chromium and two npm packages if they are not there. SCREENSHOTS=DIR keeps pictures.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../../../.." && pwd)"
target="${CARGO_TARGET_DIR:-$root/target}"
export VETTED="${1:-$target/release/vetted}"
VETTED="$(realpath "$VETTED")"

if [[ -z "${CHROMIUM:-}" ]] && ! command -v chromium >/dev/null; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core fonts-noto-core fonts-noto-color-emoji
fi
export CHROMIUM="${CHROMIUM:-$(command -v chromium)}"
if ! command -v npm >/dev/null; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm
fi

# The packages stay out of the sources: the scripts run where these are.
work="$target/page-test"
mkdir -p "$work"
rm -f "$work"/*.mjs
cp "$here"/package.json "$here"/package-lock.json "$here"/*.mjs "$work"/
(cd "$work" && npm ci --silent --no-audit --no-fund)
# Debian's node may be older than what drives the browser asks for.
node=node
if (( $(node --version | tr -d v | cut -d. -f1) < 20 )); then
    (cd "$work" && npm install --silent --no-save --no-audit --no-fund node@22)
    node="$work/node_modules/node/bin/node"
fi
exec "$node" --test --test-concurrency=1 "${@:2}" "$work"/*.test.mjs
