"""The evaluation for GPTCache, in a cache of GPTCache's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import QUERY, SWAPPED

pytest.importorskip("gptcache")

import vetted
from vetted.integrations.gptcache import VettedEvaluation


def test_evaluation(verifier: vetted.Verifier) -> None:
    decided = VettedEvaluation(verifier)
    assert decided.range() == (0.0, 1.0)
    assert decided.evaluation({"question": QUERY}, {"question": QUERY}) == 1.0
    assert decided.evaluation({"question": QUERY}, {"question": SWAPPED}) == 0.0
    assert decided.evaluation({"question": " "}, {"question": QUERY}) == decided.evaluation({}, {}) == 0.0
    probable = VettedEvaluation(verifier, probabilities=True)
    of = [probable.evaluation({"question": QUERY}, {"question": it}) for it in ("the nurse visited the farmer", SWAPPED)]
    assert of[0] > of[1]


def test_a_cache_of_gptcache_serves_by_it(tmp_path: Path, verifier: vetted.Verifier) -> None:
    from gptcache import Cache, Config
    from gptcache.adapter.api import get, put
    from gptcache.manager import CacheBase, get_data_manager
    from gptcache.manager.vector_data.base import VectorBase
    from gptcache.processor.pre import get_prompt

    class Vectors(VectorBase):  # type: ignore[misc]
        """GPTCache's stores of vectors are packages of their own; this one looks at all of them."""

        def __init__(self) -> None:
            self.kept: dict[int, np.ndarray] = {}  # type: ignore[type-arg]

        def mul_add(self, datas) -> None:  # type: ignore[no-untyped-def]
            self.kept |= {it.id: it.data for it in datas}

        def search(self, data, top_k=-1):  # type: ignore[no-untyped-def]
            return sorted((float(np.linalg.norm(data - it)), id) for id, it in self.kept.items())[:5]

        def rebuild(self, ids=None) -> bool:  # type: ignore[no-untyped-def]
            return True

        def delete(self, ids) -> bool:  # type: ignore[no-untyped-def]
            return True

    encoder, vectors, cache = vetted.Encoder(), Vectors(), Cache()
    cache.init(
        pre_embedding_func=get_prompt,
        embedding_func=lambda prompt, **_: encoder.encode([prompt])[0],
        data_manager=get_data_manager(CacheBase("sqlite", sql_url=f"sqlite:///{tmp_path / 'c.db'}"), vectors),
        similarity_evaluation=VettedEvaluation(verifier),
        config=Config(similarity_threshold=0.5),
    )
    put(QUERY, "It went well.", cache_obj=cache)
    assert get(QUERY, cache_obj=cache) == "It went well." and len(vectors.kept) == 1
    assert get(SWAPPED, cache_obj=cache) is None, "near, and not the same"
