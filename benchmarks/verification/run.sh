#!/usr/bin/env bash
# Verifying 100 stored candidates (64 tokens, query of 16) against ONNX Runtime's MiniLM-L6 cross-encoder, one thread, in turns.
#
#   MODEL=FOLDER benchmarks/verification/run.sh [OUT.md]
#
# MODEL    a folder of all-MiniLM-L6-v2: config.json, model.safetensors    (default: ~/.cache/vetted/models/all-MiniLM-L6-v2)
# PYTHON   a Python with numpy, onnx, onnxruntime, torch, transformers                                    (default: python3)
# ROUNDS   rounds over all engines                                                                             (default: 5)
# WORK     folder for graphs and raw numbers                                              (default: a folder in the target dir)
set -euo pipefail
cd "$(dirname "$0")"

target=$(realpath "${CARGO_TARGET_DIR:-../../target}")
MODEL=$(realpath "${MODEL:-${XDG_CACHE_HOME:-$HOME/.cache}/vetted/models/all-MiniLM-L6-v2}")
PYTHON=${PYTHON:-python3} ROUNDS=${ROUNDS:-5} WORK=${WORK:-$target/verification-work}
export RAYON_NUM_THREADS=1 OMP_NUM_THREADS=1

cargo build --release --manifest-path ../../Cargo.toml -p vetted-reader --example reading_speed
mkdir -p "$WORK"
[ -e "$WORK/int8-tensor.onnx" ] || "$PYTHON" peers.py prepare --model "$MODEL" --work "$WORK"
rm -f "$WORK/numbers.jsonl"
for round in $(seq "$ROUNDS"); do
  echo "round $round of $ROUNDS, load $(cut -d' ' -f1 /proc/loadavg)" >&2
  "$target/release/examples/reading_speed" 30 --json >>"$WORK/numbers.jsonl"
  "$PYTHON" peers.py measure --work "$WORK" >>"$WORK/numbers.jsonl"
done
"$PYTHON" report.py "$WORK/numbers.jsonl" | tee "${1:-/dev/null}"
