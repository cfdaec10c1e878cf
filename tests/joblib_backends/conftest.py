"""A store, what one process computes of it, and an environment that workers start in."""

import os
import sys

import pytest
from searches import SEARCHES, make_store


@pytest.fixture(scope="package")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("by path") / "store")


@pytest.fixture(scope="package")
def expected(store):
    """Return what a search gives in this process, which computes it once."""
    known = {}

    def of(name):
        if name not in known:
            known[name] = SEARCHES[name](store)
        return known[name]

    return of


@pytest.fixture(scope="module")
def worker_environment():
    """Let workers find the package and the modules of the tests, and start quietly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
            patch.delenv(name, raising=False)
        yield patch
