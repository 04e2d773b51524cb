"""What all adapters do: judge candidates, order them, and say what was found about each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from vetted.errors import InvalidInputError

if TYPE_CHECKING:
    from vetted.index import Hit
    from vetted.verdicts import Verdict, Verdicts

__all__ = ["Ranked", "Rejected", "of_hit", "of_verdict", "ranked", "score_of"]

Rejected = Literal["filter", "flag"]
"""What becomes of a candidate that is rejected: it is left out, or it stays with its verdict."""


class Ranked(NamedTuple):
    """A candidate that stays."""

    at: int
    """Its place among those given."""
    score: float
    """The probability that it supports the query; 0 of what could not be read."""
    verdict: Verdict


def score_of(verdict: Verdict) -> float:
    """The probability by which candidates are ordered."""
    found = verdict.probability if verdict.probability is not None else verdict.p_match
    return 0.0 if found is None else min(max(found, 0.0), 1.0)


def ranked(verdicts: Verdicts, top_n: int | None, rejected: Rejected) -> list[Ranked]:
    """The candidates that stay, best first. Among equal scores the one with more support comes first, then the earlier one."""
    if rejected not in ("filter", "flag"):
        raise InvalidInputError(f'rejected is {rejected!r}: it must be "filter" or "flag"')
    stay = [Ranked(at, score_of(it), it) for at, it in enumerate(verdicts) if rejected == "flag" or not it.rejected]
    stay.sort(key=lambda it: (-it.score, -it.verdict.support, it.at))
    return stay[:top_n]


def of_verdict(verdict: Verdict) -> dict[str, Any]:
    """A verdict for a document's metadata: plain values, without the text."""
    return {name: value for name, value in verdict.to_dict().items() if name != "candidate"}


def of_hit(hit: Hit) -> dict[str, Any]:
    """What a search says of a document, for its metadata."""
    said = {} if hit.outcome is None else {"vetted": hit.outcome.to_dict()}
    return {**hit.metadata, **({"title": hit.title} if hit.title else {}), "relevance_score": hit.score, **said}


def texts_of(index: Any, hits: Sequence[Hit]) -> list[str]:
    """The whole texts of documents that were found; of one that is gone meanwhile, what was shown of it."""
    documents = [index.get(hit.id) for hit in hits]
    return [hit.snippet.text if it is None else it.text for hit, it in zip(hits, documents)]
