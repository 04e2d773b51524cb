"""Metrics of retrieval for evaluations: does what was retrieved contradict what is said? No model of a provider is asked.

`contradictions` needs nothing else; `ContradictionMetric` is the same for DeepEval, and needs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vetted import Verdict, Verifier

if TYPE_CHECKING:
    from typing import TypeAlias

    BaseMetric: TypeAlias = Any
else:
    try:
        from deepeval.metrics import BaseMetric
    except ImportError:
        BaseMetric = object

__all__ = ["ContradictionMetric", "Contradictions", "contradictions"]


@dataclass(frozen=True)
class Contradictions:
    """Which texts contradict which statement."""

    texts: int
    """How many texts were held against the statements."""
    found: list[Verdict]
    """The verdicts of those that contradict: `query` is the statement, `candidate` the text."""

    @property
    def score(self) -> float:
        """The share of the texts that contradict nothing: 1 is good."""
        return 1.0 - len({verdict.candidate for verdict in self.found}) / self.texts if self.texts else 1.0

    @property
    def reason(self) -> str:
        """In a sentence."""
        if not self.found:
            return f"None of {self.texts} retrieved texts contradicts what is said."
        shown = "; ".join(f'"{it.decided_by:.120}" contradicts "{it.query:.120}"' for it in self.found[:3])
        count = len({it.candidate for it in self.found})
        return f"{count} of {self.texts} retrieved texts {'contradicts' if count == 1 else 'contradict'} what is said: {shown}."


def contradictions(statements: str | Iterable[str], texts: Iterable[str], verifier: Verifier | None = None) -> Contradictions:
    """Holds each retrieved text against each statement: a text is divided into sentences, a list is taken as it is."""
    statements = re.split(r"(?<=[.!?])\s+", statements.strip()) if isinstance(statements, str) else list(statements)
    texts, judge = list(dict.fromkeys(texts)), verifier or Verifier()
    found = [it for one in statements if one.strip() for it in judge.verify_passages(one, texts) if it.rejected]
    return Contradictions(len(texts), found)


class ContradictionMetric(BaseMetric):  # type: ignore[misc,unused-ignore]
    """For DeepEval: the share of `retrieval_context` that does not contradict the answer (`expected_output` where there is one, else
    `actual_output`). It fails below `threshold`; by default any contradiction fails."""

    def __init__(self, threshold: float = 1.0, verifier: Verifier | None = None, *, include_reason: bool = True) -> None:
        if BaseMetric is object:
            raise ImportError("ContradictionMetric is for DeepEval: pip install deepeval; `contradictions` needs nothing")
        self.threshold = threshold
        self.include_reason = include_reason
        self.verifier = verifier or Verifier()
        self.evaluation_model = self.verifier.name
        self.async_mode = True
        self.error: str | None = None
        self.verdicts: list[Verdict] = []

    def measure(self, test_case: Any, *args: Any, **kwargs: Any) -> float:
        """The share of texts that contradict nothing."""
        said = test_case.expected_output or test_case.actual_output
        if not said or test_case.retrieval_context is None:
            self.error = "the test case has no answer, or no retrieval_context"
            raise ValueError(self.error)
        found = contradictions(said, [getattr(it, "text", it) for it in test_case.retrieval_context], self.verifier)
        self.score, self.verdicts = found.score, found.found
        self.reason = found.reason if self.include_reason else None
        self.success = self.score >= self.threshold
        return self.score

    async def a_measure(self, test_case: Any, *args: Any, **kwargs: Any) -> float:
        """As `measure`."""
        import asyncio

        return await asyncio.to_thread(self.measure, test_case)

    def is_successful(self) -> bool:
        """Whether the last measurement was good enough."""
        self.success = self.error is None and bool(self.success)
        return self.success

    @property
    def __name__(self) -> str:  # type: ignore[override,unused-ignore]
        return "Contradiction"
