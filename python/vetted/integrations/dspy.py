"""For DSPy: a retriever.

Needs dspy, as the extra `dspy` brings it.
"""

from __future__ import annotations

from typing import Any

import dspy  # type: ignore[import-untyped,import-not-found,unused-ignore]

from vetted import Index
from vetted.integrations._reranking import of_hit, texts_of

__all__ = ["VettedRM"]


class VettedRM:
    """Searches a vetted index: `dspy.configure(rm=VettedRM(index))` for `dspy.Retrieve`, or as a tool of its own, by `search`.
    Passages carry `metadata` with the verdict. `settings` are those of `Index.search`."""

    def __init__(self, index: Index, k: int = 3, **settings: Any) -> None:
        self.index, self.k, self.settings = index, k, settings

    def __call__(self, query: str | list[str], k: int | None = None, **settings: Any) -> list[Any]:
        """The passages that are found for a query, or for several."""
        queries = [query] if isinstance(query, str) else query
        found = self.index.search_many(queries, k=k or self.k, **{**self.settings, **settings})
        hits = [hit for one in found for hit in one.hits]
        return [
            dspy.Example(long_text=text, id=hit.id, score=hit.score, metadata=of_hit(hit))
            for hit, text in zip(hits, texts_of(self.index, hits))
        ]

    def search(self, query: str) -> Any:
        """The passages as `dspy.retrievers.Embeddings` gives them: `Prediction(passages=[...], metadata=[...])`."""
        found = self(query)
        return dspy.Prediction(passages=[it.long_text for it in found], metadata=[it.metadata for it in found])
