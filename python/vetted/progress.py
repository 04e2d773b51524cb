"""How long work comes along: a function of your own is told, or a bar is shown where tqdm is installed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Progress", "Tell"]

Tell = Callable[[str, int, int | None], object]
"""A function that is called with what is done, how much of it, and how much there is (None: a message)."""

Progress = Tell | bool | None
"""None: a bar of tqdm, where that is installed and standard error is a terminal or a notebook. True: a bar of tqdm. False: nothing.
A function: it is told, and what it raises ends the work."""


@contextmanager
def telling(progress: Progress) -> Iterator[Tell | None]:
    """What the compiled part is to call, and an end to the bars that it makes."""
    if callable(progress):
        yield progress
    elif progress is False or (progress is None and not _is_watched()):
        yield None
    elif progress is None or progress is True:
        bars = _Bars(required=progress is True)
        try:
            yield bars
        finally:
            bars.close()
    else:
        raise TypeError(f"progress must be a function, True, False or None, and it is {type(progress).__name__}")


def _is_watched() -> bool:
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


class _Bars:
    """A bar for each thing that is done, made when it is first told of: most work has nothing to show."""

    def __init__(self, *, required: bool) -> None:
        self._required = required
        self._what = ""
        self._bar: Any = None

    def __call__(self, what: str, done: int, total: int | None) -> None:
        if total is None:
            return
        if what != self._what:
            self.close()
            self._what, self._bar = what, self._new(what, total)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def _new(self, what: str, total: int) -> Any:
        try:
            from tqdm.auto import tqdm  # type: ignore[import-untyped,unused-ignore]
        except ImportError:
            if self._required:
                raise ImportError("progress=True shows a bar of tqdm: pip install tqdm, or give a function") from None
            return None
        is_bytes = what.startswith(("fetching ", "unpacking "))
        return tqdm(total=total, desc=what, unit="B" if is_bytes else "", unit_scale=is_bytes, leave=False)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = None
