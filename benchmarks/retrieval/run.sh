#!/usr/bin/env bash
# Every table on retrieval, near-miss twins and chains of retrievals, in one go.
#
#   benchmarks/retrieval/run.sh DATA            # a folder of BEIR folders: DATA/scifact, DATA/nfcorpus, ...
#
# OUT        where tables, pictures, planted corpora and indexes go       [default: target/retrieval]
# PRECISION  the arithmetic of encoder and readers: f32, bf16, int8       [default: bf16]
# VERIFIER   a verifier's folder                                          [default: the shipped one]
# TWINS      the sets that get twins     [default: scifact nfcorpus cisi cacm: those in whole English sentences]
# SETS       the sets that are ranked    [default: scifact nfcorpus cranfield cisi medline cacm npl]
# PIPELINES  what is compared            [default: dense,bm25,hybrid,maxsim,vetted; with CROSS_ENCODER=DIR, cross-encoder too]
#
# VETTED     the program                                                  [default: built here]
#
# Indexes are kept in OUT, so a second run (with another VERIFIER, say) encodes no document again.
set -euo pipefail
data=${1:?"usage: benchmarks/retrieval/run.sh DATA"}
root=$(cd "$(dirname "$0")/../.." && pwd)
out=${OUT:-$root/target/retrieval}
precision=${PRECISION:-bf16}
pipelines=${PIPELINES:-dense,bm25,hybrid,maxsim,vetted}
cross=()
if [[ -n ${CROSS_ENCODER:-} ]]; then
    pipelines+=,cross-encoder
    cross=(--cross-encoder "$CROSS_ENCODER")
fi
[[ -n ${VETTED:-} ]] || cargo build --release --features study --manifest-path "$root/Cargo.toml"
vetted=${VETTED:-$root/target/release/vetted}
mkdir -p "$out"

evaluate() { # COMMAND SET TABLE [OPTIONS]
    local command=$1 set=$2 table=$out/$3; shift 3
    "$vetted" eval "$command" --data "$data/$set" --index "$out/$set.index" --precision "$precision" \
        --verifier "${VERIFIER:-vetted}" --pipeline "$pipelines" ${cross[@]+"${cross[@]}"} "$@" 2>&1 | tee "$table"
}

for set in ${SETS:-scifact nfcorpus cranfield cisi medline cacm npl}; do
    evaluate retrieval "$set" "$set.retrieval.txt"
done
for set in ${TWINS:-scifact nfcorpus cisi cacm}; do
    evaluate twins "$set" "$set.twins.txt" --queries "${QUERIES:-500}" --out "$out/$set.planted"
    evaluate cascade "$set" "$set.cascade.txt" --queries "${QUERIES:-500}" --out "$out/$set.cascade.svg"
done
