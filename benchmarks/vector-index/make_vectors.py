#!/usr/bin/env python3
"""Encode a corpus of real sentences into the two files that the vector-index benchmark reads.

    make_vectors.py --data shared/data --model models/all-MiniLM-L6-v2 --out vectors

writes `base.f32` (1,000,000 x 384) and `queries.f32` (1,000 x 384): little-endian f32, row-major, unit length.
The queries are texts of the same collection that are not in the base.

Texts, in this order, each kept once: both sides of every pair in `train/pairs.tsv.gz`; the sentences of the BEIR corpora in
`retrieval/*/corpus.jsonl`; the sentences of the SQuAD-format contexts in `qa/*.json`. When that is fewer than asked for, the
longer sentences are cut in two halves by words, longest first. Everything is deterministic; the final shuffle is seeded.

Encoder: mean pooling over at most 64 tokens, bf16, L2-normalised in f32. Every batch holds texts of one length in tokens, so
there is neither padding nor a mask. `base.f32` grows in blocks, so that a benchmark of its first 100,000 rows can start early.
"""

import argparse
import gzip
import json
import multiprocessing
import pathlib
import random
import re
import time

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import AutoModel

MAX_TOKENS = 64
TOKENS_PER_BATCH = 4096
BLOCK = 50_000
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'(])|\n+")
# The classical collections are lower case and set their full stops apart.
CLASSICAL_SENTENCE_END = re.compile(r"\s\.\s+")


def sentences(text):
    for part in SENTENCE_END.split(text):
        for sentence in CLASSICAL_SENTENCE_END.split(part):
            sentence = " ".join(sentence.split())
            if len(sentence) >= 12:
                yield sentence


def pair_texts(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        columns = next(lines).rstrip("\n").split("\t")
        s1, s2 = columns.index("s1"), columns.index("s2")
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            yield fields[s1]
            yield fields[s2]


def beir_texts(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if record.get("title"):
                yield record["title"]
            yield from sentences(record["text"])


def squad_texts(path):
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            yield from sentences(paragraph["context"])
            for question in paragraph["qas"]:
                yield question["question"]


def collect(data, wanted):
    """Unique texts of `data` in a fixed order, topped up with halves of the longest until there are `wanted`."""
    sources = [("pairs", pair_texts(data / "train/pairs.tsv.gz"))]
    sources += [(p.parent.name, beir_texts(p)) for p in sorted(data.glob("retrieval/*/corpus.jsonl"))]
    sources += [(p.stem, squad_texts(p)) for p in sorted(data.glob("qa/*.json"))]
    texts = {}
    for name, source in sources:
        before = len(texts)
        for text in source:
            texts.setdefault(" ".join(text.split()), None)
        print(f"{name}: {len(texts) - before} new texts", flush=True)
    texts.pop("", None)
    whole = len(texts)
    for text in sorted(texts, key=lambda t: (-t.count(" "), t)):
        if len(texts) >= wanted:
            break
        words = text.split()
        middle = len(words) // 2
        if middle >= 3:
            texts.setdefault(" ".join(words[:middle]), None)
            texts.setdefault(" ".join(words[middle:]), None)
    print(f"halves: {len(texts) - whole} new texts; {len(texts)} in all", flush=True)
    return list(texts)


def batches(tokens):
    """Indices of texts of equal length in tokens, at most `TOKENS_PER_BATCH` tokens at a time."""
    by_length = {}
    for index, ids in enumerate(tokens):
        by_length.setdefault(len(ids), []).append(index)
    for length, indices in sorted(by_length.items(), reverse=True):
        step = max(1, TOKENS_PER_BATCH // length)
        for start in range(0, len(indices), step):
            yield indices[start : start + step]


def tokenize(texts, model_path):
    tokenizer = Tokenizer.from_file(str(model_path / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    return [np.array(encoding.ids, dtype=np.int64) for encoding in tokenizer.encode_batch(texts)]


def load_model(model_path):
    """Once per worker process. One thread each: two threads of one process would wait for each other after every layer."""
    global model
    torch.set_num_threads(1)
    model = AutoModel.from_pretrained(model_path, dtype=torch.bfloat16).eval()


@torch.inference_mode()
def encode_batch(ids):
    hidden = model(input_ids=torch.from_numpy(ids)).last_hidden_state
    return torch.nn.functional.normalize(hidden.float().mean(dim=1), dim=1).numpy()


def encode(workers, texts, model_path):
    tokens = tokenize(texts, model_path)
    indices = list(batches(tokens))
    encoded = workers.imap(encode_batch, (np.stack([tokens[i] for i in batch]) for batch in indices), chunksize=1)
    vectors = None
    for batch, rows in zip(indices, encoded):
        if vectors is None:
            vectors = np.empty((len(texts), rows.shape[1]), dtype="<f4")
        vectors[batch] = rows
    return vectors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--base", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()

    wanted = args.base + args.queries
    texts = collect(args.data, wanted)
    if len(texts) < wanted:
        raise SystemExit(f"only {len(texts)} unique texts, {wanted} wanted: ask for a smaller --base")
    random.Random(args.seed).shuffle(texts)
    args.out.mkdir(parents=True, exist_ok=True)
    with (
        multiprocessing.get_context("spawn").Pool(args.workers, load_model, (args.model,)) as workers,
        open(args.out / "base.f32", "wb") as base,
    ):
        encode(workers, texts[: args.queries], args.model).tofile(args.out / "queries.f32")
        begin = time.time()
        for start in range(args.queries, wanted, BLOCK):
            block = texts[start : min(start + BLOCK, wanted)]
            encode(workers, block, args.model).tofile(base)
            base.flush()
            done = start + len(block) - args.queries
            elapsed = time.time() - begin
            print(f"{done} of {args.base}; {elapsed * (args.base - done) / done:.0f} s left", flush=True)


if __name__ == "__main__":
    main()
