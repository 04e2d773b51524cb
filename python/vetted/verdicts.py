"""What the verifier says, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, overload

from vetted._shapes import Explained, Finding, Judged, Said, VerdictName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self

    from vetted.verifier import Verifier

__all__ = ["Explanation", "Finding", "Relation", "TokenPair", "Verdict", "VerdictName", "Verdicts"]

Relation = Literal["support", "equivalence"]
"""What is asked: does the candidate support the query, or do both mean the same?"""


@dataclass(frozen=True)
class TokenPair:
    """A token of the query beside the candidate's that is most like it, or the other way round."""

    query: str
    candidate: str
    similarity: float
    """How alike they are, from -1 to 1."""
    weight: float
    """Logits that they make for the verdict, above 0."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Which tokens a verdict rests on."""

    query_tokens: list[str]
    """The rows of the map."""
    candidate_tokens: list[str]
    """The columns of the map: tokens of the part of the candidate that decided."""
    map: NDArray[np.float32]
    """How alike each token of the query is to each of the candidate, from -1 to 1: an array of rows and columns."""
    query_weights: NDArray[np.float32]
    """How much each token of the query weighs: logits that it makes for the verdict, below 0 where it speaks against it."""
    candidate_weights: NDArray[np.float32]
    """The same of the candidate's tokens."""
    pairs: list[TokenPair]
    """The token pairs that made most for the verdict, the heaviest first."""

    @classmethod
    def _of(cls, explained: Explained) -> Self:
        import numpy as np

        query_tokens, candidate_tokens, similarities, query, candidate, pairs = explained
        shape = (len(query_tokens), len(candidate_tokens))
        return cls(
            query_tokens,
            candidate_tokens,
            np.frombuffer(similarities, np.float32).reshape(shape),
            np.frombuffer(query, np.float32),
            np.frombuffer(candidate, np.float32),
            [TokenPair(query_tokens[row], candidate_tokens[column], similarity, weight)
             for row, column, similarity, weight in pairs
             if not _is_special(query_tokens[row]) and not _is_special(candidate_tokens[column])],
        )  # fmt: skip

    def _repr_html_(self) -> str:
        from vetted._html import explanation_html, page

        return page(explanation_html(self))


@dataclass(frozen=True)
class Verdict:
    """The verdict on one candidate, its reason and its numbers."""

    query: str
    candidate: str
    relation: Relation
    verdict: VerdictName
    """*accept*: the candidate supports the query, or says the same. *reject*: it contradicts the query, or is different.
    *abstain*: neither, or not surely enough. *unverified*: too little was read, and `why` says why."""
    reason: str | None
    """Why it is rejected or unverified, for programs: `contradicts`, `different`, `query-too-short`, ..."""
    why: str | None
    """Why it is unverified, for people."""
    finding: Finding | None
    p_match: float | None
    """The probability of the relation asked about, from 0 to 1; None where nothing was read."""
    p_conflict: float | None
    """The probability that the two contradict each other, from 0 to 1."""
    kind: str | None
    """The likeliest kind of difference (`negation`, `role`, `number`, ...); None for what supports or says the same."""
    answer: Literal["yes", "no"] | None
    """What it answers to a question that asks for yes or no."""
    window: tuple[int, int] | None
    """The part of the candidate that decided: its first character, and the one after its last."""
    probability: float | None = None
    """By a calibration, where the verifier has one: the probability that accepting is right."""
    score: float | None = None
    """The same as log-odds."""
    support: float = field(default=float("-inf"), repr=False)
    """The logit of all support that was found, by which candidates with equal probabilities can be ordered."""
    _verifier: Verifier | None = field(default=None, repr=False, compare=False)

    @property
    def accepted(self) -> bool:
        """Whether the verifier vouches for the candidate."""
        return self.verdict == "accept"

    @property
    def rejected(self) -> bool:
        """Whether the candidate contradicts the query, or is different."""
        return self.verdict == "reject"

    @property
    def decided_by(self) -> str:
        """The part of the candidate that decided; empty where nothing was read."""
        return self.candidate[slice(*self.window)] if self.window else ""

    def explain(self) -> Explanation | None:
        """Which tokens it rests on; None of a candidate that was not read. It costs one reading of the pair per token."""
        if self._verifier is None or self.window is None:
            return None
        return self._verifier._explanation(self.query, self.decided_by, self.relation)

    def to_dict(self) -> dict[str, Any]:
        """The fields that have a value, as `vetted verify --json` names them."""
        names = ("verdict", "reason", "why", "finding", "p_match", "p_conflict", "kind", "answer", "probability", "score")
        found = {name: getattr(self, name) for name in names}
        return {"candidate": self.candidate} | {name: value for name, value in found.items() if value is not None}

    @classmethod
    def _of(cls, query: str, candidate: str, relation: Relation, judged: Judged, verifier: Verifier | None) -> Self:
        said, window, support, calibrated = judged
        verdict, reason, why, finding, p_match, p_conflict, kind, answer, _, _ = said
        probability, score = calibrated or (None, None)
        return cls(query, candidate, relation, verdict, reason, why, finding, p_match, p_conflict, kind, answer, window,
                   probability, score, support, verifier)  # fmt: skip

    @classmethod
    def _of_said(cls, query: str, candidate: str, relation: Relation, said: Said) -> Self:
        whole = (0, len(candidate)) if said[4] is not None else None
        return cls._of(query, candidate, relation, (said, whole, float("-inf"), None), None)

    def __getstate__(self) -> list[Any]:
        # A verdict travels to other processes without the verifier that gave it.
        return [getattr(self, name) for name in self.__dataclass_fields__ if name != "_verifier"]

    def __setstate__(self, state: list[Any]) -> None:
        for name, value in zip(self.__dataclass_fields__, [*state, None]):
            object.__setattr__(self, name, value)

    def _repr_html_(self) -> str:
        from vetted._html import page, verdict_html

        return page(verdict_html(self))


class Verdicts(list[Verdict]):
    """The verdicts on candidates, in their order. A list that shows itself as a table."""

    @property
    def accepted(self) -> bool:
        """Whether at least one candidate is accepted."""
        return any(verdict.accepted for verdict in self)

    @overload
    def __getitem__(self, at: SupportsIndex, /) -> Verdict: ...
    @overload
    def __getitem__(self, at: slice[Any, Any, Any], /) -> Verdicts: ...
    def __getitem__(self, at: Any, /) -> Any:
        found = super().__getitem__(at)
        return Verdicts(found) if isinstance(at, slice) else found

    def _repr_html_(self) -> str:
        from vetted._html import page, verdicts_html

        return page(verdicts_html(self))


def _is_special(token: str) -> bool:
    return token.startswith("[") and token.endswith("]")


def verdicts_of(
    queries: Iterable[str],
    candidates: Iterable[str],
    relation: Relation,
    judged: Iterable[Judged],
    verifier: Verifier | None,
) -> Verdicts:
    """Of what the compiled part says about each candidate."""
    of = Verdict._of
    return Verdicts(of(query, candidate, relation, one, verifier)
                    for query, candidate, one in zip(queries, candidates, judged))  # fmt: skip
