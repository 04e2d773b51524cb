"""Makes what the servers are asked: bodies.py FOLDER TOKENIZER

    rerank-new.jsonl        20 passages of 64 tokens and a query of 16, no passage twice
    rerank-again.jsonl      the same of 2,000 passages, as a retriever hands them over: most have been seen before
    rerank-known.jsonl      those 2,000 passages, each once
    search.jsonl            queries alone
    documents.jsonl         the 2,000 passages, to be indexed

Passages are runs of words of this repository's own pages, in random order: what they say costs no server anything.
"""

import json
import pathlib
import random
import re
import sys

from tokenizers import Tokenizer

PASSAGE, QUERY, CANDIDATES, KNOWN, REQUESTS = 64, 16, 20, 2000, 3000

folder, tokenizer = pathlib.Path(sys.argv[1]), Tokenizer.from_file(sys.argv[2])
tokenizer.no_truncation()
tokenizer.no_padding()
pages = pathlib.Path(__file__).parent.parent.parent.rglob("*.md")
sentences = re.split(r"(?<=[a-z][.:])\s+", " ".join(page.read_text() for page in sorted(pages) if "target" not in page.parts))
words = [word for sentence in sentences for word in re.findall(r"[A-Za-z]{2,}", sentence)]
chance = random.Random(1)


def text(tokens):
    """So many tokens ([CLS] and [SEP] not counted), as sentences of about a dozen words."""
    some = chance.sample(words, tokens)
    some = [word.lower() + ("." if at % 12 == 11 else "") for at, word in enumerate(some)]
    encoded = tokenizer.encode(" ".join(some), add_special_tokens=False)
    return " ".join(some)[: encoded.offsets[tokens - 1][1]]


def write(name, lines):
    (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))


def rerank(passages):
    return {"query": text(QUERY), "documents": passages}


known = [text(PASSAGE) for _ in range(KNOWN)]
write("rerank-new.jsonl", [rerank([text(PASSAGE) for _ in range(CANDIDATES)]) for _ in range(REQUESTS)])
write("rerank-again.jsonl", [rerank(chance.sample(known, CANDIDATES)) for _ in range(REQUESTS)])
write("rerank-known.jsonl", [rerank(known[at : at + CANDIDATES]) for at in range(0, KNOWN, CANDIDATES)])
write("search.jsonl", [{"query": text(QUERY), "k": 10} for _ in range(REQUESTS)])
write("documents.jsonl", [{"id": str(at), "text": passage} for at, passage in enumerate(known)])
