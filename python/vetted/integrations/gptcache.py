"""For GPTCache: the evaluation that decides whether a prompt that was found is served.

Needs gptcache, as the extra `gptcache` brings it.
"""

from __future__ import annotations

from typing import Any

from gptcache.similarity_evaluation import SimilarityEvaluation  # type: ignore[import-untyped,import-not-found,unused-ignore]

from vetted import Verifier

__all__ = ["VettedEvaluation"]


class VettedEvaluation(SimilarityEvaluation):  # type: ignore[misc,unused-ignore]
    """`cache.init(similarity_evaluation=VettedEvaluation())`: 1 where two prompts mean the same, by the verifier's verdict, and 0 where
    they do not. With `probabilities=True` it is the probability, which `Config(similarity_threshold=...)` is then compared with.

    What cannot be read is 0, and so is everything when the verifier fails: nothing wrong is served."""

    def __init__(self, verifier: Verifier | None = None, *, probabilities: bool = False) -> None:
        self.verifier = verifier or Verifier()
        self.probabilities = probabilities

    def evaluation(self, src_dict: dict[str, Any], cache_dict: dict[str, Any], **_: Any) -> float:
        """How surely the prompt that was found means what is asked."""
        asked, kept = src_dict.get("question"), cache_dict.get("question")
        if not isinstance(asked, str) or not isinstance(kept, str) or not asked.strip():
            return 0.0
        if asked == kept:
            return 1.0
        verdict = self.verifier.verify(asked, [kept], relation="equivalence")[0]
        if verdict.verdict == "unverified":
            return 0.0
        return (verdict.p_match or 0.0) if self.probabilities else float(verdict.accepted)

    def range(self) -> tuple[float, float]:
        """From where to where it goes."""
        return 0.0, 1.0
