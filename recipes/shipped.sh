#!/usr/bin/env bash
# Reproduces the shipped verifier: recipes/shipped.sh DATA MODEL OUT
#   DATA   a folder with train/pairs.tsv.gz, qa/*.json (SQuAD format) and retrieval/scifact (BEIR), not part of this repository
#   MODEL  all-MiniLM-L6-v2's folder: $(vetted models path all-MiniLM-L6-v2)
#   OUT    where everything is written; the verifier ends up in OUT/verifier
# PYTHON names a Python with torch, numpy, safetensors and tokenizers. THREADS=1 is what the shipped weights were trained with,
# in about an hour and a half on one core of a Sapphire-Rapids-class machine (bf16 on AMX); a GPU is used when there is one.
set -euo pipefail
DATA=$(realpath "$1") MODEL=$(realpath "$2") OUT=$(realpath -m "$3")
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
recipe() { "$PYTHON" recipes/verifier.py "$@"; }
train() { recipe train --model "$MODEL" --threads "${THREADS:-0}" --trained-from 2 --batch 32 "$@"; }
mkdir -p "$OUT"

# Pairs: what others labeled, questions with passages, sentences edited, sentences generated.
recipe questions --out "$OUT/questions.tsv" "$DATA"/qa/*.json
recipe sentences --out "$OUT/sentences.txt" --pairs "$DATA/train/pairs.tsv.gz" --squad "$DATA"/qa/*.json --beir "$DATA/retrieval/scifact"
shuf -n 90000 --random-source=<(yes 3) "$OUT/sentences.txt" > "$OUT/some.txt"
cargo run --release -- synth "$OUT/some.txt" --slack 1.5 --seed 1 --grammar 400000 --out "$OUT/synthetic.tsv"
recipe pack --tokenizer "$MODEL/tokenizer.json" --out "$OUT/packed.npz" "$DATA/train/pairs.tsv.gz" "$OUT/questions.tsv" "$OUT/synthetic.tsv"

# Sources that are watched, not trained on: their licenses do not allow it.
WATCHED="--transfer scramble sick monli becel_snli_neg mqp xnli_en --held-out .04 --held-out-cap 250"

# 1. Roles first. From scratch, the whole mixture teaches nothing for tens of thousands of pairs; PAWS and QQP do at once.
train --data "$OUT/packed.npz" --out "$OUT/roles" --share paws_wiki=1 qqp=1 --visits 24000 --held-out .1 --encoder-rate 2e-4 --reader-rate 1e-3

# 2. The mixture, at a constant rate.
train --data "$OUT/packed.npz" --out "$OUT/broad" --init "$OUT/roles/checkpoint.pt" --spread-head $WATCHED --visits 96000 --decay .0001 --warm-up 300 \
    --share paws_wiki=12 qqp=14 mrpc=2 snli=7 cad_nli=6 conjnli=4 help=2 scone=2 cannot_wikifactcheck-english=4 cannot_antonym-substitution=4 \
    cannot_sentiment-labelled-sentences=1 negclip_coco=3 fever_symmetric=.7 questions=5 grammar=18 synth=16

# 3. More of what is hard.
HARD="--share paws_wiki=12 qqp=12 mrpc=1 snli=6 cad_nli=5 conjnli=3 help=2 scone=2 cannot_wikifactcheck-english=1.5 cannot_antonym-substitution=2 \
    cannot_sentiment-labelled-sentences=.3 negclip_coco=1 fever_symmetric=.7 questions=4 grammar=26 synth=18"
train --data "$OUT/packed.npz" --out "$OUT/hard" --init "$OUT/broad/checkpoint.pt" $WATCHED --visits 192000 --decay .0001 --encoder-rate 1.2e-4 --reader-rate 6e-4 --warm-up 100 \
    --identical 0 --unstopped 0 $HARD

# 4. To rest, with texts beside themselves and without their full stops.
train --data "$OUT/packed.npz" --out "$OUT/rest" --init "$OUT/hard/checkpoint.pt" $WATCHED --visits 35000 --encoder-rate 5e-5 --reader-rate 2.5e-4 --warm-up 60 --seed 3 --storage i8 \
    --share paws_wiki=12 qqp=16 mrpc=2 snli=9 cad_nli=8 conjnli=4 help=2 scone=2 cannot_wikifactcheck-english=2 cannot_antonym-substitution=2 \
    cannot_sentiment-labelled-sentences=.5 negclip_coco=1.5 fever_symmetric=1 questions=5 grammar=20 synth=13

recipe export --run "$OUT/rest" --out "$OUT/verifier" --storage i8
