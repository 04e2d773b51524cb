"""The retriever for DSPy, by `dspy.Retrieve`."""

from __future__ import annotations

import pytest
from conftest import QUERY, SAME

dspy = pytest.importorskip("dspy")

import vetted
from vetted.integrations.dspy import VettedRM


def test_retrieve_asks_it(index: vetted.Index) -> None:
    with dspy.context(rm=VettedRM(index, filters="year<2010")):
        assert dspy.Retrieve(k=2)(QUERY).passages[0] == SAME
    retriever = VettedRM(index, k=1)
    assert [it.long_text for it in retriever(QUERY)] == [SAME] and len(retriever([QUERY, QUERY])) == 2
    assert retriever(QUERY)[0].metadata["vetted"]["verdict"] == "accept"
    prediction = retriever.search(QUERY)
    assert prediction.passages == [SAME] and prediction.metadata[0]["year"] == 1999
