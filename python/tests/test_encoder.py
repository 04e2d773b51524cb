"""`vetted.Encoder`: texts as arrays."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from conftest import QUERY, SAME

import vetted


async def test_vectors_are_an_array() -> None:
    encoder = vetted.Encoder()
    vectors = encoder.encode([QUERY, SAME])
    assert vectors.shape == (2, encoder.dimensions) and vectors.dtype == np.float32 and vectors.flags.writeable
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert np.array_equal(vectors[1:], encoder.encode([SAME])), "alone and together"
    assert np.array_equal(await encoder.aencode([QUERY, SAME], role="query"), vectors)
    assert np.array_equal(pickle.loads(pickle.dumps(encoder)).encode([QUERY]), vectors[:1])
    assert encoder.encode([]).shape == (0, encoder.dimensions) and encoder.encode(it for it in [QUERY]).shape[0] == 1
    for call, error in [
        (lambda: encoder.encode(QUERY), TypeError),
        (lambda: encoder.encode([1]), TypeError),
        (lambda: encoder.encode(["\ud800"]), vetted.InvalidInputError),
        (lambda: encoder.encode([QUERY], role="other"), vetted.InvalidInputError),
        (lambda: encoder.encode([QUERY] * 100, timeout=0), vetted.DeadlineError),
        (lambda: vetted.Encoder("no-such-model"), vetted.NotFoundError),
    ]:
        with pytest.raises(error):
            call()
