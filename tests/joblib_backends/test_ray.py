"""Searches on two worker processes of Ray: same scores, paths sent, kills, threads."""

import joblib
import numpy as np
import pytest
from searches import SEARCHES, KillsOnce, described, grid, imported_tensorflow, lists
from sklearn.model_selection import KFold

from sk_yt8m.datasets import StoreError, convert

ray = pytest.importorskip("ray", reason="Ray is optional")

pytestmark = pytest.mark.slow

#: A worker that dies is started again, and its task with it.
RESTARTS = {"max_restarts": 3, "max_task_retries": 3}


def initialized(**options):
    from ray.util.joblib import register_ray

    register_ray()
    return ray.init(
        num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR", **options
    )


@pytest.fixture(scope="module")
def engine(worker_environment):
    yield initialized()
    ray.shutdown()


@pytest.mark.usefixtures("engine")
class TestSearches:
    def test_paths_are_sent(self, store):
        with joblib.parallel_config(backend="ray", n_jobs=2):
            parts = joblib.Parallel()(joblib.delayed(described)(store.X) for _ in range(2))
        assert {kind for [(kind, *_)] in parts} == {"StoredArray"}
        assert parts[0][0][1] == pytest.approx(float(np.sum(store.X)))
        assert ray.get(ray.put(store.X)).filename == store.X.filename

    def test_the_error_names_the_worker(self, tmp_path):
        made = convert((np.ones((50, 3)), np.eye(50, 2)), tmp_path / "store")
        made.path.rename(tmp_path / "elsewhere")
        with (
            joblib.parallel_config(backend="ray", n_jobs=2),
            pytest.raises(StoreError, match=r"process \d+ on host .* expected a manifest"),
        ):
            joblib.Parallel()(joblib.delayed(described)(made.X) for _ in range(2))

    @pytest.mark.parametrize("name", SEARCHES)
    def test_same_scores_as_one_process(self, store, expected, name):
        if name == "optuna_search":
            pytest.importorskip("optuna_integration", reason="Optuna is optional")
        with joblib.parallel_config(backend="ray", n_jobs=2):
            np.testing.assert_allclose(SEARCHES[name](store), expected(name), rtol=1e-6)

    @pytest.mark.parametrize("call", [0, 3])
    def test_a_killed_worker_does_not_end_a_search(self, store, expected, tmp_path, call):
        folds = lists(KFold(2), store.X)
        with joblib.parallel_config(backend="ray", n_jobs=2, ray_remote_args=RESTARTS):
            scores = grid(store, KillsOnce(tmp_path, call), folds)
        np.testing.assert_allclose(scores, expected("grid"), rtol=1e-6)
        assert len(list(tmp_path.iterdir())) > len(scores) * len(folds)


class TestThreads:
    @pytest.fixture(autouse=True)
    def _new_workers(self, worker_environment):
        if joblib.cpu_count() < 2:
            pytest.skip("one core cannot be shared")
        ray.shutdown()
        yield
        ray.shutdown()

    def test_idle_cores_are_said(self):
        initialized()
        threads, [message] = ray.get(ray.remote(imported_tensorflow).remote(), timeout=120)
        n = joblib.cpu_count()
        assert threads == "1"
        assert f"1 of the {n} cores" in message
        assert f"OMP_NUM_THREADS={n} where the workers are started" in message

    def test_the_setting_is_obeyed(self, monkeypatch):
        n = str(joblib.cpu_count())
        monkeypatch.setenv("OMP_NUM_THREADS", n)
        initialized()
        assert ray.get(ray.remote(imported_tensorflow).remote(), timeout=120) == (n, [])

    def test_workers_that_share_the_cores_are_silent(self):
        share = str(joblib.cpu_count() // 2)
        initialized(runtime_env={"env_vars": {"OMP_NUM_THREADS": share}})
        with joblib.parallel_config(backend="ray", n_jobs=2):
            seen = joblib.Parallel()(joblib.delayed(imported_tensorflow)() for _ in range(2))
        assert seen == [(share, [])] * 2
