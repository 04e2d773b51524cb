"""Executes the tutorials as they stand, with the models of this machine: an error in any cell is an error here.

python python/tutorials/run.py [--write]      # --write keeps what comes out, for people who read them on the web
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def main() -> None:
    # `vetted` in a cell is the one beside this Python.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for path in sorted(Path(__file__).parent.glob("*.ipynb")):
        notebook, start = nbformat.read(path, as_version=4), time.monotonic()
        NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
        print(f"{path.name}: {time.monotonic() - start:.1f} s")
        if "--write" in sys.argv[1:]:
            for cell in notebook.cells:
                cell.metadata.pop("execution", None)
            nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
