"""The adapters for LlamaIndex, by LlamaIndex's own classes."""

from __future__ import annotations

import pytest
from conftest import QUERY, SAME, SWAPPED

pytest.importorskip("llama_index.core")

from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle, TextNode

import vetted
from vetted.integrations.llama_index import VettedNodePostprocessor, VettedRetriever

OTHER = "The pilot painted a fence."


def _nodes() -> list[NodeWithScore]:
    texts = (OTHER, SWAPPED, SAME)
    return [
        NodeWithScore(node=TextNode(text=text, id_=str(at), metadata={"page": at}), score=0.5) for at, text in enumerate(texts)
    ]


class Seen(BaseEventHandler):
    names: list[str] = []

    @classmethod
    def class_name(cls) -> str:
        return "Seen"

    def handle(self, event, **_) -> None:  # type: ignore[no-untyped-def]
        self.names.append(event.class_name())


async def test_a_postprocessor_vets_copies(verifier: vetted.Verifier) -> None:
    # Metadata is a part of what is embedded, and so of what is read: here the verifier reads the text alone.
    given = _nodes()
    for one in given:
        one.node.excluded_embed_metadata_keys = ["page"]
    seen = Seen()
    get_dispatcher().add_event_handler(seen)
    postprocessor = VettedNodePostprocessor(verifier, top_n=5)
    nodes = postprocessor.postprocess_nodes(given, query_str=QUERY)
    assert [one.node.node_id for one in nodes] == ["2", "0"]
    assert nodes[0].score and nodes[0].score > nodes[1].score  # type: ignore[operator]
    assert nodes[0].node.metadata["vetted"]["verdict"] == "accept" and nodes[0].node.metadata["retrieval_score"] == 0.5
    assert [one.node.metadata for one in given] == [{"page": at} for at in range(3)] and {one.score for one in given} == {0.5}
    assert "vetted" not in nodes[0].node.get_content(MetadataMode.LLM) and nodes[0].node.get_content(MetadataMode.EMBED) == SAME
    assert {"ReRankStartEvent", "ReRankEndEvent"} <= {*seen.names}
    again = await postprocessor.apostprocess_nodes(given, query_bundle=QueryBundle(QUERY))
    assert [one.node.node_id for one in again] == ["2", "0"]
    assert len(VettedNodePostprocessor(verifier, rejected="flag").postprocess_nodes(given, query_str=QUERY)) == 3
    assert postprocessor.postprocess_nodes([], query_str=QUERY) == []
    with pytest.raises(vetted.InvalidInputError, match="query_str"):
        postprocessor.postprocess_nodes(given)
    assert VettedNodePostprocessor.class_name() == "VettedNodePostprocessor"


async def test_a_retriever(index: vetted.Index) -> None:
    retriever = VettedRetriever(index, k=2, search={"filters": ["year<2010"]})
    nodes = retriever.retrieve(QUERY)
    assert nodes[0].node.node_id == "same" and nodes[0].node.get_content() == SAME
    assert nodes[0].node.metadata["vetted"]["verdict"] == "accept" and nodes[0].node.metadata["year"] == 1999
    assert [one.node.node_id for one in await retriever.aretrieve(QUERY)] == [one.node.node_id for one in nodes]
