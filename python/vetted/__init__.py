"""Search that checks what it found: recall finds candidates, and a verifier reads each beside the query.

>>> import vetted
>>> verifier = vetted.Verifier()
>>> for verdict in verifier.verify("The dog bit the man.", ["The man was bitten by the dog.", "The man bit the dog."]):
...     print(verdict.verdict, verdict.candidate)
accept The man was bitten by the dog.
reject The man bit the dog.

`Index` keeps documents and searches them with both tiers, `Encoder` makes vectors of texts, `Verifier` reads what any retriever found, `CrossEncoder` stands where
sentence-transformers' does, `Cache` serves answers again to prompts that mean the same, and `calibrate` finds thresholds that keep
a bound on wrong accepts. Adapters to LangChain, LlamaIndex, Haystack, DSPy, RedisVL and GPTCache are in `vetted.integrations`.
Methods with an `a` before their names are their twins for asyncio.
"""

from vetted._vetted import __version__
from vetted.cache import Cache, CacheAnswer, CacheEntry, CacheHit, Miss
from vetted.calibration import Calibration, Threshold, acalibrate, calibrate
from vetted.cross_encoder import CrossEncoder
from vetted.encoder import Encoder
from vetted.errors import (
    CancelledError,
    ConflictError,
    DamagedError,
    DeadlineError,
    Error,
    InternalError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from vetted.index import Document, Found, Hit, Index, Indexed, LeftOut, NotAsked, Outcome, Snippet, Window
from vetted.verdicts import Explanation, TokenPair, Verdict, Verdicts
from vetted.verifier import Verifier

__all__ = [
    "Cache",
    "CacheAnswer",
    "CacheEntry",
    "CacheHit",
    "Calibration",
    "CancelledError",
    "ConflictError",
    "CrossEncoder",
    "DamagedError",
    "DeadlineError",
    "Document",
    "Encoder",
    "Error",
    "Explanation",
    "Found",
    "Hit",
    "Index",
    "Indexed",
    "InternalError",
    "InvalidInputError",
    "LeftOut",
    "Miss",
    "NotAsked",
    "NotFoundError",
    "Outcome",
    "Snippet",
    "Threshold",
    "TokenPair",
    "UnavailableError",
    "Verdict",
    "Verdicts",
    "Verifier",
    "Window",
    "__version__",
    "acalibrate",
    "calibrate",
]
