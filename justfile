# List the commands
default:
    @just --list

# The main job, on the corpus that comes with the program
demo:
    cargo run --release -- demo

# All tests
test:
    cargo test --release --workspace

# What CI runs
check:
    .ci/run

# Encoder speed against ONNX Runtime and candle, in one run
bench:
    benchmarks/encoding/run.sh

# Retrieval quality on a BEIR folder
eval DIR *OPTIONS:
    cargo run --release -- eval retrieval --data {{DIR}} {{OPTIONS}}
