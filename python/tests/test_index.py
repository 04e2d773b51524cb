"""`vetted.Index`: documents there and back, searches of both tiers, and what is wrong with what is handed in."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import QUERY, SAME, SWAPPED

import vetted


def test_what_contradicts_is_left_out(index: vetted.Index) -> None:
    found = index.search(QUERY)
    assert [hit.id for hit in found][0] == "same" and found.verified and found[0].accepted
    assert [one.id for one in found.rejected] == ["swapped"]
    assert found.rejected[0].outcome and found.rejected[0].outcome.reason in ("contradicts", "rival")
    assert found[0].title == "Ward round" and found[0].metadata == {"year": 1999, "tags": ["ward", "farm"]}
    assert found[0].window == vetted.Window("text", SAME, 0, len(SAME))
    assert found.ms.total > 0 and found.score_scale == "inner-product"
    flagged = index.search(QUERY, verify="flag")
    assert len(flagged) == 3 and flagged.rejected == []
    unread = index.search(QUERY, verify="off")
    assert unread.verified is None and all(hit.outcome is None for hit in unread)


def test_a_search_is_as_it_is_asked_for(index: vetted.Index) -> None:
    assert len(index.search(QUERY, k=1, verify="off")) == 1
    assert [hit.id for hit in index.search(QUERY, filters="year<2000")] == ["same"]
    assert {hit.id for hit in index.search("fence", filters=["year>1990", "year<2006"], verify="off")} >= {"other"}
    assert index.search("fence", mode="bm25", verify="off")[0].bm25
    assert index.search("fence", mode="hybrid", alpha=0.3).score_scale == "fused-scores"
    assert index.search("fence", mode="hybrid-rrf").score_scale == "fused-ranks"
    explained = index.search(QUERY, evidence=True)
    assert explained[0].evidence and isinstance(explained[0].evidence[0], vetted.TokenPair)
    assert index.search(QUERY, depth=0)[0].outcome.reason == "beyond-depth"  # type: ignore[union-attr]
    both = index.search_many([QUERY, "fence"])
    assert [it.query for it in both] == [QUERY, "fence"]
    assert [hit.id for hit in both[0]] == [hit.id for hit in index.search(QUERY)]


def test_documents_come_back_as_they_were_given(index: vetted.Index) -> None:
    metadata = {"n": 2**60, "f": 0.5, "t": True, "none": None, "list": [1, ["a"]], "d": {"x": "ä"}, "big": 2**63 + 1}
    indexed = index.upsert([{"_id": 7, "text": "Tea.", "title": "T", "metadata": metadata, "lang": "en"}])
    assert indexed == vetted.Indexed(added=1)
    assert index.get("7") == vetted.Document("7", "Tea.", "T", {"lang": "en", **metadata})
    assert index.upsert([{"id": "7", "text": "Tea.", "title": "T", "metadata": metadata, "lang": "en"}]).unchanged == 1
    assert index.upsert([{"id": "7", "text": "Other."}]).replaced == 1
    assert index.get("nothing") is None and "7" in index and 7 not in index and len(index) == 4
    # numpy's numbers and arrays are numbers and lists.
    index.upsert([vetted.Document("n", "x", metadata={"a": np.float32(0.5), "b": np.arange(3), "c": np.int64(4)})])
    assert index.get("n").metadata == {"a": 0.5, "b": [0, 1, 2], "c": 4}  # type: ignore[union-attr]


def test_deleting_says_how_many_there_were(index: vetted.Index) -> None:
    assert index.delete("nothing") == 0 and index.delete(["other", "nothing"]) == 1
    assert index.delete(filters="year<2000") == 1 and index.ids() == ["swapped"]


def test_vectors_of_ones_own(tmp_path: Path) -> None:
    vectors = np.eye(4, dtype=np.float32)
    with vetted.Index(tmp_path / "own", vectors=("v", 4)) as index:
        index.upsert({"id": str(i), "text": f"Text {i}.", "v": vectors[i]} for i in range(4))
        found = index.search("", vector=vectors[2], verify="off", k=1)
        assert [hit.id for hit in found] == ["2"] and found[0].score == 1.0
        many = index.search_many(["", ""], vectors=vectors[:2], verify="off", k=1)
        assert [it[0].id for it in many] == ["0", "1"]
        assert index.search("", vector=[0, 0, 0, 1], verify="off")[0].id == "3"
        for wrong, message in [
            (np.array([np.nan, 0, 0, 0]), "position 0"),
            (np.array([1, 0, np.inf, 0]), "position 2"),
            (np.eye(4), "shape"),
            (["a"], "row of numbers"),
            (np.ones(3), "3"),
        ]:
            with pytest.raises(vetted.InvalidInputError, match=message):
                index.search("", vector=wrong)
        with pytest.raises(vetted.InvalidInputError, match="NaN"):
            index.upsert([{"id": "x", "text": "x", "v": np.full(4, np.nan)}])
        with pytest.raises(vetted.InvalidInputError, match='document "x"'):
            index.upsert([{"id": "x", "text": "x", "v": [1.0]}])
        with pytest.raises(vetted.InvalidInputError, match="give one for each"):
            index.search_many(["a"], vectors=vectors)


WRONG = [
    ("a document", lambda it: it.upsert(vetted.Document("1", "x")), TypeError, "put it into a list"),
    ("a dict", lambda it: it.upsert({"id": "1", "text": "x"}), TypeError, "put it into a list"),
    ("texts", lambda it: it.upsert(["x"]), TypeError, "vetted.Document or a dict"),
    ("no id", lambda it: it.upsert([{"text": "x"}]), vetted.InvalidInputError, "no `id`.*text"),
    ("an empty id", lambda it: it.upsert([{"id": "", "text": "x"}]), vetted.InvalidInputError, "id is empty"),
    ("no text", lambda it: it.upsert([{"id": "1"}]), vetted.InvalidInputError, "no `text`"),
    ("text that is none", lambda it: it.upsert([{"id": "1", "text": None}]), TypeError, 'text of document "1" must be a str'),
    ("a surrogate", lambda it: it.upsert([{"id": "1", "text": "\ud800"}]), vetted.InvalidInputError, "lone surrogate"),
    ("NaN", lambda it: it.upsert([{"id": "1", "text": "x", "n": float("nan")}]), vetted.InvalidInputError, "NaN"),
    ("a set", lambda it: it.upsert([{"id": "1", "text": "x", "s": {1}}]), TypeError, "isoformat"),
    ("no str as a key", lambda it: it.upsert([{"id": "1", "text": "x", "m": {1: 2}}]), TypeError, "a key of"),
    ("a large number", lambda it: it.upsert([{"id": "1", "text": "x", "n": 2**70}]), vetted.InvalidInputError, "64 bits"),
    ("metadata that is none", lambda it: it.upsert([{"id": "1", "text": "x", "metadata": 3}]), TypeError, "must be a dict"),
    ("no batch", lambda it: it.upsert([], batch_size=0), vetted.InvalidInputError, "at least 1"),
    ("no query", lambda it: it.search(""), vetted.InvalidInputError, "query is empty"),
    ("a list as query", lambda it: it.search(["a"]), TypeError, r"queries\[0\] must be a str, and it is list"),
    ("no hits", lambda it: it.search("a", k=0), vetted.InvalidInputError, "at least one hit"),
    ("a mode", lambda it: it.search("a", mode="sparse"), vetted.InvalidInputError, '"hybrid-rrf"'),
    ("a policy", lambda it: it.search("a", verify=True), TypeError, "verify"),
    ("a filter", lambda it: it.search("a", filters="year"), vetted.InvalidInputError, "year"),
    ("a weight", lambda it: it.search("a", mode="hybrid", alpha=2), vetted.InvalidInputError, "from 0 to 1"),
    ("no time", lambda it: it.search(QUERY, timeout=0), vetted.DeadlineError, "allow more"),
    ("an own vector", lambda it: it.search("a", vector=[1.0]), vetted.InvalidInputError, "32"),
]


@pytest.mark.parametrize(("call", "error", "message"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_is_said(index: vetted.Index, call, error, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=message):
        call(index)
    assert len(index) == 3, "and nothing was written"


def test_metadata_that_contains_itself(index: vetted.Index) -> None:
    circle: dict[str, object] = {}
    circle["self"] = circle
    with pytest.raises(vetted.InvalidInputError, match="contains itself"):
        index.upsert([{"id": "1", "text": "x", "metadata": circle}])


def test_an_iterable_that_raises_has_written_its_earlier_batches(index: vetted.Index) -> None:
    def documents():  # type: ignore[no-untyped-def]
        yield from ({"id": str(i), "text": f"Text {i}."} for i in range(4))
        raise RuntimeError("the source is gone")

    with pytest.raises(RuntimeError, match="the source is gone"):
        index.upsert(documents(), batch_size=2)
    assert {"0", "1", "2", "3"} <= {*index.ids()}


def test_progress_is_told_of_each_batch(index: vetted.Index) -> None:
    told: list[tuple[str, int, int | None]] = []
    index.upsert([{"id": str(i), "text": "x"} for i in range(5)], batch_size=2, progress=lambda *one: told.append(one))
    assert told == [("indexing", 2, 5), ("indexing", 4, 5), ("indexing", 5, 5)]
    index.upsert([{"id": "b", "text": "a bar"}], progress=True)


def test_a_closed_index_says_so(tmp_path: Path) -> None:
    index = vetted.Index(tmp_path / "i")
    index.close()
    index.close()
    assert index.closed and "closed" in repr(index)
    for call in (
        lambda: index.search("a"),
        lambda: len(index),
        lambda: index.upsert([{"id": "1", "text": "x"}]),
        lambda: index.get("1"),
    ):
        with pytest.raises(vetted.ConflictError, match="index is closed: open it again"):
            call()


def test_what_cannot_be_opened_says_why(tmp_path: Path, index: vetted.Index) -> None:
    with pytest.raises(vetted.NotFoundError):
        vetted.Index.open(tmp_path / "nowhere")
    with pytest.raises(vetted.ConflictError):
        vetted.Index(index.path)
    with pytest.raises(vetted.NotFoundError):
        vetted.Index(tmp_path / "new", model="no-such-model")
    occupied = tmp_path / "occupied"
    occupied.mkdir()
    (occupied / "file").touch()
    with pytest.raises(vetted.ConflictError):
        vetted.Index(occupied)


def test_a_pickled_index_is_opened_for_reading(tmp_path: Path) -> None:
    with vetted.Index(tmp_path / "i") as index:
        index.upsert([{"id": "1", "text": SAME}])
        pickled = pickle.dumps(index)
    program = f"""
import pickle, vetted
index = pickle.loads({pickled!r})
assert [hit.id for hit in index.search({QUERY!r})] == ["1"]
try:
    index.upsert([{{"id": "2", "text": "x"}}])
except vetted.InvalidInputError as error:
    assert "read" in str(error), error
else:
    raise AssertionError("it was written to")
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    hits = pickle.loads(pickle.dumps(vetted.Index.open(tmp_path / "i").search(QUERY)))
    assert hits[0].id == "1"


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there is no fork here")
def test_a_forked_child_is_told_to_open_its_own(tmp_path: Path) -> None:
    program = f"""
import gc, os, sys, vetted
index = vetted.Index({str(tmp_path / "i")!r})
index.upsert([{{"id": "1", "text": {SAME!r}}}])
child = os.fork()
if child == 0:
    try:
        index.search({QUERY!r})
    except vetted.ConflictError as error:
        good = "forked" in str(error) and "spawn" in str(error)
        del index
        gc.collect()
        os._exit(0 if good else 1)
    os._exit(2)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert index.search({QUERY!r})[0].id == "1", "and the parent goes on"
sys.exit(status)
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0


async def test_twins_do_the_same(tmp_path: Path) -> None:
    with vetted.Index(tmp_path / "i") as index:
        assert (await index.aupsert([{"id": "1", "text": SAME}, {"id": "2", "text": SWAPPED}])).added == 2
        found = await asyncio.gather(*(index.asearch(QUERY) for _ in range(4)))
        assert all([hit.id for hit in it] == ["1"] for it in found)
        with pytest.raises(vetted.DeadlineError):
            await index.asearch(QUERY, timeout=0)


def test_threads_share_one_index(index: vetted.Index) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: [hit.id for hit in index.search(QUERY)], range(32)))
    assert all(it == found[0] for it in found)


def test_found_shows_itself(index: vetted.Index) -> None:
    index.upsert([{"id": "<i>", "text": "The nurse visited the <script>alert(1)</script> farmer.", "title": "<b>"}])
    shown = index.search(QUERY, verify="flag")._repr_html_().split("</style>")[1]
    assert "<script" not in shown and "&lt;i&gt;" in shown and "<mark>" in shown
    assert "left out" in index.search(QUERY)._repr_html_()


def test_a_budget_leaves_the_rest_unverified(index: vetted.Index) -> None:
    start = time.monotonic()
    found = index.search(QUERY, budget=0.0, verify="flag")
    assert {hit.outcome.reason for hit in found if hit.outcome} == {"budget-spent"} and time.monotonic() - start < 5
