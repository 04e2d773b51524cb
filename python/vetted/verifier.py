"""Tier two: reads a query and candidates, and says what it can vouch for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from vetted import _vetted
from vetted._asynchronous import on_a_thread
from vetted.errors import InvalidInputError
from vetted.progress import Progress, telling
from vetted.verdicts import Explanation, Relation, Verdicts, verdicts_of

if TYPE_CHECKING:
    from vetted.calibration import Calibration

__all__ = ["Precision", "Verifier"]

Precision = Literal["auto", "f32", "bf16", "int8"]
Asked = Literal["support", "equivalence", "passages"]


class Verifier:
    """A verifier: the one that comes with vetted, or one that was trained (`vetted train verifier`).

    >>> verifier = vetted.Verifier()
    >>> verifier.verify("The dog bit the man.", ["The man was bitten by the dog.", "The man bit the dog."])
    [Verdict(... verdict='accept' ...), Verdict(... verdict='reject' ...)]

    Share one among threads. It can be pickled, and used after a fork: the other process opens it again, by its path. Without a
    path the environment variable VETTED_VERIFIER is asked, as on the command line.

    `precision` is the arithmetic, by default the fastest that the processor has. With a `calibration` verdicts are by its
    thresholds; `segment` names whose, where they differ. `model` is the encoder that a calibration takes the cosine of.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        precision: Precision = "auto",
        calibration: Calibration | str | os.PathLike[str] | None = None,
        segment: str | None = None,
        model: str | os.PathLike[str] | None = None,
        progress: Progress = None,
    ) -> None:
        self._path = verifier_path(path)
        self._precision: Precision = precision
        self._calibration = _read(calibration)
        self._segment = segment
        self._model = None if model is None else os.fspath(model)
        self._open(progress)

    def _open(self, progress: Progress) -> None:
        of_calibration = None if self._calibration is None else self._calibration._native
        with telling(progress) as tell:
            self._native = _vetted.Verifier(self._path, self._precision, of_calibration, self._segment, self._model, tell)
        self._process = os.getpid()

    def _here(self) -> _vetted.Verifier:
        # A forked child has none of the threads that the parent's verifier computes on.
        if os.getpid() != self._process:
            self._open(False)
        return self._native

    @property
    def name(self) -> str:
        """Its name."""
        return self._here().name

    @property
    def digest(self) -> str:
        """A digest of its files: two verifiers with the same one say the same, but for rounding."""
        return self._here().digest

    @property
    def precision(self) -> str:
        """The arithmetic of its encoder."""
        return self._here().precision

    @property
    def calibration(self) -> Calibration | None:
        """By whose thresholds it judges; None: by its own."""
        return self._calibration

    def verify(
        self,
        query: str,
        candidates: Iterable[str],
        *,
        relation: Relation = "support",
        timeout: float | None = None,
        progress: Progress = False,
    ) -> Verdicts:
        """Judges each candidate against the query, in their order.

        After `timeout` seconds it gives up with a DeadlineError."""
        return self._verify(query, candidates, relation, timeout, progress, None)

    async def averify(
        self,
        query: str,
        candidates: Iterable[str],
        *,
        relation: Relation = "support",
        timeout: float | None = None,
        progress: Progress = False,
    ) -> Verdicts:
        """As `verify`, without blocking the event loop. It is stopped when the task is cancelled."""
        return await on_a_thread(lambda it: self._verify(query, candidates, relation, timeout, progress, it))

    def verify_passages(
        self, query: str, passages: Iterable[str], *, timeout: float | None = None, progress: Progress = False
    ) -> Verdicts:
        """Judges passages that a retriever found: whether each supports the query, as `Index.search` does. It reads them sentence by
        sentence, and takes more for support and for a conflict than `verify`: what is merely about something else is not rejected. With a
        calibration about support, passages are judged as `verify` does, by its threshold."""
        return self._verify(query, passages, self._asked_of_passages, timeout, progress, None)

    async def averify_passages(
        self, query: str, passages: Iterable[str], *, timeout: float | None = None, progress: Progress = False
    ) -> Verdicts:
        """As `verify_passages`, without blocking the event loop."""
        return await on_a_thread(lambda it: self._verify(query, passages, self._asked_of_passages, timeout, progress, it))

    @property
    def _asked_of_passages(self) -> Asked:
        # A calibration is about pairs of texts.
        is_calibrated = self._calibration is not None and self._calibration.relation == "support"
        return "support" if is_calibrated else "passages"

    def verify_pairs(
        self,
        pairs: Iterable[Sequence[str]],
        *,
        relation: Relation = "support",
        timeout: float | None = None,
        progress: Progress = False,
    ) -> Verdicts:
        """Judges pairs of a query and a candidate, each for itself."""
        return self._verify_pairs(pairs, relation, timeout, progress)

    def _verify_pairs(self, pairs: Iterable[Sequence[str]], asked: Asked, timeout: float | None, progress: Progress) -> Verdicts:
        queries, candidates = _divided(pairs)
        with telling(progress) as tell:
            judged = self._here().verify_pairs(queries, candidates, asked, timeout, None, tell)
        return verdicts_of(queries, candidates, _relation(asked), judged, self)

    def explain(
        self, query: str, candidate: str, *, relation: Relation = "support", timeout: float | None = None
    ) -> Explanation | None:
        """Which tokens a verdict rests on, with the map of similarities as an array; None of a candidate that was not read, and of
        a verifier that has no map."""
        return self._explain(query, candidate, relation, timeout, None)

    async def aexplain(
        self, query: str, candidate: str, *, relation: Relation = "support", timeout: float | None = None
    ) -> Explanation | None:
        """As `explain`, without blocking the event loop."""
        return await on_a_thread(lambda it: self._explain(query, candidate, relation, timeout, it))

    def _verify(
        self,
        query: str,
        candidates: Iterable[str],
        asked: Asked,
        timeout: float | None,
        progress: Progress,
        cancellation: _vetted.Cancellation | None,
    ) -> Verdicts:
        # A string would be taken for its letters, and an iterator is there once.
        if not isinstance(candidates, (str, bytes)):
            candidates = list(candidates)
        with telling(progress) as tell:
            judged = self._here().verify(query, candidates, asked, timeout, cancellation, tell)
        return verdicts_of([query] * len(judged), candidates, _relation(asked), judged, self)

    def _explain(
        self,
        query: str,
        candidate: str,
        relation: Relation,
        timeout: float | None,
        cancellation: _vetted.Cancellation | None,
    ) -> Explanation | None:
        judged = self._here().verify(query, [candidate], relation, timeout, cancellation, None)
        window = judged[0][1]
        if window is None:
            return None
        return self._explanation(query, candidate[slice(*window)], relation, timeout, cancellation)

    def _explanation(
        self,
        query: str,
        window: str,
        relation: Relation,
        timeout: float | None = None,
        cancellation: _vetted.Cancellation | None = None,
    ) -> Explanation | None:
        explained = self._here().explain(query, window, relation, timeout, cancellation)
        return None if explained is None else Explanation._of(explained)

    def __reduce__(self) -> tuple[Any, ...]:
        settings = (self._path, self._precision, self._calibration, self._segment, self._model)
        return (_opened, settings)

    def __repr__(self) -> str:
        of = "" if self._path is None else repr(self._path)
        return f"vetted.Verifier({of})"


def verifier_path(path: str | os.PathLike[str] | None) -> str | None:
    """The folder of a verifier; None for the one that comes with vetted."""
    given = os.fspath(path) if path is not None else os.environ.get("VETTED_VERIFIER") or "vetted"
    if isinstance(given, bytes):
        raise TypeError("path must be a str or a path, and it is bytes")
    return None if given == "vetted" else given


def _read(calibration: Calibration | str | os.PathLike[str] | None) -> Calibration | None:
    if isinstance(calibration, (str, os.PathLike)):
        from vetted.calibration import Calibration

        return Calibration.read(calibration)
    return calibration


def _opened(
    path: str | None, precision: Precision, calibration: Calibration | None, segment: str | None, model: str | None
) -> Verifier:
    return Verifier(path or "vetted", precision=precision, calibration=calibration, segment=segment, model=model, progress=False)


def _relation(asked: Asked) -> Relation:
    return "support" if asked == "passages" else asked


def _divided(pairs: Iterable[Sequence[str]]) -> tuple[list[str], list[str]]:
    if isinstance(pairs, str):
        raise TypeError("pairs must be a list of (query, candidate), and it is a str")
    queries, candidates = [], []
    for at, pair in enumerate(pairs):
        if isinstance(pair, str) or not hasattr(pair, "__len__") or len(pair) != 2:
            raise InvalidInputError(f"pairs[{at}] is {pair!r:.60}: it must be (query, candidate)")
        queries.append(pair[0])
        candidates.append(pair[1])
    return queries, candidates
