"""Measures ONNX Runtime and PyTorch on the texts that the Rust program wrote: one engine and one round per run.

The same lines as the Rust program's go to --out. Both get what we know to be their best: batches of 32 texts sorted
by length, so that padding is least; all graph optimizations; as many threads as processors; no Python between batches
but the pooling in numpy or torch.

Needs: numpy, onnx, onnxruntime, tokenizers, torch, transformers.
"""

import argparse
import json
import os
import pathlib
import sys
import time

import numpy as np

sys.path.append(str(pathlib.Path(__file__).parent.parent))
import onnx_graphs  # noqa: E402

BATCH = 32
THREADS = os.cpu_count()


def open_tokenizer(model):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    limit = json.loads((model / "sentence_bert_config.json").read_text())["max_seq_length"]
    tokenizer.no_padding()
    tokenizer.enable_truncation(limit)
    return tokenizer


def pad(encodings):
    longest = max(len(e) for e in encodings)
    ids = np.zeros((len(encodings), longest), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding)] = encoding.ids
        mask[row, : len(encoding)] = 1
    return ids, mask


class OnnxRuntime:
    def __init__(self, path):
        self.session, self.inputs = onnx_graphs.open_session(path, THREADS)
        self.output = self.session.get_outputs()[0].name

    def __call__(self, ids, mask):
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = self.session.run([self.output], {k: v for k, v in feed.items() if k in self.inputs})[0]
        weights = mask[:, :, None].astype(np.float32)
        means = np.einsum("bth,bt->bh", hidden, weights[:, :, 0]) / weights.sum(1)
        return means / np.linalg.norm(means, axis=1, keepdims=True)


class PyTorch:
    def __init__(self, model, dtype):
        import torch
        from transformers import AutoModel

        torch.set_num_threads(THREADS)
        self.torch = torch
        self.model = AutoModel.from_pretrained(model, dtype=getattr(torch, dtype), add_pooling_layer=False).eval()

    def __call__(self, ids, mask):
        torch = self.torch
        with torch.inference_mode():
            ids, mask = torch.from_numpy(ids), torch.from_numpy(mask)
            hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            weights = mask.unsqueeze(2).float()
            return torch.nn.functional.normalize((hidden * weights).sum(1) / weights.sum(1)).numpy()


def embed(engine, tokenizer, texts):
    start = time.perf_counter()
    encodings = tokenizer.encode_batch_fast(texts)
    tokenizing = time.perf_counter() - start
    order = sorted(range(len(texts)), key=lambda i: len(encodings[i]))
    vectors = np.empty((len(texts), 384), dtype=np.float32)
    for first in range(0, len(order), BATCH):
        batch = order[first : first + BATCH]
        vectors[batch] = engine(*pad([encodings[i] for i in batch]))
    return vectors, tokenizing, time.perf_counter() - start


def embed_one(engine, tokenizer, text):
    encoding = tokenizer.encode(text)
    ids = np.array([encoding.ids], dtype=np.int64)
    return engine(ids, np.ones_like(ids))


def prepare(model, work):
    """Writes the graphs that ONNX Runtime is measured on; the table takes the fastest per precision and cell.

    - `given`: the model folder's own onnx/model.onnx (its attention is one MultiHeadAttention node per layer).
    - `fused`: exported from PyTorch and rewritten by onnxruntime.transformers.optimizer (Attention, SkipLayerNorm...).
    - of either, by dynamic int8 quantization, weights with one scale per output channel and with one per tensor.
    """
    import onnx
    from transformers import AutoModel

    work.mkdir(parents=True, exist_ok=True)
    onnx.save(onnx.load(model / "onnx/model.onnx"), work / "given-f32.onnx")
    network = AutoModel.from_pretrained(model, attn_implementation="eager", add_pooling_layer=False).eval()

    def hidden(network, ids, scores, types):
        return network(input_ids=ids, attention_mask=scores, token_type_ids=types).last_hidden_state

    onnx_graphs.export_fused(network, hidden, "last_hidden_state", {0: "batch", 1: "length"}, work / "fused-f32.onnx")
    for graph in ["given", "fused"]:
        for scales, per_channel in [("channel", True), ("tensor", False)]:
            onnx_graphs.quantize(work / f"{graph}-f32.onnx", work / f"{graph}-int8-{scales}.onnx", per_channel)


def measure(arguments):
    data = json.loads(arguments.texts.read_text())
    tokenizer = open_tokenizer(arguments.model)
    kind, precision = arguments.engine.split("-", 1)
    if kind == "onnxruntime":
        engine = OnnxRuntime(arguments.work / f"{precision}.onnx")
    else:
        engine = PyTorch(arguments.model, {"f32": "float32", "bf16": "bfloat16"}[precision])

    with arguments.out.open("a") as out:
        embed(engine, tokenizer, data["profiles"][0]["texts"])  # warm up
        for profile in data["profiles"]:
            vectors, tokenizing, seconds = embed(engine, tokenizer, profile["texts"])
            line = {
                "engine": arguments.engine,
                "profile": profile["name"],
                "texts": len(profile["texts"]),
                "tokens": profile["tokens"],
                "seconds": seconds,
                "tokenizing": tokenizing,
            }
            print(json.dumps(line), file=out)
            if arguments.vectors and profile["name"] == "mixed":
                vectors.astype("<f4").tofile(arguments.vectors)
        for query in data["queries"]:
            milliseconds = []
            for run in range(arguments.queries + arguments.queries // 10):
                start = time.perf_counter()
                embed_one(engine, tokenizer, query["text"])
                if run >= arguments.queries // 10:
                    milliseconds.append((time.perf_counter() - start) * 1e3)
            print(json.dumps({"engine": arguments.engine, "query": query["tokens"], "milliseconds": milliseconds}), file=out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["prepare", "measure"])
    parser.add_argument("--model", type=pathlib.Path, required=True, help="a model folder with onnx/model.onnx")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="where prepared graphs lie")
    parser.add_argument("--engine", help="onnxruntime-GRAPH, GRAPH as prepared (given-f32, fused-int8-channel...); pytorch-f32, -bf16")
    parser.add_argument("--texts", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--vectors", type=pathlib.Path)
    parser.add_argument("--queries", type=int, default=200)
    arguments = parser.parse_args()
    if arguments.command == "prepare":
        return prepare(arguments.model, arguments.work)
    return measure(arguments)


if __name__ == "__main__":
    sys.exit(main())
