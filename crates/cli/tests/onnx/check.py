"""Runs an exported verifier with onnxruntime: python check.py MODEL.onnx TOKENIZER.json PAIRS.json

PAIRS.json is a list of {query, candidate, logits}; the logits must come out the same within 1e-4, whatever the padding.
"""
import json, sys
import numpy as np, onnxruntime
from tokenizers import Tokenizer

session = onnxruntime.InferenceSession(sys.argv[1])
tokenizer = Tokenizer.from_file(sys.argv[2])
tokenizer.no_padding(), tokenizer.no_truncation()
pairs = json.load(open(sys.argv[3]))


def padded(texts):
    ids = [tokenizer.encode(text).ids for text in texts]
    table = np.zeros((len(ids), max(map(len, ids))), np.int64)
    mask = table.copy()
    for row, of in enumerate(ids):
        table[row, :len(of)], mask[row, :len(of)] = of, 1
    return table, mask


def logits(some):
    (q, qm), (c, cm) = (padded([pair[side] for pair in some]) for side in ("query", "candidate"))
    return session.run(["logits"], dict(query_ids=q, query_mask=qm, candidate_ids=c, candidate_mask=cm))[0]


want = np.array([pair["logits"] for pair in pairs])
together, alone = logits(pairs), np.concatenate([logits([pair]) for pair in pairs])
worst = max(np.abs(together - want).max(), np.abs(alone - want).max())
print(f"{len(pairs)} pairs, largest difference {worst:.1e}")
assert worst < 1e-4, (want[:2], together[:2], alone[:2])
