"""Writes trec_eval.json: made-up judgments and runs with the scores that trec_eval gives them.

Run with pytrec-eval-terrier 0.5.11 (PyPI), which is trec_eval 9 compiled into a Python module:

    pip install pytrec-eval-terrier==0.5.11
    python crates/evaluation/tests/golden/trec_eval.py

All data is drawn at random here, from fixed seeds; nothing comes from a data set.
"""

import json
import pathlib
import random
from importlib.metadata import version

import pytrec_eval

CUTOFFS = [1, 3, 5, 10, 100]
MEASURES = {  # our name: (trec_eval's measure, how it names a result)
    "ndcg": ("ndcg_cut", "ndcg_cut_{}"),
    "recall": ("recall", "recall_{}"),
    "map": ("map_cut", "map_cut_{}"),
    "precision": ("P", "P_{}"),
    "success": ("success", "success_{}"),
}


def draw(name, seed, score, grades, queries=6, judged=12, retrieved=18, ids="d{}".format):
    """A case whose scores and grades come from the functions `score` and `grades`."""
    rng = random.Random(seed)
    pool = [ids(i) for i in range(20)]
    qrels, run = {}, {}
    for q in range(queries):
        qrels[f"q{q}"] = {d: grades(rng) for d in rng.sample(pool, rng.randint(1, judged))}
        run[f"q{q}"] = {d: score(rng) for d in rng.sample(pool, rng.randint(1, retrieved))}
    return {"name": name, "qrels": qrels, "run": run}


def cases():
    binary = lambda rng: int(rng.random() < 0.5)
    graded = lambda rng: rng.choice([0, 0, 1, 2, 3])
    yield draw("random scores, binary grades", 1, lambda rng: round(rng.uniform(-5, 20), 6), binary)
    yield draw("random scores, graded", 2, lambda rng: round(rng.random(), 6), graded)
    yield draw("many ties", 3, lambda rng: float(rng.randint(0, 2)), graded)
    yield draw("all tied", 4, lambda rng: 0.5, binary)
    yield draw("ties only as f32", 5, lambda rng: 16.0 + rng.randint(0, 5) * 3e-7, graded)
    yield draw("zeros of both signs", 6, lambda rng: rng.choice([0.0, -0.0, 1.0, -1.0]), graded)
    yield draw("infinities and f32 overflow", 7, lambda rng: rng.choice([1e39, 1e300, 2.0, -1e39, 1e-60, 0.0]), graded)
    yield draw("negative grades", 8, lambda rng: float(rng.randint(0, 3)), lambda rng: rng.choice([-2, -1, 0, 1, 4]))
    yield draw("nothing relevant", 9, lambda rng: rng.random(), lambda rng: rng.choice([-1, 0]), queries=2)
    alphabet = ["é", "z", "A", "文", "~", "10", "9", "😀"]
    ids = lambda i: alphabet[i % 8] + str(i)
    yield draw("identifiers beyond ASCII", 10, lambda rng: float(rng.randint(0, 1)), graded, ids=ids)


def reciprocal_rank_at(k, uncut):
    # trec_eval's recip_rank has no cutoff, but its value tells the rank.
    return uncut if uncut >= 1 / k - 1e-12 else 0.0


def expected(case):
    cut = ",".join(map(str, CUTOFFS))
    measures = {f"{theirs}.{cut}" for theirs, _ in MEASURES.values()} | {"recip_rank"}
    results = pytrec_eval.RelevanceEvaluator(case["qrels"], measures).evaluate(case["run"])
    scores = {}
    for k in CUTOFFS:
        for ours, (_, key) in MEASURES.items():
            scores[f"{ours}@{k}"] = [round(results[q][key.format(k)], 9) for q in sorted(case["qrels"])]
        scores[f"mrr@{k}"] = [
            round(reciprocal_rank_at(k, results[q]["recip_rank"]), 9) for q in sorted(case["qrels"])
        ]
    return scores


def main():
    golden = {
        "origin": f"tests/golden/trec_eval.py with pytrec-eval-terrier {version('pytrec-eval-terrier')}",
        "cases": [case | {"expected": expected(case)} for case in cases()],
    }
    path = pathlib.Path(__file__).with_suffix(".json")
    # One case a line, and within a line nothing to spare.
    head = json.dumps(golden["origin"])
    body = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in golden["cases"])
    path.write_text(f'{{"origin": {head},\n"cases": [\n{body}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
