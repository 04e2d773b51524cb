"""For Haystack: a ranker that vets what a retriever found, and a retriever.

Needs haystack-ai, as the extra `haystack` brings it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from haystack import Document, component, default_from_dict, default_to_dict

from vetted import Index, Verifier
from vetted.index import Found
from vetted.integrations._reranking import Rejected, of_hit, of_verdict, ranked, texts_of
from vetted.verdicts import Verdicts

__all__ = ["VettedRanker", "VettedRetriever"]


@component
class VettedRanker:
    """Vets documents: leaves out what contradicts the query, and orders the rest. Documents are copied; `score` is the
    probability, `meta` gets `vetted`, the verdict, and `retrieval_score`, what the retriever said. `verifier` is a folder; the
    one that comes with vetted where none is named."""

    def __init__(
        self,
        verifier: str | None = None,
        top_k: int = 10,
        rejected: Rejected = "filter",
        score_threshold: float | None = None,
    ) -> None:
        self.verifier, self.top_k, self.rejected = verifier, top_k, rejected
        self.score_threshold = score_threshold
        self._open: Verifier | None = None

    def warm_up(self) -> None:
        """Loads the verifier."""
        self._open = self._open or Verifier(self.verifier)

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, documents: list[Document], top_k: int | None = None, score_threshold: float | None = None
    ) -> dict[str, list[Document]]:
        """The documents that stay, best first."""
        verdicts = self._verifier().verify_passages(query, [it.content or "" for it in documents])
        return self._ranked(documents, verdicts, top_k, score_threshold)

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query: str, documents: list[Document], top_k: int | None = None, score_threshold: float | None = None
    ) -> dict[str, list[Document]]:
        """As `run`."""
        verdicts = await self._verifier().averify_passages(query, [it.content or "" for it in documents])
        return self._ranked(documents, verdicts, top_k, score_threshold)

    def _verifier(self) -> Verifier:
        self.warm_up()
        assert self._open is not None
        return self._open

    def _ranked(
        self, documents: list[Document], verdicts: Verdicts, top_k: int | None, score_threshold: float | None
    ) -> dict[str, list[Document]]:
        least = self.score_threshold if score_threshold is None else score_threshold
        stay = []
        for at, score, verdict in ranked(verdicts, top_k or self.top_k, self.rejected):
            if least is None or score >= least:
                said = {"retrieval_score": documents[at].score, "vetted": of_verdict(verdict)}
                stay.append(replace(documents[at], score=score, meta={**documents[at].meta, **said}))
        return {"documents": stay}

    def to_dict(self) -> dict[str, Any]:
        """For pipelines that are written down."""
        settings = {name: getattr(self, name) for name in ("verifier", "top_k", "rejected", "score_threshold")}
        serialized: dict[str, Any] = default_to_dict(self, **settings)
        return serialized

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> VettedRanker:
        """From a pipeline that was written down."""
        ranker: VettedRanker = default_from_dict(cls, data)
        return ranker


@component
class VettedRetriever:
    """Searches the vetted index in a folder. `search` holds settings of `Index.search`, such as mode and filters."""

    def __init__(self, path: str, top_k: int = 10, search: dict[str, Any] | None = None) -> None:
        self.path, self.top_k, self.search = path, top_k, search or {}
        self._open: Index | None = None

    def warm_up(self) -> None:
        """Opens the index."""
        self._open = self._open or Index.open(self.path)

    @component.output_types(documents=list[Document])
    def run(self, query: str, top_k: int | None = None) -> dict[str, list[Document]]:
        """What is found, best first."""
        return self._documents(self._index().search(query, k=top_k or self.top_k, **self.search))

    @component.output_types(documents=list[Document])
    async def run_async(self, query: str, top_k: int | None = None) -> dict[str, list[Document]]:
        """As `run`."""
        return self._documents(await self._index().asearch(query, k=top_k or self.top_k, **self.search))

    def _index(self) -> Index:
        self.warm_up()
        assert self._open is not None
        return self._open

    def _documents(self, found: Found) -> dict[str, list[Document]]:
        texts = texts_of(self._index(), found.hits)
        documents = []
        for hit, text in zip(found.hits, texts):
            documents.append(Document(id=hit.id, content=text, score=hit.score, meta=of_hit(hit)))
        return {"documents": documents}

    def to_dict(self) -> dict[str, Any]:
        """For pipelines that are written down."""
        serialized: dict[str, Any] = default_to_dict(self, path=self.path, top_k=self.top_k, search=self.search)
        return serialized

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> VettedRetriever:
        """From a pipeline that was written down."""
        retriever: VettedRetriever = default_from_dict(cls, data)
        return retriever
