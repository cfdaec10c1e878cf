"""The start of the processes of a MultiWorkerMirroredStrategy."""

import json
import os
import socket
import time
from contextlib import suppress
from typing import Any

from sk_yt8m._tensorflow import tf

_EXPECTED = (
    "expected the environment variable TF_CONFIG with the addresses of all processes and the "
    'number of this one, such as {"cluster": {"worker": ["host-a:2222", "host-b:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


def start_multi_worker(timeout: float) -> Any:
    """Return a MultiWorkerMirroredStrategy of the processes in TF_CONFIG, when all have started."""
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        own = cluster[task["type"]][int(task["index"])]
        addresses = {
            f"{job} {i} at {address}": _host_and_port(address)
            for job in ("chief", "worker")
            for i, address in enumerate(cluster.get(job, []))
        }
        own = _host_and_port(own)
    except (ValueError, TypeError, AttributeError, KeyError, IndexError):
        raise ValueError(f"{_EXPECTED}; got {text!r}") from None
    others = {name: address for name, address in addresses.items() if address != own}
    if others:
        _wait_for(others, own[1], timeout)
    return tf.distribute.MultiWorkerMirroredStrategy()


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _wait_for(others: dict[str, tuple[str, int]], port: int, timeout: float) -> None:
    """Wait until all other processes listen at their addresses; meanwhile listen at the own one.

    TensorFlow itself waits without end and without a word.
    """
    deadline = time.monotonic() + timeout
    with socket.create_server(("", port)):
        for name, address in others.items():
            while not _is_listening(address):
                if time.monotonic() > deadline:
                    raise TimeoutError(
                        f"expected all processes of TF_CONFIG to start within {timeout:g} seconds "
                        f"(timeout), but {name} did not"
                    )
                time.sleep(0.1)


def _is_listening(address: tuple[str, int]) -> bool:
    with suppress(OSError), socket.create_connection(address, timeout=1.0):
        return True
    return False
