"""What goes to and comes from the compiled part: tuples one way, dicts the other."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypedDict

VerdictName = Literal["accept", "reject", "abstain", "unverified"]
Finding = Literal["supports", "contradicts", "neither", "same", "different"]

Said: TypeAlias = tuple[
    VerdictName,
    str | None,
    str | None,
    Finding | None,
    float | None,
    float | None,
    str | None,
    Literal["yes", "no"] | None,
    float | None,
    str | None,
]
Judged: TypeAlias = tuple[Said, tuple[int, int] | None, float, tuple[float | None, float | None] | None]
Explained: TypeAlias = tuple[list[str], list[str], bytearray, bytearray, bytearray, list[tuple[int, int, float, float]]]
FoundWindow: TypeAlias = tuple[Literal["title", "text"], str, int, int]
FoundHit: TypeAlias = tuple[
    tuple[int, str, float, float | None, float | None, int],
    Said | None,
    FoundWindow | None,
    list[tuple[str, str, float, float]],
    tuple[str, tuple[str, int, int, list[tuple[int, int]]], dict[str, Any]],
]
FoundLeftOut: TypeAlias = tuple[str, float, int, Said | None, FoundWindow | None, str]
Answered: TypeAlias = tuple[
    list[FoundHit],
    list[FoundLeftOut],
    bool | None,
    str,
    tuple[float, float, float | None, float, float | None, float],
    list[tuple[str, int | None, str]],
]
Kept: TypeAlias = tuple[str, str, bytes, dict[str, str], float]
Served: TypeAlias = tuple[Kept, Literal["exact", "semantic"], float, Said | None, float]
Looked: TypeAlias = tuple[str, list[Served], tuple[str, str] | None, float]
Reached: TypeAlias = tuple[str | None, float | None, float | None, int | None, int | None, float | None, float | None, int | None]


class OpeningIndex(TypedDict):
    folder: str
    read_only: bool
    model: str | None
    vectors: tuple[str, int] | None
    precision: str
    max_tokens: int | None
    overlap_tokens: int | None
    keep_views: bool | None
    verifier: str | None


class Asking(TypedDict):
    k: int
    mode: str
    alpha: float
    filters: list[str]
    verify: str
    depth: int
    budget: float | None
    evidence: bool


class OpeningCache(TypedDict):
    folder: str | None
    name: str
    model: str | None
    precision: str
    ttl: float | None
    max_entries: int
    max_bytes: int
    candidates: int
    min_probability: float | None
    shadow: bool
    log_prompts: bool


class AskingCache(TypedDict):
    scope: dict[str, str]
    attributes: dict[str, str]
    strategies: str
    min_similarity: float | None
    most: int
    sources: dict[str, str] | None
    ignore_sources: bool
    serve_volatile: bool


class Keeping(TypedDict):
    scope: dict[str, str]
    attributes: dict[str, str]
    id: str | None
    ttl: float | None
    sources: dict[str, str]
    volatile: bool


class AskingCalibration(TypedDict):
    relation: str
    max_false_accept: float
    max_false_reject: float | None
    confidence: float
    promise: str
    by_segment: str | None
    model: str | None
