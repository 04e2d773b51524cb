"""What a graph of Qdrant's engine misses, with a point for each document (a multivector) and with one for each passage (decision 19).

Made-up documents of 1 to 8 passages: each passage is near one of 400 topics, 70 % of them near the document's own. Questions are near a
passage. Usage: $(.ci/qdrant) crates/retrieval/tests/qdrant/graph_recall.py [DOCUMENTS], some minutes.
"""

import sys
import tempfile

import numpy as np
import qdrant_edge as edge

DIMENSIONS, TOPICS, QUESTIONS, K = 96, 400, 300, 10
chance = np.random.default_rng(1)


def unit(values):
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype("float32")


def documents(count):
    topics = unit(chance.normal(size=(TOPICS, DIMENSIONS)))
    for _ in range(count):
        passages, own = chance.integers(1, 9), chance.integers(TOPICS)
        about = np.where(chance.random(passages) < 0.7, own, chance.integers(TOPICS, size=passages))
        yield unit(topics[about] + chance.normal(size=(passages, DIMENSIONS)) * 0.08)


def shard(folder, vectors, params):
    """The vectors, each a point, in a graph."""
    optimizers = edge.EdgeOptimizersConfig(indexing_threshold=1, default_segment_number=1)
    config = edge.EdgeConfig(vectors={"v": params}, hnsw_config=edge.HnswIndexConfig(16, 100, 10), optimizers=optimizers)
    made = edge.EdgeShard.create(folder, config)
    for first in range(0, len(vectors), 500):
        some = enumerate(vectors[first : first + 500], first)
        made.update(edge.UpdateOperation.upsert_points([edge.Point(at, {"v": vector.tolist()}, {}) for at, vector in some]))
    made.optimize()
    return made


def found(made, question, limit, effort):
    params = edge.SearchParams(hnsw_ef=effort)
    asked = edge.QueryRequest(limit=limit, query=edge.Query.Nearest(question.tolist(), using="v"), params=params, with_payload=False)
    return [point.id for point in made.query(asked)]


def main():
    all = list(documents(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000))
    flat, owner = np.concatenate(all), np.repeat(np.arange(len(all)), [len(one) for one in all])
    questions = []
    for _ in range(QUESTIONS):
        one = all[chance.integers(len(all))]
        questions.append(unit(one[chance.integers(len(one))] + chance.normal(size=DIMENSIONS) * 0.05))

    def best(passages):
        return list(dict.fromkeys(int(owner[at]) for at in passages))[:K]

    exact = [best(np.argsort(-(flat @ question))[:500]) for question in questions]
    multi = edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim)
    ways = {
        "a point a document": (all, edge.EdgeVectorParams(DIMENSIONS, edge.Distance.Dot, multivector_config=multi)),
        "a point a passage": (flat, edge.EdgeVectorParams(DIMENSIONS, edge.Distance.Dot)),
    }
    print(f"{len(all)} documents, {len(flat)} passages, recall of the {K} best")
    for way, (vectors, params) in ways.items():
        with tempfile.TemporaryDirectory() as folder:
            made = shard(folder, vectors, params)
            for effort in (64, 128, 256, 512):
                if len(vectors) == len(flat):
                    got = [best(found(made, question, 36, effort)) for question in questions]
                else:
                    got = [found(made, question, K, effort) for question in questions]
                recalls = [len(set(a) & set(b)) / K for a, b in zip(got, exact)]
                error = 1.96 * np.std(recalls) / len(recalls) ** 0.5
                print(f"{way}, hnsw_ef {effort}: {np.mean(recalls):.4f} +- {error:.4f}", flush=True)


main()
