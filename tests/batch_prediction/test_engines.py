"""`predict_to_parquet` on Dask and on Ray, with real worker processes, some of which are killed."""

import os
import signal
import threading
import time
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from small_problem import N_FEATURES, N_LABELS, small

from sk_yt8m import AveragingClassifier, predict_to_parquet
from sk_yt8m.datasets import StoreError, convert

pytestmark = pytest.mark.slow
N_ROWS, BLOCK = 4000, 20
REASON = "an optional engine"


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    """Return a store of many blocks, a classifier and its labels, predicted in this process."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, N_FEATURES)).astype(np.float32)
    Y = (X @ rng.normal(size=(N_FEATURES, N_LABELS)) > 1).astype(np.uint8)
    folder = tmp_path_factory.mktemp("problem")
    store = convert((X, Y, [f"v{row}" for row in range(N_ROWS)]), folder / "store")
    clf = small().fit(X, Y)
    predict_to_parquet(clf, store, folder / "here", 3, block_size=BLOCK)
    return store, clf, pd.read_parquet(folder / "here")


@pytest.fixture(scope="module")
def dask_client():
    distributed = pytest.importorskip("distributed", reason=REASON)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def ray_workers():
    ray = pytest.importorskip("ray", reason=REASON)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.fixture(params=["dask", "ray"])
def engine(request):
    """Return the options of an engine of two processes."""
    request.getfixturevalue("dask_client" if request.param == "dask" else "ray_workers")
    return {"engine": request.param} | ({"n_workers": 2} if request.param == "ray" else {})


def inodes(folder):
    return {part.name: part.stat().st_ino for part in folder.glob("part-*.parquet")}


def test_equals_this_process(problem, engine, tmp_path):
    store, clf, expected = problem
    clf.save(tmp_path / "m.safetensors")
    averaging = AveragingClassifier([("a", clf)]).fit(store.X[:], store.Y)
    for name, given in (("m", tmp_path / "m.safetensors"), ("c", clf), ("a", averaging)):
        folder = tmp_path / name
        predict_to_parquet(given, store.path, folder, 3, block_size=900, **engine)
        before = inodes(folder)
        assert len(before) == 5
        predict_to_parquet(given, store, folder, 3, block_size=900, **engine)
        assert inodes(folder) == before
        found = pd.read_parquet(folder)
        if name != "a":
            pd.testing.assert_frame_equal(found, expected, rtol=1e-6)
    here = predict_to_parquet(averaging, store, tmp_path / "here", 3, block_size=900)
    pd.testing.assert_frame_equal(found, pd.concat(map(pd.read_parquet, here), ignore_index=True))


def test_what_a_worker_does_not_find(problem, engine, tmp_path):
    store, clf, _ = problem
    clf.save(tmp_path / "m.safetensors")
    moved = convert((np.asarray(store.X)[:50], store.Y[:50]), tmp_path / "moved")
    moved.path.rename(tmp_path / "away")
    with pytest.raises(StoreError, match=r"moved: no store on \w+.*same path on all machines"):
        predict_to_parquet(clf, moved, tmp_path / "out", 3, block_size=BLOCK, **engine)


@contextmanager
def killed_when(folder, n_parts, pid_of):
    """Kill a process with SIGKILL as soon as a folder has some parts; yield what was there."""
    seen, ended = {}, threading.Event()

    def watch():
        while len(inodes(folder)) < n_parts and not ended.is_set():
            time.sleep(0.002)
        if not ended.is_set():
            os.kill(pid_of(), signal.SIGKILL)
            seen.update(inodes(folder))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join(60)


def _ray_actor():
    """Return the process of an actor; Ray names its processes after what they run."""
    psutil = pytest.importorskip("psutil")
    children = psutil.Process().children(recursive=True)
    actors = [one for one in children if "MapWorker" in " ".join(one.cmdline())]
    return max(actors, key=lambda one: sum(one.cpu_times()[:2])).pid


def test_a_killed_worker_loses_and_repeats_no_finished_block(problem, engine, tmp_path, request):
    store, clf, expected = problem
    folder = tmp_path / "out"
    folder.mkdir()

    def pid_of():
        if engine["engine"] == "ray":
            return _ray_actor()
        client = request.getfixturevalue("dask_client")
        return next(iter(client.run(os.getpid).values()))

    with killed_when(folder, 10, pid_of) as seen:
        parts = predict_to_parquet(clf, store, folder, 3, block_size=BLOCK, **engine)
    assert 10 <= len(seen) < len(parts) == N_ROWS // BLOCK
    after = inodes(folder)
    assert {name: after[name] for name in seen} == seen
    pd.testing.assert_frame_equal(pd.read_parquet(folder), expected)
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_dask_array(problem, dask_client):
    """`map_blocks` over the features of a store."""
    import dask.array as da

    store, clf, expected = problem
    X = da.from_array(store.X, chunks=(500, -1))

    def best(block):
        return np.hstack(clf.predict_top_k(block, k=3))

    found = X.map_blocks(best, chunks=(X.chunks[0], (6,)), meta=np.empty((0, 6), np.float64))
    table = np.asarray(found.compute())
    np.testing.assert_array_equal(table[:, :3].ravel(), expected["label"])
    np.testing.assert_allclose(table[:, 3:].ravel(), expected["score"], rtol=1e-6)
