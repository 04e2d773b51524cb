#!/usr/bin/env bash
# `vetted serve` and a MiniLM-L6 cross-encoder in ONNX Runtime behind HTTP (peer.py), asked over loopback in turns, in one run:
# requests a second, latencies, and what an overloaded `vetted serve` does.
#
#   benchmarks/serving/run.sh [OUT.md]
#
# MODEL    a folder of all-MiniLM-L6-v2: config.json, model.safetensors    (default: ~/.cache/vetted/models/all-MiniLM-L6-v2)
# PYTHON   a Python with numpy, onnx, onnxruntime, tokenizers, torch, transformers                        (default: python3)
# ROUNDS   rounds over all servers                                                                             (default: 3)
# SECONDS_EACH  seconds of each measurement                                                                    (default: 8)
# VETTED   the program                                                    (default: target/release/vetted, which this builds)
# WORK     folder for graphs, bodies and raw numbers                      (default: a folder in the target dir)
set -euo pipefail
cd "$(dirname "$0")"

target=$(realpath "${CARGO_TARGET_DIR:-../../target}")
MODEL=$(realpath "${MODEL:-${XDG_CACHE_HOME:-$HOME/.cache}/vetted/models/all-MiniLM-L6-v2}")
PYTHON=${PYTHON:-python3} ROUNDS=${ROUNDS:-3} SECONDS_EACH=${SECONDS_EACH:-8} WORK=${WORK:-$target/serving-work}
if [ -z "${VETTED:-}" ]; then
  cargo build --release --manifest-path ../../Cargo.toml
  VETTED=$target/release/vetted
fi
CARGO_TARGET_DIR=$target/benchmarks cargo build --release --manifest-path ../Cargo.toml -p serving
load=$target/benchmarks/release/serving
mkdir -p "$WORK"
[ -e "$WORK/int8-tensor.onnx" ] || "$PYTHON" ../verification/peers.py prepare --model "$MODEL" --work "$WORK"
[ -e "$WORK/documents.jsonl" ] || "$PYTHON" bodies.py "$WORK" "$MODEL/tokenizer.json"
[ -e "$WORK/index" ] || "$VETTED" index --into "$WORK/index" "$WORK/documents.jsonl"
rm -f "$WORK/numbers.jsonl"

servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true' EXIT
for precision in f32 int8-tensor; do
  "$PYTHON" peer.py "$WORK/$precision.onnx" "$MODEL/tokenizer.json" "$((${#servers[@]} + 8471))" &
  servers+=($!)
done
"$VETTED" serve --index "$WORK/index" --read-only --listen 127.0.0.1:8470 >"$WORK/serve.log" &
vetted=$!
servers+=($vetted)
for port in 8470 8471 8472; do
  until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.2; done
done

measure() { # NAME PORT PATH BODIES CONNECTIONS [OPTION...]
  "$load" --name "$1" --server "127.0.0.1:$2" --path "$3" --bodies "$WORK/$4" --connections "$5" --seconds "$SECONDS_EACH" "${@:6}" |
    tee -a "$WORK/numbers.jsonl"
}
resident() { awk -v name="$1" '$1 == name":" {print $2}' "/proc/$vetted/status"; }

# The first time, views of the passages that come again are made.
"$load" --server 127.0.0.1:8470 --path /v1/rerank --bodies "$WORK/rerank-known.jsonl" --connections 4 --seconds 30 >/dev/null
for round in $(seq "$ROUNDS"); do
  echo "round $round of $ROUNDS, load $(cut -d' ' -f1 /proc/loadavg)" >&2
  for connections in 1 16; do
    measure "peer, f32" 8471 /v1/rerank rerank-new.jsonl "$connections"
    measure "peer, int8" 8472 /v1/rerank rerank-new.jsonl "$connections"
    measure "vetted, new passages" 8470 /v1/rerank rerank-new.jsonl "$connections"
    measure "vetted, passages seen before" 8470 /v1/rerank rerank-again.jsonl "$connections"
    measure "vetted, search" 8470 /v1/search search.jsonl "$connections"
  done
done

# Twice and ten times what it can: each request may take two seconds.
sustained=$(grep '"vetted, passages seen before"' "$WORK/numbers.jsonl" | grep '"connections":16' |
  grep -o '"good_per_second":[0-9.]*' | cut -d: -f2 | sort -n | tail -n 1)
before=$(resident VmRSS)
for times in 2 10; do
  rate=$(awk "BEGIN {print $times * $sustained}")
  measure "$times times what it can" 8470 /v1/rerank rerank-again.jsonl 1000 --rate "$rate" --timeout-ms 2000
done
kill -0 $vetted
echo "{\"name\": \"memory\", \"before_kib\": $before, \"most_kib\": $(resident VmHWM)}" >>"$WORK/numbers.jsonl"
"$PYTHON" report.py "$WORK/numbers.jsonl" | tee "${1:-/dev/null}"
