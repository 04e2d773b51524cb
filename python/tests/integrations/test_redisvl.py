"""The adapters for RedisVL: the second stage behind RedisVL's cache of LangCache, which `vetted serve` answers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import QUERY, SAME, SWAPPED

pytest.importorskip("redisvl")

import vetted
from vetted.integrations.redisvl import VerifiedCache, VettedReranker


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    serving = subprocess.Popen(
        [sys.executable, "-m", "vetted", "serve", "--cache", f"answers={tmp_path / 'c'}", "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert serving.stdout
    yield serving.stdout.readline().removeprefix("listening on ").strip()
    serving.terminate()
    serving.wait(timeout=30)


async def test_only_what_means_the_same_is_served(url: str, verifier: vetted.Verifier) -> None:
    pytest.importorskip("langcache")
    from redisvl.extensions.cache.llm import LangCacheSemanticCache

    plain = LangCacheSemanticCache(server_url=url, cache_id="answers", api_key="any")
    cache = VerifiedCache(plain, verifier)
    cache.store(QUERY, "It went well.")
    found = cache.check(QUERY)
    assert [one["response"] for one in found] == ["It went well."] and found[0]["vetted"]["verdict"] in ("accept", "abstain")
    assert await cache.acheck(QUERY) == found
    assert cache.check(SWAPPED) == []


class _Near:
    """A cache that finds by distance alone, as RedisVL's does without a second stage: everything is near."""

    def check(self, prompt: str, num_results: int, **_: object) -> list[dict[str, str]]:
        kept = [{"prompt": SWAPPED, "response": "wrong"}, {"prompt": "the nurse visited the farmer", "response": "right"}]
        return kept[:num_results]


def test_what_is_near_is_read(verifier: vetted.Verifier) -> None:
    probability = verifier.verify(QUERY, ["the nurse visited the farmer"], relation="equivalence")[0].p_match
    assert probability is not None
    cache = VerifiedCache(_Near(), verifier, min_probability=probability)
    assert [one["response"] for one in cache.check(QUERY)] == ["right"], "the nearest is passed over"
    assert cache.check(None) == []


async def test_a_reranker(verifier: vetted.Verifier) -> None:
    given = [{"content": SWAPPED, "id": 1}, {"content": SAME, "id": 2}]
    reranker = VettedReranker(verifier)
    documents, scores = reranker.rank(QUERY, given)
    assert [it["id"] for it in documents] == [2] and documents[0]["vetted"]["verdict"] == "accept" and 0 < scores[0] <= 1
    assert given == [{"content": SWAPPED, "id": 1}, {"content": SAME, "id": 2}]
    assert await reranker.arank(QUERY, given) == (documents, scores)
    assert [it["content"] for it in reranker.rank(QUERY, [SAME, SWAPPED], return_score=False)] == [SAME]
    assert len(VettedReranker(verifier, rejected="flag", rank_by=["content"]).rank(QUERY, given)[0]) == 2
