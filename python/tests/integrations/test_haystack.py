"""The components for Haystack, in a pipeline of Haystack's."""

from __future__ import annotations

import pytest
from conftest import QUERY, SAME, SWAPPED

pytest.importorskip("haystack")

from haystack import Document, Pipeline

import vetted
from vetted.integrations.haystack import VettedRanker, VettedRetriever

GIVEN = [
    Document(content="The pilot painted a fence.", score=0.9),
    Document(content=SWAPPED, score=0.8),
    Document(content=SAME, score=0.7, meta={"page": 3}),
]


async def test_a_ranker_vets_copies() -> None:
    before = [it.to_dict() for it in GIVEN]
    ranker = VettedRanker()
    documents = ranker.run(query=QUERY, documents=GIVEN)["documents"]
    assert [it.content for it in documents] == [SAME, "The pilot painted a fence."]
    assert documents[0].meta["vetted"]["verdict"] == "accept" and documents[0].meta["page"] == 3
    assert documents[0].meta["retrieval_score"] == 0.7 and documents[0].score != 0.7
    assert [it.to_dict() for it in GIVEN] == before, "what was given is as it was"
    assert (await ranker.run_async(query=QUERY, documents=GIVEN))["documents"] == documents
    assert [it.content for it in ranker.run(query=QUERY, documents=GIVEN, top_k=1)["documents"]] == [SAME]
    assert len(VettedRanker(rejected="flag").run(query=QUERY, documents=GIVEN)["documents"]) == 3
    assert VettedRanker(score_threshold=1.1).run(query=QUERY, documents=GIVEN)["documents"] == []


def test_a_pipeline_is_written_down_and_read(index: vetted.Index, monkeypatch: pytest.MonkeyPatch) -> None:
    # Newer versions ask whose classes they may make.
    monkeypatch.setenv("HAYSTACK_DESERIALIZATION_ALLOWLIST", "vetted.integrations.haystack")
    index.close()
    pipeline = Pipeline()
    pipeline.add_component("retriever", VettedRetriever(index.path, top_k=5, search={"verify": "off"}))
    pipeline.add_component("ranker", VettedRanker(top_k=1))
    pipeline.connect("retriever.documents", "ranker.documents")
    again = Pipeline.loads(pipeline.dumps())
    found = again.run({"retriever": {"query": QUERY}, "ranker": {"query": QUERY}})["ranker"]["documents"]
    assert [it.content for it in found] == [SAME] and found[0].id == "same" and found[0].meta["year"] == 1999
