"""sentence-transformers' own evaluators run on `vetted.CrossEncoder`, and it stands beside their cross-encoder. They need torch, which
is half a gigabyte: where it is not installed, nothing is tested here (`tests/run.sh sentence-transformers` installs it)."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from conftest import QUERY, SAME, SWAPPED

pytest.importorskip("sentence_transformers")

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder.evaluation import (
    CrossEncoderClassificationEvaluator,
    CrossEncoderCorrelationEvaluator,
    CrossEncoderRerankingEvaluator,
)

import vetted

OTHER = "The pilot painted a fence."


@pytest.fixture(scope="module")
def model() -> vetted.CrossEncoder:
    return vetted.CrossEncoder()


def test_evaluators_run_on_it(model: vetted.CrossEncoder) -> None:
    samples = [{"query": QUERY, "positive": [SAME], "negative": [SWAPPED, OTHER]}]
    ranking = CrossEncoderRerankingEvaluator(samples=samples, name="r", at_k=3, write_csv=False)(model)
    assert ranking["r_map"] == ranking["r_mrr@3"] == 1.0
    pairs, labels = [(QUERY, SAME), (QUERY, SWAPPED), (QUERY, OTHER)], [1, 0, 0]
    classes = CrossEncoderClassificationEvaluator(sentence_pairs=pairs, labels=labels, name="c", write_csv=False)(model)
    assert classes["c_accuracy"] == 1.0
    correlation = CrossEncoderCorrelationEvaluator(sentence_pairs=pairs, scores=[1.0, 0.0, 0.0], name="s", write_csv=False)(model)
    assert correlation["s_pearson"] > 0.5
    assert model.model_card_data.metrics["c_accuracy"] == 1.0


def test_what_it_takes_is_what_theirs_takes(model: vetted.CrossEncoder) -> None:
    for method in ("predict", "rank"):
        theirs, ours = (inspect.signature(getattr(it, method)).parameters for it in (CrossEncoder, model))
        missing = [it for it in theirs if it not in ("self", "kwargs", "processing_kwargs", "sentences") and it not in ours]
        assert missing == [], method


def test_tensors_and_activations(model: vetted.CrossEncoder) -> None:
    tensor = model.predict([(QUERY, SAME), (QUERY, SWAPPED)], convert_to_tensor=True)
    assert isinstance(tensor, torch.Tensor) and tensor.shape == (2,)
    logits = model.predict([(QUERY, SAME)], activation_fn=torch.logit)
    assert np.isclose(logits[0], float(torch.logit(tensor[0])), atol=1e-4)
