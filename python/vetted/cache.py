"""A semantic cache: answers that are served again to prompts that mean the same, and to no others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from vetted import _vetted
from vetted._asynchronous import on_a_thread
from vetted._shapes import AskingCache, Keeping, Looked, OpeningCache, Served
from vetted.errors import InvalidInputError
from vetted.progress import Progress, telling
from vetted.verdicts import Verdict
from vetted.verifier import Precision, Verifier

if TYPE_CHECKING:
    from types import TracebackType


__all__ = ["Cache", "CacheAnswer", "CacheEntry", "CacheHit", "Miss"]

Strategies = Literal["all", "exact", "semantic"]


@dataclass(frozen=True)
class CacheEntry:
    """A prompt with its response."""

    id: str
    prompt: str
    response: bytes
    attributes: dict[str, str]
    stored_at: float
    """In seconds since 1970."""

    @property
    def text(self) -> str:
        """The response as text."""
        return self.response.decode()


@dataclass(frozen=True)
class CacheHit:
    """An entry that is served."""

    entry: CacheEntry
    strategy: Literal["exact", "semantic"]
    """How it was found: by the same prompt, or by one that means the same."""
    similarity: float
    """The cosine of the two prompts' vectors. It decides nothing."""
    verdict: Verdict | None
    """What the verifier says of the two prompts; None of equal ones, which it need not read."""
    age: float
    """Seconds since it was stored."""

    @property
    def response(self) -> bytes:
        """The response."""
        return self.entry.response

    @property
    def text(self) -> str:
        """The response as text."""
        return self.entry.text


@dataclass(frozen=True)
class Miss:
    """Why nothing is served."""

    reason: str
    """For programs: `no-candidate`, `not-equivalent`, `volatile-time`, `source-changed`, ..."""
    why: str
    """For people."""


@dataclass(frozen=True)
class CacheAnswer:
    """What came of a lookup. It is true where something is served."""

    prompt: str
    decision: str
    """Names the decision, for `feedback`."""
    hits: list[CacheHit]
    """What is served, the best first."""
    miss: Miss | None
    """Why nothing is served; None of a hit."""
    milliseconds: float

    @property
    def hit(self) -> CacheHit | None:
        """What is served first."""
        return self.hits[0] if self.hits else None

    def __bool__(self) -> bool:
        return bool(self.hits)


class Cache:
    """A semantic cache, in a folder that one process at a time has open; without a folder it ends with the process.

    >>> cache = vetted.Cache("answers.cache")
    >>> cache.store("How do I enable 2FA?", "Open Settings, then Security.")
    >>> cache.lookup("How can I turn on 2FA?").hit.text
    'Open Settings, then Security.'
    >>> cache.lookup("How do I disable 2FA?").miss.reason
    'not-equivalent'

    Every method takes a `scope`: names and values such as tenant, user and model. An entry is found under the very scope that it
    was stored under, and under no other. A verifier with a calibration about equivalence serves by its threshold, and so does
    `min_probability`. In `shadow` the cache decides and writes down, and serves nothing. `ttl` is how long entries live, in
    seconds.

    Share one among threads. It cannot be pickled, and not be used after a fork: one process keeps a cache. Many processes share
    one over `vetted serve --cache`.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        name: str = "answers",
        verifier: Verifier | str | os.PathLike[str] | None = None,
        model: str | os.PathLike[str] | None = None,
        precision: Precision = "auto",
        ttl: float | None = None,
        max_entries: int = 100_000,
        max_bytes: int = 1 << 30,
        candidates: int = 8,
        min_probability: float | None = None,
        shadow: bool = False,
        log_prompts: bool = False,
        progress: Progress = None,
    ) -> None:
        self._folder = None if folder is None else os.path.abspath(os.fspath(folder))
        if not isinstance(verifier, Verifier):
            verifier = Verifier(verifier, precision=precision, progress=progress)
        self._verifier = verifier
        opening: OpeningCache = {
            "folder": self._folder,
            "name": name,
            "model": None if model is None else os.fspath(model),
            "precision": self._verifier.precision,
            "ttl": ttl,
            "max_entries": max_entries,
            "max_bytes": max_bytes,
            "candidates": candidates,
            "min_probability": min_probability,
            "shadow": shadow,
            "log_prompts": log_prompts,
        }
        with telling(progress) as tell:
            self._native = _vetted.Cache(opening, self._verifier._here(), tell)

    @property
    def folder(self) -> str | None:
        """Where it is kept; None of one that ends with the process."""
        return self._folder

    @property
    def verifier(self) -> Verifier:
        """Who decides whether two prompts mean the same."""
        return self._verifier

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._native.closed

    def lookup(
        self,
        prompt: str,
        *,
        scope: Mapping[str, str] | None = None,
        attributes: Mapping[str, str] | None = None,
        strategies: Strategies = "all",
        min_similarity: float | None = None,
        most: int = 1,
        sources: Mapping[str, str] | None = None,
        ignore_sources: bool = False,
        serve_volatile: bool = False,
        timeout: float | None = None,
    ) -> CacheAnswer:
        """Looks for what may be served. What goes wrong is a miss that says why.

        An entry must have all `attributes`. `min_similarity` is the least cosine of what is looked at. `sources` says which version
        of documents is current: an entry that rests on another one is not served (`ignore_sources` answers for it). What was true
        for a moment or for a person is served where that is sure not to matter, or with `serve_volatile`."""
        asking = _asking(scope, attributes, strategies, min_similarity, most, sources, ignore_sources, serve_volatile)
        return self._lookup(prompt, asking, timeout, None)

    async def alookup(
        self,
        prompt: str,
        *,
        scope: Mapping[str, str] | None = None,
        attributes: Mapping[str, str] | None = None,
        strategies: Strategies = "all",
        min_similarity: float | None = None,
        most: int = 1,
        sources: Mapping[str, str] | None = None,
        ignore_sources: bool = False,
        serve_volatile: bool = False,
        timeout: float | None = None,
    ) -> CacheAnswer:
        """As `lookup`, without blocking the event loop."""
        asking = _asking(scope, attributes, strategies, min_similarity, most, sources, ignore_sources, serve_volatile)
        return await on_a_thread(lambda it: self._lookup(prompt, asking, timeout, it))

    def _lookup(
        self, prompt: str, asking: AskingCache, timeout: float | None, cancellation: _vetted.Cancellation | None
    ) -> CacheAnswer:
        return _answer(prompt, self._native.lookup(prompt, asking, timeout, cancellation))

    def store(
        self,
        prompt: str,
        response: str | bytes,
        *,
        scope: Mapping[str, str] | None = None,
        attributes: Mapping[str, str] | None = None,
        id: str | None = None,
        ttl: float | None = None,
        sources: Mapping[str, str] | None = None,
        volatile: bool = False,
    ) -> str:
        """Keeps a response; returns its id. `sources` are the documents that it rests on, with their versions. It is `volatile`
        where it is true for a moment, whatever the prompt's words say."""
        return self._store(prompt, response, _keeping(scope, attributes, id, ttl, sources, volatile), None)

    async def astore(
        self,
        prompt: str,
        response: str | bytes,
        *,
        scope: Mapping[str, str] | None = None,
        attributes: Mapping[str, str] | None = None,
        id: str | None = None,
        ttl: float | None = None,
        sources: Mapping[str, str] | None = None,
        volatile: bool = False,
    ) -> str:
        """As `store`, without blocking the event loop."""
        keeping = _keeping(scope, attributes, id, ttl, sources, volatile)
        return await on_a_thread(lambda it: self._store(prompt, response, keeping, it))

    def _store(
        self,
        prompt: str,
        response: str | bytes,
        keeping: Keeping,
        cancellation: _vetted.Cancellation | None,
    ) -> str:
        if isinstance(response, str):
            try:
                response = response.encode()
            except UnicodeEncodeError:
                raise InvalidInputError(
                    "response has a lone surrogate, which is no character: store it as bytes, or repair it"
                ) from None
        elif not isinstance(response, (bytes, bytearray, memoryview)):
            raise TypeError(f"response must be a str or bytes, and it is {type(response).__name__}")
        return self._native.store(prompt, bytes(response), keeping, cancellation)[0]

    def get_or_compute(
        self,
        prompt: str,
        compute: Callable[[], str | bytes],
        *,
        scope: Mapping[str, str] | None = None,
        attributes: Mapping[str, str] | None = None,
        ttl: float | None = None,
    ) -> bytes:
        """What may be served, or what `compute` returns, which is then kept. Where it raises, nothing is kept."""
        if answer := self.lookup(prompt, scope=scope, attributes=attributes):
            return answer.hits[0].response
        computed = compute()
        self.store(prompt, computed, scope=scope, attributes=attributes, ttl=ttl)
        return computed.encode() if isinstance(computed, str) else bytes(computed)

    def get(self, id: str, *, scope: Mapping[str, str] | None = None) -> CacheEntry | None:
        """The entry with this id."""
        kept = self._native.get(id, _names(scope, "scope"))
        return None if kept is None else CacheEntry(*kept)

    def delete(
        self,
        ids: str | Iterable[str] = (),
        *,
        attributes: Mapping[str, str] | None = None,
        scope: Mapping[str, str] | None = None,
    ) -> int:
        """Removes the entries with these ids, and those that have all `attributes`; says how many there were."""
        ids = [ids] if isinstance(ids, str) else list(ids)
        removed = self._native.delete(ids, _names(scope, "scope")) if ids else 0
        return removed + (
            self._native.delete_where(_names(attributes, "attributes"), _names(scope, "scope")) if attributes else 0
        )

    def clear(self, *, scope: Mapping[str, str] | None = None) -> int:
        """Removes all of a scope; says how many entries there were."""
        return self._native.clear(_names(scope, "scope"))

    def count(self, *, scope: Mapping[str, str] | None = None) -> int:
        """How many entries a scope has."""
        return self._native.count(_names(scope, "scope"))

    def feedback(self, answer: CacheAnswer | str, right: bool) -> None:
        """Says whether what was decided was right. It is written down in the cache's folder, for `vetted.calibrate`."""
        self._native.feedback(answer.decision if isinstance(answer, CacheAnswer) else answer, right)

    def close(self) -> None:
        """Closes the cache. What was stored is on the disk already."""
        self._native.close()

    def __enter__(self) -> Cache:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __reduce__(self) -> Any:
        raise TypeError(
            "a vetted.Cache cannot be pickled: one process keeps a cache. Open one with another folder there, or share one over "
            "`vetted serve --cache`"
        )

    def __repr__(self) -> str:
        of = "" if self._folder is None else repr(self._folder)
        return f"vetted.Cache({of}{', closed' if self.closed else ''})"


def _asking(
    scope: Mapping[str, str] | None,
    attributes: Mapping[str, str] | None,
    strategies: Strategies,
    min_similarity: float | None,
    most: int,
    sources: Mapping[str, str] | None,
    ignore_sources: bool,
    serve_volatile: bool,
) -> AskingCache:
    if most < 1:
        raise InvalidInputError(f"most is {most}: ask for at least one entry")
    return {
        "scope": _names(scope, "scope"),
        "attributes": _names(attributes, "attributes"),
        "strategies": strategies,
        "min_similarity": min_similarity,
        "most": most,
        "sources": None if sources is None else _names(sources, "sources"),
        "ignore_sources": ignore_sources,
        "serve_volatile": serve_volatile,
    }


def _names(given: Mapping[str, str] | None, what: str) -> dict[str, str]:
    """Names and values as they are kept: texts."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(f"{what} must be a dict of str, and it is {type(given).__name__}")
    for name, value in given.items():
        for one in (name, value):
            if not isinstance(one, str):
                raise TypeError(f"{what} must be a dict of str, and {name!r} is {value!r:.60}: make it a str")
            if not one.isascii() and any("\ud800" <= it <= "\udfff" for it in one):
                raise InvalidInputError(f"{what} has a lone surrogate in {name!r}, which is no character: repair it")
    return dict(given)


def _keeping(
    scope: Mapping[str, str] | None,
    attributes: Mapping[str, str] | None,
    id: str | None,
    ttl: float | None,
    sources: Mapping[str, str] | None,
    volatile: bool,
) -> Keeping:
    return {
        "scope": _names(scope, "scope"),
        "attributes": _names(attributes, "attributes"),
        "id": id,
        "ttl": ttl,
        "sources": _names(sources, "sources"),
        "volatile": volatile,
    }


def _answer(prompt: str, looked: Looked) -> CacheAnswer:
    decision, served, miss, milliseconds = looked
    hits = [_hit(prompt, one) for one in served]
    return CacheAnswer(prompt, decision, hits, None if miss is None else Miss(*miss), milliseconds)


def _hit(prompt: str, served: Served) -> CacheHit:
    kept, strategy, similarity, said, age = served
    entry = CacheEntry(*kept)
    verdict = None if said is None else Verdict._of_said(prompt, entry.prompt, "equivalence", said)
    return CacheHit(entry, strategy, similarity, verdict, age)
