"""Two processes train the network of one; whatever happens to one of them, both end."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from problem import differences

HERE = Path(__file__).parent
EVERYTHING = {"dropout": 0.2, "n_heads": 2, "alpha": 0.1, "early_stopping": True, "max_iter": 4}
#: A process that is lost is noticed by its connection, or by heartbeats that stop coming.
SECONDS_TO_END = 60

pytestmark = pytest.mark.slow


class Job:
    """The processes of one training, in a folder that holds what they print and fit."""

    def __init__(self, folder, parameters, options=None, n=2, missing=None):
        self.folder, self.n = folder, n
        folder.mkdir(exist_ok=True)
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
        ports = ",".join(str(one.getsockname()[1]) for one in sockets)
        for one in sockets:
            one.close()
        self.processes = {}
        for rank in range(n):
            if rank == missing:
                continue
            command = [sys.executable, HERE / "train_one.py", str(rank), ports]
            command += [json.dumps(parameters), self.fitted(rank), json.dumps(options or {})]
            with open(self.printed(rank), "w") as file:
                self.processes[rank] = subprocess.Popen(
                    command, stdout=file, stderr=subprocess.DEVNULL
                )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()

    def fitted(self, rank):
        return self.folder / f"{rank}.npz"

    def printed(self, rank):
        return self.folder / f"{rank}.txt"

    def said(self, rank):
        return self.printed(rank).read_text().splitlines()[-1]

    def wait(self, seconds=200, ranks=None):
        """Wait for processes and return their exit codes."""
        deadline = time.monotonic() + seconds
        return {
            rank: process.wait(max(0.1, deadline - time.monotonic()))
            for rank, process in self.processes.items()
            if ranks is None or rank in ranks
        }

    def wait_until(self, condition, seconds=120):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.printed(0).read_text()
            assert all(process.poll() is None for process in self.processes.values())
            time.sleep(0.02)

    def weights(self, rank=0):
        return dict(np.load(self.fitted(rank)))


def checkpoints(folder):
    return sorted(folder.glob("checkpoint-*")) if folder.exists() else []


@pytest.mark.parametrize("options", [{}, {"partial": True}])
def test_two_processes_train_the_network_of_one(tmp_path, options):
    parameters = EVERYTHING | {"early_stopping": not options}
    with Job(tmp_path / "two", parameters, options) as two:
        assert two.wait() == {0: 0, 1: 0}
    with Job(tmp_path / "one", parameters, options, n=1) as one:
        assert one.wait() == {0: 0}
    first, second = two.weights(0), two.weights(1)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    weights, largest = differences(first, one.weights())
    assert weights <= 1e-5
    assert largest <= 1e-4
    assert two.said(0) == two.said(1)


@pytest.mark.parametrize(
    ("option", "named"), [("other alpha", "alpha is 0.0 and 0.25"), ("other rows", "X holds other")]
)
def test_processes_that_differ_all_say_so(tmp_path, option, named):
    with Job(tmp_path, {}, {option: 1}) as job:
        assert job.wait() == {0: 3, 1: 3}
    for rank in range(2):
        assert job.said(rank).startswith("ValueError expected all processes to train with the same")
        assert named in job.said(rank)


def test_an_error_in_one_process_ends_the_other(tmp_path):
    with Job(tmp_path, {}, {"bad rows": 1}) as job:
        assert job.wait() == {0: 3, 1: 3}
    assert job.said(1).startswith("ValueError Found input variables with inconsistent numbers")
    assert job.said(0).startswith("WorkerError process 1 of 2 failed: ValueError: Found input")


def test_a_silent_process_ends_the_other_in_time(tmp_path):
    with Job(tmp_path, {}, {"silent": 1, "timeout": 5}) as job:
        assert job.wait(ranks=[0]) == {0: 3}
    assert "did not answer in 5 seconds (timeout)" in job.said(0)


def test_a_missing_process_is_an_error_in_time(tmp_path):
    with Job(tmp_path, {}, {"start": 5}, missing=1) as job:
        assert job.wait() == {0: 3}
    assert "start within 5 seconds (timeout), but worker 1 at 127.0.0.1:" in job.said(0)


needs_callbacks = pytest.mark.skipif(
    find_spec("sklearn.callback") is None, reason="scikit-learn has callbacks since 1.9"
)


@needs_callbacks
@pytest.mark.parametrize(("ranks", "n_epochs"), [([0, 1], 2), ([0], 2), ([1], 4)])
def test_callbacks_of_the_first_process_stop_all(tmp_path, ranks, n_epochs):
    with Job(tmp_path, {"dropout": 0.2}, {"callback": ranks}) as job:
        assert job.wait() == {0: 0, 1: 0}
    first, second = job.said(0), job.said(1)
    assert first.startswith(f"fitted {n_epochs} ")
    assert first.split()[:3] == second.split()[:3]
    assert first.endswith(f"and told of {2 if 0 in ranks else 0}")
    assert second.endswith("and told of 0")


@needs_callbacks
def test_a_callback_that_fails_ends_all(tmp_path):
    with Job(tmp_path, {}, {"callback": [0], "callback fails": True}) as job:
        assert job.wait() == {0: 3, 1: 3}
    assert job.said(0) == "OSError no room"
    assert job.said(1).startswith("WorkerError process 0 of 2 failed: OSError: no room")


@pytest.mark.parametrize(
    ("number", "rank"),
    [(signal.SIGKILL, 0), (signal.SIGKILL, 1), (signal.SIGSTOP, 1), (signal.SIGINT, 1)],
)
def test_a_lost_process_ends_the_other_and_the_same_command_resumes(tmp_path, number, rank):
    folder = tmp_path / "checkpoints"
    parameters = {"max_iter": 40, "checkpoint_dir": str(folder), "dropout": 0.2}
    parameters |= {"n_iter_no_change": 100}
    with Job(tmp_path / "whole", parameters) as whole:
        assert whole.wait() == {0: 0, 1: 0}
    assert not checkpoints(folder)
    with Job(tmp_path / "lost", parameters) as lost:
        lost.wait_until(lambda: len(checkpoints(folder)) == 2)
        lost.processes[rank].send_signal(number)
        other = 1 - rank
        assert lost.wait(SECONDS_TO_END, ranks=[other]) == {other: 3}
        failed = f"process {rank} of 2 failed: KeyboardInterrupt"
        if number != signal.SIGINT:
            failed = f"another process was lost or ended: process {rank} of 2 does not answer"
        assert lost.said(other).startswith(f"WorkerError {failed}")
        assert "with checkpoint_dir the same command resumes" in lost.said(other)
    shutil.rmtree(tmp_path / "lost")
    with Job(tmp_path / "resumed", parameters) as resumed:
        assert resumed.wait() == {0: 0, 1: 0}
    before = whole.weights()
    for number_of_process in range(2):
        after = resumed.weights(number_of_process)
        assert all(np.array_equal(before[name], after[name]) for name in before)
    assert not checkpoints(folder)
