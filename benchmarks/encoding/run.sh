#!/usr/bin/env bash
# Measures the speed of encoding: vetted against ONNX Runtime, candle and PyTorch, on this machine, engines in turn.
#
#   benchmarks/encoding/run.sh [OUT.md]
#
# MODEL    a model folder with model.safetensors and onnx/model.onnx    (default: ~/.cache/vetted/models/all-MiniLM-L6-v2)
# PYTHON   a Python with numpy, onnx, onnxruntime, tokenizers, torch, transformers              (default: python3)
# ROUNDS   rounds over all engines; the table shows medians over them                                 (default: 5)
# TEXTS    texts per profile                                                                       (default: 512)
# QUERIES  encodings of each query per round                                                        (default: 200)
# WORK     folder for texts, prepared graphs and raw numbers                     (default: a folder in the target dir)
# ENGINES  which to measure                                                                        (default: all)
set -euo pipefail
cd "$(dirname "$0")"

target=${CARGO_TARGET_DIR:-../target}
MODEL=$(realpath "${MODEL:-${XDG_CACHE_HOME:-$HOME/.cache}/vetted/models/all-MiniLM-L6-v2}")
PYTHON=${PYTHON:-python3} ROUNDS=${ROUNDS:-5} TEXTS=${TEXTS:-512} QUERIES=${QUERIES:-200}
WORK=${WORK:-$target/encoding-work}
rust="vetted-f32 vetted-bf16 vetted-int8 vetted-onnx-f32 vetted-onnx-int8 candle-f32"
python="onnxruntime-given-f32 onnxruntime-fused-f32 onnxruntime-given-int8-channel onnxruntime-given-int8-tensor
  onnxruntime-fused-int8-channel onnxruntime-fused-int8-tensor pytorch-f32 pytorch-bf16"
ENGINES=${ENGINES:-$rust $python}

cargo build --release -p encoding
program=$target/release/encoding
mkdir -p "$WORK"
rm -f "$WORK"/load* "$WORK"/*.vectors
[ -e "$WORK/fused-int8-tensor.onnx" ] || "$PYTHON" peers.py prepare --model "$MODEL" --work "$WORK"
"$program" texts --model "$MODEL" --texts "$WORK/texts.json" --count "$TEXTS"
rm -f "$WORK/numbers.jsonl"

for round in $(seq "$ROUNDS"); do
  echo "round $round of $ROUNDS, load $(cut -d' ' -f1 /proc/loadavg)" >&2
  cut -d' ' -f1 /proc/loadavg >>"$WORK/load.$$"
  for engine in $ENGINES; do
    arguments=(measure --model "$MODEL" --texts "$WORK/texts.json" --engine "$engine" --out "$WORK/numbers.jsonl"
      --vectors "$WORK/$engine.vectors" --queries "$QUERIES")
    case $engine in
      vetted-onnx-int8) "$program" "${arguments[@]}" --int8 "$WORK/given-int8-tensor.onnx" ;;
      vetted-* | candle-*) "$program" "${arguments[@]}" ;;
      *) "$PYTHON" peers.py "${arguments[@]}" --work "$WORK" 2>"$WORK/stderr" || { cat "$WORK/stderr" >&2; exit 1; } ;;
    esac || echo "$engine does not run; left out" >&2
  done
done
mv "$WORK/load.$$" "$WORK/load"
"$PYTHON" report.py --work "$WORK" | tee "${1:-/dev/null}"
