"""Turns the numbers of a run into Markdown: medians over rounds."""

import collections
import json
import pathlib
import statistics
import sys

rounds, overload, memory = collections.defaultdict(list), [], None
for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
    entry = json.loads(line)
    if entry["name"] == "memory":
        memory = entry
    elif entry["asked_per_second"] is None:
        rounds[entry["connections"], entry["name"]].append(entry)
    else:
        overload.append(entry)


def median(entries, key):
    return statistics.median(entry[key] for entry in entries)


print("| connections | server | requests/s (range) | p50 ms | p95 ms | p99 ms | times the peer's f32 | int8 |")
print("|---:|---|---:|---:|---:|---:|---:|---:|")
for (connections, name), entries in rounds.items():
    rates = sorted(entry["good_per_second"] for entry in entries)
    ratios = ["", ""]
    if name.startswith("vetted") and "search" not in name:
        peers = [rounds[connections, f"peer, {precision}"] for precision in ["f32", "int8"]]
        ratios = [f"{median(entries, 'good_per_second') / median(peer, 'good_per_second'):.1f}" for peer in peers]
    latencies = " | ".join(f"{median(entries, f'p{part}_ms'):,.1f}" for part in [50, 95, 99])
    rate = f"{median(entries, 'good_per_second'):,.1f} ({rates[0]:,.1f} to {rates[-1]:,.1f})"
    print(f"| {connections} | {name} | {rate} | {latencies} | {' | '.join(ratios)} |")
print()
print("| overload | asked/s | answered well/s | p50 ms | p99 ms | slowest ms | statuses |")
print("|---|---:|---:|---:|---:|---:|---|")
for entry in overload:
    statuses = ", ".join(f"{status}: {count:,}" for status, count in entry["statuses"].items())
    numbers = [entry["asked_per_second"], entry["good_per_second"], entry["p50_ms"], entry["p99_ms"], entry["max_ms"]]
    print(f"| {entry['name']} | {' | '.join(f'{number:,.0f}' for number in numbers)} | {statuses} |")
print()
print(f"Memory: {memory['before_kib'] >> 10} MiB before the overload, at most {memory['most_kib'] >> 10} MiB.")
