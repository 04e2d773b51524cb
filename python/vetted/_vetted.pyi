"""What is compiled. Import `vetted` instead."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, final

from vetted._shapes import (
    Answered,
    Asking,
    AskingCache,
    AskingCalibration,
    Explained,
    Judged,
    Keeping,
    Kept,
    Looked,
    OpeningCache,
    OpeningIndex,
    Reached,
)
from vetted.progress import Tell

__all__ = [
    "Cache",
    "Calibration",
    "Cancellation",
    "Encoder",
    "Index",
    "Verifier",
    "__version__",
    "_panic",
    "calibrate_file",
    "calibrate_pairs",
    "calibrate_scores",
    "is_logged",
    "main",
]

__version__: str

@final
class Cancellation:
    def __new__(cls) -> Cancellation: ...
    def cancel(self) -> None: ...
    @property
    def cancelled(self) -> bool: ...

@final
class Encoder:
    def __new__(cls, model: str | None, precision_name: str, progress: Tell | None) -> Encoder: ...
    @property
    def dimensions(self) -> int: ...
    @property
    def name(self) -> str: ...
    def encode(self, given: Iterable[str], role: str, timeout: float | None, cancellation: Cancellation | None) -> bytearray: ...

@final
class Verifier:
    def __new__(
        cls,
        folder: str | None,
        precision_name: str,
        calibration: Calibration | None,
        segment: str | None,
        model: str | None,
        progress: Tell | None,
    ) -> Verifier: ...
    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def precision(self) -> Literal["f32", "bf16", "int8"]: ...
    def verify(
        self,
        query: str,
        candidates: Iterable[str],
        asked: str,
        timeout: float | None,
        cancellation: Cancellation | None,
        progress: Tell | None,
    ) -> list[Judged]: ...
    def verify_pairs(
        self,
        queries: Iterable[str],
        candidates: Iterable[str],
        asked: str,
        timeout: float | None,
        cancellation: Cancellation | None,
        progress: Tell | None,
    ) -> list[Judged]: ...
    def explain(
        self,
        query: str,
        window: str,
        relation_name: str,
        timeout: float | None,
        cancellation: Cancellation | None,
    ) -> Explained | None: ...

@final
class Index:
    def __new__(cls, opening: OpeningIndex, verifier: Verifier | None, progress: Tell | None) -> Index: ...
    @property
    def model(self) -> str: ...
    @property
    def location(self) -> str: ...
    @property
    def closed(self) -> bool: ...
    def upsert(
        self, documents: Sequence[tuple[Any, Any, Any, Mapping[str, Any]]], cancellation: Cancellation | None
    ) -> tuple[int, int, int, int]: ...
    def search(
        self,
        queries: Iterable[str],
        vectors: list[bytes] | None,
        asking: Asking,
        timeout: float | None,
        cancellation: Cancellation | None,
    ) -> list[Answered]: ...
    def delete(self, ids: Iterable[str]) -> int: ...
    def ids(self, expressions: list[str]) -> list[str]: ...
    def get(self, id: str) -> tuple[str, str, dict[str, Any]] | None: ...
    def notices(self) -> list[str]: ...
    def close(self) -> None: ...
    def __len__(self) -> int: ...

@final
class Cache:
    def __new__(cls, opening: OpeningCache, verifier: Verifier, progress: Tell | None) -> Cache: ...
    @property
    def closed(self) -> bool: ...
    def lookup(self, prompt: str, asking: AskingCache, timeout: float | None, cancellation: Cancellation | None) -> Looked: ...
    def store(self, prompt: str, response: bytes, keeping: Keeping, cancellation: Cancellation | None) -> tuple[str, bool]: ...
    def get(self, id: str, scope: dict[str, str]) -> Kept | None: ...
    def delete(self, ids: list[str], scope: dict[str, str]) -> int: ...
    def delete_where(self, attributes: dict[str, str], scope: dict[str, str]) -> int: ...
    def clear(self, scope: dict[str, str]) -> int: ...
    def count(self, scope: dict[str, str]) -> int: ...
    def feedback(self, decision: str, right: bool) -> None: ...
    def close(self) -> None: ...

@final
class Calibration:
    @staticmethod
    def read(path: str | os.PathLike[str]) -> Calibration: ...
    def write(self, path: str | os.PathLike[str]) -> None: ...
    @property
    def relation(self) -> str: ...
    @property
    def accepts_anything(self) -> bool: ...
    @property
    def thresholds(self) -> list[Reached]: ...
    @property
    def segments(self) -> list[str]: ...
    @property
    def verdict(self) -> str | None: ...
    def page(self) -> tuple[str, str, str] | None: ...
    def to_json(self) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...

def calibrate_file(
    path: str | os.PathLike[str],
    asking: AskingCalibration,
    verifier: Verifier | None,
    progress: Tell | None,
    cancellation: Cancellation | None,
) -> Calibration: ...
def calibrate_pairs(
    pairs: Sequence[tuple[Any, Any, bool, str | None]],
    asking: AskingCalibration,
    verifier: Verifier,
    progress: Tell | None,
    cancellation: Cancellation | None,
) -> Calibration: ...
def calibrate_scores(
    scores: Sequence[tuple[float, bool]], asking: AskingCalibration, cancellation: Cancellation | None
) -> Calibration: ...
def is_logged(path: str | os.PathLike[str]) -> bool: ...
def main(arguments: Sequence[str]) -> int: ...
def _panic(message: str) -> None: ...
