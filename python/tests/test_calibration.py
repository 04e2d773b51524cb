"""`vetted.calibrate`: thresholds out of arrays, pairs and files."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from conftest import QUERY, SAME, SWAPPED

import vetted


def _decisions(n: int = 4000) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """Above 0.5 one in 200 is wrong, below every second."""
    at = np.arange(n)
    scores = (at * 7919 % n) / n
    return scores, np.where(scores < 0.5, at % 2 == 0, at % 200 > 0)


def test_a_threshold_is_found_between_good_and_bad() -> None:
    scores, right = _decisions()
    calibration = vetted.calibrate(scores=scores, right=right, max_false_accept=0.02, relation="equivalence")
    assert calibration.accepts_anything and calibration.relation == "equivalence"
    threshold = calibration.threshold
    assert threshold.coverage and 0.3 < threshold.coverage < 0.55 and threshold.upper and threshold.upper <= 0.02
    assert calibration.verdict and "Accept from" in calibration.verdict and "2 %" in (calibration.markdown or "")
    assert "<html" in (calibration.html or "") and "<iframe" in (calibration._repr_html_() or "")


def test_what_cannot_be_promised_says_what_is_missing() -> None:
    scores, right = _decisions(400)
    calibration = vetted.calibrate(scores=scores, right=right, max_false_accept=0.001)
    assert not calibration.accepts_anything and calibration.threshold.probability is None
    assert "nothing" in repr(calibration).lower()


def test_it_is_written_read_and_pickled(tmp_path: Path) -> None:
    scores, right = _decisions()
    made = vetted.calibrate(scores=scores, right=right, max_false_accept=0.02)
    made.write(tmp_path / "c.json")
    for again in (vetted.Calibration.read(tmp_path / "c.json"), pickle.loads(pickle.dumps(made))):
        assert again == made and again.threshold == made.threshold and again.verdict is None
    content = json.loads((tmp_path / "c.json").read_text())
    assert content["calibration"] == made.to_dict()
    content["calibration"]["data"]["right"] += 1
    (tmp_path / "changed.json").write_text(json.dumps(content))
    with pytest.raises(vetted.DamagedError):
        vetted.Calibration.read(tmp_path / "changed.json")
    with pytest.raises(vetted.NotFoundError):
        vetted.Calibration.read(tmp_path / "nowhere.json")


def _pairs(n: int) -> list[tuple[str, str, bool]]:
    names = ["nurse", "farmer", "pilot", "judge", "baker", "teacher"]
    pairs = []
    for i in range(n):
        one, other = names[i % 6], names[(i // 6 + i % 6 + 1) % 6]
        query, right = f"The {one} visited the {other} on day {i}.", i % 2 == 0
        pairs.append((query, f"The {(one, other)[right]} was visited by the {(other, one)[right]} on day {i}.", right))
    return pairs


def test_pairs_are_read_by_the_verifier(tmp_path: Path, verifier: vetted.Verifier) -> None:
    told: list[tuple[str, int, int | None]] = []
    calibration = vetted.calibrate(_pairs(1200), max_false_accept=0.2, verifier=verifier, progress=lambda *one: told.append(one))
    assert told[-1] == ("reading pairs", 1200, 1200)
    calibrated = vetted.Verifier(calibration=calibration)
    verdict = calibrated.verify(QUERY, [SAME])[0]
    assert verdict.probability is not None and 0 <= verdict.probability <= 1 and verdict.score is not None
    again = pickle.loads(pickle.dumps(calibrated))
    assert again.verify(QUERY, [SAME, SWAPPED]) == calibrated.verify(QUERY, [SAME, SWAPPED])
    with pytest.raises(vetted.InvalidInputError, match="calibration is about support"):
        calibrated.verify(QUERY, [SAME], relation="equivalence")
    with pytest.raises(vetted.InvalidInputError, match='relation="equivalence"'):
        vetted.Cache(verifier=calibrated)
    table = "s1\ts2\tlabel\n" + "".join(f"{candidate}\t{query}\t{int(right)}\n" for query, candidate, right in _pairs(1200))
    (tmp_path / "pairs.tsv").write_text(table)
    of_file = vetted.calibrate(tmp_path / "pairs.tsv", max_false_accept=0.2, verifier=verifier)
    assert [one.score for one in of_file.thresholds] == [one.score for one in calibration.thresholds]


def test_a_file_of_decisions_needs_no_verifier(tmp_path: Path) -> None:
    scores, right = _decisions()
    lines = (
        json.dumps({"score": score, "right": bool(good), "tenant": "a" if i % 2 else "b"})
        for i, (score, good) in enumerate(zip(scores, right))
    )
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    calibration = vetted.calibrate(tmp_path / "log.jsonl", max_false_accept=0.02)
    assert calibration.accepts_anything
    by_tenant = vetted.calibrate(tmp_path / "log.jsonl", max_false_accept=0.1, by_segment="tenant")
    assert {one.segment for one in by_tenant.thresholds} == {"a", "b"}


def test_a_calibration_serves_a_cache(verifier: vetted.Verifier) -> None:
    pairs = [(f"The nurse visited the farmer {i}.", f"the nurse visited the farmer {i}", True) for i in range(300)]
    pairs += [(f"The nurse visited the farmer {i}.", f"The farmer visited the nurse {i}.", False) for i in range(300)]
    calibration = vetted.calibrate(pairs, max_false_accept=0.2, relation="equivalence", verifier=verifier)
    with vetted.Cache(verifier=vetted.Verifier(calibration=calibration)) as cache:
        cache.store(QUERY, "x")
        answer = cache.lookup("the nurse visited the farmer")
        assert bool(answer) == calibration.accepts_anything
        assert not cache.lookup(SWAPPED)


async def test_the_twin() -> None:
    scores, right = _decisions()
    calibration = await vetted.acalibrate(scores=scores, right=right, max_false_accept=0.02)
    assert calibration == vetted.calibrate(scores=scores, right=right, max_false_accept=0.02)


SCORES, RIGHT = _decisions(100)
WRONG = [
    ("nothing", {}, "give either"),
    ("both", {"data": [], "scores": SCORES, "right": RIGHT}, "give either"),
    ("half", {"scores": SCORES}, "give either"),
    ("lengths", {"scores": SCORES, "right": RIGHT[:-1]}, "rows of one length"),
    ("NaN", {"scores": [0.5, float("nan")], "right": [1, 0]}, "position 1"),
    ("no numbers", {"scores": ["a"], "right": [1]}, "row of numbers"),
    ("no truth", {"scores": [0.5, 0.6], "right": [1, 2]}, "True or False"),
    ("one class", {"scores": [0.5, 0.6], "right": [1, 1]}, "right"),
    ("a rate", {"scores": SCORES, "right": RIGHT, "max_false_accept": 2}, "2"),
    ("a promise", {"scores": SCORES, "right": RIGHT, "promise": "always"}, '"marginal"'),
    ("a pair", {"data": [("a", "b")]}, r"data\[0\]"),
    ("a label", {"data": [("a", "b", 3)]}, "True or False"),
]


@pytest.mark.parametrize(("options", "message"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_is_said(options: dict, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(vetted.InvalidInputError, match=message):
        vetted.calibrate(**{"max_false_accept": 0.02, **options})
