"""Turns the numbers of a run into a Markdown table and a line of JSON. Milliseconds are the processor's, per 100 candidates."""

import collections
import json
import pathlib
import platform
import statistics
import sys


def main():
    rounds = collections.defaultdict(list)
    for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
        entry = json.loads(line)
        rounds[entry["engine"], entry.get("batch")].append(entry["processor_ms"])
    medians = {key: statistics.median(values) for key, values in rounds.items()}

    def best(prefix):
        """The fastest graph and batch size."""
        return min((key for key in medians if key[0].startswith(prefix)), key=medians.get)

    peers = [best("onnxruntime-f32"), best("onnxruntime-int8")]
    spread = lambda key: f"{medians[key]:.1f} ({min(rounds[key]):.1f} to {max(rounds[key]):.1f})"  # noqa: E731
    print(machine(), "\n")
    print("| | ms, median (range over rounds) | cheaper than ONNX Runtime f32 | than int8 |\n|---|---:|---:|---:|")
    ratios = {}
    for key in medians:
        if key[0].startswith("vetted"):
            ratios[key[0]] = [medians[peer] / medians[key] for peer in peers]
            f32, int8 = ratios[key[0]]
            print(f"| {key[0]} | {spread(key)} | {f32:.0f} times | {int8:.0f} times |")
    for key in peers:
        print(f"| {key[0]}, batches of {key[1]} | {spread(key)} | | |")
    named = {f"{engine} {batch or ''}".strip(): values for (engine, batch), values in rounds.items()}
    print("\n" + json.dumps({"machine": machine(), "processor_ms": named, "ratios": ratios}))


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if "model name" in line), platform.processor())
    import onnxruntime

    return f"{model}, one thread each, in turns; onnxruntime {onnxruntime.__version__}"


if __name__ == "__main__":
    main()
