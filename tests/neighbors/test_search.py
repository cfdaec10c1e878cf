"""The ways of finding the nearest rows, beside a slow twin."""

import pickle
import sys

import numpy as np
import pytest

from sk_yt8m._neighbors import cosines, inverted_lists, projection, search
from sk_yt8m._neighbors.search import NearestRows


def rows_like_activations(n_rows: int, width: int, seed: int) -> np.ndarray:
    """Return rows of length 1, which are near one another in few directions."""
    rng = np.random.default_rng(seed)
    mixed = rng.standard_normal((n_rows, 12)) @ np.random.default_rng(9).standard_normal(
        (12, width)
    )
    rows = np.maximum(mixed + rng.standard_normal((n_rows, width)), 0).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


REFERENCES = rows_like_activations(600, 700, 0)
UNITS = rows_like_activations(70, 700, 1)
EXACT_WAYS = ["brute", "projection", "bfloat16"]


def twin(references, units, k):
    exact = (units.astype(np.float64) @ references.T.astype(np.float64)).astype(np.float32)
    order = np.argsort(-exact, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(exact, order, axis=1)


def project(monkeypatch):
    """Let small problems be projected on 32 directions."""
    for name, value in (("_NARROWEST", 1), ("_FEWEST_ROWS", 1), ("_ROWS_PER_CANDIDATE", 0)):
        monkeypatch.setattr(search, name, value)
    monkeypatch.setattr(projection, "N_DIRECTIONS", 32)


@pytest.fixture(params=EXACT_WAYS)
def way(request, monkeypatch):
    """Let small problems take the way of large ones, and watch that they do."""
    if request.param == "projection":
        project(monkeypatch)
        # All rows are candidates, so that none is missed.
        monkeypatch.setattr(projection, "CANDIDATES_PER_K", 1000)
    if request.param == "bfloat16":
        monkeypatch.setattr(cosines, "_FEWEST_IN_BFLOAT16", 0)
        monkeypatch.setattr(cosines, "_bfloat16_is_native", lambda: True)
    return request.param


def find(references, units, k, algorithm="auto", n_probes=64):
    searched = NearestRows(references)
    return searched, *searched.find(units, k, algorithm, n_probes)


class TestExact:
    @pytest.mark.parametrize("k", [1, 9, 40])
    def test_the_nearest_are_those_of_the_twin(self, way, k):
        searched, neighbors, nearest = find(REFERENCES, UNITS, k)
        assert list(searched._prepared) == ([] if way == "brute" else [way])
        order, exact = twin(REFERENCES, UNITS, k)
        np.testing.assert_array_equal(neighbors, order)
        np.testing.assert_array_equal(nearest, exact)

    def test_equal_rows_stay_in_order(self, way):
        references = np.concatenate([REFERENCES[:200]] * 3)
        units = np.concatenate([REFERENCES[:50], np.zeros((2, 700), np.float32)])
        _, neighbors, _ = find(references, units, 5)
        np.testing.assert_array_equal(neighbors, twin(references, units, 5)[0])

    @pytest.mark.parametrize("scale", [0, 1e-20])
    def test_rows_without_a_direction(self, way, scale):
        references = REFERENCES.copy()
        references[::3] = scale
        _, neighbors, _ = find(references, UNITS, 5)
        np.testing.assert_array_equal(neighbors, twin(references, UNITS, 5)[0])

    def test_rows_in_no_common_directions(self, way):
        rng = np.random.default_rng(2)
        rows = rng.standard_normal((670, 700), dtype=np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        _, neighbors, _ = find(rows[:600], rows[600:], 20)
        np.testing.assert_array_equal(neighbors, twin(rows[:600], rows[600:], 20)[0])

    def test_more_neighbors_than_rows(self, way):
        _, neighbors, _ = find(REFERENCES[:7], UNITS, 50)
        np.testing.assert_array_equal(neighbors, twin(REFERENCES[:7], UNITS, 50)[0])

    def test_few_cosines_at_a_time(self, way, monkeypatch):
        monkeypatch.setattr(search, "_MOST_COSINES", 2000)
        _, neighbors, _ = find(REFERENCES, UNITS, 9)
        np.testing.assert_array_equal(neighbors, twin(REFERENCES, UNITS, 9)[0])


class TestProjection:
    def test_few_candidates_hold_most_of_the_nearest(self, monkeypatch):
        project(monkeypatch)
        monkeypatch.setattr(projection, "N_DIRECTIONS", 8)
        searched, neighbors, nearest = find(REFERENCES, UNITS, 9)
        assert list(searched._prepared) == ["projection"]
        candidates = searched._prepared["projection"].candidates(UNITS, 9)
        assert max(map(len, candidates)) <= 12
        order, exact = twin(REFERENCES, UNITS, 9)
        found = [len(np.intersect1d(*rows)) for rows in zip(neighbors, order, strict=True)]
        assert 0.7 * 9 < np.mean(found) < 9
        np.testing.assert_array_equal(nearest[neighbors == order], exact[neighbors == order])

    def test_calls_do_not_depend_on_earlier_ones(self, monkeypatch):
        project(monkeypatch)
        searched, neighbors, _ = find(REFERENCES, UNITS, 9)
        np.testing.assert_array_equal(searched.find(UNITS, 9, "auto", 64)[0], neighbors)
        parts = [searched.find(UNITS[i : i + 1], 9, "auto", 64)[0] for i in range(len(UNITS))]
        np.testing.assert_array_equal(np.concatenate(parts), neighbors)

    @pytest.mark.parametrize(
        ("n_rows", "width", "k", "is_projected"),
        [
            (9000, 1100, 50, True),
            (8000, 1100, 50, False),
            (9000, 1000, 50, False),
            (9000, 1100, 150, False),
        ],
    )
    def test_which_rows_are_projected(self, n_rows, width, k, is_projected):
        searched = NearestRows(np.broadcast_to(np.float32(0), (n_rows, width)))
        assert searched._projection_pays(k) == is_projected

    def test_brute_is_as_named(self, monkeypatch):
        project(monkeypatch)
        searched, neighbors, _ = find(REFERENCES, UNITS, 9, "brute")
        assert searched._prepared == {}
        np.testing.assert_array_equal(neighbors, twin(REFERENCES, UNITS, 9)[0])


class TestPickles:
    def test_only_the_references_are_in_one(self, way):
        searched, neighbors, _ = find(REFERENCES, UNITS, 9)
        data = pickle.dumps(searched)
        assert len(data) < REFERENCES.nbytes + 1000
        again = pickle.loads(data)
        np.testing.assert_array_equal(again.find(UNITS, 9, "auto", 64)[0], neighbors)


class TestInvertedLists:
    def test_faiss_is_named_where_it_is_missing(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "faiss", None)
        with pytest.raises(ImportError, match=r"needs faiss: pip install \"sk-yt8m\[ann\]\""):
            find(REFERENCES, UNITS, 5, "ivf")

    def test_all_lists_find_all(self):
        pytest.importorskip("faiss", reason="faiss is optional")
        for width in (700, 200):
            references, units = REFERENCES[:, :width].copy(), UNITS[:, :width].copy()
            _, neighbors, nearest = find(references, units, 9, "ivf", 1000)
            order, exact = twin(references, units, 9)
            assert np.mean(neighbors == order) > 0.95
            same = neighbors == order
            np.testing.assert_array_equal(nearest[same], exact[same])

    def test_one_list_finds_most_of_the_nearest(self):
        pytest.importorskip("faiss", reason="faiss is optional")
        _, neighbors, nearest = find(REFERENCES, REFERENCES[::7], 5, "ivf", 1)
        np.testing.assert_array_equal(neighbors[:, 0], np.arange(600)[::7])
        assert (np.diff(nearest, axis=1) <= 0).all()
        assert (neighbors != twin(REFERENCES, REFERENCES[::7], 5)[0]).any()

    def test_lists_of_fewer_rows_than_neighbors(self):
        pytest.importorskip("faiss", reason="faiss is optional")
        _, neighbors, _ = find(REFERENCES, UNITS, 550, "ivf", 1)
        np.testing.assert_array_equal(neighbors, twin(REFERENCES, UNITS, 550)[0])

    def test_it_is_a_function_of_the_references(self):
        pytest.importorskip("faiss", reason="faiss is optional")
        searched, neighbors, nearest = find(REFERENCES, UNITS, 9, "ivf", 2)
        again = pickle.loads(pickle.dumps(searched)).find(UNITS, 9, "ivf", 2)
        np.testing.assert_array_equal(again[0], neighbors)
        np.testing.assert_array_equal(again[1], nearest)
        parts = [searched.find(UNITS[i : i + 1], 9, "ivf", 2)[0] for i in range(len(UNITS))]
        np.testing.assert_array_equal(np.concatenate(parts), neighbors)

    def test_few_rows(self):
        pytest.importorskip("faiss", reason="faiss is optional")
        for n_rows in (1, 5):
            _, neighbors, _ = find(REFERENCES[:n_rows], UNITS, 9, "ivf", 64)
            np.testing.assert_array_equal(neighbors, twin(REFERENCES[:n_rows], UNITS, 9)[0])
        assert REFERENCES.shape[1] > inverted_lists._DIRECTIONS
