"""Turns the numbers of a run into one Markdown table: absolute, and as ratios against the peers."""

import argparse
import collections
import json
import pathlib
import platform
import statistics
import subprocess

import numpy as np

# Column, engines it may come from (the best of them in each cell), peers of the same precision.
COLUMNS = [
    ("vetted f32", ["vetted-f32"], ["ONNX Runtime f32", "candle f32"]),
    ("vetted bf16", ["vetted-bf16"], ["PyTorch bf16"]),
    ("vetted int8", ["vetted-int8"], ["ONNX Runtime int8"]),
    ("vetted onnx f32", ["vetted-onnx-f32"], []),
    ("vetted onnx int8", ["vetted-onnx-int8"], []),
    ("ONNX Runtime f32", ["onnxruntime-given-f32", "onnxruntime-fused-f32"], []),
    (
        "ONNX Runtime int8",
        [f"onnxruntime-{graph}-int8-{scales}" for graph in ("given", "fused") for scales in ("channel", "tensor")],
        [],
    ),
    ("candle f32", ["candle-f32"], []),
    ("PyTorch f32", ["pytorch-f32"], []),
    ("PyTorch bf16", ["pytorch-bf16"], []),
]


def read(path):
    """Cell -> engine -> one value per round; whether higher is better per cell."""
    cells = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if "profile" in entry:
            mean = round(entry["tokens"] / entry["texts"])
            name = f"{entry['profile']} (mean {mean} tokens)"
            cells[f"texts/s, {name}"][entry["engine"]].append(entry["texts"] / entry["seconds"])
            network = entry["seconds"] - entry["tokenizing"]
            cells[f"texts/s without tokenizer, {name}"][entry["engine"]].append(entry["texts"] / network)
        else:
            times = np.array(entry["milliseconds"])
            for percentile in (50, 95):
                value = float(np.percentile(times, percentile))
                cells[f"ms p{percentile}, query of {entry['query']} tokens"][entry["engine"]].append(value)
    return cells


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def best(engines, names, higher):
    values = [statistics.median(engines[name]) for name in names if name in engines]
    return (max if higher else min)(values) if values else None


def number(value):
    return "" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def speed(cells):
    medians = {}
    for cell, engines in cells.items():
        higher = cell.startswith("texts/s")
        medians[cell] = {column: best(engines, names, higher) for column, names, _ in COLUMNS}
    absolute = [[cell, *(number(values[column]) for column, _, _ in COLUMNS)] for cell, values in medians.items()]
    pairs = [(column, peer) for column, _, peers in COLUMNS for peer in peers]
    ratios = []
    for cell, values in medians.items():
        row = [cell]
        for column, peer in pairs:
            ours, theirs = values[column], values[peer]
            faster = None if None in (ours, theirs) else ours / theirs if cell.startswith("texts/s") else theirs / ours
            row.append("" if faster is None else f"{faster:.2f}" if faster >= 1 else f"**{faster:.2f}**")
        ratios.append(row)
    return (
        table(["", *(column for column, _, _ in COLUMNS)], absolute)
        + "\n\nHow many times as fast (above 1: vetted is ahead; below 1 in bold):\n\n"
        + table(["", *(f"{column} : {peer}" for column, peer in pairs)], ratios)
    )


def loss(work):
    rows = []
    reference = work / "pytorch-f32.vectors"
    if not reference.exists():
        return ""
    expected = np.fromfile(reference, dtype="<f4").reshape(-1, 384).astype(np.float64)
    for path in sorted(work.glob("*.vectors")):
        vectors = np.fromfile(path, dtype="<f4").reshape(-1, 384).astype(np.float64)
        norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(expected, axis=1)
        distances = 1 - (vectors * expected).sum(1) / norms
        rows.append([path.stem, f"{max(distances.mean(), 0):.1e}", f"{max(distances.max(), 0):.1e}"])
    title = "Cosine distance to PyTorch f32 over the mixed profile's texts:"
    return f"{title}\n\n{table(['engine', 'mean', 'largest'], rows)}"


def machine(work):
    described = {}
    for line in subprocess.run(["lscpu"], capture_output=True, text=True).stdout.splitlines():
        key, _, value = line.partition(":")
        described[key.strip()] = value.strip()
    wanted = ["avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"]
    flags = [flag for flag in wanted if flag in described.get("Flags", "").split()]
    load = [float(value) for value in (work / "load").read_text().split()] if (work / "load").exists() else []
    versions = []
    for package in ("onnxruntime", "torch", "tokenizers"):
        versions.append(f"{package} {__import__(package).__version__}")
    return (
        f"{described.get('Model name', platform.processor())}, family {described.get('CPU family')} model "
        f"{described.get('Model')}, {described.get('CPU(s)')} processors, {', '.join(flags)}. "
        f"Load average before each round: {', '.join(f'{value:.1f}' for value in load)}. "
        f"{', '.join(versions)}. All processors for every engine. Medians over {max(len(load), 1)} rounds in which the "
        "engines took turns; where several ONNX Runtime graphs compete, each cell shows the fastest."
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    work = parser.parse_args().work
    print("\n\n".join([machine(work), speed(read(work / "numbers.jsonl")), loss(work)]))


if __name__ == "__main__":
    main()
