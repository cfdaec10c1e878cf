"""Searches on two worker processes of Dask: same scores, paths sent, kills, threads."""

import logging
import os
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import joblib
import numpy as np
import pytest
from searches import SEARCHES, KillsOnce, described, grid, imported_tensorflow, lists
from sklearn.model_selection import KFold

from sk_yt8m.datasets import StoreError, convert

distributed = pytest.importorskip("distributed", reason="Dask is optional")


@pytest.fixture(scope="module")
def start(worker_environment):
    """Return what starts a cluster of worker processes of one thread each."""

    def start(n_workers, **options):
        return distributed.LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
            **options,
        )

    return start


@pytest.fixture(scope="module")
def client(start):
    with start(2) as cluster, distributed.Client(cluster) as client:
        yield client


class TestWhatIsSent:
    def test_arguments_of_tasks(self, client, store):
        [(kind, total, process)] = client.submit(described, store.X, pure=False).result(60)
        assert kind == "StoredArray"
        assert total == pytest.approx(float(np.sum(store.X)))
        assert process in client.run(os.getpid).values()

    def test_what_is_scattered(self, client, store):
        from distributed.protocol import deserialize, serialize

        for one in (store.X, store.X[7:, ::2], store.Y):
            header, frames = serialize(one)
            assert sum(memoryview(frame).nbytes for frame in frames) < 1000
            assert type(deserialize(header, frames)) is type(one)
        future = client.scatter(store.X, broadcast=True)
        assert client.submit(described, future, pure=False).result(60)[0][0] == "StoredArray"

    def test_joblib_scatters_nothing_of_a_store(self, store):
        from dask.sizeof import sizeof

        # joblib scatters what is larger than 1e3, and a killed worker can take that with it.
        assert max(map(sizeof, (store.X, store.X[5:], store.Y))) < 1e3
        assert sizeof(store.X.copy()) >= store.X.nbytes

    def test_the_error_names_the_worker(self, client, tmp_path):
        made = convert((np.ones((50, 3)), np.eye(50, 2)), tmp_path / "store")
        made.path.rename(tmp_path / "elsewhere")
        with joblib.parallel_config(backend="dask"), pytest.raises(StoreError) as caught:
            joblib.Parallel()(joblib.delayed(described)(made.X) for _ in range(2))
        pids = client.run(os.getpid).values()
        assert any(f"process {pid} on host" in str(caught.value) for pid in pids)


def test_types_are_registered_when_dask_comes_last(store, monkeypatch):
    """The entry point of the package in ``dask.sizeof``, as Dask uses it."""
    from dask.sizeof import sizeof
    from dask.utils import Dispatch

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    [reference] = project["project"]["entry-points"]["dask.sizeof"].values()
    add_to_sizes = EntryPoint("", reference, "dask.sizeof").load()
    fresh = Dispatch("sizeof")
    fresh.register(object, lambda one: 0)
    fresh.register(np.ndarray, lambda one: one.nbytes)
    add_to_sizes(fresh)
    monkeypatch.setattr("dask.sizeof.sizeof", fresh)
    assert fresh(np.ones(1000)) == 8000
    assert fresh(store.X) == sizeof(store.X) < 1000


@pytest.mark.slow
@pytest.mark.parametrize("name", SEARCHES)
def test_same_scores_as_one_process(client, store, expected, name):
    if name == "optuna_search":
        pytest.importorskip("optuna_integration", reason="Optuna is optional")
    with joblib.parallel_config(backend="dask"):
        np.testing.assert_allclose(SEARCHES[name](store), expected(name), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("call", [0, 1, 5])
def test_a_killed_worker_does_not_end_a_search(client, store, expected, tmp_path, call):
    client.wait_for_workers(2, timeout=60)
    folds = lists(KFold(2), store.X)
    with joblib.parallel_config(backend="dask"):
        scores = grid(store, KillsOnce(tmp_path, call), folds)
    np.testing.assert_allclose(scores, expected("grid"), rtol=1e-6)
    assert len(list(tmp_path.iterdir())) > len(scores) * len(folds)


@pytest.mark.slow
class TestThreads:
    @pytest.fixture(autouse=True)
    def _environment(self, monkeypatch):
        if joblib.cpu_count() < 2:
            pytest.skip("one core cannot be shared")
        # Dask and TensorFlow's import have set them in this process, from which workers inherit.
        for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
            monkeypatch.delenv(name, raising=False)

    def test_idle_cores_are_said(self, start):
        with start(1) as cluster, distributed.Client(cluster) as client:
            threads, [message] = client.submit(imported_tensorflow).result(60)
        n = joblib.cpu_count()
        assert threads == "1"
        assert f"1 of the {n} cores" in message
        assert f"OMP_NUM_THREADS={n} where the workers are started" in message

    def test_the_setting_is_obeyed(self, start, monkeypatch):
        n = str(joblib.cpu_count())
        monkeypatch.setenv("OMP_NUM_THREADS", n)
        with start(1) as cluster, distributed.Client(cluster) as client:
            assert client.submit(imported_tensorflow).result(60) == (n, [])

    def test_workers_that_share_the_cores_are_silent(self, start, monkeypatch):
        share = str(joblib.cpu_count() // 2)
        monkeypatch.setenv("OMP_NUM_THREADS", share)
        with start(2) as cluster, distributed.Client(cluster) as client:
            assert client.submit(imported_tensorflow).result(60) == (share, [])
