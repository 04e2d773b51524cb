"""Tests run over the tiny models in fixtures/: no test needs a download. The variables have to be set before vetted is asked."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[2] / "fixtures" / "tiny"


def _tiny(folder: Path) -> None:
    """A cache of models in which the default encoder's name means the tiny one, and the verifier over it."""
    models, verifier = folder / "models", folder / "tiny-verifier"
    models.mkdir()
    verifier.mkdir()
    for name in ("tiny-encoder", "all-MiniLM-L6-v2"):
        (models / f"{name}.json").write_text(json.dumps({"path": str(FIXTURES / "encoder")}))
    config = json.loads((FIXTURES / "verifier" / "config.json").read_text())
    config["base"]["name"] = str(FIXTURES / "encoder")
    (verifier / "config.json").write_text(json.dumps(config))
    shutil.copy(FIXTURES / "verifier" / "model.safetensors", verifier)
    os.environ |= {"VETTED_HOME": str(folder), "VETTED_VERIFIER": str(verifier), "VETTED_OFFLINE": "1"}


# Tests tell nobody about themselves.
os.environ |= {"DEEPEVAL_TELEMETRY_OPT_OUT": "YES", "HAYSTACK_TELEMETRY_ENABLED": "False", "ANONYMIZED_TELEMETRY": "False"}

_FOLDER = Path(tempfile.mkdtemp(prefix="vetted-tests-"))
_tiny(_FOLDER)


def pytest_sessionfinish() -> None:
    shutil.rmtree(_FOLDER, ignore_errors=True)


# What the tiny verifier has learnt: who did it to whom matters, and "not" does.
QUERY = "The nurse visited the farmer."
SAME = "The farmer was visited by the nurse."
SWAPPED = "The farmer visited the nurse."
NEGATED = "The nurse did not visit the farmer."


@pytest.fixture(scope="session")
def verifier() -> Iterator[object]:
    import vetted

    yield vetted.Verifier()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[object]:
    import vetted

    with vetted.Index(tmp_path / "notes.index") as opened:
        opened.upsert(
            [
                vetted.Document("same", SAME, title="Ward round", metadata={"year": 1999, "tags": ["ward", "farm"]}),
                vetted.Document("swapped", SWAPPED, metadata={"year": 2001}),
                vetted.Document("other", "The pilot painted a fence.", metadata={"year": 2005}),
            ]
        )
        yield opened
