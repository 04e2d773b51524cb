"""Documents that are found by meaning and by words, and read before they are handed out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, overload

from vetted import _vetted
from vetted._asynchronous import on_a_thread
from vetted._shapes import Answered, Asking, FoundHit, FoundLeftOut, OpeningIndex, Said
from vetted.errors import InvalidInputError
from vetted.progress import Progress, telling
from vetted.verdicts import Finding, TokenPair, VerdictName
from vetted.verifier import Precision, Verifier, verifier_path

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import ArrayLike


__all__ = [
    "Document",
    "Found",
    "Hit",
    "Index",
    "Indexed",
    "LeftOut",
    "Milliseconds",
    "Mode",
    "NotAsked",
    "Outcome",
    "Snippet",
    "Window",
]

Mode = Literal["dense", "bm25", "hybrid", "hybrid-rrf"]
VerifyMode = Literal["filter", "flag", "off"]


@dataclass(frozen=True)
class Document:
    """A document: what is found."""

    id: str
    text: str
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Everything else, as JSON has it: by this a search can be filtered."""


@dataclass(frozen=True)
class Indexed:
    """What an upsert did with the documents it was given."""

    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    """There already, word for word: not encoded again."""
    duplicates: int = 0
    """Left out because a later one in the same batch has the same id."""

    def __add__(self, other: Indexed) -> Indexed:
        return Indexed(
            self.added + other.added,
            self.replaced + other.replaced,
            self.unchanged + other.unchanged,
            self.duplicates + other.duplicates,
        )


@dataclass(frozen=True)
class Outcome:
    """What the verifier says about a document that was found."""

    verdict: VerdictName
    reason: str | None
    """Why it is rejected or unverified, for programs."""
    why: str | None
    """Why it is unverified, for people."""
    finding: Finding | None
    p_match: float | None
    p_conflict: float | None
    kind: str | None
    """The likeliest kind of difference."""
    answer: Literal["yes", "no"] | None
    """What it answers to a question that asks for yes or no."""
    vouched: float | None
    """The probability, by all that is known, that decides whether a search accepts an answer; None where there is none."""
    rival: str | None
    """The id of the document that says nearly the same and supports the query clearly better."""

    def to_dict(self) -> dict[str, Any]:
        """The fields that have a value, as the wire names them."""
        return {name: value for name in self.__dataclass_fields__ if (value := getattr(self, name)) is not None}


@dataclass(frozen=True)
class Window:
    """The part of a document that decided a verdict."""

    of: Literal["title", "text"]
    text: str
    start: int
    """Its first character there."""
    end: int
    """The character after its last."""


@dataclass(frozen=True)
class Snippet:
    """The part of a text worth showing."""

    text: str
    start: int
    end: int
    matches: list[tuple[int, int]]
    """Where in `text` words of the query stand."""


@dataclass(frozen=True)
class Hit:
    """A document that was found."""

    rank: int
    id: str
    score: float
    """What it is ranked by; `Found.score_scale` says on which scale."""
    dense: float | None
    bm25: float | None
    recall_rank: int
    """Its place, from 1, before anything was left out."""
    outcome: Outcome | None
    """What the verifier says; None where nobody asked it."""
    window: Window | None
    evidence: list[TokenPair]
    """The token pairs that decided, where these were asked for."""
    title: str
    snippet: Snippet
    metadata: dict[str, Any]

    @property
    def accepted(self) -> bool:
        """Whether the verifier vouches for it."""
        return self.outcome is not None and self.outcome.verdict == "accept"


@dataclass(frozen=True)
class LeftOut:
    """A document that was found and left out, because it is rejected."""

    id: str
    score: float
    recall_rank: int
    outcome: Outcome | None
    window: Window | None
    title: str


@dataclass(frozen=True)
class Milliseconds:
    """How long the parts of a search took."""

    encode: float
    rank: float
    verify: float | None
    documents: float
    evidence: float | None
    total: float


@dataclass(frozen=True)
class NotAsked:
    """A part of an index that could not be asked: the hits are the best of the others."""

    part: str
    documents: int | None
    """How many documents it had when it was last asked; None where that is not known."""
    reason: str


@dataclass(frozen=True)
class Found(Sequence[Hit]):
    """What was found for a query: a sequence of hits, the best first."""

    query: str
    hits: list[Hit]
    rejected: list[LeftOut]
    """What was left out, in recall's order."""
    verified: bool | None
    """Whether at least one hit is accepted; None where nobody verified."""
    score_scale: str
    """`inner-product`, `bm25`, `fused-scores` or `fused-ranks`: scores of two scales do not compare."""
    ms: Milliseconds
    not_asked: list[NotAsked] = field(default_factory=list)
    """The parts of the index that could not be asked: only of an index on several servers."""

    def __len__(self) -> int:
        return len(self.hits)

    @overload
    def __getitem__(self, at: int) -> Hit: ...
    @overload
    def __getitem__(self, at: slice[Any, Any, Any]) -> list[Hit]: ...
    def __getitem__(self, at: Any) -> Any:
        return self.hits[at]

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def _repr_html_(self) -> str:
        from vetted._html import found_html, page

        return page(found_html(self))


class Index:
    """An index in a folder, or at an address such as `redis://host:6379/notes`: opened for reading and writing, and made where
    there is none.

    >>> with vetted.Index("notes.index") as index:
    ...     index.upsert([vetted.Document("1", "The dog bit the man.")])
    ...     index.search("Who was bitten?")

    With `read_only=True` it must be there, and many processes may search it while one writes. The other settings are those of a
    new index (asking an existing one for other settings is an error): `model` makes its vectors; with `vectors=("field", 384)`
    documents bring theirs in that metadata field, and searches bring `vector=`; passages have at most `max_tokens`, of which
    neighbors share at most `overlap_tokens`; `keep_views` keeps what the verifier reads, so that searches do not encode it again.
    `verifier` judges what is found.

    Share one among threads. A pickled index is opened again by its path, for reading only. It cannot be used after a fork: open
    it in the child, or start processes by "spawn" or "forkserver".
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        read_only: bool = False,
        model: str | os.PathLike[str] | None = None,
        vectors: tuple[str, int] | None = None,
        precision: Precision = "auto",
        max_tokens: int | None = None,
        overlap_tokens: int | None = None,
        keep_views: bool | None = None,
        verifier: Verifier | str | os.PathLike[str] | None = None,
        progress: Progress = None,
    ) -> None:
        path = os.fspath(path)
        self._path = path if "://" in path else os.path.abspath(path)
        self._verifier = verifier
        opening: OpeningIndex = {
            "folder": self._path,
            "read_only": read_only,
            "model": None if model is None else os.fspath(model),
            "vectors": vectors,
            "precision": precision,
            "max_tokens": max_tokens,
            "overlap_tokens": overlap_tokens,
            "keep_views": keep_views,
            "verifier": None if isinstance(verifier, Verifier) else verifier_path(verifier),
        }
        with telling(progress) as tell:
            native = verifier._here() if isinstance(verifier, Verifier) else None
            self._native = _vetted.Index(opening, native, tell)

    @classmethod
    def open(cls, path: str | os.PathLike[str], **settings: Any) -> Index:
        """Opens an index that is there, for searching."""
        return cls(path, read_only=True, **settings)

    @property
    def path(self) -> str:
        """The folder it is in, or its address, without a password."""
        return self._native.location

    @property
    def model(self) -> str:
        """The name of the model that makes its vectors."""
        return self._native.model

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._native.closed

    def upsert(
        self,
        documents: Iterable[Document | Mapping[str, Any]],
        *,
        batch_size: int = 256,
        progress: Progress = None,
    ) -> Indexed:
        """Adds documents, or replaces those with the same id. A mapping has `id` (or `_id`) and `text`, perhaps `title` and
        `metadata`; its other fields are metadata, too.

        A batch is on disk, whole, when the next one begins: an upsert that is interrupted has kept its earlier batches, and the
        same call again goes on from there."""
        return self._upsert(documents, batch_size, progress, None)

    async def aupsert(
        self,
        documents: Iterable[Document | Mapping[str, Any]],
        *,
        batch_size: int = 256,
        progress: Progress = None,
    ) -> Indexed:
        """As `upsert`, without blocking the event loop; it ends after a batch when the task is cancelled."""
        return await on_a_thread(lambda it: self._upsert(documents, batch_size, progress, it))

    def _upsert(
        self,
        documents: Iterable[Document | Mapping[str, Any]],
        batch_size: int,
        progress: Progress,
        cancellation: _vetted.Cancellation | None,
    ) -> Indexed:
        if batch_size < 1:
            raise InvalidInputError(f"batch_size is {batch_size}: it must be at least 1")
        if isinstance(documents, (str, bytes, Mapping, Document)):
            raise TypeError(
                f"documents must be a list of documents, and it is one {type(documents).__name__}: put it into a list"
            )
        total = len(documents) if isinstance(documents, Sized) else None
        rest, done, indexed = iter(documents), 0, Indexed()
        with telling(progress) as tell:
            while batch := [_as_given(document) for document in islice(rest, batch_size)]:
                indexed += Indexed(*self._native.upsert(batch, cancellation))
                done += len(batch)
                if tell is not None:
                    tell("indexing", done, max(done, total or 0))
        return indexed

    def search(
        self,
        query: str,
        *,
        k: int = 10,
        mode: Mode = "dense",
        alpha: float = 0.5,
        filters: str | Iterable[str] = (),
        verify: VerifyMode = "filter",
        depth: int = 20,
        budget: float | None = None,
        evidence: bool = False,
        vector: ArrayLike | None = None,
        timeout: float | None = None,
    ) -> Found:
        """The best `k` documents. `filters` are such as "year<2000" or "lang in en, de"; all must fit.

        `verify` says what becomes of what the verifier rejects: "filter" leaves it out, "flag" marks it, "off" verifies nothing.
        The first `depth` are verified, for at most `budget` seconds. After `timeout` seconds the search is given up with a
        DeadlineError. `alpha` is the weight of vectors with mode="hybrid"."""
        asking = _asking(k, mode, alpha, filters, verify, depth, budget, evidence)
        return self._search([query], None if vector is None else [vector], asking, timeout, None)[0]

    async def asearch(
        self,
        query: str,
        *,
        k: int = 10,
        mode: Mode = "dense",
        alpha: float = 0.5,
        filters: str | Iterable[str] = (),
        verify: VerifyMode = "filter",
        depth: int = 20,
        budget: float | None = None,
        evidence: bool = False,
        vector: ArrayLike | None = None,
        timeout: float | None = None,
    ) -> Found:
        """As `search`, without blocking the event loop. It is stopped when the task is cancelled."""
        asking = _asking(k, mode, alpha, filters, verify, depth, budget, evidence)
        vectors = None if vector is None else [vector]
        return (await on_a_thread(lambda it: self._search([query], vectors, asking, timeout, it)))[0]

    def search_many(
        self,
        queries: Iterable[str],
        *,
        k: int = 10,
        mode: Mode = "dense",
        alpha: float = 0.5,
        filters: str | Iterable[str] = (),
        verify: VerifyMode = "filter",
        depth: int = 20,
        budget: float | None = None,
        evidence: bool = False,
        vectors: Iterable[ArrayLike] | None = None,
        timeout: float | None = None,
    ) -> list[Found]:
        """As `search`, of many queries together, which is faster: each gets what it would have got alone."""
        asking = _asking(k, mode, alpha, filters, verify, depth, budget, evidence)
        return self._search(queries, vectors, asking, timeout, None)

    def _search(
        self,
        queries: Iterable[str],
        vectors: Iterable[ArrayLike] | None,
        asking: Asking,
        timeout: float | None,
        cancellation: _vetted.Cancellation | None,
    ) -> list[Found]:
        if not isinstance(queries, (str, bytes)):
            queries = list(queries)
        given = None if vectors is None else [_bytes_of(vector) for vector in vectors]
        if given is not None and len(given) != len(queries):
            raise InvalidInputError(f"there are {len(queries)} queries and {len(given)} vectors: give one for each")
        answers = self._native.search(queries, given, asking, timeout, cancellation)
        return [_found(query, answer) for query, answer in zip(queries, answers)]

    def delete(self, ids: str | Iterable[str] = (), *, filters: str | Iterable[str] = ()) -> int:
        """Removes the documents with these ids, and those that fit all `filters`; says how many there were."""
        ids = [ids] if isinstance(ids, str) else list(ids)
        filters = [filters] if isinstance(filters, str) else list(filters)
        if filters:
            ids = list(dict.fromkeys([*ids, *self._native.ids(filters)]))
        return self._native.delete(ids)

    def get(self, id: str) -> Document | None:
        """The document with this id."""
        found = self._native.get(id)
        return None if found is None else Document(id, found[1], found[0], found[2])

    def ids(self, *, filters: str | Iterable[str] = ()) -> list[str]:
        """The ids of the documents that fit all `filters`: of all of them without one."""
        return self._native.ids([filters] if isinstance(filters, str) else list(filters))

    def notices(self) -> list[str]:
        """What the index did on its own account since the last call, such as renewing something that was damaged."""
        return self._native.notices()

    def close(self) -> None:
        """Brings all that speeds searches up to the disk, and closes the index. Nothing is lost without."""
        self._native.close()

    def __len__(self) -> int:
        return len(self._native)

    def __bool__(self) -> bool:
        # An index without documents is an index.
        return True

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and self._native.get(id) is not None

    def __enter__(self) -> Index:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return (_opened, (self._path, self._verifier))

    def __repr__(self) -> str:
        return f"vetted.Index({self.path!r}{', closed' if self.closed else ''})"


def _opened(path: str, verifier: Verifier | str | None) -> Index:
    return Index(path, read_only=True, verifier=verifier, progress=False)


def _asking(
    k: int,
    mode: Mode,
    alpha: float,
    filters: str | Iterable[str],
    verify: VerifyMode,
    depth: int,
    budget: float | None,
    evidence: bool,
) -> Asking:
    if k < 1 or depth < 0:
        raise InvalidInputError(f"k is {k} and depth is {depth}: ask for at least one hit, and verify 0 or more")
    filters = [filters] if isinstance(filters, str) else list(filters)
    return {
        "k": k,
        "mode": mode,
        "alpha": alpha,
        "filters": filters,
        "verify": verify,
        "depth": depth,
        "budget": budget,
        "evidence": evidence,
    }


def _as_given(document: Document | Mapping[str, Any]) -> tuple[Any, Any, Any, Any]:
    """(id, title, text, metadata), which the compiled part looks at."""
    if isinstance(document, Document):
        return document.id, document.title, document.text, document.metadata
    if not isinstance(document, Mapping):
        raise TypeError(f"a document must be a vetted.Document or a dict, and it is {type(document).__name__}")
    rest = dict(document)
    id = rest.pop("_id", None) if "_id" in rest else rest.pop("id", None)
    if id is None or "text" not in rest:
        raise InvalidInputError(f"a document has no `{'id' if id is None else 'text'}`: its fields are {[*document]}")
    given = rest.pop("metadata", None)
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(f"the metadata of document {id!r} must be a dict, and it is {type(given).__name__}")
    title, text = rest.pop("title", ""), rest.pop("text")
    return str(id) if isinstance(id, int) else id, title or "", text, {**rest, **(given or {})}


def _bytes_of(vector: ArrayLike) -> bytes:
    import numpy as np

    try:
        array = np.ascontiguousarray(vector, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"a vector must be a row of numbers: {error}") from None
    if array.ndim != 1:
        raise InvalidInputError(f"a vector must be a row of numbers, and it has the shape {array.shape}")
    return array.tobytes()


def _outcome(said: Said | None) -> Outcome | None:
    return None if said is None else Outcome(*said)


def _hit(found: FoundHit) -> Hit:
    of_rank, said, window, evidence, (title, snippet, metadata) = found
    return Hit(
        *of_rank,
        _outcome(said),
        None if window is None else Window(*window),
        [TokenPair(*pair) for pair in evidence],
        title,
        Snippet(*snippet),
        metadata,
    )


def _left_out(found: FoundLeftOut) -> LeftOut:
    id, score, recall_rank, said, window, title = found
    return LeftOut(id, score, recall_rank, _outcome(said), None if window is None else Window(*window), title)


def _found(query: str, answer: Answered) -> Found:
    hits, left_out, verified, scale, ms, parts = answer
    not_asked = [NotAsked(*part) for part in parts]
    return Found(query, [*map(_hit, hits)], [*map(_left_out, left_out)], verified, scale, Milliseconds(*ms), not_asked)
