"""`vetted.Index` on a real Redis. Skipped without the program that VETTED_REDIS_SERVER names (`.ci/redis` fetches one)."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import QUERY, SAME, SWAPPED

import vetted

SERVER = os.environ.get("VETTED_REDIS_SERVER")
pytestmark = pytest.mark.skipif(not SERVER, reason="it needs a real Redis: VETTED_REDIS_SERVER=$(.ci/redis)")


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    settings = ["--port", str(port), "--save", "", "--dir", str(tmp_path), "--requirepass", "swordfish", "--logfile", "log"]
    with subprocess.Popen([str(SERVER), *settings]) as server:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        yield port
        server.kill()


def test_an_address_is_an_index_like_a_folder_and_its_password_is_not_shown(port: int) -> None:
    address = f"redis://:swordfish@127.0.0.1:{port}/notes?shards=2"
    with vetted.Index(address) as index:
        index.upsert([vetted.Document("same", SAME), vetted.Document("swapped", SWAPPED)])
        found = index.search(QUERY)
        assert [hit.id for hit in found] == ["same"] and [it.id for it in found.rejected] == ["swapped"]
        assert found.not_asked == []
        assert "swordfish" not in repr(index) + index.path and str(port) in repr(index)
        again = pickle.loads(pickle.dumps(index))
        assert [hit.id for hit in again.search(QUERY)] == ["same"]
    with pytest.raises(vetted.Error) as raised:
        vetted.Index(address.replace("swordfish", "herring"))
    assert "herring" not in str(raised.value)
