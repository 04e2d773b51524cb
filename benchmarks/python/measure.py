"""What Python costs: importing, the wheel's size, and a call's overhead against the same call in Rust.

    target/python/quick/bin/python benchmarks/python/measure.py [WHEEL] [RUST]

Run it with a Python in which the wheel is installed. RUST is the program that makes the same calls without Python:
    cargo build --release -p vetted --example python_overhead
Both take turns in one run, ROUNDS times. Figures are processor time of the whole process, so that what else the machine does counts
less; the figure is the median of the rounds' ratios, with a bootstrap interval of 95 %. One thread: VETTED_THREADS=1 is set."""

from __future__ import annotations

import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 25
CANDIDATES = 100


def main() -> None:
    os.environ["VETTED_THREADS"] = "1"
    wheel, rust = (sys.argv[1:] + ["", ""])[:2]
    if wheel:
        print(f"wheel: {Path(wheel).stat().st_size / 1e6:.1f} MB")
    imports()
    searching()
    if rust:
        overhead(rust)


def imports() -> None:
    """`import vetted` beside an interpreter that imports nothing, in turn."""
    took: dict[str, list[float]] = {"pass": [], "import vetted": []}
    clock: dict[str, list[float]] = {"pass": [], "import vetted": []}
    for _ in range(ROUNDS):
        for program, times in took.items():
            before, start = (
                resource.getrusage(resource.RUSAGE_CHILDREN),
                time.perf_counter(),
            )
            subprocess.run([sys.executable, "-c", program], check=True)
            clock[program].append(time.perf_counter() - start)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(
                after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            )
    for what, of in (("processor time", took), ("elapsed", clock)):
        differences = [
            1e3 * (with_it - without)
            for with_it, without in zip(of["import vetted"], of["pass"])
        ]
        print(
            f"import vetted, {what}: {interval(differences)} ms on top of an interpreter (n = {ROUNDS}), fastest {min(differences):.0f} ms"
        )


def overhead(rust: str) -> None:
    """100 candidates against one query, by Rust and by Python."""
    import vetted

    query = "The committee approved the new budget for the library in May."
    texts = [
        f"In May the committee of district {i} approved a new budget for the library and its {i % 7} branches."
        for i in range(CANDIDATES)
    ]
    verifier = vetted.Verifier(precision="f32")
    with subprocess.Popen(
        [rust], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin and other.stdout
        print(query, *texts, sep="\n", file=other.stdin, flush=True)
        other.stdout.readline()
        # The clock of another process's processor time, as clock_getcpuclockid makes it.
        clock_of_other = (~other.pid << 3) | 2
        ratios, elapsed, ours, theirs = [], [], [], []
        for round in range(ROUNDS + 2):
            start, clock = time.process_time(), time.perf_counter()
            verdicts = verifier.verify(query, texts)
            took, waited = time.process_time() - start, time.perf_counter() - clock
            assert len(verdicts) == CANDIDATES
            start = time.clock_gettime(clock_of_other)
            print("again", file=other.stdin, flush=True)
            it_waited = float(other.stdout.readline())
            its = time.clock_gettime(clock_of_other) - start
            if round >= 2:
                ours.append(took)
                theirs.append(its)
                ratios.append(100 * (took / its - 1))
                elapsed.append(100 * (waited / it_waited - 1))
        other.stdin.close()
    print(
        f"verify {CANDIDATES} candidates: Rust {1e3 * statistics.median(theirs):.1f} ms, Python {1e3 * statistics.median(ours):.1f} ms, "
        f"overhead {interval(ratios)} % of processor time, {interval(elapsed)} % of the time that passes (n = {ROUNDS})"
    )
    bare = made(verifier, query, texts)
    print(
        f"of that, making {CANDIDATES} verdicts of what the compiled part says: {1e3 * bare:.2f} ms"
    )


def searching() -> None:
    """A search that verifies 100 candidates from kept views: what passes outside the engine, by the engine's own clock."""
    import vetted

    query = "The committee approved the new budget for the library in May."
    with (
        tempfile.TemporaryDirectory() as folder,
        vetted.Index(Path(folder) / "index", precision="f32") as index,
    ):
        index.upsert(
            [
                {
                    "id": str(i),
                    "text": f"In May the committee of district {i} approved a new budget for the library and its {i % 7} branches.",
                    "year": i,
                }
                for i in range(300)
            ],
            progress=False,
        )
        index.search(query)
        times, shares = [], []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            found = index.search(query, k=CANDIDATES, depth=CANDIDATES, verify="flag")
            times.append(1e3 * (time.perf_counter() - start))
            assert len(found) == CANDIDATES
            shares.append(100 * (times[-1] / found.ms.total - 1))
    print(
        f"search, {CANDIDATES} candidates verified: {statistics.median(times):.1f} ms, overhead {interval(shares)} % (n = {ROUNDS})"
    )


def made(verifier: object, query: str, texts: list[str]) -> float:
    """What is done in Python after the compiled part has answered."""
    from vetted.verdicts import verdicts_of

    judged = verifier._here().verify(query, texts, "support", None, None, None)  # type: ignore[attr-defined]
    times = []
    for _ in range(50):
        start = time.perf_counter()
        verdicts_of([query] * len(texts), texts, "support", judged, None)
        times.append(time.perf_counter() - start)
    return min(times)


def interval(values: list[float]) -> str:
    """The median with a bootstrap interval."""
    draw = random.Random(0)
    medians = sorted(
        statistics.median(draw.choices(values, k=len(values))) for _ in range(2000)
    )
    return f"{statistics.median(values):.1f} ({medians[49]:.1f} to {medians[1949]:.1f})"


if __name__ == "__main__":
    main()
