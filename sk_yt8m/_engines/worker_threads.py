"""A warning where a Dask or Ray worker leaves cores of its host without work."""

import os
import sys
import warnings
from pathlib import Path

from joblib import cpu_count

_RAY_WITHOUT_WORK = {b"ray::IDLE", b"ray::DashboardAgent", b"ray::RuntimeEnvAgent"}


def warn_of_idle_cores(n_threads: int) -> None:
    """Warn if the workers of an engine on this host use fewer threads than it has cores.

    Dask and Ray start workers with ``OMP_NUM_THREADS=1``. With one worker for each core this is
    right, with fewer workers it is not.

    Parameters
    ----------
    n_threads : int
        Threads that TensorFlow is given in this process.
    """
    for engine, n_tasks in (("Dask", _dask_tasks()), ("Ray", _ray_tasks())):
        share = cpu_count() // n_tasks if n_tasks else 0
        if share > n_threads:
            warnings.warn(
                f"TensorFlow has {n_threads} of the {cpu_count()} cores of this host, because "
                f"{engine} started the worker with OMP_NUM_THREADS={n_threads}; the workers here "
                f"run {n_tasks} tasks at a time. To use all cores, set the environment variable "
                f"OMP_NUM_THREADS={share} where the workers are started, before they are",
                RuntimeWarning,
                stacklevel=2,
            )


def _dask_tasks() -> int:
    """Return how many tasks Dask runs on this host at a time, 0 where it has set no threads."""
    if "distributed" not in sys.modules:
        return 0
    from distributed import get_client, get_worker

    try:
        worker = get_worker()
    except ValueError:
        return 0
    # A nanny sets the variable; a worker without one is part of a process of the user's.
    if worker.nanny is None:
        return 0
    n_threads = get_client().nthreads()
    return sum(n for address, n in n_threads.items() if _host(address) == _host(worker.address))


def _host(address: str) -> str:
    return address.rpartition(":")[0]


def _ray_tasks() -> int:
    """Return how many workers of Ray have work on this host, 0 outside of Ray and of Linux.

    A pool's workers reserve no cores, so that Ray's resources do not tell. All are started before
    the first task.
    """
    if not _is_ray_worker(os.getpid()):
        return 0
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return sum(_is_ray_worker(pid) and _parent(pid) == os.getppid() for pid in pids)


def _is_ray_worker(pid: int) -> bool:
    try:
        title = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    name = title.partition(b"\0")[0]
    return name.startswith(b"ray::") and name not in _RAY_WITHOUT_WORK


def _parent(pid: int) -> int:
    try:
        # The name of the program, which may hold anything, is in parentheses.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
