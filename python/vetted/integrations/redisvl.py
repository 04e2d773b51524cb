"""For RedisVL: a second stage behind its semantic cache, and a reranker.

Needs redisvl, as the extra `redisvl` brings it.
"""

from __future__ import annotations

from typing import Any

from pydantic import PrivateAttr
from redisvl.utils.rerank.base import BaseReranker  # type: ignore[import-untyped,import-not-found,unused-ignore]

from vetted import Verifier
from vetted.integrations._reranking import Rejected, of_verdict, ranked
from vetted.verdicts import Verdict, Verdicts

__all__ = ["VerifiedCache", "VettedReranker"]


class VerifiedCache:
    """A semantic cache of RedisVL whose hits are verified: `VerifiedCache(SemanticCache(...))`.

    The cache finds `candidates` by distance, and of these only what means the same as the prompt is returned. So the distance
    threshold may be wide: it decides what is looked at, not what is served. Everything else is the cache's own."""

    def __init__(
        self, cache: Any, verifier: Verifier | None = None, *, candidates: int = 8, min_probability: float | None = None
    ) -> None:
        self.cache = cache
        self.verifier = verifier or Verifier()
        self.candidates = candidates
        self.min_probability = min_probability

    def check(self, prompt: str | None = None, *, num_results: int = 1, **settings: Any) -> list[dict[str, Any]]:
        """What `cache.check` finds and the verifier accepts; each result gets `vetted`, the verdict. Without the prompt's text there
        is nothing to read, so nothing is returned."""
        found = self.cache.check(prompt=prompt, num_results=max(num_results, self.candidates), **settings)
        prompts = _prompts(prompt, found, settings)
        verdicts = self.verifier.verify(prompt, prompts, relation="equivalence") if prompt and found else Verdicts()
        return self._served(found, verdicts)[:num_results]

    async def acheck(self, prompt: str | None = None, *, num_results: int = 1, **settings: Any) -> list[dict[str, Any]]:
        """As `check`."""
        found = await self.cache.acheck(prompt=prompt, num_results=max(num_results, self.candidates), **settings)
        prompts = _prompts(prompt, found, settings)
        verdicts = await self.verifier.averify(prompt, prompts, relation="equivalence") if prompt and found else Verdicts()
        return self._served(found, verdicts)[:num_results]

    def _served(self, found: list[dict[str, Any]], verdicts: Verdicts) -> list[dict[str, Any]]:
        return [{**one, "vetted": of_verdict(it)} for one, it in zip(found, verdicts) if self._accepts(it)]

    def _accepts(self, verdict: Verdict) -> bool:
        if verdict.query == verdict.candidate:
            return True
        if verdict.verdict == "unverified":
            return False
        if self.min_probability is None:
            return verdict.accepted
        return verdict.p_match is not None and verdict.p_match >= self.min_probability

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cache, name)


class VettedReranker(BaseReranker):  # type: ignore[misc,unused-ignore]
    """The verifier where RedisVL wants a reranker. What contradicts the query is left out, unless `rejected` is "flag".
    Documents are copied, and get `vetted`, the verdict."""

    model: str = "vetted"
    limit: int = 3
    return_score: bool = True
    rejected: Rejected = "filter"
    _verifier: Verifier = PrivateAttr()

    def __init__(self, verifier: Verifier | None = None, **fields: Any) -> None:
        super().__init__(**fields)
        self._verifier = verifier or Verifier()

    def rank(self, query: str, docs: list[dict[str, Any]] | list[str], **kwargs: Any) -> Any:
        """The documents that stay, best first, and their scores where `return_score` asks for them."""
        return self._ranked(docs, self._verifier.verify_passages(query, self._texts(docs)), **kwargs)

    async def arank(self, query: str, docs: list[dict[str, Any]] | list[str], **kwargs: Any) -> Any:
        """As `rank`."""
        return self._ranked(docs, await self._verifier.averify_passages(query, self._texts(docs)), **kwargs)

    def _texts(self, docs: list[dict[str, Any]] | list[str]) -> list[str]:
        fields = self.rank_by or ["content"]
        return [it if isinstance(it, str) else " ".join(str(it.get(field, "")) for field in fields) for it in docs]

    def _ranked(
        self,
        docs: list[dict[str, Any]] | list[str],
        verdicts: Verdicts,
        limit: int | None = None,
        return_score: bool | None = None,
        **ignored: Any,
    ) -> Any:
        stay, scores = [], []
        for at, score, verdict in ranked(verdicts, limit or self.limit, self.rejected):
            given = docs[at]
            document = {"content": given} if isinstance(given, str) else given
            stay.append({**document, "vetted": of_verdict(verdict)})
            scores.append(score)
        return (stay, scores) if (self.return_score if return_score is None else return_score) else stay


def _prompts(prompt: str | None, found: list[dict[str, Any]], settings: dict[str, Any]) -> list[str]:
    if any("prompt" not in one for one in found):
        raise ValueError(f'return_fields must have "prompt", which is read: it is {settings.get("return_fields")}')
    return [one["prompt"] for one in found]
