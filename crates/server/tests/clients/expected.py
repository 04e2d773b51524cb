"""What every client must get from the server, and how a client's check is run."""

import importlib.metadata
import sys
import traceback

QUERY = "The nurse visited the farmer."
DOCUMENTS = [
    "The farmer visited the nurse.",
    "The farmer was visited by the nurse.",
    "Green tea turns bitter in boiling water.",
]
RIGHT = 1  # the one that supports the query
URL = sys.argv[1].rstrip("/")


def check_ranking(pairs, count=len(DOCUMENTS)):
    """`pairs` are places and scores, best first: every document once, the right one first, scores from 0 to 1."""
    places, scores = [place for place, _ in pairs], [score for _, score in pairs]
    assert len(pairs) == count and len(set(places)) == count, pairs
    assert places[0] == RIGHT, pairs
    assert all(0 <= score <= 1 for score in scores) and scores == sorted(scores, reverse=True), pairs


def run(checks):
    """Runs each check, says how it went, and ends with status 1 if one failed."""
    failed = 0
    for package, check in checks:
        try:
            check()
            result = "ok"
        except Exception:
            failed += 1
            result = "FAILED\n" + traceback.format_exc()
        print(f"{check.__name__:36} {package} {importlib.metadata.version(package)}: {result}", flush=True)
    sys.exit(1 if failed else 0)
