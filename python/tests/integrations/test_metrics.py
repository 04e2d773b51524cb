"""The metric "retrieval contains a contradiction", alone and by DeepEval."""

from __future__ import annotations

import pytest
from conftest import QUERY, SAME, SWAPPED

import vetted
from vetted.integrations.metrics import ContradictionMetric, contradictions

OTHER = "The pilot painted a fence."


def test_contradictions_are_found_and_named(verifier: vetted.Verifier) -> None:
    found = contradictions(f"{QUERY} {OTHER}", [SAME, SWAPPED, OTHER], verifier)
    assert [it.candidate for it in found.found] == [SWAPPED] and found.found[0].query == QUERY
    assert abs(found.score - 2 / 3) < 1e-9 and "1 of 3" in found.reason and SWAPPED in found.reason
    clean = contradictions([QUERY], [SAME])
    assert clean.score == 1.0 and not clean.found and "None of 1" in clean.reason
    assert contradictions(QUERY, []).score == 1.0


async def test_deepeval_measures_by_it(verifier: vetted.Verifier) -> None:
    pytest.importorskip("deepeval")
    from deepeval.metrics import BaseMetric
    from deepeval.test_case import LLMTestCase

    metric = ContradictionMetric(verifier=verifier)
    assert isinstance(metric, BaseMetric) and metric.__name__ == "Contradiction"
    bad = LLMTestCase(input="Who visited whom?", actual_output=QUERY, retrieval_context=[SAME, SWAPPED])
    assert metric.measure(bad) == 0.5 and not metric.is_successful() and SWAPPED in str(metric.reason)
    good = LLMTestCase(input="Who visited whom?", actual_output=QUERY, retrieval_context=[SAME])
    assert await metric.a_measure(good) == 1.0 and metric.is_successful()
    with pytest.raises(ValueError, match="retrieval_context"):
        metric.measure(LLMTestCase(input="Who?", actual_output=QUERY))


def test_deepeval_evaluates_by_it(verifier: vetted.Verifier) -> None:
    deepeval = pytest.importorskip("deepeval")
    from deepeval.test_case import LLMTestCase

    case = LLMTestCase(input="Who visited whom?", actual_output=QUERY, retrieval_context=[SAME])
    deepeval.assert_test(case, [ContradictionMetric(verifier=verifier)], run_async=False)
