"""What can go wrong. Each class is a kind of the wire: the word that `vetted --json` and `vetted serve` give for the same."""

from __future__ import annotations

from typing import ClassVar, Literal

__all__ = [
    "CancelledError",
    "ConflictError",
    "DamagedError",
    "DeadlineError",
    "Error",
    "InternalError",
    "InvalidInputError",
    "NotFoundError",
    "UnavailableError",
]

Kind = Literal["invalid-input", "not-found", "conflict", "unavailable", "damaged", "internal"]


class Error(Exception):
    """All that vetted raises by itself. A thing of the wrong type is a TypeError, as everywhere in Python."""

    kind: ClassVar[Kind] = "internal"
    """For programs: what kind of thing went wrong. The message says what to do."""


class InvalidInputError(Error, ValueError):
    """What was asked for or handed in is wrong, and will be wrong again."""

    kind = "invalid-input"


class NotFoundError(Error, LookupError):
    """A thing that was named is not there."""

    kind = "not-found"


class ConflictError(Error):
    """It contradicts what is there: an index of another model, a cache that another process has open, a closed one."""

    kind = "conflict"


class UnavailableError(Error):
    """It cannot be done now; trying again may help."""

    kind = "unavailable"


class DeadlineError(UnavailableError, TimeoutError):
    """The time that was given was over before it was done."""


class CancelledError(UnavailableError):
    """Somebody cancelled it."""


class DamagedError(Error):
    """A file is not what was once written."""

    kind = "damaged"


class InternalError(Error):
    """A fault of vetted itself, a panic in its compiled part among them. The interpreter goes on."""

    kind = "internal"
