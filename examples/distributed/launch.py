"""Run a command in several local processes that train together, each with its TF_CONFIG.

    python examples/distributed/launch.py -n 2 python examples/distributed/train.py

When one process fails, the others end by themselves, with an error that says why; after a while
they are killed. `--restarts` starts all of them again, which resumes from checkpoints.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time

#: Processes notice within seconds that another one is lost.
SECONDS_TO_END = 60


def free_ports(n):
    """Return ports on which nobody listens."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def run(command, n):
    """Run a command in n processes and return the first exit code that is not 0."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(n)]
    processes = []
    for rank in range(n):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}}
        processes.append(
            subprocess.Popen(command, env={**os.environ, "TF_CONFIG": json.dumps(task)})
        )
    try:
        while all(process.poll() in (None, 0) for process in processes):
            if all(process.poll() == 0 for process in processes):
                return 0
            time.sleep(0.1)
        failed = next(process.returncode for process in processes if process.poll())
        deadline = time.monotonic() + SECONDS_TO_END
        while any(process.poll() is None for process in processes):
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        return failed
    except KeyboardInterrupt:
        # A terminal sends Ctrl-C to all of them; others may not.
        for process in processes:
            process.send_signal(signal.SIGINT)
            process.wait(SECONDS_TO_END)
        return 130
    finally:
        for process in processes:
            process.kill()
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=2, help="number of processes")
    parser.add_argument("--restarts", type=int, default=0, help="how often to start all again")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    for restart in range(given.restarts + 1):
        code = run(given.command, given.n)
        if code in (0, 130):
            break
        print(f"a process ended with {code}, {given.restarts - restart} restarts left", flush=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
