"""For LlamaIndex: a postprocessor that vets what a retriever found, and a retriever.

Needs llama-index-core, as the extra `llama-index` brings it.
"""

from __future__ import annotations

from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined,unused-ignore]
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle, TextNode

from vetted import Index, Verifier
from vetted.errors import InvalidInputError
from vetted.index import Found
from vetted.integrations._reranking import Rejected, of_hit, of_verdict, ranked, texts_of
from vetted.verdicts import Verdicts

__all__ = ["VettedNodePostprocessor", "VettedRetriever"]

_dispatcher = get_dispatcher(__name__)


class VettedNodePostprocessor(BaseNodePostprocessor):
    """Vets nodes: leaves out what contradicts the query, and orders the rest. Nodes are copied; `metadata` gets `vetted`, the
    verdict, `relevance_score`, and `retrieval_score`, what the retriever said. `score` is the probability."""

    top_n: int = Field(default=10, description="So many nodes stay at most.")
    rejected: Rejected = Field(default="filter", description="Whether a rejected node is left out, or stays with its verdict.")
    _verifier: Verifier = PrivateAttr()

    def __init__(self, verifier: Verifier | None = None, **fields: Any) -> None:
        super().__init__(**fields)
        self._verifier = verifier or Verifier()

    @classmethod
    def class_name(cls) -> str:
        """Its name in serialized pipelines."""
        return "VettedNodePostprocessor"

    def _postprocess_nodes(self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None) -> list[NodeWithScore]:
        query = self._started(nodes, query_bundle)
        return self._ended(nodes, self._verifier.verify_passages(query, _texts(nodes)) if nodes else Verdicts())

    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        query = self._started(nodes, query_bundle)
        return self._ended(nodes, await self._verifier.averify_passages(query, _texts(nodes)) if nodes else Verdicts())

    def _started(self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None) -> str:
        if query_bundle is None:
            raise InvalidInputError("nodes are vetted against a query: give query_str or query_bundle")
        _dispatcher.event(ReRankStartEvent(query=query_bundle, nodes=nodes, top_n=self.top_n, model_name=self._verifier.name))
        return query_bundle.query_str

    def _ended(self, nodes: list[NodeWithScore], verdicts: Verdicts) -> list[NodeWithScore]:
        stay = []
        for at, score, verdict in ranked(verdicts, self.top_n, self.rejected):
            copy = nodes[at].node.model_copy()
            said = {"relevance_score": score, "retrieval_score": nodes[at].score, "vetted": of_verdict(verdict)}
            copy.metadata = {**copy.metadata, **said}
            # What was found is for programs: neither a model's prompt nor a vector changes by it.
            copy.excluded_llm_metadata_keys = [*copy.excluded_llm_metadata_keys, *said]
            copy.excluded_embed_metadata_keys = [*copy.excluded_embed_metadata_keys, *said]
            stay.append(NodeWithScore(node=copy, score=score))
        _dispatcher.event(ReRankEndEvent(nodes=stay))
        return stay


class VettedRetriever(BaseRetriever):
    """Searches a vetted index. `search` holds settings of `Index.search`, such as mode and filters."""

    def __init__(self, index: Index, *, k: int = 10, search: dict[str, Any] | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self._index = index
        self._k = k
        self._search = search or {}

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self._nodes(self._index.search(query_bundle.query_str, k=self._k, **self._search))

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self._nodes(await self._index.asearch(query_bundle.query_str, k=self._k, **self._search))

    def _nodes(self, found: Found) -> list[NodeWithScore]:
        nodes = []
        for hit, text in zip(found.hits, texts_of(self._index, found.hits)):
            hidden = ["relevance_score", "vetted"]
            node = TextNode(
                id_=hit.id,
                text=text,
                metadata=of_hit(hit),
                excluded_llm_metadata_keys=hidden,
                excluded_embed_metadata_keys=hidden,
            )
            nodes.append(NodeWithScore(node=node, score=hit.score))
        return nodes


def _texts(nodes: list[NodeWithScore]) -> list[str]:
    return [node.node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes]
