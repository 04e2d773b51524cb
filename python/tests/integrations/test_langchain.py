"""The adapters for LangChain, by LangChain's own classes."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from conftest import QUERY, SAME, SWAPPED

pytest.importorskip("langchain_core")

from langchain_core.documents import Document
from langchain_core.globals import set_llm_cache
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.vectorstores import InMemoryVectorStore

import vetted
from vetted.integrations.langchain import (
    VettedCache,
    VettedCompressor,
    VettedCrossEncoder,
    VettedEmbeddings,
    VettedRetriever,
)

OTHER = "The pilot painted a fence."


async def test_a_compressor_vets_copies(verifier: vetted.Verifier) -> None:
    given = [
        Document(OTHER, metadata={"page": 1}),
        Document(SWAPPED, metadata={"page": 2}),
        Document(SAME, id="3", metadata={"page": 3}),
    ]
    before = copy.deepcopy(given)
    compressor = VettedCompressor(verifier=verifier)
    documents = compressor.compress_documents(given, QUERY)
    assert given == before, "what was given is as it was"
    assert [it.metadata["page"] for it in documents] == [3, 1] and documents[0].id == "3"
    assert documents[0].metadata["vetted"]["verdict"] == "accept" and 0 < documents[0].metadata["relevance_score"] <= 1
    assert await compressor.acompress_documents(given, QUERY) == documents
    flagged = VettedCompressor(verifier=verifier, rejected="flag", top_n=3).compress_documents(given, QUERY)
    assert {it.metadata["vetted"]["verdict"] for it in flagged} >= {"accept", "reject"}
    assert compressor.compress_documents([], QUERY) == []
    assert len(VettedCompressor().compress_documents(given, QUERY)) == 2, "the verifier that comes with vetted, by default"


async def test_a_vector_store_and_a_retriever(index: vetted.Index) -> None:
    store = InMemoryVectorStore(VettedEmbeddings())
    store.add_texts([SAME, SWAPPED, OTHER])
    assert store.similarity_search(QUERY, k=1)[0].page_content in (SAME, SWAPPED)
    retriever = VettedRetriever(index=index, k=5, search={"filters": "year<2010"})
    documents = retriever.invoke(QUERY)
    assert [it.id for it in documents][0] == "same" and documents[0].page_content == SAME
    assert documents[0].metadata["vetted"]["verdict"] == "accept" and documents[0].metadata["year"] == 1999
    assert [it.id for it in await retriever.ainvoke(QUERY)] == [it.id for it in documents]
    assert "swapped" not in [it.id for it in documents]


def test_a_cross_encoder_scores(verifier: vetted.Verifier) -> None:
    scores = VettedCrossEncoder(verifier).score([(QUERY, SAME), (QUERY, SWAPPED)])
    assert scores[0] > scores[1] and all(isinstance(score, float) for score in scores)


def test_rerankers_and_compressing_retrievers_of_langchain_take_them(verifier: vetted.Verifier, index: vetted.Index) -> None:
    pytest.importorskip("langchain_classic")
    from langchain_classic.retrievers import ContextualCompressionRetriever
    from langchain_classic.retrievers.document_compressors import CrossEncoderReranker

    store = InMemoryVectorStore(VettedEmbeddings())
    store.add_texts([OTHER, SWAPPED, SAME])
    base = store.as_retriever(search_kwargs={"k": 3})
    for compressor in (VettedCompressor(verifier=verifier), CrossEncoderReranker(model=VettedCrossEncoder(verifier), top_n=2)):
        found = ContextualCompressionRetriever(base_compressor=compressor, base_retriever=base).invoke(QUERY)
        assert found[0].page_content == SAME and len(found) == 2


async def test_a_cache_of_generations(tmp_path: Path, verifier: vetted.Verifier) -> None:
    cache = VettedCache(vetted.Cache(tmp_path / "c", verifier=verifier, min_probability=0.5))
    generations = [ChatGeneration(message=AIMessage("It went well."))]
    cache.update(QUERY, "model 1", generations)
    assert cache.lookup(QUERY, "model 1") == generations
    assert cache.lookup(QUERY, "model 2") is None, "no other model's answer"
    assert cache.lookup(SWAPPED, "model 1") is None
    await cache.aupdate(SWAPPED, "model 1", [Generation(text="Badly.")])
    assert await cache.alookup(SWAPPED, "model 1") == [Generation(text="Badly.")]
    cache.clear(llm_string="model 1")
    assert cache.lookup(QUERY, "model 1") is None
    with pytest.raises(NotImplementedError):
        cache.clear()


def test_a_model_is_asked_once(verifier: vetted.Verifier) -> None:
    replies = iter([AIMessage("first"), AIMessage("second"), AIMessage("third"), AIMessage("fourth")])
    model = GenericFakeChatModel(messages=replies)
    set_llm_cache(VettedCache(vetted.Cache(verifier=verifier)))
    try:
        assert model.invoke(QUERY).content == "first"
        assert model.invoke([HumanMessage(QUERY)]).content == "first", "the same, of a list of messages"
        assert model.invoke([SystemMessage("Be brief."), HumanMessage(QUERY)]).content == "second", (
            "instructions are a part of the scope"
        )
        assert model.invoke([HumanMessage(SWAPPED)]).content == "third"
        assert model.invoke([SystemMessage("Be brief."), HumanMessage(QUERY)]).content == "second"
    finally:
        set_llm_cache(None)
