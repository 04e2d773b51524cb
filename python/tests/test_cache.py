"""`vetted.Cache`: what is served, what is not and why, and what is wrong with what is handed in."""

from __future__ import annotations

import asyncio
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import QUERY, SAME, SWAPPED

import vetted


@pytest.fixture
def cache(tmp_path: Path, verifier: vetted.Verifier) -> Iterator[vetted.Cache]:
    # The tiny verifier's thresholds are for support; what means the same is told by its probability.
    with vetted.Cache(tmp_path / "answers.cache", verifier=verifier) as opened:
        yield opened


def test_equal_prompts_are_served_and_swapped_ones_are_not(cache: vetted.Cache) -> None:
    id = cache.store(QUERY, "It went well.", attributes={"language": "en"})
    answer = cache.lookup(QUERY)
    assert answer and answer.hit and (answer.hit.text, answer.hit.strategy, answer.hit.entry.id) == ("It went well.", "exact", id)
    assert answer.miss is None and answer.hit.verdict is None and answer.hit.entry.attributes == {"language": "en"}
    missed = cache.lookup(SWAPPED)
    assert not missed and missed.hit is None and missed.miss and missed.miss.reason == "not-equivalent"
    assert "nothing means the same" in missed.miss.why
    assert not cache.lookup(QUERY, attributes={"language": "de"})


def test_what_means_the_same_is_served_with_its_verdict(tmp_path: Path, verifier: vetted.Verifier) -> None:
    prompt = "the nurse visited the farmer"
    probability = verifier.verify(prompt, [QUERY], relation="equivalence")[0].p_match
    assert probability is not None
    with vetted.Cache(verifier=verifier, min_probability=probability - 0.01) as cache:
        cache.store(QUERY, b"\x00bytes")
        hit = cache.lookup(prompt).hit
        assert hit and hit.strategy == "semantic" and hit.response == b"\x00bytes" and hit.similarity > 0.5
        assert hit.verdict and hit.verdict.relation == "equivalence" and abs(hit.verdict.p_match - probability) < 0.02  # type: ignore[operator]
    with vetted.Cache(verifier=verifier, min_probability=1.0) as cache:
        cache.store(QUERY, "x")
        assert not cache.lookup(prompt)


def test_scopes_are_walls_and_entries_are_kept(tmp_path: Path, verifier: vetted.Verifier) -> None:
    folder = tmp_path / "c"
    with vetted.Cache(folder, verifier=verifier) as cache:
        id = cache.store(QUERY, "mine", scope={"tenant": "a"})
        assert not cache.lookup(QUERY) and cache.lookup(QUERY, scope={"tenant": "b"}).miss.reason == "no-candidate"  # type: ignore[union-attr]
        with pytest.raises(vetted.ConflictError):
            vetted.Cache(folder, verifier=verifier)
    with vetted.Cache(folder, verifier=verifier) as cache:
        assert cache.lookup(QUERY, scope={"tenant": "a"}).hit.text == "mine"  # type: ignore[union-attr]
        assert cache.get(id, scope={"tenant": "a"}).prompt == QUERY and cache.get(id) is None  # type: ignore[union-attr]
        assert cache.count(scope={"tenant": "a"}) == 1
        assert cache.delete(id) == 0 and cache.delete(id, scope={"tenant": "a"}) == 1


def test_entries_end_and_depend_on_documents(cache: vetted.Cache) -> None:
    cache.store(QUERY, "short", ttl=0)
    assert not cache.lookup(QUERY)
    cache.store(QUERY, "of a document", sources={"page": "1"})
    assert cache.lookup(QUERY).miss.reason == "sources-unchecked"  # type: ignore[union-attr]
    assert cache.lookup(QUERY, sources={"page": "2"}).miss.reason == "source-changed"  # type: ignore[union-attr]
    assert cache.lookup(QUERY, sources={"page": "1"}) and cache.lookup(QUERY, ignore_sources=True)
    assert cache.delete(attributes={"a": "b"}) == 0 and cache.clear() == 1 and cache.count() == 0


def test_computing_once(cache: vetted.Cache) -> None:
    asked: list[int] = []

    def compute() -> str:
        asked.append(1)
        return "computed"

    assert [cache.get_or_compute(QUERY, compute) for _ in range(3)] == [b"computed"] * 3 and len(asked) == 1
    with pytest.raises(RuntimeError, match="no model"):
        cache.get_or_compute(SWAPPED, lambda: (_ for _ in ()).throw(RuntimeError("no model")))
    assert not cache.lookup(SWAPPED)


def test_feedback_is_written_down(tmp_path: Path, verifier: vetted.Verifier) -> None:
    with vetted.Cache(tmp_path / "c", verifier=verifier) as cache:
        cache.store(QUERY, "x")
        answer = cache.lookup(SWAPPED)
        cache.feedback(answer, False)
        with pytest.raises(vetted.NotFoundError, match="not known"):
            cache.feedback("0" * 32, True)
        with pytest.raises(vetted.InvalidInputError, match="no decision"):
            cache.feedback("what", True)
    assert '"right":false' in (tmp_path / "c" / "decisions" / "feedback.jsonl").read_text().replace(" ", "")


def test_shadow_serves_nothing(verifier: vetted.Verifier) -> None:
    with vetted.Cache(verifier=verifier, shadow=True) as cache:
        cache.store(QUERY, "x")
        assert cache.lookup(QUERY).miss.reason == "shadow"  # type: ignore[union-attr]


async def test_twins_do_the_same(cache: vetted.Cache) -> None:
    await cache.astore(QUERY, "x")
    answers = await asyncio.gather(cache.alookup(QUERY), cache.alookup(SWAPPED))
    assert [bool(answer) for answer in answers] == [True, False]
    with pytest.raises(vetted.DeadlineError):
        await cache.alookup(SAME, timeout=0)


WRONG = [
    ("no prompt", lambda it: it.lookup(None), TypeError, "prompt must be a str"),
    ("a surrogate", lambda it: it.lookup("\ud800"), vetted.InvalidInputError, "prompt has a lone"),
    ("a response", lambda it: it.store("a", 3), TypeError, "response must be a str or bytes"),
    ("a response's surrogate", lambda it: it.store("a", "\ud800"), vetted.InvalidInputError, "response has a lone"),
    ("an id", lambda it: it.store("a", "b", id="a b"), vetted.InvalidInputError, "1 to 128 characters"),
    ("a time", lambda it: it.store("a", "b", ttl=-1), vetted.InvalidInputError, "ttl is -1"),
    ("an endless time", lambda it: it.store("a", "b", ttl=1e300), vetted.InvalidInputError, "ttl"),
    ("a way", lambda it: it.lookup("a", strategies="fuzzy"), vetted.InvalidInputError, '"semantic"'),
    ("a cosine", lambda it: it.lookup("a", min_similarity=7), vetted.InvalidInputError, "cosine"),
    ("none", lambda it: it.lookup("a", most=0), vetted.InvalidInputError, "at least one"),
    ("a scope", lambda it: it.lookup("a", scope={"tenant": 3}), TypeError, "make it a str"),
    ("a scope that is none", lambda it: it.store("a", "b", scope="tenant"), TypeError, "dict of str"),
    ("an attribute's surrogate", lambda it: it.store("a", "b", attributes={"a": "\ud800"}), vetted.InvalidInputError, "lone"),
]


@pytest.mark.parametrize(("call", "error", "message"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_is_said(cache: vetted.Cache, call, error, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=message):
        call(cache)
    assert cache.count() == 0


def test_it_says_why_it_is_not_pickled_and_when_it_is_closed(cache: vetted.Cache) -> None:
    with pytest.raises(TypeError, match="vetted serve --cache"):
        pickle.dumps(cache)
    cache.close()
    with pytest.raises(vetted.ConflictError, match="cache is closed"):
        cache.lookup("a")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_is_told() -> None:
    program = f"""
import os, sys, vetted
cache = vetted.Cache()
cache.store({QUERY!r}, "x")
child = os.fork()
if child == 0:
    try:
        cache.lookup({QUERY!r})
    except vetted.ConflictError as error:
        os._exit(0 if "forked" in str(error) else 1)
    os._exit(2)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
