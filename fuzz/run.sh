#!/usr/bin/env bash
# Fuzzes on stable Rust: fuzz/run.sh [TARGET [SECONDS]]
set -euo pipefail
cd "$(dirname "$0")"
targets=(documents passages pairs verifier_config verifier_weights filter)
[[ $# -gt 0 ]] && targets=("$1")
seconds="${2:-60}"
# What cargo-fuzz passes, sanitizers left out. A target triple keeps build scripts free of it.
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
triple="$(rustc -vV | sed -n 's/^host: //p')"
for target in "${targets[@]}"; do
    features=()
    [[ "$target" = filter ]] && features=(--features engine)
    mkdir -p "corpus/$target" "artifacts/$target"
    cargo run --quiet --release --target "$triple" "${features[@]}" --bin "$target" -- \
        -max_total_time="$seconds" -max_len=4096 -artifact_prefix="artifacts/$target/" "corpus/$target"
done
