"""Times ONNX Runtime's MiniLM-L6 cross-encoder on 100 pairs of a query of 16 and a candidate of 64 tokens, one thread.

    peers.py prepare --model FOLDER --work FOLDER      writes the graphs
    peers.py measure --work FOLDER                     one round over graphs and batch sizes, a JSON line each

A pair is 79 tokens ([CLS] query [SEP] candidate [SEP]), all of one length, so nothing is padded. The head's weights are random:
what is done does not depend on them. Needs: numpy, onnx, onnxruntime, torch, transformers.
"""

import argparse
import json
import pathlib
import sys
import time

import numpy as np

sys.path.append(str(pathlib.Path(__file__).parent.parent))
import onnx_graphs  # noqa: E402

PAIRS, TOKENS = 100, 79
BATCHES = [1, 4, 10, 25, 100]


def prepare(model, work):
    import torch
    from transformers import AutoConfig, BertForSequenceClassification

    work.mkdir(parents=True, exist_ok=True)
    config = AutoConfig.from_pretrained(model, num_labels=1, attn_implementation="eager")
    network = BertForSequenceClassification.from_pretrained(model, config=config).eval()
    head = torch.nn.Sequential(network.bert.pooler, network.classifier).requires_grad_(False)
    network.bert.pooler = None

    def logits(bert, ids, scores, types):
        return head(bert(input_ids=ids, attention_mask=scores, token_type_ids=types).last_hidden_state)

    onnx_graphs.export_fused(network.bert, logits, "logits", {0: "batch"}, work / "f32.onnx")
    for scales, per_channel in [("channel", True), ("tensor", False)]:
        onnx_graphs.quantize(work / "f32.onnx", work / f"int8-{scales}.onnx", per_channel)


def measure(work, only):
    ids = np.random.default_rng(0).integers(2000, 22000, (PAIRS, TOKENS))
    for graph in only or ["f32", "int8-channel", "int8-tensor"]:
        session, names = onnx_graphs.open_session(work / f"{graph}.onnx", threads=1)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        feed["token_type_ids"][:, 16:] = 1
        for batch in BATCHES:
            parts = [{n: feed[n][at : at + batch] for n in names} for at in range(0, PAIRS, batch)]
            session.run(None, parts[0])
            wall, processor = time.perf_counter(), time.process_time()
            for part in parts:
                session.run(None, part)
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            line = {"engine": f"onnxruntime-{graph}", "batch": batch, "wall_ms": wall * 1e3, "processor_ms": processor * 1e3}
            print(json.dumps(line), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["prepare", "measure"])
    parser.add_argument("--model", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--graph", nargs="*")
    arguments = parser.parse_args()
    if arguments.command == "prepare":
        return prepare(arguments.model, arguments.work)
    return measure(arguments.work, arguments.graph)


if __name__ == "__main__":
    sys.exit(main())
