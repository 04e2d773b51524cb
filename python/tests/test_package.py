"""The package as a whole: the command, its types, what importing it costs."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import vetted

PROGRAM = [str(Path(sys.executable).with_name("vetted"))]


def _run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, timeout=120, **options)  # type: ignore[call-overload,no-any-return]


def test_the_command_is_the_program(tmp_path: Path) -> None:
    assert _run("--version").stdout.strip() == f"vetted {vetted.__version__}"
    assert "train" in _run("--help").stdout and "serve" in _run("--help").stdout and "audit" in _run("--help").stdout
    (tmp_path / "notes.txt").write_text("The farmer was visited by the nurse.")
    assert _run("index", str(tmp_path / "notes.txt"), "--into", str(tmp_path / "i")).returncode == 0
    assert "accept" in _run("search", "--index", str(tmp_path / "i"), "The nurse visited the farmer.").stdout
    wrong = _run("search", "--index", str(tmp_path / "nowhere"), "x", "--json")
    assert wrong.returncode == 1 and '"kind":"not-found"' in wrong.stderr
    assert _run("nonsense").returncode == 2
    assert _run("verify", "-q", "The nurse visited the farmer.", "-c", "Tea.", "--require-verified").returncode == 3


def test_ctrl_c_ends_the_command() -> None:
    serving = subprocess.Popen([*PROGRAM, "serve", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    assert serving.stdout and "listening on" in serving.stdout.readline()
    serving.send_signal(signal.SIGINT)
    assert serving.wait(timeout=30) in (0, 130, -signal.SIGINT)


def test_importing_loads_nothing_heavy() -> None:
    program = (
        "import sys, vetted; print([it for it in ('numpy', 'asyncio', 'torch', 'tqdm', 'langchain_core') if it in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"
    # Processor time: others use the machine, too. benchmarks/python measures how long it takes on an idle one.
    assert min(_processor_time("import vetted") - _processor_time("pass") for _ in range(5)) < 0.150


def _processor_time(program: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_all_that_is_public_is_documented() -> None:
    undocumented = []
    for name in vetted.__all__:
        thing = getattr(vetted, name)
        if not (thing.__doc__ or "").strip():
            undocumented.append(name)
        for member in (it for it in vars(thing) if not it.startswith("_")) if isinstance(thing, type) else ():
            value = getattr(thing, member)
            if callable(value) and not (value.__doc__ or "").strip():
                undocumented.append(f"{name}.{member}")
    assert undocumented == []


def test_every_twin_takes_what_its_method_takes() -> None:
    import inspect

    twins = [(vetted.calibrate, vetted.acalibrate)]
    for thing in (vetted.Encoder, vetted.Verifier, vetted.Index, vetted.Cache):
        twins += [
            (getattr(thing, name[1:]), method)
            for name, method in vars(thing).items()
            if re.match(r"a[a-z_]+$", name) and hasattr(thing, name[1:])
        ]
    assert len(twins) == 9 and all(inspect.iscoroutinefunction(twin) for _, twin in twins)
    for method, twin in twins:
        assert inspect.signature(method).parameters == inspect.signature(twin).parameters, method


@pytest.mark.skipif(shutil.which("mypy", path=str(Path(sys.executable).parent)) is None, reason="mypy is not installed")
def test_types_hold_and_stubs_say_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "used.py").write_text(
        "import vetted\n"
        "verdicts = vetted.Verifier().verify('a', ['b'])\n"
        "reveal_type(verdicts[0].p_match)\n"
        "reveal_type(vetted.Index('i').search('a')[0].outcome)\n"
        "vetted.Index('i').search('a', mode='sparse')\n"
    )
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache")]
    told = subprocess.run([*mypy, "used.py"], cwd=tmp_path, capture_output=True, text=True).stdout
    assert 'Revealed type is "float | None"' in told.replace("builtins.", "")
    assert "vetted.index.Outcome | None" in told and "has incompatible type \"Literal['sparse']\"" in told.replace(
        'Argument "mode" to "search" of "Index" ', ""
    )
    assert "Found 1 error" in told, told
    package = Path(vetted.__file__).parent
    # The adapters' types are those of their libraries: all of them are looked at where all of these are installed.
    all_there = all(find_spec(it) for it in ("langchain_core", "llama_index", "haystack", "dspy", "redisvl", "gptcache"))
    modules = ["-p", "vetted"] if all_there else [f"-mvetted.{it.stem}" for it in package.glob("[a-z]*.py")]
    strict = subprocess.run([*mypy, *modules], cwd=tmp_path, capture_output=True, text=True)
    assert strict.returncode == 0, strict.stdout
    assert (package / "py.typed").exists()
    stubtest = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "vetted._vetted"], cwd=tmp_path, capture_output=True, text=True,
        env=os.environ | {"MYPY_CACHE_DIR": str(tmp_path / "cache")},
    )  # fmt: skip
    assert stubtest.returncode == 0, stubtest.stdout
