"""Writes pairs.json: made-up scores of pairs with the figures that scikit-learn gives them.

Run with scikit-learn 1.9.1 (PyPI):

    pip install scikit-learn==1.9.1
    python crates/evaluation/tests/golden/pairs.py

All data is drawn at random here, from fixed seeds; nothing comes from a data set. The calibration error has no
counterpart in scikit-learn and is computed here as its documentation in `src/metrics/calibration.rs` says.
"""

import json
import math
import pathlib
import random
from importlib.metadata import version

from sklearn.metrics import accuracy_score, average_precision_score, brier_score_loss, roc_auc_score, roc_curve

KEEP = [1, 50, 79, 99.5, 100]
THRESHOLDS = [0.25, 0.5, 0.75]


def draw(name, seed, n, positives, score):
    """A case of n pairs, a share of them positive, with the score that a function gives each class."""
    rng = random.Random(seed)
    labels = [int(rng.random() < positives) for _ in range(n)]
    labels[:2] = [0, 1]
    return {"name": name, "labels": labels, "scores": [round(score(rng, label), 6) for label in labels]}


def cases():
    sigmoid = lambda x: 1 / (1 + math.exp(-x))
    yield draw("separated well", 1, 120, 0.4, lambda rng, label: sigmoid(rng.gauss(4 * label - 2, 1.5)))
    yield draw("separated a little", 2, 150, 0.5, lambda rng, label: sigmoid(rng.gauss(label - 0.5, 1)))
    yield draw("chance", 3, 100, 0.5, lambda rng, label: rng.random())
    yield draw("worse than chance", 4, 80, 0.5, lambda rng, label: sigmoid(rng.gauss(1 - 2 * label, 1)))
    yield draw("many ties", 5, 100, 0.5, lambda rng, label: rng.choice([0.0, 0.25, 0.5, 0.75, 1.0][label : label + 4]))
    yield draw("all tied", 6, 30, 0.3, lambda rng, label: 0.5)
    yield draw("few positives", 7, 150, 0.04, lambda rng, label: sigmoid(rng.gauss(2 * label - 2, 1)))
    yield draw("few negatives", 8, 150, 0.96, lambda rng, label: sigmoid(rng.gauss(2 * label, 1)))
    yield draw("perfect", 9, 40, 0.5, lambda rng, label: (label + rng.random()) / 2)
    yield draw("one of each", 10, 2, 0.5, lambda rng, label: rng.random())


def rejected(labels, scores, percent):
    false_rates, true_rates, _ = roc_curve(labels, scores, drop_intermediate=False)
    return next(1 - f for f, t in zip(false_rates, true_rates) if t >= percent / 100 - 1e-12)


def calibration_error(labels, scores, bins):
    order = sorted(zip(scores, labels))
    bins, n = min(bins, len(order)), len(order)
    members = [[] for _ in range(bins)]
    for score, label in order:
        first = next(i for i, (other, _) in enumerate(order) if other == score)
        members[first * bins // n].append((score, label))
    gap = lambda bin: abs(sum(s for s, _ in bin) / len(bin) - sum(l for _, l in bin) / len(bin))
    return sum(len(bin) / n * gap(bin) for bin in members if bin)


def expected(labels, scores):
    return {
        "auc": roc_auc_score(labels, scores),
        "ap": average_precision_score(labels, scores),
        "brier": brier_score_loss(labels, scores),
        "ece": calibration_error(labels, scores, 15),
        "accuracy": [accuracy_score(labels, [s >= t for s in scores]) for t in THRESHOLDS],
        "rejected": [rejected(labels, scores, percent) for percent in KEEP],
    }


def rounded(value):
    return [rounded(v) for v in value] if isinstance(value, list) else round(float(value), 12)


def main():
    lines = []
    for case in cases():
        figures = {name: rounded(value) for name, value in expected(case["labels"], case["scores"]).items()}
        lines.append(json.dumps(case | {"expected": figures}, separators=(",", ":")))
    head = {
        "origin": f"tests/golden/pairs.py with scikit-learn {version('scikit-learn')}",
        "keep": KEEP,
        "thresholds": THRESHOLDS,
    }
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(head)[:-1] + ',\n"cases": [\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
