"""Compares a model folder's vectors in sentence-transformers with those that vetted gave.

  python check.py FOLDER EXPECTED.json     # [{"text": ..., "vector": [...]}, ...]; needs sentence-transformers
"""
import json, sys
import numpy as np
from sentence_transformers import SentenceTransformer

folder, expected = sys.argv[1], json.load(open(sys.argv[2]))
model = SentenceTransformer(folder, device="cpu")
vectors = model.encode([case["text"] for case in expected])
worst = max(np.abs(got - np.array(case["vector"])).max() for got, case in zip(vectors, expected))
print(f"{len(expected)} texts, {vectors.shape[1]} dimensions, largest difference {worst:.1e}")
sys.exit(0 if worst < 1e-5 else 1)
