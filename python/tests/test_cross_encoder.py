"""`vetted.CrossEncoder`: what sentence-transformers promises of `predict` and `rank`."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import QUERY, SAME, SWAPPED

import vetted

OTHER = "The pilot painted a fence."


@pytest.fixture(scope="module")
def model() -> vetted.CrossEncoder:
    return vetted.CrossEncoder(device="cpu", max_length=512)


def test_predict_gives_a_score_for_each_pair(model: vetted.CrossEncoder) -> None:
    scores = model.predict([(QUERY, SAME), [QUERY, SWAPPED], (QUERY, " ")], batch_size=2, show_progress_bar=False)
    assert isinstance(scores, np.ndarray) and scores.dtype == np.float32 and scores.shape == (3,)
    assert scores[0] > scores[1] and scores[2] == 0.0
    assert np.isclose(scores[0], model.verify(QUERY, [SAME])[0].p_match)
    one = model.predict((QUERY, SAME))
    assert np.ndim(one) == 0 and one == scores[0]
    assert model.predict([QUERY, SAME]) == scores[0], "a list of two texts is one pair"
    assert model.predict(sentences=[(QUERY, SAME)]).tolist() == scores[:1].tolist()
    listed = model.predict([(QUERY, SAME)], convert_to_numpy=False)
    assert isinstance(listed, list) and listed == [scores[0]]
    assert len(model.predict([])) == 0


def test_rank_is_sorted(model: vetted.CrossEncoder) -> None:
    ranked = model.rank(QUERY, [OTHER, SWAPPED, SAME], return_documents=True)
    assert ranked[0]["corpus_id"] == 2 and ranked[0]["text"] == SAME and ranked[0]["verdict"].accepted
    assert [one["score"] for one in ranked] == sorted((one["score"] for one in ranked), reverse=True)
    assert len(model.rank(QUERY, [OTHER, SAME], top_k=1)) == 1 and "text" not in model.rank(QUERY, [SAME])[0]


def test_what_it_does_not_know_is_said(model: vetted.CrossEncoder) -> None:
    with pytest.raises(TypeError, match="unexpected argument 'devise'"):
        vetted.CrossEncoder(devise="cpu")
    with pytest.raises(vetted.InvalidInputError, match="without prompts"):
        model.predict([(QUERY, SAME)], prompt="query: ")
    with pytest.raises(TypeError, match="pairs of texts"):
        model.predict()
