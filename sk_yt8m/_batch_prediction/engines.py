"""Blocks of a batch prediction in this process, on Dask or on Ray."""

import pickle
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from sk_yt8m._batch_prediction.job import Job, run_block

ENGINES = ("local", "dask", "ray")


def run_here(
    job: Job, numbers: list[int], classifier: Any, *, progress: bool
) -> Iterable[dict[str, Any]]:
    """Predict blocks one after the other."""
    from tqdm.auto import tqdm

    bar = tqdm(numbers, desc="predicting", unit="block", disable=not progress)
    return [run_block(job, number, classifier) for number in bar]


def run_on_dask(job: Job, numbers: list[int]) -> Iterable[dict[str, Any]]:
    """Predict blocks with the client that is active, or else with Dask's own scheduler.

    Dask repeats tasks of a worker that dies, finished ones too; these find their part.
    """
    _require("dask")
    import dask

    shared = dask.delayed(job, pure=False, traverse=False)
    block = dask.delayed(run_block, pure=False)
    return dask.compute(*(block(shared, number) for number in numbers))


def run_on_ray(
    job: Job, numbers: list[int], n_workers: int | None, options: dict[str, Any] | None
) -> Iterable[dict[str, Any]]:
    """Predict blocks with actors of Ray Data, each of which loads the model once.

    Parameters
    ----------
    job : Job
        The prediction.
    numbers : list of int
        The blocks.
    n_workers : int, optional
        Number of actors; by default one for each machine.
    options : dict, optional
        For `ray.data.Dataset.map_batches`; by default actors share the cores of a machine.
    """
    _require("ray")
    import ray
    import ray.data

    if not ray.is_initialized():
        ray.init()
    cores = [node["Resources"].get("CPU", 1) for node in ray.nodes() if node["Alive"]]
    n_workers = len(cores) if n_workers is None else n_workers
    on_each = -(-n_workers // len(cores))
    # Ray tells a worker its number of cores, and TensorFlow uses as many.
    defaults = {"num_cpus": max(1, int(min(cores)) // on_each)}
    blocks = ray.data.from_items(
        [{"number": number} for number in numbers], override_num_blocks=len(numbers)
    )
    results = blocks.map_batches(
        _RayWorker,
        fn_constructor_args=[job],
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=n_workers),
        **(defaults | (options or {})),
    ).take_all()
    for result in results:
        if result["error"]:
            raise pickle.loads(result["error"])
    return results


class _RayWorker:
    """An actor. Errors are values, which Ray would wrap in its own with a traceback as text."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        (number,) = batch["number"]
        try:
            done = run_block(self._job, int(number)) | {"error": b""}
        except (OSError, ValueError) as error:
            done = {"number": number, "host": "", "error": pickle.dumps(error)}
        return {name: [value] for name, value in done.items()}


def _require(package: str) -> None:
    try:
        import_module(package)
    except ImportError:
        raise ImportError(
            f'engine="{package}" needs {package}, which is not installed: pip install '
            f'"sk-yt8m[{package}]"'
        ) from None
