"""Tier one's model alone: texts in, vectors out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from vetted import _vetted
from vetted._asynchronous import on_a_thread
from vetted.progress import Progress, telling
from vetted.verifier import Precision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Encoder"]

Role = Literal["query", "document"]


class Encoder:
    """An encoder: all-MiniLM-L6-v2, another name, or a folder with a model of sentence-transformers.

    >>> vetted.Encoder().encode(["The dog bit the man."]).shape
    (1, 384)

    Share one among threads. It can be pickled, and used after a fork: the other process loads it again, by its name.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        precision: Precision = "auto",
        progress: Progress = None,
    ) -> None:
        self._model = None if model is None else os.fspath(model)
        self._precision: Precision = precision
        self._load(progress)

    def _load(self, progress: Progress) -> None:
        with telling(progress) as tell:
            self._native = _vetted.Encoder(self._model, self._precision, tell)
        self._process = os.getpid()

    def _here(self) -> _vetted.Encoder:
        if os.getpid() != self._process:
            self._load(False)
        return self._native

    @property
    def name(self) -> str:
        """The model's name."""
        return self._here().name

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return self._here().dimensions

    def encode(self, texts: Iterable[str], *, role: Role = "document", timeout: float | None = None) -> NDArray[np.float32]:
        """A row for each text, as the model's folder says: pooled, and of unit length with most models. Some models tell queries
        from documents: `role` says which these are."""
        return self._encode(texts, role, timeout, None)

    async def aencode(
        self, texts: Iterable[str], *, role: Role = "document", timeout: float | None = None
    ) -> NDArray[np.float32]:
        """As `encode`, without blocking the event loop."""
        return await on_a_thread(lambda it: self._encode(texts, role, timeout, it))

    def _encode(
        self, texts: Iterable[str], role: Role, timeout: float | None, cancellation: _vetted.Cancellation | None
    ) -> NDArray[np.float32]:
        import numpy as np

        encoded = self._here().encode(texts, role, timeout, cancellation)
        return np.frombuffer(encoded, np.float32).reshape(-1, self.dimensions)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_loaded, (self._model, self._precision))

    def __repr__(self) -> str:
        return f"vetted.Encoder({'' if self._model is None else repr(self._model)})"


def _loaded(model: str | None, precision: Precision) -> Encoder:
    return Encoder(model, precision=precision, progress=False)
