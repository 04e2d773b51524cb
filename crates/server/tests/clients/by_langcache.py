"""Clients of LangCache against a cache that is called `answers`: the SDK, RedisVL's and LangChain's, each at its newest version."""

import asyncio

from expected import DOCUMENTS, QUERY, RIGHT, URL, run
from langcache import LangCache, errors
from langcache.models import SearchStrategy
from langchain_core.outputs import Generation
from langchain_redis import LangCacheSemanticCache as ByLangChain
from redisvl.extensions.cache.llm import LangCacheSemanticCache as ByRedisVL

CACHE = "answers"
SAME, NEAR_MISS = DOCUMENTS[RIGHT], DOCUMENTS[0]
EXACT, SEMANTIC = SearchStrategy.EXACT, SearchStrategy.SEMANTIC


def sdk():
    return LangCache(server_url=URL, cache_id=CACHE, api_key="none")


def sdk_search_set_delete():
    with sdk() as client:
        client.flush()
        assert client.search(prompt=QUERY).data == []
        stored = client.set(prompt=QUERY, response="yes", attributes={"topic": "visits"}, ttl_millis=60_000)
        exact = client.search(prompt=QUERY, search_strategies=[EXACT, SEMANTIC]).data
        assert [(it.id, it.response, it.similarity, it.search_strategy) for it in exact] == [(stored.entry_id, "yes", 1.0, EXACT)]
        assert exact[0].attributes == {"topic": "visits"}
        semantic = client.search(prompt=SAME, similarity_threshold=0.5).data
        assert [(it.id, it.search_strategy) for it in semantic] == [(stored.entry_id, SEMANTIC)], semantic
        assert 0.5 <= semantic[0].similarity < 1
        assert client.search(prompt=NEAR_MISS).data == [], "a near-miss is not served"
        assert client.search(prompt=SAME, search_strategies=[EXACT]).data == []
        assert client.search(prompt=QUERY, attributes={"topic": "other"}).data == []
        client.delete_by_id(entry_id=stored.entry_id)
        assert client.search(prompt=QUERY).data == []


def sdk_delete_by_attributes_and_flush():
    with sdk() as client:
        client.flush()
        for topic in ["visits", "visits", "tea"]:
            client.set(prompt=f"{QUERY} {topic}", response=topic, attributes={"topic": topic})
        assert client.delete_query(attributes={"topic": "visits"}).deleted_entries_count == 1
        assert len(client.search(prompt=f"{QUERY} tea").data) == 1
        client.flush()
        assert client.search(prompt=f"{QUERY} tea").data == []


def sdk_conversation():
    with sdk() as client:
        client.flush()
        client.set(prompt=QUERY, response="yes")
        answer = client.conversational_search(prompt=SAME, context=["Who was ill?"])
        assert answer.actual_prompt == SAME and len(answer.data) == 1, answer
        client.set(prompt="And in the evening?", response="no")
        assert client.conversational_search(prompt="And in the evening?", context=["Who was ill?"]).data == []


def sdk_async():
    async def ask():
        async with sdk() as client:
            await client.flush_async()
            await client.set_async(prompt=QUERY, response="yes")
            return await client.search_async(prompt=SAME)

    assert [it.response for it in asyncio.run(ask()).data] == ["yes"]


def sdk_errors():
    with LangCache(server_url=URL, cache_id="none", api_key="none") as client:
        try:
            client.search(prompt=QUERY)
        except errors.NotFoundErrorResponseContent as error:
            assert "no cache is called" in error.data.detail, error
        else:
            raise AssertionError("no error")
    with sdk() as client:
        try:
            client.search(prompt=" ")
        except errors.BadRequestErrorResponseContent as error:
            assert "prompt" in error.data.detail, error
        else:
            raise AssertionError("no error")


def redisvl():
    cache = ByRedisVL(server_url=URL, cache_id=CACHE, api_key="none", ttl=60)
    cache.clear()
    assert cache.check(prompt=QUERY) == []
    entry = cache.store(prompt=QUERY, response="yes", metadata={"topic": "visits, and more"})
    hit = cache.check(prompt=SAME, distance_threshold=0.5)[0]
    assert (hit["entry_id"], hit["response"], hit["metadata"]) == (entry, "yes", {"topic": "visits, and more"}), hit
    assert 0 < hit["vector_distance"] < 0.5
    assert cache.check(prompt=NEAR_MISS) == []
    by_redis = ByRedisVL(server_url=URL, cache_id=CACHE, api_key="none", distance_scale="redis")
    distance = by_redis.check(prompt=SAME)[0]["vector_distance"]
    assert abs(distance - 2 * hit["vector_distance"]) < 1e-4, (distance, hit)
    cache.delete_by_id(entry)
    assert cache.check(prompt=QUERY) == []


def langchain():
    cache = ByLangChain(server_url=URL, cache_id=CACHE, api_key="none", distance_threshold=0.5)
    with sdk() as client:
        client.flush()
    assert not cache.lookup(QUERY, "model one")
    cache.update(QUERY, "model one", [Generation(text="yes")])
    assert cache.lookup(QUERY, "model one")[0].text == "yes"
    assert cache.lookup(SAME, "model one")[0].text == "yes"
    assert not cache.lookup(QUERY, "model two"), "what another model answered is not served"
    assert not cache.lookup(NEAR_MISS, "model one")


run(
    [
        ("langcache", sdk_search_set_delete),
        ("langcache", sdk_delete_by_attributes_and_flush),
        ("langcache", sdk_conversation),
        ("langcache", sdk_async),
        ("langcache", sdk_errors),
        ("redisvl", redisvl),
        ("langchain-redis", langchain),
    ]
)
