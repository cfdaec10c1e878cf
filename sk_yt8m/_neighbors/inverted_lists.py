"""An approximate index: faiss compares a row with the references of a few clusters."""

from typing import Any

import numpy as np

from sk_yt8m._neighbors.cosines import Candidates, candidates_by, reached_candidates
from sk_yt8m._neighbors.directions import leading_directions

_DIRECTIONS = 256
#: Rows that train each cluster, and candidates for each of the nearest rows.
_SAMPLES_PER_LIST, _CANDIDATES_PER_K = 64, 4


def import_faiss() -> Any:
    """Return the module faiss, or raise an ImportError that says how to install it."""
    try:
        import faiss
    except ImportError as error:
        raise ImportError(
            "algorithm='ivf' needs faiss: pip install \"sk-yt8m[ann]\" brings it; "
            "algorithm='auto' needs nothing"
        ) from error
    return faiss


class InvertedLists:
    """Clusters of the references in their 256 leading directions, each with its list of rows.

    It is a function of the references alone: the sample and the clusters' seed are fixed.

    Parameters
    ----------
    references : ndarray of shape (n_rows, width), float32
        Rows of length 1, or 0.
    """

    def __init__(self, references: np.ndarray) -> None:
        faiss = import_faiss()
        self._references, self._directions = references, None
        rows = references
        if references.shape[1] > _DIRECTIONS:
            rng = np.random.default_rng(0)
            self._directions = leading_directions(references, _DIRECTIONS, rng)
            rows = references @ self._directions
        n_rows, width = rows.shape
        n_lists = max(1, min(int(2 * np.sqrt(n_rows)), n_rows // _SAMPLES_PER_LIST))
        self._quantizer = faiss.IndexFlatIP(width)
        self._index = faiss.IndexIVFFlat(
            self._quantizer, width, n_lists, faiss.METRIC_INNER_PRODUCT
        )
        self._index.cp.min_points_per_centroid = 1
        self._index.cp.max_points_per_centroid = _SAMPLES_PER_LIST
        self._index.train(rows)
        self._index.add(rows)
        self._search_parameters = faiss.SearchParametersIVF

    def candidates(
        self, units: np.ndarray, k: int, n_probes: int, product: Any, error: float
    ) -> list[Candidates]:
        """Return rows that are probably among the `k` nearest, at least `k` of them.

        `product` is for rows that have fewer in the lists.
        """
        rows = units if self._directions is None else units @ self._directions
        wanted = min(len(self._references), _CANDIDATES_PER_K * k)
        _, found = self._index.search(rows, wanted, params=self._search_parameters(nprobe=n_probes))
        result = []
        for row, unit in enumerate(units):
            places = found[row][found[row] >= 0]
            if len(places) < k:
                result.append(candidates_by(product, error, units[row : row + 1], k)[0])
                continue
            result.append(reached_candidates(self._references, places, unit, k))
        return result
