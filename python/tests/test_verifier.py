"""`vetted.Verifier`: verdicts, explanations, and what is wrong with what is handed in."""

from __future__ import annotations

import asyncio
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import NEGATED, QUERY, SAME, SWAPPED

import vetted


def test_a_verdict_says_what_the_program_says(verifier: vetted.Verifier) -> None:
    import json

    told = subprocess.run(
        [sys.executable, "-m", "vetted", "verify", "-q", QUERY, "-c", SAME, "-c", SWAPPED, "-c", "word", "--json"],
        check=True,
        capture_output=True,
    )
    by_program = json.loads(told.stdout)["results"]
    by_library = verifier.verify(QUERY, [SAME, SWAPPED, "word"])
    for one, other in zip(by_library, by_program):
        expected = {name: other.get(name) for name in ("candidate", "verdict", "finding", "kind", "p_match", "p_conflict")}
        assert {name: getattr(one, name) for name in expected} == expected
    assert by_library.accepted and by_library[0].accepted and by_library[1].rejected


def test_windows_count_characters(verifier: vetted.Verifier) -> None:
    # Two bytes a letter before the part that decides, and more than is read at once.
    long = "Ünser Tée äh ö. " * 40 + SWAPPED + " Tea is bitter." * 40
    verdict = verifier.verify(QUERY, [long])[0]
    assert verdict.window is not None
    assert verdict.decided_by == long[verdict.window[0] : verdict.window[1]] != ""
    assert verifier.verify(QUERY, ["\u00e9" + SAME])[0].window == (0, len(SAME) + 1)


def test_an_explanation_has_the_map_as_an_array(verifier: vetted.Verifier) -> None:
    explanation = verifier.explain(QUERY, SWAPPED)
    assert explanation is not None
    rows, columns = len(explanation.query_tokens), len(explanation.candidate_tokens)
    assert explanation.map.shape == (rows, columns) and explanation.map.dtype == np.float32
    assert np.abs(explanation.map).max() < 1.02 and explanation.map.flags.writeable
    assert explanation.query_weights.shape == (rows,) and explanation.candidate_weights.shape == (columns,)
    assert {"nurse", "farmer"} <= {*explanation.query_tokens}
    assert explanation.pairs and all(pair.weight > 0 for pair in explanation.pairs)
    assert verifier.explain(QUERY, " ") is None


async def test_passages_are_judged_as_a_search_does(verifier: vetted.Verifier, index: vetted.Index) -> None:
    passages = [SAME, SWAPPED, "The pilot painted a fence."]
    verdicts = verifier.verify_passages(QUERY, passages)
    searched = {hit.id: hit.outcome for hit in index.search(QUERY, verify="flag")}
    assert [it.p_match for it in verdicts] == pytest.approx(
        [searched[id].p_match for id in ("same", "swapped", "other")], abs=0.02
    )
    assert [it.verdict for it in verdicts[:2]] == ["accept", "reject"]
    assert await verifier.averify_passages(QUERY, passages) == verdicts
    assert verifier.verify_passages("nurse", passages)[0].reason == "query-too-short"


def test_relations_are_two_questions(verifier: vetted.Verifier) -> None:
    finding = verifier.verify(QUERY, [SWAPPED], relation="equivalence")[0].finding
    assert finding in ("different", "neither")
    with pytest.raises(vetted.InvalidInputError, match='must be "support" or "equivalence"'):
        verifier.verify(QUERY, [SAME], relation="entailment")  # type: ignore[arg-type]


WRONG = [
    ("a query that is no text", lambda it: it.verify(1, [SAME]), TypeError, "query must be a str, and it is int"),
    ("a query of bytes", lambda it: it.verify(b"x", [SAME]), TypeError, "query must be a str"),
    ("no query", lambda it: it.verify("", [SAME]), vetted.InvalidInputError, "at least one word"),
    ("one candidate", lambda it: it.verify(QUERY, SAME), TypeError, "put a single text into a list"),
    ("no candidates", lambda it: it.verify(QUERY, None), TypeError, "NoneType"),
    ("a candidate that is no text", lambda it: it.verify(QUERY, [SAME, None]), TypeError, r"candidates\[1\] must be a str"),
    ("a surrogate", lambda it: it.verify("\ud800", [SAME]), vetted.InvalidInputError, "query has a lone surrogate"),
    ("a candidate's surrogate", lambda it: it.verify(QUERY, ["\udfff"]), vetted.InvalidInputError, r"candidates\[0\] has a lone"),
    ("a numpy array", lambda it: it.verify(QUERY, np.array([1.0, np.nan])), TypeError, r"candidates\[0\] must be a str"),
    ("a negative time", lambda it: it.verify(QUERY, [SAME], timeout=-1), vetted.InvalidInputError, "0 or more"),
    ("no number of seconds", lambda it: it.verify(QUERY, [SAME], timeout=float("nan")), vetted.InvalidInputError, "timeout"),
    ("no time", lambda it: it.verify(QUERY, [SAME] * 50, timeout=0), vetted.DeadlineError, "allow more"),
    ("half a pair", lambda it: it.verify_pairs([(QUERY,)]), vetted.InvalidInputError, r"pairs\[0\].*\(query, candidate\)"),
    ("no list", lambda it: it.verify_pairs(QUERY), TypeError, "list of"),
    ("no function", lambda it: it.verify(QUERY, [SAME], progress=3), TypeError, "progress must be a function"),
]


@pytest.mark.parametrize(("call", "error", "message"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_is_said(verifier: vetted.Verifier, call, error, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=message):
        call(verifier)
    assert verifier.verify(QUERY, [SAME])[0].accepted, "and the verifier goes on"


def test_kinds_are_those_of_the_wire() -> None:
    for error, kind, builtin in [
        (vetted.InvalidInputError, "invalid-input", ValueError),
        (vetted.NotFoundError, "not-found", LookupError),
        (vetted.ConflictError, "conflict", vetted.Error),
        (vetted.UnavailableError, "unavailable", vetted.Error),
        (vetted.DeadlineError, "unavailable", TimeoutError),
        (vetted.CancelledError, "unavailable", vetted.Error),
        (vetted.DamagedError, "damaged", vetted.Error),
        (vetted.InternalError, "internal", vetted.Error),
    ]:
        assert error.kind == kind and issubclass(error, vetted.Error) and issubclass(error, builtin)


def test_files_that_are_missing_or_damaged_are_named(tmp_path: Path) -> None:
    with pytest.raises(vetted.NotFoundError, match="nowhere"):
        vetted.Verifier(tmp_path / "nowhere")
    (tmp_path / "config.json").write_text("{")
    (tmp_path / "model.safetensors").write_bytes(b"x")
    with pytest.raises(vetted.DamagedError, match="not a verifier that can be used"):
        vetted.Verifier(tmp_path)
    with pytest.raises(vetted.InvalidInputError, match='"auto", "f32"'):
        vetted.Verifier(precision="fp16")  # type: ignore[arg-type]


def test_a_panic_is_an_exception() -> None:
    from vetted._vetted import _panic

    with pytest.raises(vetted.InternalError, match="out of cheese.*please report it"):
        _panic("out of cheese")
    caught: list[BaseException] = []

    def on_a_thread() -> None:
        try:
            _panic("there, too")
        except vetted.InternalError as error:
            caught.append(error)

    thread = threading.Thread(target=on_a_thread)
    thread.start()
    thread.join()
    assert len(caught) == 1


def test_a_subclass_that_raises_is_heard(verifier: vetted.Verifier) -> None:
    class Refusing(list):  # type: ignore[type-arg]
        def __iter__(self):  # type: ignore[no-untyped-def]
            raise RuntimeError("not today")

    with pytest.raises(RuntimeError, match="not today"):
        verifier.verify(QUERY, Refusing([SAME]))

    def raising(what: str, done: int, total: int | None) -> None:
        raise RuntimeError(f"told {done} of {total}")

    with pytest.raises(RuntimeError, match="told 2 of 2"):
        verifier.verify(QUERY, [SAME, SWAPPED], progress=raising)


def test_a_hundred_thousand_candidates(verifier: vetted.Verifier) -> None:
    told: list[tuple[str, int, int | None]] = []
    verdicts = verifier.verify(QUERY, [SAME, SWAPPED] * 50_000, progress=lambda *one: told.append(one))
    assert len(verdicts) == 100_000 and verdicts[0].accepted and verdicts[-1].rejected
    assert verdicts[0] == verdicts[99_998], "each gets what it would have got alone"
    assert told[-1] == ("verifying", 100_000, 100_000) and len(told) > 100


def test_pairs_get_what_they_would_get_alone(verifier: vetted.Verifier) -> None:
    pairs = [(QUERY, SAME), (QUERY, SWAPPED), (SWAPPED, SAME), ("", SAME)]
    together = verifier.verify_pairs(pairs)
    assert together[:2] == verifier.verify(QUERY, [SAME, SWAPPED])
    assert together[2] == verifier.verify(SWAPPED, [SAME])[0]
    assert together[3].verdict == "unverified"
    assert verifier.verify(QUERY, []) == [] and verifier.verify_pairs([]) == []


def test_other_threads_run_meanwhile(verifier: vetted.Verifier) -> None:
    counted, stop = [0], threading.Event()

    def count() -> None:
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    start = time.monotonic()
    verifier.verify(QUERY, [f"The nurse visited the farmer {i}." for i in range(3000)])
    took = time.monotonic() - start
    stop.set()
    thread.join()
    assert counted[0] > took / 0.1, "a thread that sleeps a millisecond at a time came to its turn"


def test_a_call_ends_when_its_work_does(verifier: vetted.Verifier) -> None:
    times = []
    for _ in range(30):
        start = time.monotonic()
        verifier.verify(QUERY, [SAME])
        times.append(time.monotonic() - start)
    # Signals are looked at every 20 ms: a call that waited for that would never be faster.
    assert min(times) < 0.015


def test_ctrl_c_ends_a_long_call(verifier: vetted.Verifier, request: pytest.FixtureRequest) -> None:
    # A shell starts what it runs in the background without an ear for Ctrl-C; whoever runs these tests may be such.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    candidates = [f"The nurse visited the farmer {i}." for i in range(200_000)]
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        verifier.verify(QUERY, candidates)
    assert time.monotonic() - start < 5


async def test_twins_answer_the_same_and_can_be_cancelled(verifier: vetted.Verifier) -> None:
    both = await asyncio.gather(verifier.averify(QUERY, [SAME]), verifier.averify(QUERY, [SWAPPED]))
    assert both == [verifier.verify(QUERY, [SAME]), verifier.verify(QUERY, [SWAPPED])]
    explanation = await verifier.aexplain(QUERY, SAME)
    assert explanation is not None and explanation.pairs

    task = asyncio.create_task(verifier.averify(QUERY, [f"The nurse visited {i}." for i in range(100_000)]))
    await asyncio.sleep(0.1)
    start = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # The processors are free again at once.
    await verifier.averify(QUERY, [SAME])
    assert time.monotonic() - start < 5


def test_a_verifier_and_its_verdicts_are_pickled(verifier: vetted.Verifier) -> None:
    again = pickle.loads(pickle.dumps(verifier))
    verdicts = pickle.loads(pickle.dumps(verifier.verify(QUERY, [SAME, SWAPPED])))
    assert isinstance(verdicts, vetted.Verdicts)
    assert again.verify(QUERY, [SAME, SWAPPED]) == verdicts
    assert verdicts[0].explain() is None, "the verifier stayed where it was"


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there is no fork here")
def test_a_forked_child_opens_it_again() -> None:
    program = f"""
import os, sys, vetted
verifier = vetted.Verifier()
before = verifier.verify({QUERY!r}, [{SAME!r}, {SWAPPED!r}] * 20)
child = os.fork()
if child == 0:
    os._exit(0 if verifier.verify({QUERY!r}, [{SAME!r}, {SWAPPED!r}] * 20) == before else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0


def test_a_verdict_shows_itself_with_its_map(verifier: vetted.Verifier) -> None:
    verdicts = verifier.verify("The nurse <b>visited</b> the farmer.", [SAME, SWAPPED, NEGATED])
    shown = verdicts[1]._repr_html_()
    for expected in ("v-reject", "&lt;b&gt;visited", "writing-mode", "<th>nurse</th>", "prefers-color-scheme:dark"):
        assert expected in shown
    assert "<b>visited" not in shown and "<script" not in shown and len(shown) < 40_000
    table = verdicts._repr_html_()
    assert table.count("<tr>") == 4 and "v-map" not in table.split("</style>")[1]
    assert verifier.explain(QUERY, SAME)._repr_html_().count("<td") > 20  # type: ignore[union-attr]
