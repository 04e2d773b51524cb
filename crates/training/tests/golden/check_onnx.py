"""Runs ONNX models with onnxruntime and compares their logits with PyTorch's: python check_onnx.py FOLDER

FOLDER has NAME.onnx for every architecture of golden.json that is exported. Texts are padded to one length, and once more beyond it.
"""
import json, pathlib, sys
import numpy as np, onnxruntime
from safetensors.numpy import load_file

HERE = pathlib.Path(__file__).parent
golden, tensors = json.loads((HERE / "golden.json").read_text()), load_file(HERE / "golden.safetensors")
pairs = golden["pairs"]
texts = [(p["query"], p["candidate"]) for p in pairs] + [(pairs[q]["query"], pairs[c]["candidate"]) for q, c in golden["extra"]]


def padded(ids, extra):
    length = min(max(map(len, ids)) + extra, golden["max_tokens"])
    table, mask = np.full((len(ids), length), 3, dtype=np.int64), np.zeros((len(ids), length), dtype=np.int64)
    for row, of in enumerate(ids):
        table[row, :len(of)], mask[row, :len(of)] = of, 1
    return table, mask


worst = 0.0
exported = [name for name, shape in golden["architectures"].items() if shape["architecture"] != "f4"]
for name in exported:
    session = onnxruntime.InferenceSession(str(pathlib.Path(sys.argv[1]) / f"{name}.onnx"))
    want = tensors[f"{name}.logits"]

    def run(rows, extra):
        (q, qm), (c, cm) = (padded([texts[row][side] for row in rows], extra) for side in (0, 1))
        return session.run(["logits"], dict(query_ids=q, query_mask=qm, candidate_ids=c, candidate_mask=cm))[0]

    everything = list(range(len(texts)))
    for rows in [everything] + [[row] for row in everything]:
        for extra in (0, 1, 3):
            got = run(rows, extra)
            assert got.shape == want[rows].shape, (name, got.shape)
            worst = max(worst, float(np.abs(got - want[rows]).max()))
            assert worst < 1e-4, (name, rows, extra, got, want[rows])
print(f"largest difference {worst:.1e}")
