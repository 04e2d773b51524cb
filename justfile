# List the commands
default:
    @just --list

# The main job, on the corpus that comes with the program
demo:
    cargo run --release -- demo

# All tests
test:
    cargo test --release --workspace --features full

# What CI runs
check:
    .ci/run

# The page of `vetted serve`, clicked through in Chromium (installs it)
page:
    cargo build --release --features full
    crates/server/tests/page/page.sh

# The Python wheel: built, installed where there is no Rust, tested with the real libraries
python *GROUPS:
    python/tests/run.sh {{GROUPS}}

# What a release hands out: the program, completions, manual pages, an archive, in target/dist
dist:
    cargo xtask dist

# Arbitrary bytes for everything that reads files, a minute each
fuzz *TARGET:
    fuzz/run.sh {{TARGET}}

# Encoder speed against ONNX Runtime and candle, in one run
bench:
    benchmarks/encoding/run.sh

# Retrieval quality on a BEIR folder
eval DIR *OPTIONS:
    cargo run --release --features study -- eval retrieval --data {{DIR}} {{OPTIONS}}

# A scorer, or several, on a file of labelled pairs
pairs FILE *OPTIONS:
    cargo run --release --features study -- eval pairs --data {{FILE}} {{OPTIONS}}

# The verifier's hot path: 100 stored candidates of 64 tokens against a query of 16
speed:
    cargo run --release -p vetted-reader --example reading_speed

# Retrieval, near-miss twins and chains of retrievals on a folder of BEIR folders: all tables
retrieval DIR:
    benchmarks/retrieval/run.sh {{DIR}}

# What a candidate costs, against ONNX Runtime's cross-encoder
cost:
    benchmarks/verification/run.sh
