"""The command `vetted`, in this process: `python -m vetted demo`."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Does what the command line says; returns the exit status."""
    from vetted._vetted import main as run

    # As in any program: Python's own handlers would wait for the command to end.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return run(["vetted", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
