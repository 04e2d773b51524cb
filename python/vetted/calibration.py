"""Bounds on wrong accepts: of what is accepted, at most so much is wrong, with stated confidence."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from vetted import _vetted
from vetted._asynchronous import on_a_thread
from vetted._shapes import AskingCalibration
from vetted.errors import InvalidInputError
from vetted.progress import Progress, telling
from vetted.verdicts import Relation
from vetted.verifier import Verifier

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Calibration", "Threshold", "acalibrate", "calibrate"]


@dataclass(frozen=True)
class Threshold:
    """From where on is accepted, in one segment."""

    segment: str | None
    probability: float | None
    """Accepted from this probability on; None: nothing is accepted, for no threshold keeps the bound."""
    score: float | None
    """The same as log-odds; of scores of your own, on a scale of the calibration's."""
    beyond: int | None
    """How many tested decisions are beyond it."""
    wrong: int | None
    """How many of these are wrong."""
    upper: float | None
    """The most of them that may be wrong in truth."""
    coverage: float | None
    """The share of all tested decisions that is beyond it."""
    more_needed: int | None
    """Without a threshold: about so many more decisions would do; None if no number would."""


class Calibration:
    """A calibration: a file, or just made by `calibrate`, and then with a page about it."""

    def __init__(self, native: _vetted.Calibration) -> None:
        self._native = native

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Calibration:
        """Reads a file. One that was changed is refused."""
        return cls(_vetted.Calibration.read(os.fspath(path)))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Writes it, for `read`, `vetted verify --calibration` and `vetted serve --calibration`."""
        self._native.write(os.fspath(path))

    @property
    def relation(self) -> Relation:
        """What was asked about the texts."""
        return "support" if self._native.relation == "support" else "equivalence"

    @property
    def accepts_anything(self) -> bool:
        """Whether anything at all is accepted: whether a threshold keeps the bound."""
        return self._native.accepts_anything

    @property
    def thresholds(self) -> list[Threshold]:
        """One, or one for each segment."""
        return [Threshold(*one) for one in self._native.thresholds]

    @property
    def threshold(self) -> Threshold:
        """The threshold of a calibration without segments: the first."""
        return self.thresholds[0]

    @property
    def verdict(self) -> str | None:
        """What is accepted, in a sentence; None of one that was read from a file."""
        return self._native.verdict

    @property
    def html(self) -> str | None:
        """The page about it: risk against coverage, and what happens when fewer candidates match."""
        page = self._native.page()
        return None if page is None else page[0]

    @property
    def markdown(self) -> str | None:
        """The same as Markdown."""
        page = self._native.page()
        return None if page is None else page[1]

    def to_dict(self) -> dict[str, Any]:
        """What is written into a file."""
        content: dict[str, Any] = json.loads(self._native.to_json())
        return content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calibration) and self._native == other._native

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        import tempfile

        # A file is the only form that says when it was changed.
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "calibration.json")
            self.write(path)
            with open(path, "rb") as file:
                return (_restored, (file.read(),))

    def __repr__(self) -> str:
        said = self.verdict or ("accepts something" if self.accepts_anything else "accepts nothing")
        return f"<vetted.Calibration of {self.relation}: {said}>"

    def _repr_html_(self) -> str | None:
        import html

        page = self.html
        if page is None:
            return None
        return f'<iframe style="width:100%;height:40em;border:0" srcdoc="{html.escape(page)}"></iframe>'


def _restored(content: bytes) -> Calibration:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "calibration.json")
        with open(path, "wb") as file:
            file.write(content)
        return Calibration.read(path)


def calibrate(
    data: str | os.PathLike[str] | Iterable[Sequence[Any]] | None = None,
    *,
    max_false_accept: float,
    max_false_reject: float | None = None,
    confidence: float = 0.95,
    promise: Literal["accepted", "marginal"] = "accepted",
    relation: Relation = "support",
    by_segment: str | bool | None = None,
    verifier: Verifier | str | os.PathLike[str] | None = None,
    model: str | os.PathLike[str] | None = None,
    scores: ArrayLike | None = None,
    right: ArrayLike | None = None,
    progress: Progress = None,
) -> Calibration:
    """Finds the threshold from which on accepting keeps the bound.

    `data` is a file of labelled pairs (s1, s2 and equiv or label) or of checked decisions (`right` and `score`), or a list of
    (query, candidate, right), or, with `by_segment=True`, of (query, candidate, right, segment). The verifier reads them: take a few
    thousand, like those that are to come, and none that it learnt from. In a file `by_segment` names the column.

    Instead of `data`, `scores` and `right` are arrays: scores of your own, of any scorer, and whether accepting was right. No model
    runs then.

    Where no threshold keeps the bound, the calibration accepts nothing (`accepts_anything`), and `threshold.more_needed` says about
    how many decisions are missing."""
    return _calibrate(data, max_false_accept, max_false_reject, confidence, promise, relation, by_segment, verifier, model,
                      scores, right, progress, None)  # fmt: skip


async def acalibrate(
    data: str | os.PathLike[str] | Iterable[Sequence[Any]] | None = None,
    *,
    max_false_accept: float,
    max_false_reject: float | None = None,
    confidence: float = 0.95,
    promise: Literal["accepted", "marginal"] = "accepted",
    relation: Relation = "support",
    by_segment: str | bool | None = None,
    verifier: Verifier | str | os.PathLike[str] | None = None,
    model: str | os.PathLike[str] | None = None,
    scores: ArrayLike | None = None,
    right: ArrayLike | None = None,
    progress: Progress = None,
) -> Calibration:
    """As `calibrate`, without blocking the event loop."""
    return await on_a_thread(
        lambda it: _calibrate(
            data,
            max_false_accept,
            max_false_reject,
            confidence,
            promise,
            relation,
            by_segment,
            verifier,
            model,
            scores,
            right,
            progress,
            it,
        )  # fmt: skip
    )


def _calibrate(
    data: str | os.PathLike[str] | Iterable[Sequence[Any]] | None,
    max_false_accept: float,
    max_false_reject: float | None,
    confidence: float,
    promise: Literal["accepted", "marginal"],
    relation: Relation,
    by_segment: str | bool | None,
    verifier: Verifier | str | os.PathLike[str] | None,
    model: str | os.PathLike[str] | None,
    scores: ArrayLike | None,
    right: ArrayLike | None,
    progress: Progress,
    cancellation: _vetted.Cancellation | None,
) -> Calibration:
    if (data is None) == (scores is None) or (scores is None) != (right is None):
        raise InvalidInputError("give either `data`, or `scores` and `right`")
    asking: AskingCalibration = {
        "relation": relation,
        "max_false_accept": max_false_accept,
        "max_false_reject": max_false_reject,
        "confidence": confidence,
        "promise": promise,
        "by_segment": ("segment" if by_segment is True else by_segment) or None,
        "model": None if model is None else os.fspath(model),
    }
    if scores is not None and right is not None:
        return Calibration(_vetted.calibrate_scores(_decisions(scores, right), asking, cancellation))
    with telling(progress) as tell:
        if isinstance(data, (str, os.PathLike)):
            path = os.fspath(data)
            needed = None if _is_of_scores(path) else _judge(verifier, tell or False)
            return Calibration(_vetted.calibrate_file(path, asking, needed, tell, cancellation))
        pairs = [_labelled(at, pair) for at, pair in enumerate(data or ())]
        native = _vetted.calibrate_pairs(pairs, asking, _judge(verifier, tell or False), tell, cancellation)
    return Calibration(native)


def _judge(verifier: Verifier | str | os.PathLike[str] | None, progress: Progress) -> _vetted.Verifier:
    return (verifier if isinstance(verifier, Verifier) else Verifier(verifier, progress=progress))._here()


def _is_of_scores(path: str) -> bool:
    """Whether a file brings scores of its own: then no model is loaded."""
    return path.endswith((".jsonl", ".jsonl.gz")) and _vetted.is_logged(path)


def _labelled(at: int, pair: Sequence[Any]) -> tuple[Any, Any, bool, str | None]:
    if isinstance(pair, str) or not hasattr(pair, "__len__") or len(pair) not in (3, 4):
        raise InvalidInputError(f"data[{at}] is {pair!r:.60}: it must be (query, candidate, right), perhaps with a segment")
    if pair[2] not in (0, 1):
        raise InvalidInputError(f"data[{at}] says {pair[2]!r:.60} about being right: it must be True or False")
    return pair[0], pair[1], bool(pair[2]), str(pair[3]) if len(pair) == 4 else None


def _decisions(scores: ArrayLike, right: ArrayLike) -> list[tuple[float, bool]]:
    import numpy as np

    try:
        of_scores, of_right = np.asarray(scores, dtype=np.float64), np.asarray(right)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"scores must be a row of numbers: {error}") from None
    if of_scores.ndim != 1 or of_scores.shape != of_right.shape:
        raise InvalidInputError(
            f"scores and right must be rows of one length, and they have the shapes {of_scores.shape} and {of_right.shape}"
        )
    if of_right.dtype != np.bool_ and not np.isin(of_right, (0, 1)).all():
        raise InvalidInputError("right must be True or False (1 or 0) of each score")
    return list(zip(of_scores.tolist(), of_right.astype(bool).tolist()))
