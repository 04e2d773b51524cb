"""What `vetted calibrate` promises on one half of some checked decisions, and what happens on the other half.

    vetted calibrate --data pairs.tsv.gz --relation support --max-false-accept 0.05 --out c.json --decisions-out seen.jsonl
    python3 held_out.py seen.jsonl --relation support [--rate 0.01 0.02 0.05] [--draws 20] [--vetted PATH]

Decisions that share a text stay in one half. Each draw divides anew, calibrates on one half and lets `vetted drift` count on the
other. No model runs. A share above the bound in the other half is no broken promise by itself: that half is a sample, too.
"""
import argparse
import hashlib
import json
import subprocess
import tempfile
from pathlib import Path


def groups(decisions):
    """The number of each decision's group: what shares a text, directly or through others."""
    parent = {}

    def root(key):
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for place, decision in enumerate(decisions):
        keys = decision.get("group") or [f"decision {place}"]
        for key in keys[1:]:
            parent[root(key)] = root(keys[0])
    return [root((decision.get("group") or [f"decision {place}"])[0]) for place, decision in enumerate(decisions)]


def run(arguments):
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode not in (0, 3):
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("decisions", type=Path)
    parser.add_argument("--relation", required=True)
    parser.add_argument("--rate", type=float, nargs="+", default=[0.01, 0.02, 0.05])
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--later", type=Path, help="other decisions to count on, in place of the other half")
    parser.add_argument("--vetted", default="vetted")
    arguments = parser.parse_args()

    lines = [line for line in arguments.decisions.read_text().splitlines() if line]
    group = groups([json.loads(line) for line in lines])
    with tempfile.TemporaryDirectory() as folder:
        half, rest, file = (Path(folder, name) for name in ("half.jsonl", "rest.jsonl", "c.json"))
        for rate in arguments.rate:
            found, coverage, wrong, accepted, above, kept = 0, 0.0, 0, 0, 0, 0
            draws = 1 if arguments.later else arguments.draws
            for draw in range(draws):
                first = [hashlib.sha256(f"{draw} {key}".encode()).digest()[0] < 128 for key in group]
                if arguments.later:
                    first = [True] * len(lines)
                half.write_text("\n".join(line for line, is_first in zip(lines, first) if is_first))
                rest.write_text("\n".join(line for line, is_first in zip(lines, first) if not is_first))
                calibrate = [arguments.vetted, "calibrate", "--data", half, "--relation", arguments.relation]
                report = run([*calibrate, "--max-false-accept", str(rate), "--out", file, "--json"])
                kept += any(fit["kept"] and len(fit["features"]) > 1 for fit in report["measured"]["fits"])
                if "threshold" not in report["calibration"]["thresholds"][0]["accept"]:
                    continue
                later = arguments.later or rest
                seen = run([arguments.vetted, "drift", "--calibration", file, "--decisions", later, "--json"])
                found += 1
                coverage += seen["audited"] / sum(1 for line in later.read_text().splitlines() if line)
                accepted, wrong = accepted + seen["audited"], wrong + seen["wrong"]
                above += seen["share"] > rate
            share = f"{wrong / accepted:.4f}" if accepted else "-"
            print(
                f"{arguments.decisions.stem:<22} bound {rate:<5} threshold in {found:>2} of {draws}  "
                f"accepted later {coverage / max(found, 1):.3f}  wrong later {share}  above the bound in {above}  "
                f"more features in {kept}",
                flush=True,
            )


if __name__ == "__main__":
    main()
